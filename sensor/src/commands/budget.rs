//! `lapwing budget`: what a link would cost, and what the CIRT would see for it.

use std::{
    env,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, bail};
use clap::Subcommand;
use lapwing_sensor::{
    keyslot,
    settings::{Settings, quantity::parse_bytes},
};
use lapwing_uplink::budget::{
    BudgetSettings, CONNECT_BYTES, CRITICAL_RESERVE_PERCENT_DEFAULT,
    simulate::{Link, Report, simulate},
};
use lapwing_wire::{ClockQuality, CompressionLevel, Record, RecordBody};

use crate::terminal;

/// Records that a simulation takes in.
const RECORDS_MAX: usize = 2_000_000;
/// Hours between contacts of the metered profile.
const CONTACT_HOURS: u64 = 8;

/// What about budgets.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: BudgetCommand,
}

#[derive(Subcommand)]
enum BudgetCommand {
    /// Say what the CIRT would have seen of a capture or an outbox on a budget, and what not
    Simulate {
        /// What the link may cost, as "5 MB/month" or "100 KiB/day"
        budget: String,
        /// A capture file, or the state folder or outbox of a sensor
        source: PathBuf,
        /// Settings of the sensor whose rules and policy a capture is held against
        #[arg(long, value_name = "FILE", default_value = "/etc/lapwing/sensor.toml")]
        config: PathBuf,
        /// As if it went on like this for so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=366))]
        days: Option<u64>,
        /// Keep the link open in place of three contacts a day
        #[arg(long)]
        always_on: bool,
    },
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let BudgetCommand::Simulate {
        budget,
        source,
        config,
        days,
        always_on,
    } = arguments.command;
    let link = Link {
        budget: parse_budget(&budget)?,
        contact_interval_seconds: (!always_on).then_some(CONTACT_HOURS * 3600),
        compression: CompressionLevel::DEFAULT,
        connect_bytes: CONNECT_BYTES,
    };
    let mut records = if source.is_dir() {
        records_of(&source, &config)?
    } else {
        replayed(&source, &config)?
    };
    if let Some(days) = days {
        records = go_on(records, days);
    }
    if records.is_empty() {
        bail!("{} holds no records", source.display());
    }
    let report = simulate(records, &link)?;
    terminal::write(told(&report, &budget)?)?;
    Ok(ExitCode::SUCCESS)
}

/// `SIZE/day` or `SIZE/month`; decimal units are those of bills.
fn parse_budget(text: &str) -> anyhow::Result<BudgetSettings> {
    let wrong =
        || format!("`{text}` is no budget; write for example \"5 MB/month\" or \"100 KiB/day\"");
    let (size, period) = text.split_once('/').with_context(wrong)?;
    let size = size.trim();
    let decimal = [("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    let bytes = decimal
        .iter()
        .find_map(|(unit, factor)| {
            let number = size.strip_suffix(unit)?.trim().parse::<u64>().ok()?;
            number.checked_mul(*factor)
        })
        .map_or_else(|| parse_bytes(size), Ok)
        .map_err(|_| anyhow::anyhow!(wrong()))?;
    let mut budget = BudgetSettings {
        critical_reserve_percent: CRITICAL_RESERVE_PERCENT_DEFAULT,
        ..BudgetSettings::unlimited()
    };
    match period.trim() {
        "day" => budget.day_bytes = Some(bytes),
        "month" => budget.month_bytes = Some(bytes),
        _ => bail!(wrong()),
    }
    Ok(budget)
}

/// The records in an outbox, or in the one of a state folder. The settings say where its key is, where they are there.
fn records_of(folder: &Path, config: &Path) -> anyhow::Result<Vec<Record>> {
    let inside = folder.join("outbox");
    let (state, outbox) = if inside.is_dir() {
        (folder, inside.as_path())
    } else {
        (folder.parent().unwrap_or(folder), folder)
    };
    let keyslot = if lapwing_outbox::is_encrypted(outbox) {
        let key_file = Settings::read(config)
            .ok()
            .and_then(|settings| settings.outbox_key_file);
        Some(keyslot::open_in(state, outbox, key_file)?)
    } else {
        None
    };
    let mut records = lapwing_outbox::peek(outbox, RECORDS_MAX, keyslot.as_ref())?;
    // Of a replay, heartbeats have the time of the replay and not of the traffic.
    records.retain(|record| {
        record.header.time.quality != ClockQuality::Capture
            || !matches!(record.body, RecordBody::Heartbeat(_))
    });
    Ok(records)
}

/// The records that the sensor would make of a capture, by the sensor process itself in a state folder of its own.
fn replayed(capture: &Path, config: &Path) -> anyhow::Result<Vec<Record>> {
    Settings::read(config)?;
    let state = env::temp_dir().join(format!("lapwing-budget-{}", std::process::id()));
    std::fs::create_dir_all(&state).with_context(|| format!("cannot make {}", state.display()))?;
    let output = Command::new(env::current_exe().context("cannot find the program itself")?)
        .args(["sensor", "--config"])
        .arg(config)
        .arg("--state")
        .arg(&state)
        .arg("--replay")
        .arg(capture)
        .stdin(Stdio::null())
        .output();
    let records = output.map_err(anyhow::Error::from).and_then(|output| {
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!(
                "the sensor fails: {}",
                words.lines().last().unwrap_or_default()
            );
        }
        records_of(&state, config)
    });
    std::fs::remove_dir_all(&state)
        .with_context(|| format!("cannot remove {}", state.display()))?;
    records
}

/// The same records again and again, each time later, until so many days are full.
fn go_on(records: Vec<Record>, days: u64) -> Vec<Record> {
    const HOUR_MILLISECONDS: u64 = 3_600_000;
    let times = || {
        records
            .iter()
            .map(lapwing_uplink::budget::simulate::milliseconds_of)
    };
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return records;
    };
    // Whole hours, so that what came once an hour still does.
    let span = ((last - first) / HOUR_MILLISECONDS + 1) * HOUR_MILLISECONDS;
    let rounds = (days * 24 * HOUR_MILLISECONDS).div_ceil(span).max(1);
    let mut all = Vec::new();
    for round in 0..rounds {
        for record in &records {
            if all.len() >= RECORDS_MAX {
                return all;
            }
            all.push(lapwing_uplink::budget::simulate::later(
                record,
                round * span,
            ));
        }
    }
    all
}

fn told(report: &Report, budget: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let (first, last) = report.span.unwrap_or_default();
    writeln!(
        text,
        "{budget}, over {}.{} days: {} contacts, {} bytes; the dearest day {}, the dearest month {}",
        (last - first) / 86_400,
        (last - first) % 86_400 / 8_640,
        report.contacts,
        report.bytes,
        report.dearest_day_bytes,
        report.dearest_month_bytes
    )?;
    writeln!(
        text,
        "{:<10} {:>9} {:>9} {:>14} {:>9} {:>14}",
        "findings", "made", "seen", "without facts", "not seen", "longest wait"
    )?;
    for (name, seen) in ["high", "medium", "low", "info"]
        .iter()
        .zip(&report.findings)
    {
        writeln!(
            text,
            "{name:<10} {:>9} {:>9} {:>14} {:>9} {:>12} s",
            seen.made,
            seen.whole,
            seen.bare,
            seen.not_seen(),
            seen.longest_wait_seconds
        )?;
    }
    let [made, seen] = report.status;
    writeln!(
        text,
        "{seen} of {made} heartbeats and digests seen; {} facts stayed behind",
        report.facts_held_back
    )?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read_as_bills_write_them() {
        assert_eq!(
            parse_budget("5MB/month").unwrap().month_bytes,
            Some(5_000_000)
        );
        assert_eq!(
            parse_budget("100 KiB/day").unwrap().day_bytes,
            Some(102_400)
        );
        for wrong in ["5MB", "5/month", "MB/month", "5 MB/week"] {
            assert!(parse_budget(wrong).is_err(), "{wrong}");
        }
    }
}
