//! `lapwing courier`: a stick in the place of a link.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use lapwing_sensor::settings::Settings;
use lapwing_uplink::courier;

use super::link;
use crate::terminal;

/// Which way.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings of this sensor
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/lapwing/sensor.toml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand)]
enum Direction {
    /// Put what waits onto a stick, sealed to the centre
    Export {
        /// Folder of the stick
        stick: PathBuf,
    },
    /// Take acknowledgements, certificates and orders of the centre off a stick
    Import {
        /// Folder of the stick
        stick: PathBuf,
    },
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.config)?;
    let link = link::of(&settings)?;
    match &arguments.direction {
        Direction::Export { stick } => export(&link, stick),
        Direction::Import { stick } => import(&link, stick, &arguments.config),
    }
}

fn export(link: &lapwing_uplink::Settings, stick: &Path) -> anyhow::Result<ExitCode> {
    let exported = courier::export(link, stick)?;
    let mut text = format!(
        "{} records in {} batches are on the stick, {} bytes\n",
        exported.records, exported.batches, exported.bytes
    );
    if exported.asks_for_certificate {
        text.push_str("a request for the next certificate goes along\n");
    }
    text.push_str(
        "they stay here too until an acknowledgement comes back: lapwing courier import\n",
    );
    terminal::write(text)?;
    Ok(ExitCode::SUCCESS)
}

fn import(
    link: &lapwing_uplink::Settings,
    stick: &Path,
    config: &Path,
) -> anyhow::Result<ExitCode> {
    let imported = courier::import(link, stick)?;
    let mut text = String::new();
    writeln!(
        text,
        "{} batches have arrived at the centre and were let go here, {} were known to have",
        imported.acknowledged, imported.known
    )?;
    if imported.is_renewed {
        writeln!(text, "a new certificate came")?;
    }
    if imported.has_orders {
        writeln!(
            text,
            "new orders came; the uplink takes them with its next contact"
        )?;
    }
    if let Some(reason) = &imported.refused {
        writeln!(text, "REFUSED a new certificate: {reason}")?;
    }
    if let Some(reason) = &imported.revoked {
        writeln!(text, "REVOKED: {reason}")?;
    }
    if let Some(rules) = &imported.rules {
        writeln!(
            text,
            "rules are on the stick: lapwing rules update --from {} --config {}",
            rules.display(),
            config.display()
        )?;
    }
    for (file, reason) in &imported.unused {
        writeln!(text, "not used: {file}: {reason}")?;
    }
    terminal::write(text)?;
    let is_well = imported.revoked.is_none() && imported.refused.is_none();
    Ok(if is_well && imported.unused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
