//! A clock of its own for programs under test, which jumps while they run.
//!
//! The kernel has no name space for the time of day, and this machine's clock is not ours to set. Debian's `faketime` (a program of
//! its own, under the GPL; nothing of it is linked or copied here) stands between a program and the C library: each question for the
//! time of day is answered with the machine's time and what a file says at that moment. Monotonic time, which never jumps, is left alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

/// A clock that can be set.
#[derive(Clone, Debug)]
pub struct SetClock {
    library: PathBuf,
    file: PathBuf,
}

impl SetClock {
    /// A clock that is right until it is set; none where `faketime` is not installed (`tools/setup` installs it). The programs
    /// that follow it must be allowed to read the folder.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn in_folder(folder: &Path) -> Result<Option<Self>> {
        let Some(library) = library() else {
            return Ok(None);
        };
        let clock = Self {
            library,
            file: folder.join("clock-offset"),
        };
        clock.set(0)?;
        Ok(Some(clock))
    }

    /// Lets a program that is started with this command follow the clock.
    pub fn govern(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            // The file is read each time: a jump is a jump.
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DISABLE_SHM", "1")
            // Times of files are the kernel's.
            .env("NO_FAKE_STAT", "1");
    }

    /// From now on it shows the machine's time and so many seconds more.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn set(&self, seconds_ahead: i64) -> Result<()> {
        // A new file over the old one: nobody reads half of it.
        let aside = self.file.with_extension("new");
        fs::write(&aside, format!("{seconds_ahead:+}\n"))?;
        Ok(fs::rename(aside, &self.file)?)
    }
}

/// The library that `faketime` preloads, the one for programs with threads.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?;
    folders
        .filter_map(Result::ok)
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
}
