//! `lapwing policy dry-run`: exactly the records that would leave, and nothing leaves.
//!
//! The sensor itself runs, with an outbox of its own in a folder that is emptied afterwards; no uplink knows of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use lapwing_sensor::{
    clock::wall_milliseconds,
    keyslot,
    output::{record_json, record_table},
    policy::{isp_key, signed},
    settings::{PolicySource, Settings, quantity::parse_duration},
    whole_file,
};

use super::{is_signed, read_text};
use crate::{
    commands::{sensor, stop_signal},
    terminal,
};

/// Between looks whether a live dry run is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What to hold against which policy.
#[derive(clap::Args)]
pub(super) struct DryRun {
    /// Settings of the sensor
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Another policy than the one in force; needs no signature
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print JSON, one record a line
    #[arg(long)]
    json: bool,
    /// Watch the interface of the settings for so long, as "24 h", in place of capture files
    #[arg(long, value_name = "TIME", value_parser = parse_duration, required_unless_present = "captures", conflicts_with = "captures")]
    live: Option<Duration>,
    /// Capture files
    captures: Vec<PathBuf>,
}

pub(super) fn run(arguments: &DryRun) -> anyhow::Result<()> {
    let settings = Settings::read(&arguments.config)?;
    let folder = Folder::make(&settings.state)?;
    let settings = Settings {
        policy: match &arguments.policy {
            Some(policy) => Some(try_out(policy, &folder.0, settings.policy.as_ref())?),
            None => settings.policy.clone(),
        },
        state: folder.0.clone(),
        ..settings
    };
    let stop = stop_signal::flag()?;
    if let Some(time) = arguments.live {
        stop_after(time, &stop)?;
    }
    let watched = sensor::Watched {
        name: arguments.config.clone(),
        captures: arguments.captures.clone(),
        pace: None,
        repeat: 1,
    };
    let keyslot = keyslot::open(&settings)?;
    sensor::watch(settings, &watched, &stop)?;
    let records = lapwing_outbox::peek(&folder.0.join("outbox"), usize::MAX, Some(&keyslot))?;
    let mut text = String::new();
    if arguments.json {
        for record in &records {
            text.push_str(&format!("{}\n", record_json(record)));
        }
    } else {
        text = record_table(&records);
    }
    drop(folder);
    terminal::write(text)
}

/// A policy that nobody has signed yet, signed with a key that lives as long as this run.
fn try_out(
    policy: &Path,
    folder: &Path,
    now: Option<&PolicySource>,
) -> anyhow::Result<PolicySource> {
    let text = read_text(policy)?;
    if is_signed(&text) {
        bail!(
            "{} is signed: put it in force, or give the policy that it was made from",
            policy.display()
        );
    }
    let source = PolicySource {
        file: folder.join("policy.signed"),
        isp_key: folder.join("isp.pub"),
        pseudonym_keys: now.and_then(|source| source.pseudonym_keys.clone()),
        ledger_key: None,
    };
    let key = folder.join("isp.key");
    isp_key::generate(&key, &source.isp_key)?;
    let signed = signed::sign(&text, &isp_key::read(&key)?, wall_milliseconds() / 1000)
        .with_context(|| policy.display().to_string())?;
    whole_file::replace(&source.file, &signed)
        .with_context(|| format!("cannot write {}", source.file.display()))?;
    Ok(source)
}

fn stop_after(time: Duration, stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let stop = Arc::clone(stop);
    let until = Instant::now() + time;
    thread::Builder::new()
        .name("dry-run".to_owned())
        .spawn(move || {
            while Instant::now() < until && !stop.load(Ordering::Relaxed) {
                thread::sleep(LOOK_INTERVAL);
            }
            stop.store(true, Ordering::Relaxed);
        })
        .map(drop)
        .context("cannot watch the time")
}

/// The folder `dry-run` beside the sensor's own state. What is in it is removed before and after; the folder itself stays, for the
/// process may not touch what is around it once it has given up its rights.
struct Folder(PathBuf);

impl Folder {
    fn make(state: &Path) -> anyhow::Result<Self> {
        let path = state.join("dry-run");
        fs::create_dir_all(&path)
            .and_then(|()| empty(&path))
            .with_context(|| format!("cannot use {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = empty(&self.0) {
            terminal::say(&format!("cannot empty {}: {error}", self.0.display()));
        }
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
