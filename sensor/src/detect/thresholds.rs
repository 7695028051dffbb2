//! What limits alerts: suppressions and rate limits, counted on packet time in one bounded table.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use ahash::RandomState;
use hashbrown::HashMap;
use lapwing_rules::{
    model::{
        Action, AddressSetId, AlertLimit, RateFilter, SuppressBy, Threshold, ThresholdKind, TrackBy,
    },
    pack::Pack,
};

use super::{
    counters::DetectorCounters,
    limits::THRESHOLD_ENTRIES_MAX,
    shared_state::{SharedState, lock},
};
use crate::{decode::Ends, flow::FlowId, time::Timestamp};

/// What becomes of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is told, perhaps with another action than the rule's.
    Tell(Option<Action>),
    /// It is not told, and what its action does to the flow is done.
    ActSilently,
    /// It is as if it had not matched.
    Nothing,
}

/// The match that is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion<'p> {
    pub(crate) rule: u32,
    pub(crate) pack: &'p Pack,
    pub(crate) ends: Ends,
    pub(crate) flow: Option<FlowId>,
    pub(crate) now: Timestamp,
}

impl Occasion<'_> {
    fn rule_key(&self) -> RuleKey {
        self.pack
            .rule(self.rule)
            .map_or((0, self.rule), |rule| (rule.id().gid, rule.id().sid))
    }
}

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
    /// When a `rate_filter` changed the action, in whole seconds as the reference has it.
    acting_since: Option<u64>,
    /// How long that holds.
    timeout_seconds: u32,
}

impl Entry {
    /// Windows are closed: the last nanosecond still belongs to them, as in the reference.
    fn holds(&self, now: Timestamp) -> bool {
        let window = u64::from(self.seconds).saturating_mul(Timestamp::NANOSECONDS_PER_SECOND);
        now.0 <= self.since.0.saturating_add(window)
    }

    /// Whether the new action of a `rate_filter` still holds.
    fn acts(&self, now: Timestamp) -> bool {
        self.acting_since.is_some_and(|since| {
            whole_seconds(now).saturating_sub(since) <= u64::from(self.timeout_seconds)
        })
    }

    fn is_needed(&self, now: Timestamp) -> bool {
        self.holds(now) || self.acts(now)
    }
}

/// Generator and signature of a rule: what stays when a pack is replaced.
type RuleKey = (u32, u32);

/// What is counted for limits, by rule and what it is counted by.
#[derive(Debug, Default)]
pub(crate) struct LimitTable {
    entries: HashMap<(RuleKey, Tracked), Entry, RandomState>,
}

/// The limits of alerts.
#[derive(Debug)]
pub(crate) struct Thresholds {
    table: Arc<Mutex<LimitTable>>,
}

impl Thresholds {
    pub(crate) fn new(shared: &SharedState) -> Self {
        Self {
            table: Arc::clone(&shared.limits),
        }
    }

    /// Asks the limits of a rule one after the other; the first that refuses decides.
    pub(crate) fn judge(
        &self,
        limits: impl Iterator<Item = AlertLimit>,
        occasion: &Occasion<'_>,
        counters: &mut DetectorCounters,
    ) -> Verdict {
        let mut limits = limits.peekable();
        if limits.peek().is_none() {
            return Verdict::Tell(None);
        }
        lock(&self.table).judge(limits, occasion, counters)
    }
}

impl LimitTable {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    fn judge(
        &mut self,
        limits: impl Iterator<Item = AlertLimit>,
        occasion: &Occasion<'_>,
        counters: &mut DetectorCounters,
    ) -> Verdict {
        let mut verdict = Verdict::Tell(None);
        for limit in limits {
            let one = match limit {
                AlertLimit::Suppress { track, addresses } => suppress(track, addresses, occasion),
                AlertLimit::Threshold(threshold) => self.threshold(&threshold, occasion, counters),
                AlertLimit::RateFilter(filter) => self.rate_filter(&filter, occasion, counters),
            };
            match one {
                Verdict::Tell(None) => {}
                Verdict::Tell(action) => verdict = Verdict::Tell(action),
                refusal => return refusal,
            }
        }
        verdict
    }

    /// The counter of this match, and whether it is a new one; `None` where it cannot be kept.
    fn entry(
        &mut self,
        track: TrackBy,
        seconds: u32,
        occasion: &Occasion<'_>,
        counters: &mut DetectorCounters,
    ) -> Option<(&mut Entry, bool)> {
        let key = (occasion.rule_key(), tracked(track, occasion)?);
        let is_new = !self.entries.contains_key(&key);
        if is_new && !self.make_room(occasion.now) {
            counters.thresholds_over_cap += 1;
            return None;
        }
        let entry = self.entries.entry(key).or_insert(Entry {
            since: occasion.now,
            count: 0,
            seconds,
            acting_since: None,
            timeout_seconds: 0,
        });
        Some((entry, is_new))
    }

    fn threshold(
        &mut self,
        threshold: &Threshold,
        occasion: &Occasion<'_>,
        counters: &mut DetectorCounters,
    ) -> Verdict {
        let (now, wanted) = (occasion.now, threshold.count);
        let Some((entry, is_new)) =
            self.entry(threshold.track, threshold.seconds, occasion, counters)
        else {
            return first_of_window(threshold);
        };
        if is_new || !entry.holds(now) {
            (entry.since, entry.count) = (now, 1);
            return first_of_window(threshold);
        }
        entry.count = entry.count.saturating_add(1);
        let count = entry.count;
        match threshold.kind {
            ThresholdKind::Limit if count > wanted => Verdict::ActSilently,
            ThresholdKind::Threshold if count >= wanted => {
                entry.count = 0;
                Verdict::Tell(None)
            }
            ThresholdKind::Both if count > wanted => Verdict::ActSilently,
            ThresholdKind::Both | ThresholdKind::Threshold if count < wanted => Verdict::Nothing,
            ThresholdKind::DetectionFilter if count <= wanted => Verdict::Nothing,
            _ => Verdict::Tell(None),
        }
    }

    fn rate_filter(
        &mut self,
        filter: &RateFilter,
        occasion: &Occasion<'_>,
        counters: &mut DetectorCounters,
    ) -> Verdict {
        let now = occasion.now;
        let Some((entry, is_new)) = self.entry(filter.track, filter.seconds, occasion, counters)
        else {
            return Verdict::Tell(None);
        };
        if entry.acting_since.is_some() {
            if entry.acts(now) {
                return Verdict::Tell(Some(filter.action));
            }
            // The match that finds it run out is not counted, as in the reference.
            entry.acting_since = None;
            return Verdict::Tell(None);
        }
        if is_new || !entry.holds(now) {
            (entry.since, entry.count) = (now, 1);
            return Verdict::Tell(None);
        }
        entry.count = entry.count.saturating_add(1);
        if entry.count <= filter.count {
            return Verdict::Tell(None);
        }
        entry.acting_since = Some(whole_seconds(now));
        entry.timeout_seconds = filter.timeout_seconds;
        Verdict::Tell(Some(filter.action))
    }

    /// Drops what has run out when the table is full; says whether there is room now.
    fn make_room(&mut self, now: Timestamp) -> bool {
        if self.entries.len() >= THRESHOLD_ENTRIES_MAX {
            self.entries.retain(|_, entry| entry.is_needed(now));
        }
        self.entries.len() < THRESHOLD_ENTRIES_MAX
    }
}

fn whole_seconds(time: Timestamp) -> u64 {
    time.0 / Timestamp::NANOSECONDS_PER_SECOND
}

fn suppress(track: SuppressBy, addresses: AddressSetId, occasion: &Occasion<'_>) -> Verdict {
    let set = occasion.pack.address_set(addresses);
    let (source, destination) = (occasion.ends.source, occasion.ends.destination);
    let is_suppressed = match track {
        SuppressBy::Source => set.contains(source),
        SuppressBy::Destination => set.contains(destination),
        SuppressBy::Either => set.contains(source) || set.contains(destination),
    };
    if is_suppressed {
        Verdict::ActSilently
    } else {
        Verdict::Tell(None)
    }
}

/// What a match is counted by; `None` where it is counted by a flow and has none.
fn tracked(track: TrackBy, occasion: &Occasion<'_>) -> Option<Tracked> {
    let (source, destination) = (occasion.ends.source, occasion.ends.destination);
    Some(match track {
        TrackBy::Source => Tracked::Address(source),
        TrackBy::Destination => Tracked::Address(destination),
        TrackBy::Both if source <= destination => Tracked::Pair(source, destination),
        TrackBy::Both => Tracked::Pair(destination, source),
        TrackBy::Rule => Tracked::Rule,
        TrackBy::Flow => Tracked::Flow(occasion.flow?),
    })
}

/// What becomes of the first match of a window, and of one that cannot be counted.
fn first_of_window(threshold: &Threshold) -> Verdict {
    let is_told = match threshold.kind {
        ThresholdKind::Limit => true,
        ThresholdKind::Threshold | ThresholdKind::Both => threshold.count <= 1,
        ThresholdKind::DetectionFilter => threshold.count == 0,
    };
    if is_told {
        Verdict::Tell(None)
    } else {
        Verdict::Nothing
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use lapwing_rules::pack::PackWriter;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

    /// A pack with one address set: `HERE`.
    fn pack() -> (Pack, AddressSetId) {
        let mut writer = PackWriter::new();
        let here = u32::from(Ipv4Addr::new(192, 0, 2, 1));
        let set = writer.address_set(&[(here, here)], &[]);
        (Pack::from_bytes(writer.finish()).unwrap(), set)
    }

    /// What becomes of matches from `HERE` to `THERE` at these seconds.
    fn verdicts(limits: &[AlertLimit], at: &[u64]) -> Vec<Verdict> {
        let (pack, _) = pack();
        let mut counters = DetectorCounters::default();
        let thresholds = Thresholds::new(&SharedState::default());
        at.iter()
            .map(|second| {
                let occasion = Occasion {
                    rule: 7,
                    pack: &pack,
                    ends: Ends {
                        source: HERE,
                        destination: THERE,
                        source_port: 1,
                        destination_port: 2,
                    },
                    flow: None,
                    now: Timestamp(second * Timestamp::NANOSECONDS_PER_SECOND),
                };
                thresholds.judge(limits.iter().copied(), &occasion, &mut counters)
            })
            .collect()
    }

    /// Which of the matches at these seconds are told.
    fn told(kind: ThresholdKind, count: u32, seconds: u32, at: &[u64]) -> Vec<u64> {
        let limit = AlertLimit::Threshold(Threshold {
            kind,
            track: TrackBy::Source,
            count,
            seconds,
        });
        let verdicts = verdicts(&[limit], at);
        let told = at.iter().zip(verdicts);
        told.filter(|(_, verdict)| *verdict == Verdict::Tell(None))
            .map(|(second, _)| *second)
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

    #[test]
    fn a_rate_filter_changes_the_action_until_it_runs_out() {
        let limit = AlertLimit::RateFilter(RateFilter {
            track: TrackBy::Source,
            count: 2,
            seconds: 10,
            action: Action::Drop,
            timeout_seconds: 5,
        });
        let (plain, changed) = (Verdict::Tell(None), Verdict::Tell(Some(Action::Drop)));
        assert_eq!(
            verdicts(&[limit], &[0, 1, 2, 3, 7, 8, 9, 30, 31, 32]),
            [
                plain, plain, changed, changed, changed, plain, changed, plain, plain, plain
            ]
        );
    }

    #[test]
    fn a_suppression_looks_at_its_end_and_comes_first() {
        let (_, set) = pack();
        let limit = AlertLimit::Threshold(Threshold {
            kind: ThresholdKind::Limit,
            track: TrackBy::Rule,
            count: 9,
            seconds: 60,
        });
        for (track, expected) in [
            (SuppressBy::Source, Verdict::ActSilently),
            (SuppressBy::Destination, Verdict::Tell(None)),
            (SuppressBy::Either, Verdict::ActSilently),
        ] {
            let suppress = AlertLimit::Suppress {
                track,
                addresses: set,
            };
            assert_eq!(verdicts(&[suppress, limit], &[0]), [expected]);
        }
    }
}
