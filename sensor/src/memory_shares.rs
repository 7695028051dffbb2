//! One setting, `memory`, divided over everything that may grow.
//!
//! What does not grow with the traffic comes on top: the program, the pages of the pack that are touched, a table of its rules
//! (about 60 bytes a rule), and the ring of a live capture, which has a setting of its own.

/// What each part may hold, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryShares {
    /// Flows, streams, parsers and fragments of the worker.
    pub engine_bytes: usize,
    /// Compiled regular expressions and their caches.
    pub regex_cache_bytes: usize,
    /// Findings that are open.
    pub findings_bytes: usize,
}

impl MemoryShares {
    /// Six eighths, one and one.
    #[must_use]
    pub fn of(memory_bytes: u64) -> Self {
        let eighth = usize::try_from(memory_bytes / 8).unwrap_or(usize::MAX / 8);
        Self {
            engine_bytes: eighth * 6,
            regex_cache_bytes: eighth,
            findings_bytes: eighth,
        }
    }
}
