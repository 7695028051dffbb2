//! `lapwing status`: how the sensor is, on one screen, also when it is down.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use lapwing_sensor::{
    clock::wall_milliseconds,
    settings::Settings,
    status::{Budget, Identity, Link, Outbox, Overview, SensorStatus, open_metrics, render},
};
use lapwing_uplink::{LinkStatus, UplinkError, budget::Spending, time_floor_seconds};

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
    /// Print OpenMetrics text, as `uplink.metrics` serves it on loopback
    #[arg(long, conflicts_with = "json")]
    metrics: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = arguments
        .config
        .as_deref()
        .map(Settings::read)
        .transpose()?;
    let state = match (arguments.state, &settings) {
        (Some(state), _) => state,
        (None, Some(settings)) => settings.state.clone(),
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
    let overview = overview(&state, settings.as_ref())?;
    if arguments.json {
        let mut json = serde_json::to_string_pretty(&overview)?;
        json.push('\n');
        terminal::write(json)?;
    } else if arguments.metrics {
        terminal::write(open_metrics(&overview))?;
    } else {
        terminal::write(render(&overview))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything known of a sensor. Without its settings its budget and the bound of its outbox are not.
pub(super) fn overview(state: &Path, settings: Option<&Settings>) -> anyhow::Result<Overview> {
    let sensor = SensorStatus::read(state).context("cannot read the sensor's status")?;
    let link = link(state, settings, sensor.as_ref())?;
    Ok(Overview {
        is_sensor_running: sensor.as_ref().is_some_and(SensorStatus::is_running),
        sensor,
        outbox: Outbox::read(&state.join("outbox"))?,
        identity: identity(state)?,
        link,
    })
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

fn link(
    state: &Path,
    settings: Option<&Settings>,
    sensor: Option<&SensorStatus>,
) -> anyhow::Result<Option<Link>> {
    let folder = Settings::identity_folder_in(state);
    if !folder.is_dir() {
        return Ok(None);
    }
    let link = LinkStatus::load(&folder);
    let spending = Spending::load(&folder)?;
    let uplink = settings.map(|settings| &settings.uplink);
    let pace = |process: i32, started_milliseconds: u64| {
        let passed = wall_milliseconds().checked_sub(started_milliseconds)?;
        let written = written_bytes(process)?;
        let a_day = u128::from(written) * 86_400_000 / u128::from(passed.max(1));
        u64::try_from(a_day).ok()
    };
    let of_sensor = sensor
        .filter(|sensor| sensor.is_running())
        .and_then(|sensor| pace(sensor.process, sensor.started_milliseconds));
    let of_uplink = pace(link.process, link.started_seconds.saturating_mul(1000));
    Ok(Some(Link {
        connected_milliseconds: link.connected_seconds.saturating_mul(1000),
        failed_milliseconds: link.failed_seconds.saturating_mul(1000),
        failure: link.failure,
        budget: Budget {
            day_bytes: spending.day_bytes,
            month_bytes: spending.month_bytes,
            day_budget_bytes: uplink.and_then(|uplink| uplink.day_budget_bytes),
            month_budget_bytes: uplink.and_then(|uplink| uplink.month_budget_bytes),
        },
        outbox_max_bytes: settings.map_or(0, |settings| settings.outbox_max_bytes),
        write_budget_bytes: settings.map_or(0, |settings| settings.write_budget_bytes),
        written_bytes_a_day: of_sensor
            .zip(of_uplink)
            .map(|(sensor, uplink)| sensor.saturating_add(uplink)),
        is_clock_behind: wall_milliseconds() / 1000 < time_floor_seconds(&folder)?,
    }))
}

/// What the kernel sent to disks for a process; none when there is no such process, or it is somebody else's.
fn written_bytes(process: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))?;
    line.trim().parse().ok()
}
