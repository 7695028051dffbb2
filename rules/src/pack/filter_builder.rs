//! Builds the tables of a filter: the same patterns, the same bytes.

use std::{collections::HashMap, ops::Range};

use super::{
    byte_rarity::commonness,
    bytes::to_usize,
    filter::{NARROW, SLOTS_LOG2_MAX, WIDE, gram_at, place_of_gram},
    writer::put_u32s,
};

/// So many patterns may share a gram before a less rare one is taken: what one position may cost at most is bounded by them.
const PATTERNS_PER_GRAM: u32 = 4;

/// An entry while tables are built.
struct Entry {
    gram: u32,
    pattern: u32,
    place: u16,
    /// The place of the telling byte, and that byte.
    telling: [u8; 2],
}

/// The tables for distinct patterns in lower case, by their number.
pub(super) fn build(patterns: &[&[u8]]) -> Vec<u8> {
    let (mut wide, mut narrow, mut singles) = (Vec::new(), Vec::new(), Vec::new());
    let mut loads: HashMap<u32, u32> = HashMap::new();
    for (pattern, number) in patterns.iter().zip(0..) {
        match pattern.len() {
            0 => {}
            1 => singles.extend(pattern.iter().map(|byte| [u32::from(*byte), number])),
            2 | 3 => narrow.push(choose(pattern, number, NARROW, &mut HashMap::new())),
            _ => wide.push(choose(pattern, number, WIDE, &mut loads)),
        }
    }
    let (wide, narrow) = (Table::new(wide), Table::new(narrow));
    let mut out = vec![wide.slots_log2, narrow.slots_log2, 0, 0];
    let counts = [wide.entries, narrow.entries, singles.len()];
    put_u32s(
        &mut out,
        counts.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
    );
    out.extend_from_slice(&wide.bytes);
    out.extend_from_slice(&narrow.bytes);
    put_u32s(&mut out, singles.into_iter().flatten());
    out
}

/// The rarest gram of a pattern, as long as not too many others have it.
fn choose(pattern: &[u8], number: u32, gram_bytes: usize, loads: &mut HashMap<u32, u32>) -> Entry {
    // Places are stored in two bytes; a pattern is never that long, and its first grams will do.
    let places = 0..=u16::try_from(pattern.len() - gram_bytes).unwrap_or(u16::MAX);
    let (_, _, place, gram) = places
        .filter_map(|place| {
            let start = usize::from(place);
            let gram = gram_at(pattern, start, gram_bytes)?;
            let load = loads.get(&gram).copied().unwrap_or_default();
            let common = commonness(pattern.get(start..start + gram_bytes)?);
            Some((load / PATTERNS_PER_GRAM, common, place, gram))
        })
        .min()
        .unwrap_or_default();
    *loads.entry(gram).or_default() += 1;
    let start = usize::from(place);
    Entry {
        gram,
        pattern: number,
        place,
        telling: telling_byte(pattern, start..start + gram_bytes),
    }
}

/// Place and value of the rarest byte outside the gram among those whose place is one byte; where there is none, of the first byte.
fn telling_byte(pattern: &[u8], gram: Range<usize>) -> [u8; 2] {
    let outside = (0..=u8::MAX)
        .zip(pattern)
        .filter(|(place, _)| !gram.contains(&usize::from(*place)));
    outside
        .min_by_key(|(_, byte)| commonness(std::slice::from_ref(*byte)))
        .map(|(place, byte)| [place, *byte])
        .unwrap_or([0, pattern.first().copied().unwrap_or_default()])
}

/// A gram table as it stands in the file.
#[derive(Default)]
struct Table {
    slots_log2: u8,
    entries: usize,
    /// Bitmap, slots, entries.
    bytes: Vec<u8>,
}

impl Table {
    fn new(mut entries: Vec<Entry>) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        // About one entry a slot, so that one position in some hundreds passes its word by chance.
        let slots_log2 = entries.len().next_power_of_two().ilog2();
        let slots_log2 = u8::try_from(slots_log2)
            .unwrap_or(u8::MAX)
            .clamp(1, SLOTS_LOG2_MAX);
        let slots = 1 << slots_log2;
        let place = |entry: &Entry| place_of_gram(entry.gram, slots_log2);
        entries.sort_unstable_by_key(|entry| (place(entry).0, entry.pattern));
        let mut words = vec![0_u32; slots];
        for (slot, mask) in entries.iter().map(place) {
            if let Some(word) = words.get_mut(to_usize(slot)) {
                *word |= mask;
            }
        }
        let mut bytes = Vec::new();
        put_u32s(&mut bytes, words);
        let first_from =
            |wanted: usize| entries.partition_point(|entry| to_usize(place(entry).0) < wanted);
        put_u32s(
            &mut bytes,
            (0..=slots).map(|slot| u32::try_from(first_from(slot)).unwrap_or(u32::MAX)),
        );
        for entry in &entries {
            put_u32s(&mut bytes, [entry.gram, entry.pattern]);
            bytes.extend(entry.place.to_le_bytes());
            bytes.extend(entry.telling);
        }
        Self {
            slots_log2,
            entries: entries.len(),
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::{
        filter::{Filter, Patterns, PortableSearch, SeenPatterns},
        strings::{Interner, StringTable},
    };
    use proptest::prelude::*;

    /// What the filter finds, and what is there.
    fn found_and_expected(patterns: &[&[u8]], bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
        let mut strings = Interner::new();
        let mut numbers = Vec::new();
        put_u32s(
            &mut numbers,
            patterns.iter().map(|pattern| strings.bytes(pattern)),
        );
        let (offsets, texts) = strings.finish();
        let patterns_view = Patterns {
            numbers: &numbers,
            strings: StringTable::checked(&offsets, &texts),
        };
        let tables = build(patterns);
        let filter = Filter::split(&tables).unwrap();
        assert!(filter.is_sound(patterns_view));
        let mut found = Vec::new();
        let mut seen = SeenPatterns::new(patterns.len());
        for _ in 0..2 {
            found.clear();
            filter.scan(
                patterns_view,
                bytes,
                &mut seen,
                &PortableSearch,
                |pattern| found.push(pattern),
            );
        }
        found.sort_unstable();
        let stands = |pattern: &[u8]| bytes.windows(pattern.len()).any(|window| window == pattern);
        let expected = (0..patterns.len())
            .filter(|index| stands(patterns[*index]))
            .collect();
        (found, expected)
    }

    proptest! {
        #[test]
        fn exactly_what_stands_there_is_found(
            patterns in proptest::collection::btree_set(proptest::collection::vec(0_u8..4, 1..9), 0..60),
            bytes in proptest::collection::vec(0_u8..4, 0..200),
        ) {
            let patterns: Vec<&[u8]> = patterns.iter().map(Vec::as_slice).collect();
            let (found, expected) = found_and_expected(&patterns, &bytes);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn patterns_at_both_ends_are_found() {
        let patterns: [&[u8]; 6] = [
            b"get ",
            b"end",
            b"\n",
            b"et",
            b"longer than the bytes by far",
            b"x",
        ];
        let (found, expected) = found_and_expected(&patterns, b"get / the end\n");
        assert_eq!(found, expected);
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn many_patterns_with_the_same_beginning_do_not_share_one_gram() {
        let patterns: Vec<Vec<u8>> = (0..200_u8)
            .map(|number| [b"http://", &[number, 1, number][..]].concat())
            .collect();
        let mut loads = HashMap::new();
        for (pattern, number) in patterns.iter().zip(0..) {
            choose(pattern, number, WIDE, &mut loads);
        }
        assert!(loads.values().all(|load| *load <= PATTERNS_PER_GRAM));
    }
}
