//! The time that the ends of metadata are held against.

use lapwing_rules::trust::tuf::utc_text;

/// A clock, and what is known to be past whatever it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownTime {
    /// The clock, seconds since 1970.
    pub clock_seconds: u64,
    /// It is not earlier than this: the build of the program, certificates that were seen.
    pub floor_seconds: u64,
}

impl KnownTime {
    /// The best of both.
    pub(super) fn seconds(self) -> u64 {
        self.clock_seconds.max(self.floor_seconds)
    }

    /// The time that was used, where the clock is behind it.
    pub(super) fn instead_of_clock(self, used_seconds: u64) -> Option<String> {
        (used_seconds > self.clock_seconds).then(|| utc_text(used_seconds))
    }
}
