//! Which rules an address may concern: the address lists of all rules that ask for nothing else, in one sorted table for each end.
//!
//! Of such a rule the end is indexed that names fewer IPv4 addresses; a rule for `<>` stands in both tables. A rule that
//! names more than [`WIDE_ADDRESSES`] of them at both ends is tried everywhere, as all are if the tables would grow beyond
//! [`limits::ADDRESS_INDEX_RULES`]. For IPv6 there is no table: rules with IPv6 addresses are tried on every IPv6 packet.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use super::{
    bytes::{field_u32, to_usize},
    format::{ADDRESS_INDEX_BYTES, Section},
    reader::Pack,
    sets::AddressSetView,
    writer::{length_u32, put_u32s},
};
use crate::limits;

/// A rule that names more IPv4 addresses than this, one in sixteen, is not worth a place in the tables.
const WIDE_ADDRESSES: u64 = 1 << 28;

/// One end of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Source,
    Destination,
}

/// The end to index for a rule with these address sets; `None` if both are too wide.
pub(super) fn telling_end(
    source: AddressSetView<'_>,
    destination: AddressSetView<'_>,
) -> Option<End> {
    let size = |set: AddressSetView<'_>| -> u64 {
        set.ipv4_ranges()
            .map(|(first, last)| u64::from(last - first) + 1)
            .sum()
    };
    let (source, destination) = (size(source), size(destination));
    if source.min(destination) > WIDE_ADDRESSES {
        None
    } else if source <= destination {
        Some(End::Source)
    } else {
        Some(End::Destination)
    }
}

/// The addresses of one end while rules are added.
#[derive(Debug, Default)]
pub(super) struct EndRanges {
    /// First address, last address, rule.
    ranges: Vec<(u32, u32, u32)>,
}

impl EndRanges {
    pub(super) fn add(&mut self, rule: u32, set: AddressSetView<'_>) {
        let ranges = set.ipv4_ranges().map(|(first, last)| (first, last, rule));
        self.ranges.extend(ranges);
    }
}

/// The two tables and the lists they lead to, as sections.
#[derive(Debug, Default)]
pub(super) struct IndexSections {
    pub(super) source: Vec<u8>,
    pub(super) destination: Vec<u8>,
    pub(super) rules: Vec<u8>,
}

/// Builds the sections; `None` if they would grow too large.
pub(super) fn build(source: &EndRanges, destination: &EndRanges) -> Option<IndexSections> {
    let mut lists = Lists::default();
    Some(IndexSections {
        source: table(source, &mut lists)?,
        destination: table(destination, &mut lists)?,
        rules: lists.rules,
    })
}

/// Lists of rules, each distinct one once.
#[derive(Debug, Default)]
struct Lists {
    rules: Vec<u8>,
    places: HashMap<Vec<u32>, u32>,
}

impl Lists {
    fn place(&mut self, list: Vec<u32>) -> Option<u32> {
        if let Some(place) = self.places.get(&list) {
            return Some(*place);
        }
        let place = self.rules.len() / 4;
        if place + list.len() > limits::ADDRESS_INDEX_RULES {
            return None;
        }
        put_u32s(&mut self.rules, list.iter().copied());
        self.places.insert(list, length_u32(place));
        Some(length_u32(place))
    }
}

/// Sweeps over the addresses: wherever the rules change that name them, an entry begins.
fn table(end: &EndRanges, lists: &mut Lists) -> Option<Vec<u8>> {
    // Address at which a rule begins or ends to be named; one address behind the last may lie behind all of them.
    let mut changes: Vec<(u64, bool, u32)> = Vec::with_capacity(end.ranges.len() * 2);
    for (first, last, rule) in &end.ranges {
        changes.push((u64::from(*first), true, *rule));
        changes.push((u64::from(*last) + 1, false, *rule));
    }
    changes.sort_unstable();
    let mut out = Vec::new();
    let mut named = BTreeSet::new();
    for at_one_address in changes.chunk_by(|one, other| one.0 == other.0) {
        for (_, begins, rule) in at_one_address {
            if *begins {
                named.insert(*rule);
            } else {
                named.remove(rule);
            }
        }
        let address = at_one_address.first().map_or(0, |change| change.0);
        let Ok(address) = u32::try_from(address) else {
            break;
        };
        let list: Vec<u32> = named.iter().copied().collect();
        let count = length_u32(list.len());
        put_u32s(&mut out, [address, lists.place(list)?, count]);
    }
    Some(out)
}

/// Calls `found` with the rules of the entry that an address falls into.
fn look_up(table: &[u8], rules: &[u8], address: u32, mut found: impl FnMut(u32)) {
    let first_of = |entry: usize| field_u32(table, entry * ADDRESS_INDEX_BYTES);
    let (mut low, mut high) = (0, table.len() / ADDRESS_INDEX_BYTES);
    while low < high {
        let middle = usize::midpoint(low, high);
        if first_of(middle) <= address {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let Some(entry) = low.checked_sub(1).map(|entry| entry * ADDRESS_INDEX_BYTES) else {
        return;
    };
    let first = to_usize(field_u32(table, entry + 4));
    for index in first..first.saturating_add(to_usize(field_u32(table, entry + 8))) {
        found(field_u32(rules, index.saturating_mul(4)));
    }
}

/// Whether a table ascends and leads to lists and rules that exist.
pub(super) fn is_sound(table: &[u8], rules: &[u8], rule_count: u32) -> bool {
    let lists = rules.len() / 4;
    let entries = table.as_chunks::<ADDRESS_INDEX_BYTES>().0;
    entries
        .windows(2)
        .all(|pair| field_u32(&pair[0], 0) < field_u32(&pair[1], 0))
        && entries.iter().all(|entry| {
            to_usize(field_u32(entry, 4))
                .checked_add(to_usize(field_u32(entry, 8)))
                .is_some_and(|end| end <= lists)
        })
        && super::reader::section_numbers(rules).all(|rule| rule < rule_count)
}

impl Pack {
    /// Calls `found` with each rule of [`super::PrefilterScope::AddressOnly`] whose address list has one of these IPv4
    /// addresses at its end; a rule may come twice. Those of the group itself are not among them.
    pub fn rules_of_addresses(
        &self,
        source: IpAddr,
        destination: IpAddr,
        mut found: impl FnMut(u32),
    ) {
        let rules = self.section(Section::AddressIndexRules);
        for (address, table) in [
            (source, Section::SourceIndex),
            (destination, Section::DestinationIndex),
        ] {
            if let IpAddr::V4(address) = address {
                look_up(self.section(table), rules, u32::from(address), &mut found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_address_leads_to_the_rules_that_name_it(
            ranges in proptest::collection::vec((0_u32..40, 0_u32..12), 0..30),
            near_the_end: bool,
        ) {
            let base = if near_the_end { u32::MAX - 51 } else { 0 };
            let mut end = EndRanges::default();
            for ((first, length), rule) in ranges.iter().zip(0..) {
                end.ranges.push((base + first, base + first + length, rule));
            }
            let built = build(&end, &EndRanges::default()).unwrap();
            prop_assert!(is_sound(&built.source, &built.rules, 30));
            for offset in 0..=51 {
                let address = base + offset;
                let mut found = Vec::new();
                look_up(&built.source, &built.rules, address, |rule| found.push(rule));
                let expected: Vec<u32> = end.ranges.iter()
                    .filter(|(first, last, _)| (*first..=*last).contains(&address))
                    .map(|(_, _, rule)| *rule)
                    .collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn tables_that_would_grow_too_large_are_not_built() {
        let mut end = EndRanges::default();
        for rule in 0..2_000 {
            end.ranges.push((rule, 4_000 - rule, rule));
        }
        assert!(build(&end, &EndRanges::default()).is_none());
    }
}
