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

impl Settings {
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
