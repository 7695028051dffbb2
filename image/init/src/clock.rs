//! The clock of a board that may have none: never earlier than the build of the image, nor than the time noted last.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use rustix::time::{ClockId, Timespec, clock_settime};

/// On the data partition: seconds since 1970.
const NOTE: &str = "/data/clock";

/// Seconds since 1970, as the clock shows.
pub(crate) fn now_seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.as_ref().map_or(0, Duration::as_secs)
}

/// A clock that shows more than this after the build of the image was never set: some show 2070 for 1970. 20 years, in seconds.
const CEILING_SECONDS: u64 = 20 * 365 * 86_400;

/// Puts the clock to the latest time that is known to be past, where it shows an earlier or an impossible one. What it was put
/// to, if it was.
pub(crate) fn raise_to_floor(built_seconds: u64) -> anyhow::Result<Option<u64>> {
    let noted = fs::read_to_string(NOTE).unwrap_or_default();
    let ceiling = built_seconds.saturating_add(CEILING_SECONDS);
    let noted = noted.trim().parse().unwrap_or(0);
    let floor = if noted < ceiling {
        noted.max(built_seconds)
    } else {
        built_seconds
    };
    if (floor..ceiling).contains(&now_seconds()) {
        return Ok(None);
    }
    set(floor)?;
    Ok(Some(floor))
}

/// Sets the clock.
pub(crate) fn set(seconds: u64) -> anyhow::Result<()> {
    let time = Timespec {
        tv_sec: i64::try_from(seconds)?,
        tv_nsec: 0,
    };
    clock_settime(ClockId::Realtime, time).context("cannot set the clock")
}

/// Notes the time for the next start. It may be lost: then an older note stands.
pub(crate) fn note() -> anyhow::Result<()> {
    let new = Path::new(NOTE).with_extension("new");
    fs::write(&new, format!("{}\n", now_seconds()))?;
    fs::rename(&new, NOTE)?;
    Ok(())
}
