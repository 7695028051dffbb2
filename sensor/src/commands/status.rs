//! `lapwing status`: how the sensor is, on one screen, also when it is down.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use lapwing_sensor::{
    settings::Settings,
    status::{Identity, Outbox, Overview, SensorStatus, render},
};
use lapwing_uplink::UplinkError;

use crate::terminal;

/// Whose status, and how to print it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings of this sensor
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "state",
        conflicts_with = "state"
    )]
    config: Option<PathBuf>,
    /// State folder of the sensor, where the settings are not at hand
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let state = match (arguments.state, arguments.config) {
        (Some(state), _) => state,
        (None, Some(config)) => Settings::read(&config)?.state,
        (None, None) => {
            anyhow::bail!("name the settings with --config FILE or the folder with --state FOLDER")
        }
    };
    if !state.is_dir() {
        anyhow::bail!(
            "there is no state folder {}: the sensor has never run",
            state.display()
        );
    }
    let sensor = SensorStatus::read(&state).context("cannot read the sensor's status")?;
    let overview = Overview {
        is_sensor_running: sensor.as_ref().is_some_and(SensorStatus::is_running),
        sensor,
        outbox: Outbox::read(&state.join("outbox"))?,
        identity: identity(&state)?,
    };
    if arguments.json {
        let mut json = serde_json::to_string_pretty(&overview)?;
        json.push('\n');
        terminal::write(json)?;
    } else {
        terminal::write(render(&overview))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Who this sensor is, once it is enrolled.
fn identity(state: &Path) -> anyhow::Result<Option<Identity>> {
    match lapwing_uplink::Identity::load(&Settings::identity_folder_in(state)) {
        Ok(identity) => Ok(Some(Identity {
            sensor: identity.sensor.to_string(),
            certificate_ends_milliseconds: identity.certificate_ends_seconds().saturating_mul(1000),
            centres: identity.addresses,
        })),
        Err(UplinkError::NotEnrolled { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
