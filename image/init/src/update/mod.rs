//! A new image, checked and written to the slot that does not run; then that slot is tried.
//!
//! | module | what it holds |
//! |---|---|
//! | [`update_file`], `source` | where it comes from: one file, or a folder that the uplink filled |
//! | [`offer`] | what a signed repository offers to a board |
//! | [`packed_part`] | a part packed, as a whole or as a difference |
//! | `trust_store` | whom the board trusts, and what it believed last |
//! | `slots`, `install` | from there into the slot |
//! | [`record`] | what became of it |
//!
//! An update runs in a process of its own, started by process 1 as `/sbin/init update FROM`: whatever is in it, process 1 has not
//! read it. Its metadata has the format and the semantics of The Update Framework, as that of rules has (`lapwing_trust::tuf`), with a
//! root of its own that the image brings.

mod install;
pub mod offer;
pub mod packed_part;
pub mod record;
mod slots;
mod source;
#[cfg(test)]
mod tests;
mod trust_store;
pub mod update_file;

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;

use crate::{
    clock,
    console::say,
    disk::Disk,
    layout::{self, Slot, word},
    mounts,
    release::Release,
};
pub(crate) use install::digest_of;
use install::{Facts, Outcome, check, write};
use record::Record;
use slots::BoardSlots;
use source::Source;

/// The word that starts an update.
pub const WORD: &str = "update";
/// Exit status: the other slot is to be tried.
pub(crate) const ARMED: u8 = 10;

/// Takes the update from a file or a folder, in a process of its own.
#[must_use]
pub fn run(from: &Path) -> ExitCode {
    let record = Path::new(layout::UPDATE_RECORD);
    let before = Record::read(record);
    let ended = take(from, record, before.as_ref());
    let kept = match &ended {
        Ok(Outcome::Armed(version)) => {
            say(&format!("update: {version} is written and tried next"));
            return ExitCode::from(ARMED);
        }
        Ok(Outcome::Current) => {
            say("update: nothing newer than what runs");
            Ok(())
        }
        Ok(Outcome::FailedBefore(version)) => {
            say(&format!(
                "update: {version} did not prove itself and is not tried again"
            ));
            Ok(())
        }
        Err(error) => {
            let text = format!("{error:#}");
            say(&format!("update: not taken: {text}"));
            Record::refused(&text).after(before.as_ref()).keep(record)
        }
    };
    if let Err(error) = kept {
        say(&format!("update: cannot be noted: {error}"));
    }
    ExitCode::SUCCESS
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
