//! What stands between a match and its alert: `suppress`, `threshold`, `detection_filter`, `rate_filter`.
//!
//! They come from the rule itself or from a `threshold.config`. A rule holds them in the order in which they are asked:
//! suppressions first; the first that refuses decides.

use super::{Action, AddressSetId};

/// What rate limits are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TrackBy {
    /// `by_src`
    Source = 0,
    /// `by_dst`
    Destination = 1,
    /// `by_both`
    Both = 2,
    /// `by_rule`
    Rule = 3,
    /// `by_flow`
    Flow = 4,
}

/// Kind of rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ThresholdKind {
    /// `type limit`
    Limit = 0,
    /// `type threshold`
    Threshold = 1,
    /// `type both`
    Both = 2,
    /// `detection_filter`
    DetectionFilter = 3,
}

/// `threshold` (also as `event_filter`) or `detection_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Threshold {
    /// Kind.
    pub kind: ThresholdKind,
    /// Counted by.
    pub track: TrackBy,
    /// Count.
    pub count: u32,
    /// Window in seconds.
    pub seconds: u32,
}

/// Whose address a suppression looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SuppressBy {
    /// `by_src`
    Source = 0,
    /// `by_dst`
    Destination = 1,
    /// `by_either`
    Either = 2,
}

/// `rate_filter`: beyond so many matches in a window, the rule has another action for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateFilter {
    /// Counted by.
    pub track: TrackBy,
    /// Count.
    pub count: u32,
    /// Window in seconds.
    pub seconds: u32,
    /// `new_action`
    pub action: Action,
    /// How long the new action holds, in seconds.
    pub timeout_seconds: u32,
}

/// One limit of a rule's alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertLimit {
    /// No alert where the address is in the set; what the rule does beside alerting it still does.
    Suppress {
        track: SuppressBy,
        addresses: AddressSetId,
    },
    /// Only some of the matches are told.
    Threshold(Threshold),
    /// All are told, some with another action.
    RateFilter(RateFilter),
}
