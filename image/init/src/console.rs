//! What people see: lines on the console that the kernel speaks on, and one page on the screen.

use std::{
    fs::File,
    io::{self, Write},
};

/// The first virtual screen, where there is one.
const SCREEN: &str = "/dev/tty1";
/// To the upper left, everything after it away.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Says a line on the console, with the time since the start of the kernel.
pub(crate) fn say(text: &str) {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let line = format!(
        "[{:>6}.{:03}] lapwing: {text}\r\n",
        now.tv_sec,
        now.tv_nsec / 1_000_000
    );
    // A console that cannot be written to is no reason to stop.
    let _written = io::stdout().lock().write_all(line.as_bytes());
}

/// Shows a page on the screen, in place of the one before.
pub(crate) fn show(page: &str) {
    if let Ok(mut screen) = File::options().write(true).open(SCREEN) {
        let _written = write!(screen, "{CLEAR}{}", page.replace('\n', "\r\n"));
    }
}
