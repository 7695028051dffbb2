//! What detection did and what it could not do.

use serde::Serialize;

/// Counted since the detector was made; plain integers of one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DetectorCounters {
    /// Packets that were looked at, those made at a flow's end included.
    pub packets: u64,
    /// Packets not looked at because a `pass`, `drop` or `reject` rule had matched on their flow.
    pub packets_of_settled_flows: u64,
    /// Bytes given to a prefilter.
    pub prefiltered_bytes: u64,
    /// Rules that a prefilter or a packet's kind made candidates.
    pub candidates: u64,
    /// Candidates whose header and conditions held, so that bytes were inspected.
    pub inspections: u64,
    /// Addresses, names, URLs and hashes that were looked up among the indicators.
    pub indicators_asked: u64,
    /// Rules that matched, and indicators that were seen.
    pub matches: u64,
    /// Alerts handed on.
    pub alerts: u64,
    /// Matches silenced by `pass`.
    pub passed: u64,
    /// Matches silenced by a rate limit.
    pub thresholded: u64,
    /// Alerts beyond the cap of one packet.
    pub alerts_over_cap: u64,
    /// Rules that could not wait in a transaction because too many did already.
    pub pending_rules_over_cap: u64,
    /// Transactions not inspected because the flow had too many at once.
    pub transactions_over_cap: u64,
    /// Frames, and bytes of frames, not inspected because the flow had too many at once.
    pub frames_over_cap: u64,
    /// Flow bits or integers not kept because the flow had too many.
    pub flow_variables_over_cap: u64,
    /// Texts captured by expressions that were not kept, or not all of them, because they were too many or too long.
    pub text_variables_over_cap: u64,
    /// Changes of data sets not made because there were too many.
    pub data_sets_over_cap: u64,
    /// Host bits not kept because there were too many.
    pub host_bits_over_cap: u64,
    /// Rate limits not counted because there were too many; their alerts are told.
    pub thresholds_over_cap: u64,
    /// Regular expressions built.
    pub regex_builds: u64,
    /// Regular expressions that cannot be run by this engine.
    pub regex_failures: u64,
    /// Searches of expressions that need backtracking, given up at a limit.
    pub regex_limit_hits: u64,
    /// Regular expressions dropped to make room.
    pub regex_evictions: u64,
}
