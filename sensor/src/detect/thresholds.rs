//! Rate limits: `threshold` and `detection_filter`, counted on packet time in one bounded table.

use std::net::IpAddr;

use ahash::RandomState;
use hashbrown::HashMap;
use lapwing_rules::model::{Threshold, ThresholdKind, TrackBy};

use super::{counters::DetectorCounters, limits::THRESHOLD_ENTRIES_MAX};
use crate::{decode::Ends, flow::FlowId, time::Timestamp};

/// What a rule is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Tracked {
    Address(IpAddr),
    Pair(IpAddr, IpAddr),
    Flow(FlowId),
    Rule,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    since: Timestamp,
    count: u32,
    seconds: u32,
}

impl Entry {
    /// Windows are closed: the last nanosecond still belongs to them, as in the reference.
    fn holds(&self, now: Timestamp) -> bool {
        let window = u64::from(self.seconds).saturating_mul(Timestamp::NANOSECONDS_PER_SECOND);
        now.0 <= self.since.0.saturating_add(window)
    }
}

/// All rate limits of one detector.
#[derive(Debug)]
pub(crate) struct Thresholds {
    entries: HashMap<(u32, Tracked), Entry, RandomState>,
}

impl Thresholds {
    pub(crate) fn new() -> Self {
        Self {
            entries: HashMap::with_hasher(RandomState::new()),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Counts one match and says whether it is to be told.
    pub(crate) fn admit(
        &mut self,
        rule: u32,
        threshold: &Threshold,
        ends: &Ends,
        flow: Option<FlowId>,
        now: Timestamp,
        counters: &mut DetectorCounters,
    ) -> bool {
        let tracked = match threshold.track {
            TrackBy::Source => Tracked::Address(ends.source),
            TrackBy::Destination => Tracked::Address(ends.destination),
            TrackBy::Both if ends.source <= ends.destination => {
                Tracked::Pair(ends.source, ends.destination)
            }
            TrackBy::Both => Tracked::Pair(ends.destination, ends.source),
            TrackBy::Rule => Tracked::Rule,
            TrackBy::Flow => match flow {
                Some(flow) => Tracked::Flow(flow),
                None => return true,
            },
        };
        let fresh = Entry {
            since: now,
            count: 1,
            seconds: threshold.seconds,
        };
        let key = (rule, tracked);
        let Some(entry) = self.entries.get_mut(&key) else {
            if self.make_room(now) {
                self.entries.insert(key, fresh);
            } else {
                counters.thresholds_over_cap += 1;
            }
            return first_is_told(threshold);
        };
        if !entry.holds(now) {
            *entry = fresh;
            return first_is_told(threshold);
        }
        entry.count = entry.count.saturating_add(1);
        match threshold.kind {
            ThresholdKind::Limit => entry.count <= threshold.count,
            ThresholdKind::Threshold => {
                let reached = entry.count >= threshold.count;
                if reached {
                    entry.count = 0;
                }
                reached
            }
            ThresholdKind::Both => entry.count == threshold.count,
            ThresholdKind::DetectionFilter => entry.count > threshold.count,
        }
    }

    /// Drops what has run out when the table is full; says whether there is room now.
    fn make_room(&mut self, now: Timestamp) -> bool {
        if self.entries.len() >= THRESHOLD_ENTRIES_MAX {
            self.entries.retain(|_, entry| entry.holds(now));
        }
        self.entries.len() < THRESHOLD_ENTRIES_MAX
    }
}

/// What becomes of the first match of a window.
fn first_is_told(threshold: &Threshold) -> bool {
    match threshold.kind {
        ThresholdKind::Limit => true,
        ThresholdKind::Threshold | ThresholdKind::Both => threshold.count <= 1,
        ThresholdKind::DetectionFilter => threshold.count == 0,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// Which of the matches at these seconds are told.
    fn told(kind: ThresholdKind, count: u32, seconds: u32, at: &[u64]) -> Vec<u64> {
        let threshold = Threshold {
            kind,
            track: TrackBy::Source,
            count,
            seconds,
        };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ends = Ends {
            source: address,
            destination: address,
            source_port: 1,
            destination_port: 2,
        };
        let (mut thresholds, mut counters) = (Thresholds::new(), DetectorCounters::default());
        at.iter()
            .copied()
            .filter(|second| {
                let now = Timestamp(second * Timestamp::NANOSECONDS_PER_SECOND);
                thresholds.admit(7, &threshold, &ends, None, now, &mut counters)
            })
            .collect()
    }

    #[test]
    fn limit_tells_the_first_ones_of_a_window() {
        assert_eq!(
            told(ThresholdKind::Limit, 2, 10, &[0, 1, 2, 3, 11, 12, 13]),
            [0, 1, 11, 12]
        );
    }

    #[test]
    fn threshold_tells_every_nth() {
        assert_eq!(
            told(ThresholdKind::Threshold, 3, 60, &[0, 1, 2, 3, 4, 5]),
            [2, 5]
        );
    }

    #[test]
    fn both_tells_once_a_window() {
        assert_eq!(
            told(ThresholdKind::Both, 2, 10, &[0, 1, 2, 3, 20, 21, 22]),
            [1, 21]
        );
    }

    #[test]
    fn detection_filter_tells_all_beyond_the_count() {
        assert_eq!(
            told(ThresholdKind::DetectionFilter, 2, 60, &[0, 1, 2, 3]),
            [2, 3]
        );
    }
}
