//! The arithmetic of "nothing lost, nothing doubled, every gap shown", without database or network.
//!
//! A lane numbers its records from 0 without holes. So whatever is neither stored nor told as evicted, below the
//! highest number known, is missing: on its way in another batch, or lost. Nothing else can be.

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
    pub missing: u64,
    /// The missing numbers, ascending.
    pub holes: Vec<Range>,
}

/// Reconciles one lane. The ranges may come in any order and overlap.
#[must_use]
pub fn reconcile_lane(stored: &[Range], evicted: &[Range]) -> LaneTotals {
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
    LaneTotals {
        produced: next,
        stored: count(&stored),
        evicted: count(&known) - count(&stored),
        missing: count(&holes),
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
        fn a_lane_adds_up_as_sets_do(stored in ranges(), evicted in ranges()) {
            let totals = reconcile_lane(&stored, &evicted);
            let stored = numbers(&stored);
            let known: BTreeSet<u64> = stored.union(&numbers(&evicted)).copied().collect();
            let produced = known.last().map_or(0, |highest| highest + 1);
            let missing: BTreeSet<u64> = (0..produced).filter(|number| !known.contains(number)).collect();

            prop_assert_eq!(totals.produced, produced);
            prop_assert_eq!(totals.stored, stored.len() as u64);
            prop_assert_eq!(totals.evicted, (known.len() - stored.len()) as u64);
            prop_assert_eq!(totals.missing, missing.len() as u64);
            prop_assert_eq!(numbers(&totals.holes), missing);
            prop_assert_eq!(totals.produced, totals.stored + totals.evicted + totals.missing);
        }
    }

    #[test]
    fn the_end_of_the_numbers_does_not_overflow() {
        let all = [Range {
            first: 0,
            last: u64::MAX,
        }];
        let totals = reconcile_lane(&all, &all);
        assert_eq!((totals.missing, totals.evicted), (0, 0));
    }
}
