//! `lapwing report`: for the ISP, which of its own addresses show which trouble. Works without the centre.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
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
    ];
    if outputs.iter().all(|output| output.is_none()) {
        bail!("say what to write: --html, --csv, --rpz or --nft FILE");
    }
    let text = whole_file::read(&arguments.key, MAX_KEY_BYTES)
        .with_context(|| format!("cannot read {}", arguments.key.display()))?;
    let key = LedgerKey::parse(&String::from_utf8_lossy(&text))
        .with_context(|| format!("{} is no private ledger key", arguments.key.display()))?;
    let now = wall_milliseconds();
    let span = u64::try_from(arguments.last.as_millis()).unwrap_or(u64::MAX);
    let since = now.saturating_sub(span);
    let sightings = give_back::read(&settings.give_back_folder(), key.private_key(), since)?;
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
    for (output, text) in [
        (
            &arguments.html,
            give_back::html(&sightings, &site, (since, now), message),
        ),
        (&arguments.csv, give_back::csv(&sightings, message)),
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

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    whole_file::replace(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
