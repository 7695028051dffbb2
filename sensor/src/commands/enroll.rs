//! `lapwing enroll`: from a voucher to an identity. The key is born here and never leaves.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use lapwing_sensor::settings::Settings;
use lapwing_uplink::EnrolSettings;
use lapwing_wire::{KeyId, MachineFact, Voucher};

use super::{stop_signal, uplink::stoppable};
use crate::terminal;

/// Which voucher, and where the identity will be kept.
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
    /// State folder of the sensor, where there are no settings yet
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// What the technician calls this sensor; the host's name without it
    #[arg(long)]
    name: Option<String>,
    /// The voucher that the centre made
    voucher: String,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let state = match (arguments.state, arguments.config) {
        (Some(state), _) => state,
        (None, Some(config)) => Settings::read(&config)?.state,
        (None, None) => {
            bail!("name the settings with --config FILE or the folder with --state FOLDER")
        }
    };
    let voucher = Voucher::decode(&arguments.voucher)
        .context("the voucher cannot be read; type or paste it again")?;
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let sensor_name = arguments.name.unwrap_or_else(|| host.trim().to_owned());
    if sensor_name.is_empty() {
        bail!("this host has no name; name the sensor with --name");
    }
    let settings = EnrolSettings {
        voucher,
        sensor_name,
        machine_facts: machine_facts(),
        identity_folder: Settings::identity_folder_in(&state),
    };
    let stop = stop_signal::flag()?;
    let mut is_told = false;
    let pending = |key: KeyId| {
        if !is_told {
            is_told = true;
            terminal::say(&format!(
                "waiting until a person at the centre approves this sensor; its key's fingerprint is {}",
                key.fingerprint()
            ));
        }
    };
    let identity = stoppable(&stop, |shutdown| {
        lapwing_uplink::enrol(&settings, shutdown, pending)
    })?;
    terminal::write(format_args!("enrolled as sensor {}\n", identity.sensor))?;
    Ok(ExitCode::SUCCESS)
}

/// What helps a person at the centre to recognize this machine.
fn machine_facts() -> Vec<MachineFact> {
    let sources = [
        ("board", "/sys/firmware/devicetree/base/model"),
        ("board", "/sys/class/dmi/id/product_name"),
        ("kernel", "/proc/sys/kernel/osrelease"),
    ];
    let read = |(name, path): (&str, &str)| {
        let text = fs::read_to_string(path).ok()?;
        let value =
            text.trim_matches(|character: char| character.is_whitespace() || character == '\0');
        (!value.is_empty()).then(|| MachineFact {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    };
    let mut facts = sources.into_iter().filter_map(read).collect::<Vec<_>>();
    facts.dedup_by(|later, earlier| later.name == earlier.name);
    facts.push(MachineFact {
        name: "software".to_owned(),
        value: format!("lapwing {}", env!("CARGO_PKG_VERSION")),
    });
    facts.push(MachineFact {
        name: "architecture".to_owned(),
        value: std::env::consts::ARCH.to_owned(),
    });
    facts
}
