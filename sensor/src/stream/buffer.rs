//! The bytes of one direction: what is there, what is missing, how far each reader has come.
//!
//! Positions are counted from the first byte after the SYN. Bytes are kept in disjoint stretches, so that a
//! segment far ahead costs only its own bytes; extents of the segments are kept beside them, for the choice between
//! overlapping ones goes by segment.

use thin_vec::ThinVec;

use super::{
    limits,
    overlap_policy::{Extent, StreamPolicy},
};

/// Bytes that all streams of a worker may hold together.
#[derive(Clone, Copy, Debug)]
pub struct ReassemblyBudget {
    used_bytes: usize,
    limit_bytes: usize,
}

impl ReassemblyBudget {
    /// A budget of `limit_bytes`.
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            used_bytes: 0,
            limit_bytes,
        }
    }

    /// Bytes held now.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    fn change(&mut self, before: usize, after: usize) {
        self.used_bytes = (self.used_bytes + after).saturating_sub(before);
    }
}

/// Bytes without a hole.
#[derive(Debug)]
struct Stretch {
    start: u64,
    /// Bytes of `bytes` that were given up at its front.
    head: usize,
    bytes: Vec<u8>,
}

impl Stretch {
    fn live(&self) -> &[u8] {
        self.bytes.get(self.head..).unwrap_or_default()
    }

    fn end(&self) -> u64 {
        self.start + self.live().len() as u64
    }
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    /// It is in the stream.
    Taken {
        /// It overlapped others with other bytes.
        differs: bool,
    },
    /// All of it lies before what is still held.
    BeforeStart,
    /// The budget of all streams is spent.
    OverBudget,
    /// The direction holds too many pieces.
    OverLimit,
}

/// What comes next for a reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// Bytes from the reader's position on.
    Bytes(&'a [u8]),
    /// So many bytes are missing there.
    Hole(u64),
    /// Nothing yet.
    Nothing,
}

/// One direction's bytes.
#[derive(Debug, Default)]
pub(super) struct StreamBuffer {
    /// Everything before this position was given up.
    start: u64,
    /// Disjoint and not touching, by position.
    stretches: ThinVec<Stretch>,
    /// Extents of segments that reach beyond `start`, by position.
    segments: ThinVec<Extent>,
}

impl StreamBuffer {
    /// Where the newest byte ends.
    #[must_use]
    pub(super) fn right_edge(&self) -> u64 {
        self.stretches.last().map_or(self.start, Stretch::end)
    }

    fn held_bytes(&self) -> usize {
        self.stretches
            .iter()
            .map(|stretch| stretch.bytes.capacity() + size_of::<Stretch>())
            .sum::<usize>()
            + self.segments.capacity() * size_of::<Extent>()
    }

    /// Enters a segment. `scratch` is memory that is used again and again.
    pub(super) fn insert(
        &mut self,
        at: u64,
        payload: &[u8],
        policy: StreamPolicy,
        budget: &mut ReassemblyBudget,
        scratch: &mut Vec<u8>,
    ) -> Inserted {
        let whole = Extent {
            start: at,
            end: at + payload.len() as u64,
        };
        if whole.end <= self.start {
            return Inserted::BeforeStart;
        }
        if budget.used_bytes + payload.len() > budget.limit_bytes {
            return Inserted::OverBudget;
        }
        let skipped = usize::try_from(self.start.saturating_sub(at)).unwrap_or(usize::MAX);
        let kept = payload.get(skipped..).unwrap_or_default();
        let kept_at = at.max(self.start);
        let before = self.held_bytes();
        let appends = self
            .stretches
            .last()
            .is_none_or(|last| last.end() <= kept_at);
        let mut differs = false;
        let is_room = if appends {
            self.append(kept_at, kept)
        } else {
            scratch.clear();
            scratch.extend_from_slice(kept);
            differs = self.keep_old_bytes(whole, kept_at, policy, scratch);
            self.merge(kept_at, scratch)
        };
        if !is_room {
            return Inserted::OverLimit;
        }
        self.remember(whole);
        budget.change(before, self.held_bytes());
        Inserted::Taken { differs }
    }

    /// Puts the bytes that are held already over those of a new segment where the policy says that they stay. Whether
    /// any of them were different.
    fn keep_old_bytes(
        &self,
        new: Extent,
        kept_at: u64,
        policy: StreamPolicy,
        bytes: &mut [u8],
    ) -> bool {
        let mut differs = false;
        for old in overlapped(&self.segments, new) {
            let from = old.start.max(kept_at);
            let to = old.end.min(new.end);
            if from >= to {
                continue;
            }
            let Some(held) = self.slice(from, to) else {
                continue;
            };
            let offset = usize::try_from(from - kept_at).unwrap_or(usize::MAX);
            let Some(target) = bytes
                .get_mut(offset..)
                .and_then(|rest| rest.get_mut(..held.len()))
            else {
                continue;
            };
            if target != held {
                // The reference tells nothing of a segment sent again at the same place with the same length.
                differs |= *old != new;
                if !policy.new_wins(*old, new) {
                    target.copy_from_slice(held);
                }
            }
        }
        differs
    }

    fn slice(&self, from: u64, to: u64) -> Option<&[u8]> {
        let index = self
            .stretches
            .partition_point(|stretch| stretch.end() <= from);
        let stretch = self.stretches.get(index)?;
        let begin = usize::try_from(from.checked_sub(stretch.start)?).ok()?;
        let end = usize::try_from(to.checked_sub(stretch.start)?).ok()?;
        stretch.live().get(begin..end)
    }

    /// Adds bytes at or behind the end. Whether there was room for one more stretch.
    fn append(&mut self, at: u64, bytes: &[u8]) -> bool {
        if let Some(last) = self.stretches.last_mut()
            && last.end() == at
        {
            last.bytes.extend_from_slice(bytes);
            return true;
        }
        if self.stretches.len() >= limits::STRETCHES_MAX {
            return false;
        }
        if self.stretches.capacity() == 0 {
            // What comes in order is one stretch.
            self.stretches.reserve_exact(1);
        }
        self.stretches.push(Stretch {
            start: at,
            head: 0,
            bytes: bytes.to_vec(),
        });
        true
    }

    /// Writes bytes over and between the stretches, and joins those that touch. Whether there was room.
    fn merge(&mut self, at: u64, bytes: &[u8]) -> bool {
        let end = at + bytes.len() as u64;
        let first = self.stretches.partition_point(|stretch| stretch.end() < at);
        let last = self
            .stretches
            .partition_point(|stretch| stretch.start <= end);
        if first >= last {
            if self.stretches.len() >= limits::STRETCHES_MAX {
                return false;
            }
            self.stretches.insert(
                first,
                Stretch {
                    start: at,
                    head: 0,
                    bytes: bytes.to_vec(),
                },
            );
            return true;
        }
        // Grow the first one that is touched, so that what comes before the segment need not be copied.
        let mut touched = self.stretches.drain(first..last);
        let Some(mut joined) = touched.next() else {
            return false;
        };
        let rest: Vec<Stretch> = touched.collect();
        if joined.start > at {
            let mut longer = Vec::with_capacity(bytes.len() + joined.live().len());
            let before = usize::try_from(joined.start - at).unwrap_or(bytes.len());
            longer.extend_from_slice(bytes.get(..before).unwrap_or(bytes));
            longer.extend_from_slice(joined.live());
            joined = Stretch {
                start: at,
                head: 0,
                bytes: longer,
            };
        }
        write(&mut joined, at, bytes);
        for stretch in rest {
            // Only what reaches beyond the segment is not yet there.
            let known = joined.end();
            if stretch.end() > known {
                let skip = usize::try_from(known.saturating_sub(stretch.start)).unwrap_or(0);
                joined
                    .bytes
                    .extend_from_slice(stretch.live().get(skip..).unwrap_or_default());
            }
        }
        self.stretches.insert(first, joined);
        true
    }

    fn remember(&mut self, extent: Extent) {
        let Err(index) = self
            .segments
            .binary_search_by_key(&extent.order(), Extent::order)
        else {
            // Sent again.
            return;
        };
        if self.segments.len() >= limits::SEGMENTS_MAX
            && let Some(last) = self.segments.last_mut()
        {
            // Too many to tell apart: the newest two count as one.
            last.start = last.start.min(extent.start);
            last.end = last.end.max(extent.end);
            return;
        }
        self.segments.insert(index, extent);
    }

    /// What is there from `position` on.
    pub(super) fn next(&self, position: u64) -> Next<'_> {
        let index = self
            .stretches
            .partition_point(|stretch| stretch.end() <= position);
        let Some(stretch) = self.stretches.get(index) else {
            return Next::Nothing;
        };
        match position.checked_sub(stretch.start) {
            Some(skip) => {
                let skip = usize::try_from(skip).unwrap_or(usize::MAX);
                Next::Bytes(stretch.live().get(skip..).unwrap_or_default())
            }
            None => Next::Hole(stretch.start - position),
        }
    }

    /// The bytes up to `end` that hang together with those at `position`, from `start` on or from where they begin, and
    /// the position of the first.
    pub(super) fn contiguous(&self, start: u64, position: u64, end: u64) -> Option<(u64, &[u8])> {
        let index = self
            .stretches
            .partition_point(|stretch| stretch.end() <= position);
        let start = start.max(self.stretches.get(index)?.start);
        Some((start, self.slice(start, end)?))
    }

    /// Gives up everything before `position`.
    pub(super) fn release(&mut self, position: u64, budget: &mut ReassemblyBudget) {
        if position <= self.start {
            return;
        }
        let before = self.held_bytes();
        self.start = position;
        self.segments.retain(|segment| segment.end > position);
        let gone = self
            .stretches
            .partition_point(|stretch| stretch.end() <= position);
        self.stretches.drain(..gone);
        if let Some(first) = self.stretches.first_mut()
            && first.start < position
        {
            let skip = usize::try_from(position - first.start).unwrap_or(0);
            first.head += skip;
            first.start = position;
            // Moving the rest down costs as much as what was given up: amortised, one copy a byte.
            if first.head >= first.live().len() {
                first.bytes.drain(..first.head);
                first.head = 0;
                if first.bytes.capacity() > 4 * first.bytes.len() + 4096 {
                    first.bytes.shrink_to(2 * first.bytes.len());
                }
            }
        }
        budget.change(before, self.held_bytes());
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self, budget: &mut ReassemblyBudget) {
        budget.change(self.held_bytes(), 0);
        self.start = self.right_edge();
        self.stretches = ThinVec::new();
        self.segments = ThinVec::new();
    }
}

/// The segments whose bytes are held against those of a new one: its neighbours in the order of their beginnings, as far as
/// each overlaps it. As in the reference, the search to the left ends at the first that does not: a long segment behind a
/// short one is not found.
fn overlapped(segments: &[Extent], new: Extent) -> impl Iterator<Item = &Extent> {
    let place = segments.partition_point(|held| held.order() < new.order());
    let (before, behind) = segments.split_at(place);
    let left = before
        .iter()
        .rev()
        .take_while(move |held| held.end > new.start);
    let right = behind.iter().take_while(move |held| held.start < new.end);
    left.chain(right)
}

/// Writes a segment's bytes into a stretch that begins at or before it, and as far as they reach beyond its end.
fn write(stretch: &mut Stretch, at: u64, bytes: &[u8]) {
    let begin = usize::try_from(at - stretch.start).unwrap_or(usize::MAX);
    let there = stretch.live().len().saturating_sub(begin).min(bytes.len());
    let head = stretch.head;
    if let Some(target) = stretch.bytes.get_mut(head + begin..head + begin + there)
        && let Some(source) = bytes.get(..there)
    {
        target.copy_from_slice(source);
    }
    stretch
        .bytes
        .extend_from_slice(bytes.get(there..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policies() -> impl Strategy<Value = StreamPolicy> {
        prop::sample::select(vec![
            StreamPolicy::First,
            StreamPolicy::Last,
            StreamPolicy::Bsd,
            StreamPolicy::Linux,
            StreamPolicy::Solaris,
        ])
    }

    /// Byte by byte: a new byte counts where the new segment wins against every segment that holds the place with another byte.
    fn modelled(policy: StreamPolicy, segments: &[(u64, Vec<u8>)]) -> Vec<Option<u8>> {
        let length = segments
            .iter()
            .map(|(at, bytes)| at + bytes.len() as u64)
            .max()
            .unwrap_or(0);
        let mut stream = vec![None; usize::try_from(length).unwrap()];
        let mut extents: Vec<Extent> = Vec::new();
        for (at, bytes) in segments {
            let new = Extent {
                start: *at,
                end: at + bytes.len() as u64,
            };
            for (place, byte) in (*at..).zip(bytes) {
                let keeps_old = overlapped(&extents, new).any(|old| {
                    old.start <= place && place < old.end && !policy.new_wins(*old, new)
                });
                let place = usize::try_from(place).unwrap();
                if stream[place].is_none() || !keeps_old {
                    stream[place] = Some(*byte);
                }
            }
            if let Err(index) = extents.binary_search_by_key(&new.order(), Extent::order) {
                extents.insert(index, new);
            }
        }
        stream
    }

    fn collected(buffer: &StreamBuffer, length: usize) -> Vec<Option<u8>> {
        let mut stream = Vec::new();
        while stream.len() < length {
            match buffer.next(stream.len() as u64) {
                Next::Bytes(bytes) => stream.extend(bytes.iter().map(|byte| Some(*byte))),
                Next::Hole(missing) => {
                    stream.extend(std::iter::repeat_n(None, usize::try_from(missing).unwrap()));
                }
                Next::Nothing => break,
            }
        }
        stream
    }

    proptest! {
        #[test]
        fn stretches_agree_with_a_model_of_single_bytes(
            segments in prop::collection::vec((0_u64..200, prop::collection::vec(any::<u8>(), 1..60)), 1..30),
            policy in policies(),
        ) {
            let mut buffer = StreamBuffer::default();
            let mut budget = ReassemblyBudget::new(1 << 20);
            let mut scratch = Vec::new();
            for (at, bytes) in &segments {
                let inserted = buffer.insert(*at, bytes, policy, &mut budget, &mut scratch);
                let is_taken = matches!(inserted, Inserted::Taken { .. });
                prop_assert!(is_taken);
            }
            let expected = modelled(policy, &segments);
            prop_assert_eq!(collected(&buffer, expected.len()), expected);
            prop_assert_eq!(budget.used_bytes(), buffer.held_bytes());
            buffer.clear(&mut budget);
            prop_assert_eq!(budget.used_bytes(), 0);
        }

        #[test]
        fn any_segmentation_in_any_order_gives_the_stream(
            stream in prop::collection::vec(any::<u8>(), 1..4000),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
            order in any::<u64>(),
            released in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
            places.extend([0, stream.len()]);
            places.sort_unstable();
            places.dedup();
            let mut pieces: Vec<(usize, usize)> = places.windows(2).map(|pair| (pair[0], pair[1])).collect();
            // A fixed shuffle from one number, so that failures shrink.
            pieces.sort_by_key(|(start, _)| (*start as u64 + 1).wrapping_mul(order | 1).rotate_left(17));
            let mut buffer = StreamBuffer::default();
            let mut budget = ReassemblyBudget::new(1 << 20);
            let mut scratch = Vec::new();
            for (start, end) in pieces {
                buffer.insert(start as u64, &stream[start..end], StreamPolicy::Bsd, &mut budget, &mut scratch);
            }
            let mut positions: Vec<usize> = released.iter().map(|place| place.index(stream.len())).collect();
            positions.sort_unstable();
            for position in positions {
                buffer.release(position as u64, &mut budget);
                prop_assert_eq!(buffer.next(position as u64), Next::Bytes(&stream[position..]));
                prop_assert_eq!(budget.used_bytes(), buffer.held_bytes());
            }
            prop_assert_eq!(buffer.right_edge(), stream.len() as u64);
        }
    }

    #[test]
    fn what_was_given_up_is_not_taken_again() {
        let mut buffer = StreamBuffer::default();
        let mut budget = ReassemblyBudget::new(1 << 20);
        let mut scratch = Vec::new();
        buffer.insert(0, b"abcdef", StreamPolicy::Bsd, &mut budget, &mut scratch);
        buffer.release(4, &mut budget);
        let again = buffer.insert(0, b"ABCD", StreamPolicy::Last, &mut budget, &mut scratch);
        assert_eq!(again, Inserted::BeforeStart);
        buffer.insert(2, b"XXEFGH", StreamPolicy::Last, &mut budget, &mut scratch);
        assert_eq!(buffer.next(4), Next::Bytes(b"EFGH"));
    }

    #[test]
    fn a_spent_budget_refuses() {
        let mut buffer = StreamBuffer::default();
        let mut budget = ReassemblyBudget::new(100);
        let mut scratch = Vec::new();
        let refused = buffer.insert(0, &[0; 101], StreamPolicy::Bsd, &mut budget, &mut scratch);
        assert_eq!(refused, Inserted::OverBudget);
        assert_eq!(buffer.right_edge(), 0);
    }
}
