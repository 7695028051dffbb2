//! `lapwing report`: for the ISP, which of its own addresses show which trouble. Works without the centre.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use lapwing_rules::pack::Pack;
use lapwing_sensor::{
    clock::wall_milliseconds,
    give_back::{self, Sighting},
    policy,
    settings::{RuleSource, Settings, quantity::parse_duration},
    whole_file,
};
use lapwing_uplink::ledger::LedgerKey;

use crate::terminal;

/// Bytes of a key file.
const MAX_KEY_BYTES: usize = 1024;
/// What names of filed reports begin with.
const REPORT: &str = "report-";
/// Reports of each kind that stay in a folder.
const REPORTS_KEPT: usize = 53;

/// What to write.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings of the sensor
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The ISP's private ledger key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// How far back, as "168 h", which is a week
    #[arg(long, value_name = "TIME", default_value = "168 h", value_parser = parse_duration)]
    last: Duration,
    /// Read what the sensor kept in this folder, as a copy of its `give-back`, in place of its own
    #[arg(long, value_name = "FOLDER")]
    give_back: Option<PathBuf>,
    /// Write page and table into this folder, named by the day, and keep those of a year; what the timer `lapwing-report` does
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Write a page for people
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a response policy zone of the names in grave findings
    #[arg(long, value_name = "FILE")]
    rpz: Option<PathBuf>,
    /// Write sets for nftables of the other ends of grave findings
    #[arg(long, value_name = "FILE")]
    nft: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.config)?;
    let outputs = [
        &arguments.html,
        &arguments.csv,
        &arguments.rpz,
        &arguments.nft,
        &arguments.folder,
    ];
    if outputs.iter().all(|output| output.is_none()) {
        bail!("say what to write: --html, --csv, --rpz or --nft FILE, or --folder FOLDER");
    }
    let text = whole_file::read(&arguments.key, MAX_KEY_BYTES)
        .with_context(|| format!("cannot read {}", arguments.key.display()))?;
    let key = LedgerKey::parse(&String::from_utf8_lossy(&text))
        .with_context(|| format!("{} is no private ledger key", arguments.key.display()))?;
    let now = wall_milliseconds();
    let span = u64::try_from(arguments.last.as_millis()).unwrap_or(u64::MAX);
    let since = now.saturating_sub(span);
    let kept = arguments
        .give_back
        .unwrap_or_else(|| settings.give_back_folder());
    let sightings = give_back::read(&kept, key.private_key(), since)?;
    let messages = messages(&settings);
    let message = |rule: &str| messages.get(rule).cloned().unwrap_or_default();
    let policy = settings
        .policy
        .as_ref()
        .map(|source| policy::check(source, &settings.state));
    let site = match policy {
        Some(Ok(in_force)) => in_force.policy().site.clone(),
        _ => settings.state.display().to_string(),
    };
    let page = give_back::html(&sightings, &site, (since, now), message);
    let table = give_back::csv(&sightings, message);
    if let Some(folder) = &arguments.folder {
        file_away(folder, now, &[("html", &page), ("csv", &table)])?;
    }
    for (output, text) in [
        (&arguments.html, page),
        (&arguments.csv, table),
        (&arguments.rpz, give_back::rpz(&sightings, now / 1000)),
        (&arguments.nft, give_back::nft_set(&sightings)),
    ] {
        if let Some(path) = output {
            write(path, &text)?;
        }
    }
    terminal::write(said(&sightings))?;
    Ok(ExitCode::SUCCESS)
}

fn said(sightings: &[Sighting]) -> String {
    let mut subscribers: Vec<_> = sightings
        .iter()
        .map(|sighting| sighting.subscriber)
        .collect();
    subscribers.dedup();
    let grave = sightings
        .iter()
        .filter(|sighting| sighting.severity == 1)
        .count();
    format!(
        "{} addresses of yours, {} sightings, {grave} of them grave\n",
        subscribers.len(),
        sightings.len()
    )
}

/// What the rules that run say, by `gid:sid:rev`. Without them the numbers must do.
fn messages(settings: &Settings) -> BTreeMap<String, String> {
    let RuleSource::Pack(path) = &settings.rules.source else {
        return BTreeMap::new();
    };
    let Ok(pack) = Pack::open(path) else {
        return BTreeMap::new();
    };
    let rules = pack.rules().map(|rule| {
        let id = rule.id();
        (
            format!("{}:{}:{}", id.gid, id.sid, id.rev),
            rule.message().to_owned(),
        )
    });
    rules.collect()
}

/// Writes a report named by its day, and removes what is older than a year of weeks.
fn file_away(folder: &Path, now: u64, texts: &[(&str, &String)]) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let now = i64::try_from(now).ok();
    let now = now.and_then(|now| Timestamp::from_millisecond(now).ok());
    let day = now.context("the clock is out of its mind")?;
    let day = day.strftime("%Y-%m-%d");
    for (ending, text) in texts {
        write(&folder.join(format!("{REPORT}{day}.{ending}")), text)?;
        let mut known = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(REPORT) && name.ends_with(ending) {
                known.push(path);
            }
        }
        known.sort();
        let surplus = known.len().saturating_sub(REPORTS_KEPT);
        for path in known.iter().take(surplus) {
            fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    whole_file::replace(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
