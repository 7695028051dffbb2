//! Packet time.

/// Nanoseconds since 1970-01-01 UTC as the capture says. The packet path knows no other clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Nanoseconds in a second.
    pub const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

    /// Whole seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / Self::NANOSECONDS_PER_SECOND
    }

    /// Seconds from `earlier` to this, 0 where a capture's clock went backwards.
    #[must_use]
    pub fn seconds_since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0) / Self::NANOSECONDS_PER_SECOND
    }
}
