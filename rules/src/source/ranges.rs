//! Sets of numbers as sorted ranges: addresses and ports after groups and negation are resolved.

/// Sorted closed ranges that neither overlap nor touch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Ranges<T>(Vec<(T, T)>);

/// A number with a successor, a predecessor and a largest value.
pub(crate) trait Bounded: Copy + Ord {
    const MIN: Self;
    const MAX: Self;
    fn next(self) -> Option<Self>;
    fn previous(self) -> Option<Self>;
}

macro_rules! bounded {
    ($($number:ty),*) => {$(
        impl Bounded for $number {
            const MIN: Self = <$number>::MIN;
            const MAX: Self = <$number>::MAX;
            fn next(self) -> Option<Self> { self.checked_add(1) }
            fn previous(self) -> Option<Self> { self.checked_sub(1) }
        }
    )*};
}
bounded!(u16, u32, u128);

impl<T: Bounded> Ranges<T> {
    /// Everything.
    pub(crate) fn all() -> Self {
        Self(vec![(T::MIN, T::MAX)])
    }

    /// The union of closed ranges in any order.
    pub(crate) fn union(mut ranges: Vec<(T, T)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if before.1.next().is_none_or(|next| first <= next) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// What is in it and not in `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len());
        let mut holes = other.0.iter().peekable();
        for &(first, last) in &self.0 {
            let mut start = Some(first);
            while holes.next_if(|hole| hole.1 < first).is_some() {}
            let mut ahead = holes.clone();
            while let (Some(from), Some(&&(hole_first, hole_last))) = (start, ahead.peek()) {
                if hole_first > last {
                    break;
                }
                if let Some(before) = hole_first.previous().filter(|before| *before >= from) {
                    left.push((from, before));
                }
                start = hole_last.next().filter(|next| *next <= last);
                ahead.next();
            }
            if let Some(from) = start {
                left.push((from, last));
            }
        }
        Self(left)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_slice(&self) -> &[(T, T)] {
        &self.0
    }

    pub(crate) fn is_all(&self) -> bool {
        self.0 == [(T::MIN, T::MAX)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(ranges: &[(u16, u16)]) -> Vec<bool> {
        (0..=300_u16)
            .map(|number| {
                ranges
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&number))
            })
            .collect()
    }

    fn some_ranges() -> impl Strategy<Value = Vec<(u16, u16)>> {
        let range = (0..250_u16, 0..40_u16).prop_map(|(first, length)| (first, first + length));
        proptest::collection::vec(range, 0..8)
    }

    proptest! {
        #[test]
        fn sets_behave_as_sets(a in some_ranges(), b in some_ranges()) {
            let (set_a, set_b) = (Ranges::union(a.clone()), Ranges::union(b.clone()));
            prop_assert_eq!(members(set_a.as_slice()), members(&a));
            let difference = set_a.without(&set_b);
            let expected: Vec<bool> = members(&a)
                .iter()
                .zip(members(&b))
                .map(|(in_a, in_b)| *in_a && !in_b)
                .collect();
            prop_assert_eq!(members(difference.as_slice()), expected);
            let touching = difference.as_slice().windows(2).any(|pair| pair[0].1 + 1 >= pair[1].0);
            prop_assert!(!touching);
        }
    }

    #[test]
    fn the_ends_of_the_number_line_hold() {
        let hole = Ranges::union(vec![(0_u16, 10), (u16::MAX, u16::MAX)]);
        assert_eq!(
            Ranges::all().without(&hole).as_slice(),
            [(11, u16::MAX - 1)]
        );
        assert!(Ranges::<u16>::all().without(&Ranges::all()).is_empty());
    }
}
