//! How large an outbox may grow and how often it is synced.

use crate::keyslot::Keyslot;

/// Smallest bound of an outbox, bytes.
pub const MIN_OUTBOX_BYTES: u64 = 64 * 1024;

/// How large an outbox may grow and how often it is synced.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of all segments (three quarters) and sealed batches (one quarter) together; at
    /// least [`MIN_OUTBOX_BYTES`]. A few KiB of state come on top.
    pub max_bytes: u64,
    /// Records outside the critical lane are synced once so many bytes wait for it.
    pub commit_after_bytes: u64,
    /// Records outside the critical lane are synced once the first has waited so long.
    pub commit_after_milliseconds: u64,
    /// What records are encrypted with on the disk; without one they are not.
    pub keyslot: Option<Keyslot>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_bytes: 64 * 1024 * 1024,
            commit_after_bytes: 64 * 1024,
            commit_after_milliseconds: 5_000,
            keyslot: None,
        }
    }
}

/// What syncing records costs a card beyond the records themselves: a block of the file, its size, the journal.
const COMMIT_COST_BYTES: u64 = 16 * 1024;
/// Records outside the critical lane wait at most so long for others, whatever may be written.
const COMMIT_AFTER_MILLISECONDS_MAX: u64 = 600_000;
const DAY_MILLISECONDS: u64 = 24 * 3_600_000;

impl Settings {
    /// Lets records outside the critical lane wait for each other for so long that syncing them costs at most half of so many bytes a
    /// day; the other half is for the records. What a power cut can cost grows with it.
    #[must_use]
    pub fn within_write_budget(self, bytes_a_day: u64) -> Self {
        let commits = (bytes_a_day / 2 / COMMIT_COST_BYTES).max(1);
        let apart_milliseconds = DAY_MILLISECONDS / commits;
        Self {
            commit_after_milliseconds: apart_milliseconds.clamp(
                self.commit_after_milliseconds,
                COMMIT_AFTER_MILLISECONDS_MAX,
            ),
            ..self
        }
    }

    /// The bound that is really kept.
    fn bound_bytes(&self) -> u64 {
        self.max_bytes.max(MIN_OUTBOX_BYTES)
    }

    /// A segment is closed once it has so many bytes. What one eviction drops is one segment.
    pub(crate) fn segment_bytes(&self) -> u64 {
        (self.bound_bytes() / 64).clamp(4 * 1024, 256 * 1024)
    }

    /// Segments may take so much of the bound.
    pub(crate) fn segments_bound_bytes(&self) -> u64 {
        self.bound_bytes() / 4 * 3
    }

    /// Sealed batches may take so much of the bound.
    pub(crate) fn sealed_bound_bytes(&self) -> u64 {
        self.bound_bytes() / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_write_budget_lets_records_wait_for_each_other() {
        let apart = |mebibytes: u64| {
            Settings::default()
                .within_write_budget(mebibytes << 20)
                .commit_after_milliseconds
        };
        assert_eq!(apart(1_000), 5_000, "never more often than usual");
        // 25 MiB of syncs of 16 KiB: 1,600 a day.
        assert_eq!(apart(50), 54_000);
        assert_eq!(apart(0), COMMIT_AFTER_MILLISECONDS_MAX);
    }
}
