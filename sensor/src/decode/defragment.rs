//! Putting fragmented IP packets together (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! Where fragments overlap, end systems disagree about whose bytes count, and an attacker uses that. So each overlap is
//! decided by an [`OverlapPolicy`] and told by an event. Fragments are kept as ranges of one buffer a packet; everything is
//! bounded by [`limits`], and what a bound costs is counted.

use std::{collections::BTreeMap, net::IpAddr};

use ahash::RandomState;

use super::{IpLayer, Packet, VlanTags, limits};
use crate::{counters::DecodeCounters, steady_table::SteadyTable, time::Timestamp};

/// Whose bytes count where two fragments overlap (Novak, "Target-Based Fragmentation Reassembly").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverlapPolicy {
    /// The first to arrive.
    First,
    /// The last to arrive.
    Last,
    /// The one that begins earlier; the first to arrive where both begin at the same place.
    Bsd,
    /// The one that begins earlier; the last to arrive where both begin at the same place.
    Linux,
    /// The first, except where the new one covers it on both sides.
    Windows,
}

impl OverlapPolicy {
    /// Whether the bytes of `new` replace those of `old` where they overlap.
    fn new_wins(self, old: Extent, new: Extent) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd => new.start < old.start,
            Self::Linux => new.start <= old.start,
            Self::Windows => new.start < old.start && new.end > old.end,
        }
    }
}

/// Bytes of the packet's payload that a fragment brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    start: usize,
    end: usize,
}

/// What of a fragment's extent still counts.
#[derive(Clone, Copy, Debug)]
struct Piece {
    kept: Extent,
    whole: Extent,
}

/// What fragments of one packet have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FragmentKey {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    /// IPv4 only: in IPv6 it is not part of the identity.
    protocol: Option<u8>,
    vlans: VlanTags,
}

impl FragmentKey {
    pub(super) fn new(packet: &Packet<'_>, ip: &IpLayer<'_>, protocol: Option<u8>) -> Self {
        Self {
            source: ip.source,
            destination: ip.destination,
            identification: ip.id,
            protocol,
            vlans: packet.vlans.clone(),
        }
    }
}

/// One fragment as it arrived.
pub(super) struct Fragment<'a> {
    pub(super) time: Timestamp,
    pub(super) offset_bytes: usize,
    pub(super) more_fragments: bool,
    pub(super) payload: &'a [u8],
}

/// A packet put together.
pub(super) struct Whole {
    /// Header of the first fragment, as it was.
    pub(super) header: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

#[derive(Debug)]
struct Incomplete {
    last_seen: Timestamp,
    /// Place in the order of arrival of the newest fragment.
    order: u64,
    header: Option<Vec<u8>>,
    buffer: Vec<u8>,
    /// Disjoint, by position.
    pieces: Vec<Piece>,
    fragments: usize,
    /// The fragment without "more fragments".
    last: Option<Extent>,
}

impl Incomplete {
    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self.buffer.capacity()
            + self.pieces.capacity() * size_of::<Piece>()
            + self.header.as_ref().map_or(0, Vec::capacity)
    }
}

/// The packets that are being put together.
#[derive(Debug)]
pub struct Defragmenter {
    /// By the place of its newest fragment in the order of arrival: oldest first, for time-outs and eviction.
    by_age: BTreeMap<u64, (FragmentKey, Incomplete)>,
    /// Places in that order, found by the key.
    places: SteadyTable<u64>,
    hasher: RandomState,
    next_order: u64,
    held_bytes: usize,
    budget_bytes: usize,
    timeout_seconds: u64,
}

impl Default for Defragmenter {
    fn default() -> Self {
        Self::new(
            limits::FRAGMENT_BYTES_DEFAULT,
            limits::DEFRAGMENT_TIMEOUT_SECONDS,
        )
    }
}

impl Defragmenter {
    /// One that holds at most `budget_bytes`, and gives up a packet for which nothing came for `timeout_seconds`.
    #[must_use]
    pub fn new(budget_bytes: usize, timeout_seconds: u64) -> Self {
        Self {
            by_age: BTreeMap::new(),
            places: SteadyTable::default(),
            hasher: RandomState::new(),
            next_order: 0,
            held_bytes: 0,
            budget_bytes,
            timeout_seconds,
        }
    }

    /// Bytes held for incomplete packets.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Takes a fragment; the whole packet once nothing is missing. Oddities become events of `packet`, the fragment.
    pub(super) fn insert(
        &mut self,
        key: FragmentKey,
        fragment: &Fragment<'_>,
        packet: &mut Packet<'_>,
        counters: &mut DecodeCounters,
    ) -> Option<Whole> {
        let is_ipv4 = key.source.is_ipv4();
        let end = fragment.offset_bytes + fragment.payload.len();
        // As in the reference, which counts a header for IPv4 only.
        let header_bytes = if is_ipv4 { 20 } else { 0 };
        if header_bytes + end > limits::REASSEMBLED_PACKET_MAX_BYTES {
            packet.event(if is_ipv4 {
                "ipv4.frag_pkt_too_large"
            } else {
                "ipv6.frag_pkt_too_large"
            });
            return None;
        }
        if fragment.payload.is_empty() {
            return None;
        }
        self.expire(fragment.time, counters);
        let mut entry = self.take(&key);
        self.next_order += 1;
        entry.order = self.next_order;
        entry.last_seen = fragment.time;
        if entry.fragments >= limits::FRAGMENTS_PER_PACKET_MAX {
            packet.event(if is_ipv4 {
                "ipv4.frag_ignored"
            } else {
                "ipv6.frag_ignored"
            });
            counters.fragments_over_limit += 1;
            self.put_back(key, entry, counters);
            return None;
        }
        entry.fragments += 1;
        if fragment.offset_bytes == 0
            && entry.header.is_none()
            && let Some(ip) = &packet.ip
        {
            entry.header = Some(ip.header.to_vec());
        }
        let policy = if is_ipv4 {
            OverlapPolicy::Windows
        } else {
            OverlapPolicy::Bsd
        };
        let placed = place(&mut entry, policy, fragment);
        // A last fragment of which nothing counts is none; of several the one that begins first ends the packet.
        let is_first_last = entry
            .last
            .is_none_or(|last| fragment.offset_bytes < last.start);
        if !fragment.more_fragments && placed.counts && is_first_last {
            entry.last = Some(Extent {
                start: fragment.offset_bytes,
                end,
            });
        }
        if placed.overlaps {
            packet.event(if is_ipv4 {
                "ipv4.frag_overlap"
            } else {
                "ipv6.frag_overlap"
            });
        }
        if is_complete(&entry) {
            let mut payload = entry.buffer;
            payload.truncate(entry.last.map_or(0, |last| last.end));
            return entry.header.map(|header| Whole { header, payload });
        }
        self.put_back(key, entry, counters);
        None
    }

    fn take(&mut self, key: &FragmentKey) -> Incomplete {
        let hash = self.hasher.hash_one(key);
        let by_age = &self.by_age;
        let is_it = |order: &u64| by_age.get(order).is_some_and(|(held, _)| held == key);
        let place = self.places.find_entry(hash, is_it).ok();
        let order = place.map(|place| place.remove().0);
        match order.and_then(|order| self.by_age.remove(&order)) {
            Some((_, entry)) => {
                self.held_bytes = self.held_bytes.saturating_sub(entry.held_bytes());
                entry
            }
            None => Incomplete {
                last_seen: Timestamp::default(),
                order: 0,
                header: None,
                buffer: Vec::new(),
                pieces: Vec::new(),
                fragments: 0,
                last: None,
            },
        }
    }

    fn put_back(&mut self, key: FragmentKey, entry: Incomplete, counters: &mut DecodeCounters) {
        self.held_bytes += entry.held_bytes();
        let Self {
            by_age,
            places,
            hasher,
            ..
        } = self;
        let hash_of = |order: &u64| by_age.get(order).map_or(0, |(key, _)| hasher.hash_one(key));
        places.insert_unique(hasher.hash_one(&key), entry.order, hash_of);
        by_age.insert(entry.order, (key, entry));
        while (self.held_bytes > self.budget_bytes
            || self.by_age.len() > limits::FRAGMENTED_PACKETS_MAX)
            && self.give_up_oldest()
        {
            counters.fragmented_packets_evicted += 1;
        }
    }

    /// Gives up packets for which nothing came for too long.
    fn expire(&mut self, now: Timestamp, counters: &mut DecodeCounters) {
        while let Some((_, (_, entry))) = self.by_age.first_key_value()
            && now.seconds_since(entry.last_seen) > self.timeout_seconds
            && self.give_up_oldest()
        {
            counters.fragmented_packets_timed_out += 1;
        }
    }

    /// Whether there was one.
    fn give_up_oldest(&mut self) -> bool {
        let Some((oldest, (key, entry))) = self.by_age.pop_first() else {
            return false;
        };
        let hash = self.hasher.hash_one(&key);
        if let Ok(place) = self.places.find_entry(hash, |order| *order == oldest) {
            place.remove();
        }
        self.held_bytes = self.held_bytes.saturating_sub(entry.held_bytes());
        true
    }
}

/// Whether the pieces reach from 0 to the end without a hole.
fn is_complete(entry: &Incomplete) -> bool {
    let Some(Extent { end, .. }) = entry.last else {
        return false;
    };
    let mut reached = 0;
    for piece in &entry.pieces {
        if piece.kept.start > reached {
            return false;
        }
        reached = reached.max(piece.kept.end);
    }
    entry.header.is_some() && reached >= end
}

/// What became of a fragment's bytes.
struct Placed {
    /// It overlapped others.
    overlaps: bool,
    /// Any of its bytes count.
    counts: bool,
}

/// Enters a fragment's bytes where they count.
fn place(entry: &mut Incomplete, policy: OverlapPolicy, fragment: &Fragment<'_>) -> Placed {
    let whole = Extent {
        start: fragment.offset_bytes,
        end: fragment.offset_bytes + fragment.payload.len(),
    };
    if entry.buffer.len() < whole.end {
        entry.buffer.resize(whole.end, 0);
    }
    let mut overlaps = false;
    // What of the new fragment counts so far; pieces are met by position, so only the last part can still lose.
    let mut remaining = Some(whole);
    let mut pieces = Vec::with_capacity(entry.pieces.len() + 2);
    let mut won: Vec<Extent> = Vec::new();
    for piece in entry.pieces.drain(..) {
        let overlapping =
            remaining.filter(|new| new.start < piece.kept.end && piece.kept.start < new.end);
        let Some(new) = overlapping else {
            pieces.push(piece);
            continue;
        };
        overlaps = true;
        // In the reference a last fragment ends the packet, so that others which begin behind it are not looked at.
        let ends_before = !fragment.more_fragments && whole.start < piece.whole.start;
        if ends_before || policy.new_wins(piece.whole, whole) {
            for kept in [
                Extent {
                    start: piece.kept.start,
                    end: new.start,
                },
                Extent {
                    start: new.end,
                    end: piece.kept.end,
                },
            ] {
                if kept.start < kept.end {
                    pieces.push(Piece {
                        kept,
                        whole: piece.whole,
                    });
                }
            }
        } else {
            if new.start < piece.kept.start {
                won.push(Extent {
                    start: new.start,
                    end: piece.kept.start,
                });
            }
            remaining = (piece.kept.end < new.end).then_some(Extent {
                start: piece.kept.end,
                end: new.end,
            });
            pieces.push(piece);
        }
    }
    won.extend(remaining.filter(|new| new.start < new.end));
    let counts = !won.is_empty();
    for kept in won {
        let source = fragment
            .payload
            .get(kept.start - whole.start..kept.end - whole.start);
        if let (Some(target), Some(source)) = (entry.buffer.get_mut(kept.start..kept.end), source) {
            target.copy_from_slice(source);
        }
        pieces.push(Piece { kept, whole });
    }
    pieces.sort_unstable_by_key(|piece| piece.kept.start);
    entry.pieces = pieces;
    Placed { overlaps, counts }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn empty() -> Incomplete {
        Incomplete {
            last_seen: Timestamp::default(),
            order: 0,
            header: None,
            buffer: Vec::new(),
            pieces: Vec::new(),
            fragments: 0,
            last: None,
        }
    }

    fn placed(policy: OverlapPolicy, fragments: &[(usize, &[u8])]) -> Vec<u8> {
        let mut entry = empty();
        for (offset_bytes, payload) in fragments {
            let fragment = Fragment {
                time: Timestamp::default(),
                offset_bytes: *offset_bytes,
                more_fragments: true,
                payload,
            };
            place(&mut entry, policy, &fragment);
        }
        entry.buffer
    }

    #[test]
    fn policies_differ_as_novak_describes() {
        let fragments: &[(usize, &[u8])] = &[(8, b"AAAAAAAA"), (0, b"BBBBBBBBBBBBBBBB")];
        assert_eq!(placed(OverlapPolicy::First, fragments), b"BBBBBBBBAAAAAAAA");
        assert_eq!(placed(OverlapPolicy::Bsd, fragments), b"BBBBBBBBBBBBBBBB");
        assert_eq!(
            placed(OverlapPolicy::Windows, fragments),
            b"BBBBBBBBAAAAAAAA"
        );
        let covering: &[(usize, &[u8])] = &[(8, b"AAAAAAAA"), (0, b"BBBBBBBBBBBBBBBBBBBBBBBB")];
        assert_eq!(placed(OverlapPolicy::Windows, covering), [b'B'; 24]);
        let same_start: &[(usize, &[u8])] = &[(0, b"AAAAAAAA"), (0, b"BBBBBBBB")];
        assert_eq!(placed(OverlapPolicy::Bsd, same_start), b"AAAAAAAA");
        assert_eq!(placed(OverlapPolicy::Linux, same_start), b"BBBBBBBB");
    }

    /// Byte by byte: who owns it now, and with which extent.
    fn modelled(policy: OverlapPolicy, fragments: &[(usize, Vec<u8>)]) -> Vec<Option<u8>> {
        let length = fragments
            .iter()
            .map(|(at, bytes)| at + bytes.len())
            .max()
            .unwrap_or(0);
        let mut owners: Vec<Option<(Extent, u8)>> = vec![None; length];
        for (start, bytes) in fragments {
            let new = Extent {
                start: *start,
                end: start + bytes.len(),
            };
            for (place, byte) in (*start..).zip(bytes) {
                let wins = owners[place].is_none_or(|(old, _)| policy.new_wins(old, new));
                if wins {
                    owners[place] = Some((new, *byte));
                }
            }
        }
        owners
            .into_iter()
            .map(|owner| owner.map(|(_, byte)| byte))
            .collect()
    }

    #[test]
    fn the_packets_that_stay_incomplete_are_bounded() {
        let mut defragmenter = Defragmenter::default();
        let mut counters = DecodeCounters::default();
        for identification in 0..10_000 {
            let key = FragmentKey {
                source: std::net::Ipv4Addr::LOCALHOST.into(),
                destination: std::net::Ipv4Addr::LOCALHOST.into(),
                identification,
                protocol: Some(17),
                vlans: VlanTags::new(),
            };
            for offset_bytes in [8, 24] {
                let fragment = Fragment {
                    time: Timestamp::default(),
                    offset_bytes,
                    more_fragments: true,
                    payload: b"AAAAAAAA",
                };
                let mut packet = Packet::undecoded(Timestamp::default(), 0);
                defragmenter.insert(key.clone(), &fragment, &mut packet, &mut counters);
            }
        }
        assert_eq!(defragmenter.by_age.len(), limits::FRAGMENTED_PACKETS_MAX);
        assert_eq!(defragmenter.places.len(), limits::FRAGMENTED_PACKETS_MAX);
        assert_eq!(counters.fragmented_packets_evicted, 10_000 - 4_096);
    }

    proptest! {
        #[test]
        fn ranges_agree_with_a_model_of_single_bytes(
            fragments in prop::collection::vec((0_usize..12, prop::collection::vec(any::<u8>(), 1..40)), 1..12),
            policy in prop::sample::select(vec![
                OverlapPolicy::First, OverlapPolicy::Last, OverlapPolicy::Bsd, OverlapPolicy::Linux, OverlapPolicy::Windows,
            ]),
        ) {
            let fragments: Vec<_> = fragments.into_iter().map(|(units, bytes)| (units * 8, bytes)).collect();
            let borrowed: Vec<_> = fragments.iter().map(|(at, bytes)| (*at, bytes.as_slice())).collect();
            let got = placed(policy, &borrowed);
            let expected: Vec<u8> = modelled(policy, &fragments).into_iter().map(|byte| byte.unwrap_or(0)).collect();
            prop_assert_eq!(got, expected);
        }
    }
}
