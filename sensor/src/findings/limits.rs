//! Every bound of this stage, with its unit.

/// Facts kept of one finding.
pub const FACTS_IN_FINDING_MAX: usize = 16;
/// Bytes kept of one fact.
pub const FACT_MAX_BYTES: usize = 512;
/// Bytes that an open finding may take: its facts, and what else it holds.
const OPEN_FINDING_MAX_BYTES: usize = FACTS_IN_FINDING_MAX * (FACT_MAX_BYTES + 32) + 512;
/// Seconds of packet time in which alerts become one finding, when settings say nothing.
pub const WINDOW_SECONDS_DEFAULT: u64 = 60;
/// Seconds of packet time of one summary.
pub const SUMMARY_SECONDS: u64 = 3600;
/// How far one worker may be behind another in packet time without beginning a period anew.
pub const WORKER_LAG_SECONDS: u64 = 30;
/// Values counted for one top list; further ones in the same period are counted as left out.
pub const TOP_LIST_VALUES_MAX: usize = 1024;
/// Entries told of one top list.
pub const TOP_LIST_TOLD: usize = 10;
/// Alerts and marks waiting for the findings thread.
pub const CHANNEL_ITEMS_MAX: usize = 1024;

/// Findings that may be open at the same time, so that they never take more than `memory_bytes`.
#[must_use]
pub fn open_findings_max(memory_bytes: usize) -> usize {
    (memory_bytes / OPEN_FINDING_MAX_BYTES).max(64)
}
