//! The hardware that starts the board again when nothing feeds it.

use std::{fs::File, io::Write};

use crate::{console::say, limits::WATCHDOG_SECONDS, system};

/// A watchdog that waits.
pub(crate) struct Watchdog(File);

impl Watchdog {
    /// Opens it, if the board has one: from now on it wants to be fed.
    pub(crate) fn open() -> Option<Self> {
        let file = File::options().write(true).open("/dev/watchdog").ok()?;
        let seconds = i32::try_from(WATCHDOG_SECONDS).unwrap_or(i32::MAX);
        if let Err(error) = system::set_watchdog_timeout(&file, seconds) {
            say(&format!("the watchdog keeps its own time: {error}"));
        }
        Some(Self(file))
    }

    /// A sign of life.
    pub(crate) fn feed(&mut self) {
        if let Err(error) = self.0.write_all(b".") {
            say(&format!("the watchdog cannot be fed: {error}"));
        }
    }
}
