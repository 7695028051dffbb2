//! The arithmetic of "nothing lost, nothing doubled, every gap shown", without database or network.
//!
//! A lane numbers its records from 0 without holes. So whatever is neither stored nor told as evicted, below the
//! highest number known, is missing. Where the sensor's own books ([`LaneAccount`], told by its heartbeats) are known,
//! what is missing is divided without rest: held back by the budget, on its way, or gone.
//!
//! *Gone* is what the sensor rightly forgot, for it was acknowledged, and is not here: this centre was restored from a
//! backup older than the acknowledgement. Nothing else makes a record gone.

use lapwing_wire::LaneAccount;

/// An inclusive range of record numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    pub first: u64,
    pub last: u64,
}

impl Range {
    /// How many numbers it holds.
    #[must_use]
    pub const fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// What is known of one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneTotals {
    /// Numbers from 0 to the highest known.
    pub produced: u64,
    pub stored: u64,
    /// Told as evicted, and not stored by another way.
    pub evicted: u64,
    /// Neither stored nor told as evicted: `held + in_flight + gone`.
    pub missing: u64,
    /// Waiting at the sensor until its budget lets them go.
    pub held: u64,
    /// Waiting at the sensor for the link, or on their way.
    pub in_flight: u64,
    /// Acknowledged once and not here.
    pub gone: u64,
    /// The missing numbers, ascending.
    pub holes: Vec<Range>,
}

/// Reconciles one lane with the sensor's books of it, all zero where they are not known. The ranges may come in any
/// order and overlap.
#[must_use]
pub fn reconcile_lane(stored: &[Range], evicted: &[Range], told: LaneAccount) -> LaneTotals {
    let stored = merge(stored);
    let known = merge(&[stored.as_slice(), evicted].concat());
    let count = |ranges: &[Range]| {
        ranges
            .iter()
            .fold(0u64, |sum, range| sum.saturating_add(range.count()))
    };

    let mut holes = Vec::new();
    let mut next = 0;
    for range in &known {
        if range.first > next {
            holes.push(Range {
                first: next,
                last: range.first - 1,
            });
        }
        next = range.last.saturating_add(1);
    }
    if told.next > next {
        holes.push(Range {
            first: next,
            last: told.next - 1,
        });
        next = told.next;
    }
    let missing = count(&holes);
    let within = |from: u64, to: u64| {
        holes.iter().fold(0u64, |sum, hole| {
            let end = hole.last.saturating_add(1).min(to);
            sum.saturating_add(end.saturating_sub(hole.first.max(from)))
        })
    };
    let gone = within(0, told.settled);
    let held = if told.is_held {
        within(told.next_to_seal.max(told.settled), told.next)
    } else {
        0
    };
    LaneTotals {
        produced: next,
        stored: count(&stored),
        evicted: count(&known) - count(&stored),
        missing,
        held,
        in_flight: missing - held - gone,
        gone,
        holes,
    }
}

/// The fewest ranges that hold the same numbers, ascending.
fn merge(ranges: &[Range]) -> Vec<Range> {
    let mut sorted: Vec<Range> = ranges
        .iter()
        .copied()
        .filter(|range| range.first <= range.last)
        .collect();
    sorted.sort_unstable();
    let mut merged = Vec::<Range>::new();
    for range in sorted {
        match merged.last_mut() {
            Some(open) if range.first <= open.last.saturating_add(1) => {
                open.last = open.last.max(range.last)
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<Range>> {
        prop::collection::vec((0u64..60, 0u64..8), 0..12).prop_map(|pairs| {
            pairs
                .into_iter()
                .map(|(first, length)| Range {
                    first,
                    last: first + length,
                })
                .collect()
        })
    }

    fn numbers(ranges: &[Range]) -> BTreeSet<u64> {
        ranges
            .iter()
            .flat_map(|range| range.first..=range.last)
            .collect()
    }

    proptest! {
        #[test]
        fn a_lane_adds_up_as_sets_do(
            stored in ranges(),
            evicted in ranges(),
            [settled, sealed, queued] in prop::array::uniform3(0u64..40),
            is_held: bool,
        ) {
            let told = LaneAccount {
                settled,
                next_to_seal: settled + sealed,
                next: settled + sealed + queued,
                is_held,
            };
            let totals = reconcile_lane(&stored, &evicted, told);
            let stored = numbers(&stored);
            let known: BTreeSet<u64> = stored.union(&numbers(&evicted)).copied().collect();
            let produced = known.last().map_or(0, |highest| highest + 1).max(told.next);
            let missing: BTreeSet<u64> = (0..produced).filter(|number| !known.contains(number)).collect();

            prop_assert_eq!(totals.produced, produced);
            prop_assert_eq!(totals.stored, stored.len() as u64);
            prop_assert_eq!(totals.evicted, (known.len() - stored.len()) as u64);
            prop_assert_eq!(totals.missing, missing.len() as u64);
            prop_assert_eq!(numbers(&totals.holes), missing.clone());
            let within = |from: u64, to: u64| missing.iter().filter(|number| (from..to).contains(number)).count() as u64;
            prop_assert_eq!(totals.gone, within(0, told.settled));
            prop_assert_eq!(totals.held, if is_held { within(told.next_to_seal, told.next) } else { 0 });
            prop_assert_eq!(totals.missing, totals.held + totals.in_flight + totals.gone);
            prop_assert_eq!(totals.produced, totals.stored + totals.evicted + totals.missing);
        }
    }

    #[test]
    fn the_end_of_the_numbers_does_not_overflow() {
        let all = [Range {
            first: 0,
            last: u64::MAX,
        }];
        let totals = reconcile_lane(&all, &all, LaneAccount::default());
        assert_eq!((totals.missing, totals.evicted), (0, 0));
    }
}
