//! Filters: which of thousands of patterns stand in some bytes, answered where the tables lie in the file.
//!
//! Each pattern is found by one *gram* of it, four bytes of a pattern that has them (wide), two of one that is shorter (narrow),
//! chosen where traffic has them least often. A bitmap over hashed grams says for nearly every position of the bytes that no
//! gram stands there; else the few patterns of that gram are compared in full. So nothing is found that is not there, the
//! tables need no automaton, and nothing of them is copied into private memory.
//!
//! The tables of a group, behind one another in [`super::format::Section::Filters`], numbers u32 where not said otherwise:
//!
//! | what | bytes |
//! |---|---|
//! | logarithms of the slots of the wide table and of the narrow one (u8 each, 0 without entries), zero (u16) | 4 |
//! | number of wide entries, of narrow entries, of patterns of one byte | 12 |
//! | wide bitmap, one word for each slot | 2^slots · 4 |
//! | wide slots: the first entry of each, and the number of entries | (2^slots + 1) · 4 |
//! | wide entries: gram, pattern, place of the gram in the pattern (u16), place of a telling byte in it (u8), that byte (u8) | 12 each |
//! | narrow bitmap, slots, entries | likewise |
//! | patterns of one byte: that byte, pattern | 8 each |
//!
//! A gram's number is its bytes in little-endian order; its hash is that number times [`GRAM_HASH_FACTOR`] modulo 2^32, of which the
//! highest bits choose slot and word. The fifteen behind them are three numbers of bits, all of which are set in that word: one
//! look at memory answers three questions, and the bitmap of thousands of patterns fits into a board's nearest cache.
//! Patterns and entries of a slot ascend. The telling byte is the rarest that stands outside the gram: where it is another one, the
//! pattern need not be fetched from elsewhere in the file to know that it does not stand there.

use super::{
    bytes::{field_u16, field_u32, to_usize},
    strings::StringTable,
};

/// Bytes before the tables.
pub(super) const FILTER_HEADER_BYTES: usize = 16;
/// Bytes of an entry of a gram table.
pub(super) const ENTRY_BYTES: usize = 12;
/// Bytes of an entry of the table of single bytes.
pub(super) const SINGLE_BYTES: usize = 8;
/// Bytes of the grams of long patterns.
pub(super) const WIDE: usize = 4;
/// Bytes of the grams of short patterns.
pub(super) const NARROW: usize = 2;
/// Spreads grams over bitmap and slots: a gram times this modulo 2^32, of which the highest bits count.
pub const GRAM_HASH_FACTOR: u32 = 0x9e37_79b1;
/// Binary digits of the number of a bit in a word.
pub const WORD_BITS_LOG2: u32 = 5;
/// Bits of a gram in its word.
pub const BITS_PER_GRAM: u32 = 3;
/// Largest logarithm of a table's slots: as many as leave the hash enough digits for the bits of a word.
pub(super) const SLOTS_LOG2_MAX: u8 = 17;

/// The patterns of a group that were found already; kept by whoever scans, for one group.
#[derive(Clone, Debug, Default)]
pub struct SeenPatterns {
    round: u32,
    seen_in: Vec<u32>,
}

impl SeenPatterns {
    /// For a group of so many patterns.
    #[must_use]
    pub fn new(patterns: usize) -> Self {
        Self {
            round: 0,
            seen_in: vec![0; patterns],
        }
    }

    fn begin(&mut self) {
        if self.round == u32::MAX {
            self.seen_in.fill(0);
            self.round = 0;
        }
        self.round += 1;
    }

    fn has(&self, pattern: usize) -> bool {
        self.seen_in
            .get(pattern)
            .is_none_or(|seen| *seen == self.round)
    }

    fn add(&mut self, pattern: usize) {
        if let Some(seen) = self.seen_in.get_mut(pattern) {
            *seen = self.round;
        }
    }
}

/// Where a gram stands in a bitmap of `2^words_log2` words: the number of its word, and the bits that are all set there.
#[must_use]
#[inline]
pub fn place_of_gram(gram: u32, words_log2: u8) -> (u32, u32) {
    let hash = gram.wrapping_mul(GRAM_HASH_FACTOR);
    let behind = hash.unbounded_shl(u32::from(words_log2));
    let mask = (1..=BITS_PER_GRAM).fold(0, |mask, number| {
        let bit = behind >> (u32::BITS - number * WORD_BITS_LOG2) & (u32::BITS - 1);
        mask | 1 << bit
    });
    (slot_of(hash, words_log2), mask)
}

/// The slot, and word, of a hash.
fn slot_of(hash: u32, slots_log2: u8) -> u32 {
    hash.unbounded_shr(u32::BITS.saturating_sub(u32::from(slots_log2)))
}

/// The bitmap of one table of grams, for who looks where in some bytes one of them may stand.
#[derive(Clone, Copy, Debug)]
pub struct GramBitmap<'a> {
    gram_bytes: usize,
    words_log2: u8,
    words: &'a [u8],
}

impl<'a> GramBitmap<'a> {
    /// A bitmap of `2^words_log2` words for grams of 2 or 4 bytes; `None` where there are not exactly those.
    #[must_use]
    pub fn new(gram_bytes: usize, words_log2: u8, words: &'a [u8]) -> Option<Self> {
        let is_sound = matches!(gram_bytes, NARROW | WIDE)
            && (1..=SLOTS_LOG2_MAX).contains(&words_log2)
            && words.len() == 4 << words_log2;
        is_sound.then_some(Self {
            gram_bytes,
            words_log2,
            words,
        })
    }

    /// Bytes of its grams: 2 or 4.
    #[must_use]
    pub fn gram_bytes(&self) -> usize {
        self.gram_bytes
    }

    /// Logarithm of the number of its words, at least 1 and at most 17.
    #[must_use]
    pub fn words_log2(&self) -> u8 {
        self.words_log2
    }

    /// Its words, of four bytes each in little-endian order.
    #[must_use]
    pub fn words(&self) -> &'a [u8] {
        self.words
    }

    /// Whether it does not rule this gram out.
    #[must_use]
    #[inline]
    pub fn may_have(&self, gram: u32) -> bool {
        let (word, mask) = place_of_gram(gram, self.words_log2);
        field_u32(self.words, to_usize(word) * 4) & mask == mask
    }

    /// Calls `found` with each position at which the bitmap does not rule out a gram, ascending.
    pub fn search(&self, bytes: &[u8], found: &mut impl FnMut(usize)) {
        let mut visit = |at: usize, gram: u32| {
            if self.may_have(gram) {
                found(at);
            }
        };
        if self.gram_bytes == WIDE {
            for (at, gram) in bytes.array_windows::<WIDE>().enumerate() {
                visit(at, u32::from_le_bytes(*gram));
            }
        } else {
            for (at, gram) in bytes.array_windows::<NARROW>().enumerate() {
                visit(at, u32::from(u16::from_le_bytes(*gram)));
            }
        }
    }
}

/// How the positions are found at which a gram may stand: whoever scans may know faster instructions than this package, which
/// has only safe ones.
pub trait GramSearch {
    /// Calls `found`, ascending, with each position at which a gram of the table that the bitmap belongs to stands, and perhaps with
    /// others that the bitmap does not rule out, as [`GramBitmap::search`] does.
    fn search(&self, bitmap: GramBitmap<'_>, bytes: &[u8], found: &mut impl FnMut(usize));
}

/// One position after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct PortableSearch;

impl GramSearch for PortableSearch {
    fn search(&self, bitmap: GramBitmap<'_>, bytes: &[u8], found: &mut impl FnMut(usize)) {
        bitmap.search(bytes, found);
    }
}

/// A bitmap and what it leads to.
#[derive(Clone, Copy, Debug)]
struct GramTable<'a> {
    slots_log2: u8,
    words: &'a [u8],
    slots: &'a [u8],
    entries: &'a [u8],
}

impl<'a> GramTable<'a> {
    /// Cuts a table off the front of `rest`.
    fn split(rest: &mut &'a [u8], slots_log2: u8, entries: u32) -> Option<Self> {
        if entries == 0 {
            return (slots_log2 == 0).then_some(Self {
                slots_log2,
                words: &[],
                slots: &[],
                entries: &[],
            });
        }
        if !(1..=SLOTS_LOG2_MAX).contains(&slots_log2) {
            return None;
        }
        let mut cut = |bytes: usize| {
            let (part, behind) = rest.split_at_checked(bytes)?;
            *rest = behind;
            Some(part)
        };
        Some(Self {
            slots_log2,
            words: cut(4 << slots_log2)?,
            slots: cut(((1 << slots_log2) + 1) * 4)?,
            entries: cut(to_usize(entries).checked_mul(ENTRY_BYTES)?)?,
        })
    }

    fn bitmap(&self, gram_bytes: usize) -> GramBitmap<'a> {
        GramBitmap {
            gram_bytes,
            words_log2: self.slots_log2,
            words: self.words,
        }
    }

    /// The entries of the slot of a gram.
    fn entries_of(&self, gram: u32) -> &'a [u8] {
        let hash = gram.wrapping_mul(GRAM_HASH_FACTOR);
        let slot = to_usize(slot_of(hash, self.slots_log2)) * 4;
        let start = to_usize(field_u32(self.slots, slot));
        let end = to_usize(field_u32(self.slots, slot + 4));
        self.entries
            .get(start.saturating_mul(ENTRY_BYTES)..end.saturating_mul(ENTRY_BYTES))
            .unwrap_or_default()
    }
}

/// A group's tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter<'a> {
    wide: GramTable<'a>,
    narrow: GramTable<'a>,
    singles: &'a [u8],
}

impl<'a> Filter<'a> {
    /// Finds the tables; `None` where the bytes are not exactly those.
    pub(super) fn split(bytes: &'a [u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(FILTER_HEADER_BYTES)?;
        let &[wide, narrow, 0, 0] = header.first_chunk()? else {
            return None;
        };
        let filter = Self {
            wide: GramTable::split(&mut rest, wide, field_u32(header, 4))?,
            narrow: GramTable::split(&mut rest, narrow, field_u32(header, 8))?,
            singles: rest,
        };
        let singles = to_usize(field_u32(header, 12)).checked_mul(SINGLE_BYTES)?;
        (rest.len() == singles).then_some(filter)
    }

    /// Calls `hit` with each pattern that stands in `bytes` and was not seen there before, once.
    pub(super) fn scan(
        &self,
        patterns: Patterns<'_>,
        bytes: &[u8],
        seen: &mut SeenPatterns,
        grams: &impl GramSearch,
        mut hit: impl FnMut(usize),
    ) {
        seen.begin();
        let mut search = Search {
            patterns,
            bytes,
            seen,
            hit: &mut hit,
        };
        for (table, gram_bytes) in [(&self.wide, WIDE), (&self.narrow, NARROW)] {
            if table.entries.is_empty() {
                continue;
            }
            let mut spent = SpentGrams::new();
            grams.search(table.bitmap(gram_bytes), bytes, &mut |position| {
                if let Some(gram) = gram_at(bytes, position, gram_bytes)
                    && !spent.has(gram)
                    && search.compare(table.entries_of(gram), position, gram)
                {
                    spent.add(gram);
                }
            });
        }
        for single in self.singles.chunks_exact(SINGLE_BYTES) {
            let byte = single.first().copied().unwrap_or_default();
            if memchr::memchr(byte, bytes).is_some() {
                search.found(to_usize(field_u32(single, 4)));
            }
        }
    }

    /// The grams of so many bytes, 2 or 4, the same perhaps more than once.
    pub(super) fn grams(&self, gram_bytes: usize) -> impl Iterator<Item = u32> + use<'a> {
        let entries = match gram_bytes {
            WIDE => self.wide.entries,
            NARROW => self.narrow.entries,
            _ => &[],
        };
        entries
            .as_chunks::<ENTRY_BYTES>()
            .0
            .iter()
            .map(|entry| Entry::read(entry).gram)
    }

    /// Whether every pattern can be found, and nothing leads elsewhere.
    pub(super) fn is_sound(&self, patterns: Patterns<'_>) -> bool {
        let count = patterns.count();
        let entries = [
            (&self.wide, WIDE, WIDE..usize::MAX),
            (&self.narrow, NARROW, NARROW..WIDE),
        ];
        let mut reached = vec![false; count];
        let mut reach = |pattern: usize| {
            reached
                .get_mut(pattern)
                .is_some_and(|slot| !std::mem::replace(slot, true))
        };
        for (table, gram_bytes, lengths) in entries {
            let slots = table.slots.len() / 4;
            let first_of = |slot: usize| field_u32(table.slots, slot * 4);
            let total = table.entries.len() / ENTRY_BYTES;
            if slots > 0 && (first_of(0) != 0 || to_usize(first_of(slots - 1)) != total) {
                return false;
            }
            for slot in 0..slots.saturating_sub(1) {
                let (start, end) = (to_usize(first_of(slot)), to_usize(first_of(slot + 1)));
                if start > end || end > total {
                    return false;
                }
                for index in start..end {
                    let entry = Entry::at(table.entries, index);
                    let (of_gram, _) = place_of_gram(entry.gram, table.slots_log2);
                    let sound = to_usize(of_gram) == slot
                        && table.bitmap(gram_bytes).may_have(entry.gram)
                        && patterns.get(entry.pattern).is_some_and(|pattern| {
                            lengths.contains(&pattern.len())
                                && pattern.get(entry.telling_place) == Some(&entry.telling_byte)
                                && gram_at(pattern, entry.place, gram_bytes) == Some(entry.gram)
                        })
                        && reach(entry.pattern);
                    if !sound {
                        return false;
                    }
                }
            }
        }
        for single in self.singles.chunks_exact(SINGLE_BYTES) {
            let pattern = to_usize(field_u32(single, 4));
            let byte = u8::try_from(field_u32(single, 0)).ok();
            if patterns.get(pattern) != byte.as_ref().map(std::slice::from_ref) || !reach(pattern) {
                return false;
            }
        }
        reached.into_iter().all(|reached| reached)
    }
}

/// The gram of so many bytes at a place of a pattern.
#[must_use]
#[inline]
pub fn gram_at(pattern: &[u8], place: usize, gram_bytes: usize) -> Option<u32> {
    let bytes = pattern.get(place..place.checked_add(gram_bytes)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |gram, byte| gram << 8 | u32::from(*byte)),
    )
}

/// The patterns of a group: byte strings by number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patterns<'a> {
    pub(super) numbers: &'a [u8],
    pub(super) strings: StringTable<'a>,
}

impl<'a> Patterns<'a> {
    pub(super) fn count(&self) -> usize {
        self.numbers.len() / 4
    }

    pub(super) fn get(&self, pattern: usize) -> Option<&'a [u8]> {
        let number = self.numbers.get(pattern.checked_mul(4)?..)?.first_chunk()?;
        self.strings.get(u32::from_le_bytes(*number))
    }
}

/// One entry of a gram table.
struct Entry {
    gram: u32,
    pattern: usize,
    /// Of the gram in the pattern.
    place: usize,
    telling_place: usize,
    telling_byte: u8,
}

impl Entry {
    fn at(entries: &[u8], index: usize) -> Self {
        Self::read(
            entries
                .get(index.saturating_mul(ENTRY_BYTES)..)
                .unwrap_or_default(),
        )
    }

    fn read(entry: &[u8]) -> Self {
        Self {
            gram: field_u32(entry, 0),
            pattern: to_usize(field_u32(entry, 4)),
            place: usize::from(field_u16(entry, 8)),
            telling_place: entry.get(10).copied().map_or(0, usize::from),
            telling_byte: entry.get(11).copied().unwrap_or_default(),
        }
    }
}

/// One scan under way.
struct Search<'s, F> {
    patterns: Patterns<'s>,
    bytes: &'s [u8],
    seen: &'s mut SeenPatterns,
    hit: &'s mut F,
}

impl<F: FnMut(usize)> Search<'_, F> {
    /// Compares the patterns of a slot that have this gram with the bytes around it. Whether the gram leads to nothing new from here on.
    fn compare(&mut self, entries: &[u8], position: usize, gram: u32) -> bool {
        let mut is_spent = true;
        for entry in entries.as_chunks::<ENTRY_BYTES>().0 {
            // Of a slot's entries most have another gram: nothing else is read of those.
            if entry.first_chunk() != Some(&gram.to_le_bytes()) {
                continue;
            }
            let entry = Entry::read(entry);
            let may_stand = position.checked_sub(entry.place).filter(|start| {
                self.bytes.get(start + entry.telling_place) == Some(&entry.telling_byte)
            });
            let Some(start) = may_stand else {
                is_spent = false;
                continue;
            };
            if self.seen.has(entry.pattern) {
                continue;
            }
            let pattern = self.patterns.get(entry.pattern).unwrap_or_default();
            if self.bytes.get(start..start + pattern.len()) == Some(pattern) {
                self.found(entry.pattern);
            } else {
                is_spent = false;
            }
        }
        is_spent
    }

    fn found(&mut self, pattern: usize) {
        if !self.seen.has(pattern) {
            self.seen.add(pattern);
            (self.hit)(pattern);
        }
    }
}

/// Some grams that lead to nothing new in the rest of a scan: each pattern of theirs was found, or they have none and only look
/// like one that has. Traffic repeats itself, and repeats short patterns most.
struct SpentGrams([u64; Self::PLACES]);

impl SpentGrams {
    const PLACES: usize = 16;
    /// No gram: those have 32 binary digits.
    const EMPTY: u64 = u64::MAX;

    fn new() -> Self {
        Self([Self::EMPTY; Self::PLACES])
    }

    /// The one place at which a gram may stand.
    fn place(gram: u32) -> usize {
        to_usize(gram.wrapping_mul(GRAM_HASH_FACTOR) >> (u32::BITS - Self::PLACES.ilog2()))
    }

    fn has(&self, gram: u32) -> bool {
        self.0.get(Self::place(gram)) == Some(&u64::from(gram))
    }

    fn add(&mut self, gram: u32) {
        if let Some(place) = self.0.get_mut(Self::place(gram)) {
            *place = u64::from(gram);
        }
    }
}
