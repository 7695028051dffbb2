//! `lapwing policy new-epoch` and `resolve`: the keys of pseudonyms, and what was turned back with them.

use std::{
    fs::OpenOptions,
    io::Write,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use lapwing_sensor::{
    policy::{
        PseudonymMode,
        pseudonym_keys::{PseudonymKeyError, PseudonymKeys},
        pseudonyms::{EpochKey, read_written},
    },
    whole_file,
};

use crate::terminal;

/// Where the keys are.
#[derive(clap::Args)]
pub(super) struct NewEpoch {
    /// File of the keys, kept by the ISP; made where it is not there
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Also write a file with the newest epoch only: what the sensor needs
    #[arg(long, value_name = "FILE")]
    sensor: Option<PathBuf>,
}

/// Which pseudonym, and why.
#[derive(clap::Args)]
pub(super) struct Resolve {
    /// File of the keys
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Key epoch of the pseudonym; may be left out where the pseudonym says it, or for the newest
    #[arg(long, value_name = "NUMBER")]
    epoch: Option<u32>,
    /// The policy made pseudonyms without prefixes
    #[arg(long)]
    without_prefixes: bool,
    /// Why: the ticket, the order; stands in the audit line
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Source port and time of the finding, for who looks behind a CGNAT; stand in the audit line
    #[arg(long, value_name = "TEXT")]
    seen: Option<String>,
    /// File of audit lines; without it the ending of the file of keys becomes .audit
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// The pseudonym, as 198.51.100.7 or p1~198.51.100.7~
    pseudonym: String,
}

pub(super) fn new_epoch(arguments: &NewEpoch) -> anyhow::Result<()> {
    let mut keys = match PseudonymKeys::read(&arguments.keys) {
        Ok(keys) => keys,
        Err(PseudonymKeyError::Read { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            PseudonymKeys::default()
        }
        Err(error) => return Err(error.into()),
    };
    let before = keys.newest().map_or(0, |key| key.epoch);
    let epoch = before.checked_add(1).context("there are no more epochs")?;
    let key = EpochKey::generate(epoch, getrandom::fill)
        .map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    keys.add(
        key,
        Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    );
    write_keys(&arguments.keys, &keys)?;
    if let Some(sensor) = &arguments.sensor {
        write_keys(sensor, &keys.newest_only())?;
    }
    terminal::write(format_args!(
        "epoch {epoch} in {}: keep this file, without it no pseudonym can be turned back\n",
        arguments.keys.display()
    ))
}

fn write_keys(path: &Path, keys: &PseudonymKeys) -> anyhow::Result<()> {
    whole_file::replace(path, keys.to_text().as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

pub(super) fn resolve(arguments: &Resolve) -> anyhow::Result<()> {
    let text = &arguments.pseudonym;
    let (pseudonym, written_epoch) = read_written(text).with_context(|| {
        format!("`{text}` is no pseudonym; write it as 198.51.100.7 or p1~198.51.100.7~")
    })?;
    if arguments.reason.trim().is_empty() {
        bail!("say why with --reason TEXT: it stands in the audit line");
    }
    let keys = PseudonymKeys::read(&arguments.keys)?;
    let key = match arguments.epoch.or(written_epoch) {
        Some(epoch) => keys
            .epoch(epoch)
            .with_context(|| format!("{} has no epoch {epoch}", arguments.keys.display()))?,
        None => keys.newest().context("there is no key")?,
    };
    let mode = if arguments.without_prefixes {
        PseudonymMode::WithoutPrefixes
    } else {
        PseudonymMode::KeepPrefixes
    };
    if arguments.without_prefixes && pseudonym.is_ipv4() {
        bail!("{pseudonym} was not made without prefixes: those are always written as IPv6");
    }
    // What cannot be written down is not told.
    write_audit_line(arguments, pseudonym, key.epoch)?;
    let address = key.resolve(pseudonym, mode);
    terminal::write(format_args!("{address}\n"))
}

fn write_audit_line(arguments: &Resolve, pseudonym: IpAddr, epoch: u32) -> anyhow::Result<()> {
    let path = arguments
        .audit
        .clone()
        .unwrap_or_else(|| arguments.keys.with_extension("audit"));
    let line = serde_json::json!({
        "time": Timestamp::now().to_string(),
        "user": rustix::process::getuid().as_raw(),
        "action": "resolve",
        "pseudonym": pseudonym.to_string(),
        "epoch": epoch,
        "seen": arguments.seen,
        "reason": arguments.reason,
    });
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot write the audit line into {}", path.display()))?;
    file.write_all(format!("{line}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write the audit line into {}", path.display()))
}
