//! `lapwing enroll`: from a voucher to an identity. The key is born here and never leaves.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use lapwing_sensor::settings::Settings;
use lapwing_uplink::{
    EnrolSettings, Invitation,
    courier::{StickEnrolment, enrol_on_stick},
};
use lapwing_wire::{KeyId, MachineFact, Voucher, words::secret_from_words};

use super::{link, stop_signal, uplink::stoppable};
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
    /// Where the centre is, for a voucher of eight words; may be given several times
    #[arg(long, value_name = "HOST:PORT")]
    centre: Vec<String>,
    /// Ask and be answered on a stick in this folder, where no link reaches the centre
    #[arg(long, value_name = "FOLDER")]
    stick: Option<PathBuf>,
    /// The voucher that the centre made: the long form, or its eight words
    #[arg(required = true, num_args = 1..)]
    voucher: Vec<String>,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (state, proxy) = match (arguments.state, arguments.config) {
        (Some(state), _) => (state, None),
        (None, Some(config)) => {
            let settings = Settings::read(&config)?;
            let proxy = link::proxy(&settings)?;
            (settings.state, proxy)
        }
        (None, None) => {
            bail!("name the settings with --config FILE or the folder with --state FOLDER")
        }
    };
    let invitation = invitation(&arguments.voucher.join(" "), arguments.centre)?;
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let sensor_name = arguments.name.unwrap_or_else(|| host.trim().to_owned());
    if sensor_name.is_empty() {
        bail!("this host has no name; name the sensor with --name");
    }
    let settings = EnrolSettings {
        invitation,
        proxy,
        sensor_name,
        machine_facts: machine_facts(),
        identity_folder: Settings::identity_folder_in(&state),
    };
    if let Some(stick) = &arguments.stick {
        return on_stick(&settings, stick);
    }
    if settings.invitation.addresses.is_empty() {
        bail!("eight words do not say where the centre is: add --centre HOST:PORT");
    }
    let stop = stop_signal::flag()?;
    let mut is_told = false;
    let pending = |key: KeyId, words: &str| {
        if !is_told {
            is_told = true;
            terminal::say(&format!(
                "waiting until a person at the centre approves this sensor; compare with them: {words} (its key's fingerprint is {})",
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

/// A voucher in either form.
fn invitation(text: &str, centres: Vec<String>) -> anyhow::Result<Invitation> {
    if text
        .trim_start()
        .to_ascii_uppercase()
        .starts_with("LAPWING1")
    {
        let voucher =
            Voucher::decode(text).context("the voucher cannot be read; type or paste it again")?;
        let mut invitation = Invitation::from(voucher);
        if !centres.is_empty() {
            invitation.addresses = centres;
        }
        return Ok(invitation);
    }
    let secret = secret_from_words(text)
        .context("the voucher cannot be read; it is LAPWING1… or eight words of five letters")?;
    Ok(Invitation {
        addresses: centres,
        ca_digest: None,
        secret,
    })
}

fn on_stick(settings: &EnrolSettings, stick: &std::path::Path) -> anyhow::Result<ExitCode> {
    match enrol_on_stick(settings, stick)? {
        StickEnrolment::Enrolled(identity) => {
            terminal::write(format_args!("enrolled as sensor {}\n", identity.sensor))?;
            Ok(ExitCode::SUCCESS)
        }
        StickEnrolment::Asked { words } => {
            if let Some(words) = words {
                terminal::write(format_args!("the centre will see: {words}\n"))?;
            }
            terminal::write(
                "the request is on the stick: bring it to the centre (lapwing-cirt courier), then run this again\n",
            )?;
            // Not enrolled yet: a script must not go on.
            Ok(ExitCode::from(3))
        }
    }
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
