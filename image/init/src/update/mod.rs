//! A new image, checked and written to the slot that does not run; then that slot is tried.
//!
//! | module | what it holds |
//! |---|---|
//! | [`update_file`], `source` | where it comes from: one file, or a folder that the uplink filled |
//! | [`offer`] | what a signed repository offers to a board |
//! | [`packed_part`] | a part packed as a whole |
//! | [`difference`] | a part as the difference from the one that a board has |
//! | `reading` | what both of these read by |
//! | `trust_store` | whom the board trusts, and what it believed last |
//! | `slots`, `install` | from there into the slot |
//! | [`record`] | what became of it |
//!
//! An update runs in a process of its own, started by process 1 as `/sbin/init update FROM`: whatever is in it, process 1 has not
//! read it. Its metadata has the format and the semantics of The Update Framework, as that of rules has (`lapwing_trust::tuf`), with a
//! root of its own that the image brings.

pub mod difference;
mod install;
pub mod offer;
pub mod packed_part;
mod reading;
pub mod record;
mod slots;
mod source;
#[cfg(test)]
mod tests;
mod trust_store;
pub mod update_file;

use std::{
    fs::{self, File},
    path::Path,
    process::ExitCode,
};

use anyhow::Context;

use crate::{
    clock,
    console::say,
    disk::Disk,
    layout::{self, Slot, word},
    mounts,
    release::Release,
    whole_file,
};
pub(crate) use install::digest_of;
use install::{Facts, Outcome, check, write};
use record::Record;
use slots::BoardSlots;
use source::Source;

/// Bytes of a digest as text.
const SEEN_MAX_BYTES: usize = 64;
/// The word that starts an update.
pub const WORD: &str = "update";
/// Exit status: the other slot is to be tried.
pub(crate) const ARMED: u8 = 10;

/// Takes the update from a file or a folder, in a process of its own.
#[must_use]
pub fn run(from: &Path) -> ExitCode {
    // The file on the card stays there, and is looked at once.
    let seen = from
        .starts_with(layout::BOOT)
        .then(|| {
            File::open(from)
                .and_then(|mut file| digest_of(&mut file))
                .ok()
        })
        .flatten();
    let seen_path = Path::new(layout::UPDATE_SEEN);
    let known = whole_file::read(seen_path, SEEN_MAX_BYTES).unwrap_or_default();
    if seen.as_ref().is_some_and(|seen| known == seen.as_bytes()) {
        say("update: the one on the card was looked at before");
        return ExitCode::SUCCESS;
    }
    let record = Path::new(layout::UPDATE_RECORD);
    let before = Record::read(record);
    let ended = take(from, record, before.as_ref());
    if let Some(seen) = seen
        && let Err(error) = whole_file::replace(seen_path, seen.as_bytes())
    {
        say(&format!("update: cannot be noted: {error}"));
    }
    let refuse = |reason: &str| {
        say(&format!("update: not taken: {reason}"));
        Record::refused(reason).after(before.as_ref()).keep(record)
    };
    let kept = match &ended {
        Ok(Outcome::Armed(version)) => {
            say(&format!(
                "update: {version} is written and tried next; it took {} of memory",
                memory_peak()
            ));
            return ExitCode::from(ARMED);
        }
        Ok(Outcome::Current) => {
            say("update: nothing newer than what runs");
            Ok(())
        }
        Ok(Outcome::Older(version)) => {
            let reason = format!("{version} is older than what runs, and nothing older is taken");
            // What the centre has is no news; who brought a file wants to know.
            if from == Path::new(layout::IMAGE_MIRROR) {
                say(&format!("update: {reason}"));
                Ok(())
            } else {
                refuse(&reason)
            }
        }
        Ok(Outcome::FailedBefore(version)) => {
            say(&format!(
                "update: {version} did not prove itself and is not tried again"
            ));
            Ok(())
        }
        Err(error) => refuse(&format!("{error:#}")),
    };
    if let Err(error) = kept {
        say(&format!("update: cannot be noted: {error}"));
    }
    ExitCode::SUCCESS
}

/// The most memory that this process had, as the kernel tells it.
fn memory_peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap_or("unknown").trim().to_owned()
}

fn take(from: &Path, record: &Path, before: Option<&Record>) -> anyhow::Result<Outcome> {
    let release = Release::read();
    let command_line = fs::read_to_string("/proc/cmdline")?;
    let running = word(&command_line, layout::WORD_SLOT)
        .and_then(Slot::of_letter)
        .context("the kernel's command line names no slot")?;
    let root_bytes = word(&command_line, layout::WORD_ROOT_BYTES)
        .and_then(|text| text.parse().ok())
        .context("the kernel's command line names no root")?;
    let disk = Disk::with_partition(layout::BOOT_PARTITION, || {})?;
    let running_root = disk.partition(running.root_partition())?;
    let other_root = disk.partition(running.other().root_partition())?;
    let mut source =
        Source::open(from).with_context(|| format!("{} cannot be used", from.display()))?;
    let facts = Facts {
        board: &release.board,
        running_version: release.built_seconds,
        failed_version: before.and_then(|record| record.failed_version),
        now_seconds: clock::now_seconds().max(release.built_seconds),
        anchor: Path::new(layout::UPDATE_ROOT),
        trust: Path::new(layout::UPDATE_TRUST),
    };
    let checked = match check(&mut source, &facts)? {
        Ok(checked) => checked,
        Err(outcome) => return Ok(outcome),
    };
    mounts::while_writable(layout::BOOT, || {
        let mut slots = BoardSlots::new(
            Path::new(layout::BOOT),
            running,
            (Path::new(&running_root), root_bytes),
            Path::new(&other_root),
        );
        let mut note = |version| {
            let armed = Record::armed(version, running.other()).after(before);
            Ok(armed.keep(record)?)
        };
        let mut tell = |text: &str| say(&format!("update: {text}"));
        let letter = running.other().letter();
        write(
            &mut source,
            &checked,
            letter,
            &mut slots,
            &mut note,
            &mut tell,
        )
    })
}
