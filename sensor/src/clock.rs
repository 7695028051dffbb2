//! When a record was made: wall time beside time that cannot jump, and how far the wall clock is to be trusted.

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use lapwing_wire::{BootId, ClockQuality, Stamp};
use rustix::time::{ClockId, clock_gettime};

/// 2026-01-01: a wall clock before this was never set.
const WALL_FLOOR_MILLISECONDS: u64 = 1_767_225_600_000;
/// Exists while systemd-timesyncd holds the clock to a time server.
const TIME_SERVER_MARK: &str = "/run/systemd/timesync/synchronized";

/// What stamps are made from.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    boot: BootId,
    is_capture_file: bool,
}

impl Clock {
    /// The clock of this boot. Packet times of capture files are worth what the file says.
    #[must_use]
    pub fn new(is_capture_file: bool) -> Self {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = text.trim().replace('-', "").parse();
        Self {
            // Where the kernel does not say, monotonic times of different boots cannot be told apart: all zero says so.
            boot: boot.unwrap_or(BootId([0; 16])),
            is_capture_file,
        }
    }

    /// Now.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let boot_time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(boot_time.tv_sec).unwrap_or(0);
        let nanoseconds = u64::try_from(boot_time.tv_nsec).unwrap_or(0);
        let wall_milliseconds = wall_milliseconds();
        Stamp {
            wall_milliseconds,
            monotonic_milliseconds: seconds
                .saturating_mul(1000)
                .saturating_add(nanoseconds / 1_000_000),
            boot: self.boot,
            quality: if self.is_capture_file {
                ClockQuality::Capture
            } else if wall_milliseconds < WALL_FLOOR_MILLISECONDS {
                ClockQuality::Unset
            } else if Path::new(TIME_SERVER_MARK).exists() {
                ClockQuality::Network
            } else {
                ClockQuality::FreeRunning
            },
        }
    }
}

/// Milliseconds since 1970 by the wall clock, 0 before that.
#[must_use]
pub fn wall_milliseconds() -> u64 {
    wall_nanoseconds() / 1_000_000
}

/// Nanoseconds since 1970 by the wall clock, 0 before that.
#[must_use]
pub fn wall_nanoseconds() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_name_the_boot_and_do_not_go_back() {
        let clock = Clock::new(true);
        let (earlier, later) = (clock.stamp(), clock.stamp());
        assert_ne!(earlier.boot, BootId([0; 16]));
        assert!(earlier.monotonic_milliseconds <= later.monotonic_milliseconds);
        assert_eq!(earlier.quality, ClockQuality::Capture);
    }
}
