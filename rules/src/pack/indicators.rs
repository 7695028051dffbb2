//! The tables of indicators, searched where they lie.
//!
//! [`Section::Indicators`] holds an entry of [`INDICATOR_BYTES`] for each indicator, one table a kind: key, id, list, severity and
//! prefix, in ascending order of key and prefix. [`Section::IndicatorFences`] repeats the key and prefix of the first entry of every
//! [`INDICATOR_BLOCK_ENTRIES`], so that a search stays in that small section but for one block: it touches a page or two of the large one.
//! [`Section::IndicatorTables`] says where each table lies, and which lengths of prefixes it has: only those are looked for.

use std::{cmp::Ordering, net::IpAddr};

use super::{
    bytes::{field_u16, field_u32, field_u128, to_usize},
    format::{
        INDICATOR_BLOCK_ENTRIES, INDICATOR_BYTES, INDICATOR_FENCE_BYTES, INDICATOR_LIST_BYTES,
        INDICATOR_TABLE_BYTES, Section,
    },
    reader::Pack,
};
use crate::{
    indicator::{IndicatorKind, Key, address_key, hashed_key, masked},
    limits::INDICATOR_NAME_LABELS,
};

/// What a pack's indicators are looked up in.
#[derive(Clone, Copy, Debug)]
pub struct Indicators<'a> {
    pub(super) entries: &'a [u8],
    pub(super) fences: &'a [u8],
    pub(super) tables: &'a [u8],
    pub(super) lists: &'a [u8],
}

/// An indicator of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndicatorView {
    /// What it is compared with.
    pub kind: IndicatorKind,
    /// What is looked up.
    pub key: Key,
    /// Of an address the bits that count; else 0.
    pub prefix_bits: u8,
    /// The number under which sightings are returned.
    pub id: u32,
    /// How grave a sighting is, 1 the gravest.
    pub severity: u8,
    /// The number of the list that names it.
    pub list: u16,
}

/// One kind's table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) kind: u8,
    pub(super) first: usize,
    pub(super) entries: usize,
    pub(super) first_fence: usize,
    /// Bit `n` is set where a prefix of `n + 1` bits stands in the table.
    pub(super) prefixes: u128,
}

impl Table {
    pub(super) fn read(record: &[u8]) -> Self {
        Self {
            kind: record.first().copied().unwrap_or_default(),
            first: to_usize(field_u32(record, 4)),
            entries: to_usize(field_u32(record, 8)),
            first_fence: to_usize(field_u32(record, 12)),
            prefixes: field_u128(record, 16),
        }
    }

    pub(super) fn fences(&self) -> usize {
        self.entries.div_ceil(INDICATOR_BLOCK_ENTRIES)
    }
}

/// The bytes of an entry.
pub(super) fn encode(view: &IndicatorView) -> [u8; INDICATOR_BYTES] {
    let mut entry = [0; INDICATOR_BYTES];
    let [a, b, c, d] = view.id.to_le_bytes();
    let [e, f] = view.list.to_le_bytes();
    let rest = [a, b, c, d, e, f, view.severity, view.prefix_bits];
    for (slot, byte) in entry.iter_mut().zip(view.key.into_iter().chain(rest)) {
        *slot = byte;
    }
    entry
}

/// An entry of a table.
pub(super) fn decode(kind: IndicatorKind, entry: &[u8]) -> IndicatorView {
    IndicatorView {
        kind,
        key: key_of(entry),
        prefix_bits: entry.get(23).copied().unwrap_or_default(),
        id: field_u32(entry, 16),
        severity: entry.get(22).copied().unwrap_or_default(),
        list: field_u16(entry, 20),
    }
}

pub(super) fn key_of(record: &[u8]) -> Key {
    record.first_chunk().copied().unwrap_or_default()
}

impl Pack {
    /// The indicators that it holds.
    #[must_use]
    pub fn indicators(&self) -> Indicators<'_> {
        Indicators {
            entries: self.section(Section::Indicators),
            fences: self.section(Section::IndicatorFences),
            tables: self.section(Section::IndicatorTables),
            lists: self.section(Section::IndicatorLists),
        }
    }
}

impl<'a> Indicators<'a> {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there are any of a kind.
    #[must_use]
    pub fn has(&self, kind: IndicatorKind) -> bool {
        self.table(kind).is_some()
    }

    /// How many there are of a kind.
    #[must_use]
    pub fn count(&self, kind: IndicatorKind) -> usize {
        self.table(kind).map_or(0, |table| table.entries)
    }

    /// Every one, in order of kind and key.
    pub fn iter(self) -> impl Iterator<Item = IndicatorView> + 'a {
        self.tables().flat_map(move |table| {
            let kind = IndicatorKind::from_number(table.kind);
            (table.first..table.first + table.entries)
                .filter_map(move |at| Some(decode(kind?, self.entry(at)?)))
        })
    }

    /// The lists, each with the index of the rule that its findings are told under.
    pub fn lists(self) -> impl Iterator<Item = (u16, u32)> + 'a {
        self.lists.chunks_exact(INDICATOR_LIST_BYTES).map(|record| {
            let number = u16::try_from(field_u32(record, 0)).unwrap_or(u16::MAX);
            (number, field_u32(record, 4))
        })
    }

    /// Index of the rule that a list's findings are told under.
    #[must_use]
    pub fn rule_of(&self, list: u16) -> Option<u32> {
        let (records, _) = self.lists.as_chunks::<INDICATOR_LIST_BYTES>();
        let wanted = u32::from(list);
        let at = records.partition_point(|record| field_u32(record, 0) < wanted);
        let record = records.get(at)?;
        (field_u32(record, 0) == wanted).then(|| field_u32(record, 4))
    }

    /// The one with exactly this key.
    #[must_use]
    pub fn find(&self, kind: IndicatorKind, key: Key) -> Option<IndicatorView> {
        self.find_in(&self.table(kind)?, kind, (key, 0))
    }

    /// The one whose prefix holds the address, of several the longest.
    #[must_use]
    pub fn find_address(&self, address: IpAddr) -> Option<IndicatorView> {
        let kind = IndicatorKind::Address;
        let table = self.table(kind)?;
        let key = address_key(address);
        // An IPv4 address has 96 bits before its own.
        let shortest: u32 = if address.is_ipv4() { 97 } else { 1 };
        let mut prefixes = table.prefixes >> (shortest - 1) << (shortest - 1);
        while prefixes != 0 {
            let bit = 127 - prefixes.leading_zeros();
            prefixes &= !(1 << bit);
            let bits = u8::try_from(bit + 1).unwrap_or(128);
            let found = self.find_in(&table, kind, (masked(key, bits), bits));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The one that names a host: this very name, or the longest name that it is beneath.
    #[must_use]
    pub fn find_name(&self, name: &[u8]) -> Option<IndicatorView> {
        let (hosts, domains) = (
            self.table(IndicatorKind::Host),
            self.table(IndicatorKind::Domain),
        );
        if hosts.is_none() && domains.is_none() {
            return None;
        }
        let lower = name.strip_suffix(b".").unwrap_or(name).to_ascii_lowercase();
        if lower.is_empty() {
            return None;
        }
        let key = hashed_key(&lower);
        let host = hosts.and_then(|table| self.find_in(&table, IndicatorKind::Host, (key, 0)));
        let domains = match (host, domains) {
            (None, Some(domains)) => domains,
            (host, _) => return host,
        };
        let mut rest = lower.as_slice();
        for _ in 0..INDICATOR_NAME_LABELS {
            let key = hashed_key(rest);
            let found = self.find_in(&domains, IndicatorKind::Domain, (key, 0));
            if found.is_some() {
                return found;
            }
            let dot = memchr::memchr(b'.', rest)?;
            rest = rest.get(dot + 1..)?;
        }
        None
    }

    /// The one that names a URL in its normal form: with its query, or the same without one.
    #[must_use]
    pub fn find_url(&self, normal: &[u8]) -> Option<IndicatorView> {
        let table = self.table(IndicatorKind::Url)?;
        let find = |url: &[u8]| self.find_in(&table, IndicatorKind::Url, (hashed_key(url), 0));
        find(normal).or_else(|| {
            let query = memchr::memchr(b'?', normal)?;
            find(normal.get(..query)?)
        })
    }

    pub(super) fn tables(self) -> impl Iterator<Item = Table> + 'a {
        self.tables
            .chunks_exact(INDICATOR_TABLE_BYTES)
            .map(Table::read)
    }

    fn table(self, kind: IndicatorKind) -> Option<Table> {
        self.tables().find(|table| table.kind == kind as u8)
    }

    pub(super) fn entry(&self, index: usize) -> Option<&'a [u8]> {
        let start = index.checked_mul(INDICATOR_BYTES)?;
        self.entries.get(start..start.checked_add(INDICATOR_BYTES)?)
    }

    pub(super) fn fence(&self, index: usize) -> Option<&'a [u8]> {
        let start = index.checked_mul(INDICATOR_FENCE_BYTES)?;
        self.fences
            .get(start..start.checked_add(INDICATOR_FENCE_BYTES)?)
    }

    fn find_in(
        &self,
        table: &Table,
        kind: IndicatorKind,
        wanted: (Key, u8),
    ) -> Option<IndicatorView> {
        let fence_at = |at: usize| self.fence(table.first_fence + at);
        let fence_order =
            |fence: &[u8]| (key_of(fence), fence.get(16).copied().unwrap_or_default()).cmp(&wanted);
        let block = partition_point(0, table.fences(), |at| {
            fence_at(at).is_some_and(|fence| fence_order(fence).is_le())
        })
        .checked_sub(1)?;
        let first = table.first + block * INDICATOR_BLOCK_ENTRIES;
        let end = (first + INDICATOR_BLOCK_ENTRIES).min(table.first + table.entries);
        let order =
            |entry: &[u8]| (key_of(entry), entry.get(23).copied().unwrap_or_default()).cmp(&wanted);
        let at = partition_point(first, end, |at| {
            self.entry(at)
                .is_some_and(|entry| order(entry) == Ordering::Less)
        });
        let entry = self
            .entry(at)
            .filter(|entry| at < end && order(entry).is_eq())?;
        Some(decode(kind, entry))
    }
}

/// The first number of a range for which this does not hold, where it holds for those before.
fn partition_point(first: usize, end: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (first, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Whether the tables hold together: after this no look-up can meet what it does not expect.
pub(super) fn check(pack: &Pack) -> Result<(), String> {
    let indicators = pack.indicators();
    let require = |holds: bool, problem: &str| {
        if holds {
            Ok(())
        } else {
            Err(problem.to_owned())
        }
    };
    let mut is_list = vec![false; usize::from(u16::MAX) + 1];
    let mut before = 0;
    for record in indicators.lists.chunks_exact(INDICATOR_LIST_BYTES) {
        let number = field_u32(record, 0);
        let slot = is_list.get_mut(to_usize(number));
        require(
            number > before && slot.is_some() && field_u32(record, 4) < pack.rule_count(),
            "its lists of indicators are out of order or have no rule",
        )?;
        before = number;
        if let Some(slot) = slot {
            *slot = true;
        }
    }
    let (mut kind_before, mut next, mut next_fence) = (0, 0, 0);
    for (record, table) in indicators
        .tables
        .chunks_exact(INDICATOR_TABLE_BYTES)
        .zip(indicators.tables())
    {
        let kind = IndicatorKind::from_number(table.kind);
        let reserved = record.get(1..4) == Some(&[0; 3]);
        let (Some(kind), true) = (kind.filter(|_| table.kind > kind_before), reserved) else {
            return Err("a table of indicators is of unknown kind or out of order".to_owned());
        };
        require(
            table.entries > 0 && table.first == next && table.first_fence == next_fence,
            "its tables of indicators do not follow one another",
        )?;
        next = next.saturating_add(table.entries);
        next_fence = next_fence.saturating_add(table.fences());
        require(
            next <= indicators.entries.len() / INDICATOR_BYTES
                && next_fence <= indicators.fences.len() / INDICATOR_FENCE_BYTES,
            "a table of indicators lies outside its section",
        )?;
        check_table(&indicators, kind, &table, &is_list)?;
        kind_before = table.kind;
    }
    require(
        next == indicators.entries.len() / INDICATOR_BYTES
            && next_fence == indicators.fences.len() / INDICATOR_FENCE_BYTES,
        "indicators are in no table",
    )
}

fn check_table(
    indicators: &Indicators<'_>,
    kind: IndicatorKind,
    table: &Table,
    is_list: &[bool],
) -> Result<(), String> {
    let mut before: Option<(Key, u8)> = None;
    let mut prefixes = 0_u128;
    for at in 0..table.entries {
        let entry = indicators.entry(table.first + at).unwrap_or_default();
        let view = decode(kind, entry);
        let here = (view.key, view.prefix_bits);
        if before.is_some_and(|before| before >= here) {
            return Err("a table of indicators does not ascend".to_owned());
        }
        before = Some(here);
        if at.is_multiple_of(INDICATOR_BLOCK_ENTRIES) {
            let fence = indicators
                .fence(table.first_fence + at / INDICATOR_BLOCK_ENTRIES)
                .unwrap_or_default();
            if fence != fence_of(&view) {
                return Err("a fence of indicators is not its block's first key".to_owned());
            }
        }
        let has_prefix = kind == IndicatorKind::Address;
        let prefix_fits = if has_prefix {
            (1..=128).contains(&view.prefix_bits) && masked(view.key, view.prefix_bits) == view.key
        } else {
            view.prefix_bits == 0
        };
        if !prefix_fits || view.severity == 0 || is_list.get(usize::from(view.list)) != Some(&true)
        {
            return Err("an indicator has a wrong prefix, no severity or no list".to_owned());
        }
        if has_prefix {
            prefixes |= prefix_bit(view.prefix_bits);
        }
    }
    if prefixes == table.prefixes {
        Ok(())
    } else {
        Err("the lengths of prefixes of a table of indicators are not those it has".to_owned())
    }
}

/// The bit of a length in [`Table::prefixes`]; no bit for none.
pub(super) fn prefix_bit(bits: u8) -> u128 {
    u32::from(bits)
        .checked_sub(1)
        .and_then(|bit| 1_u128.checked_shl(bit))
        .unwrap_or_default()
}

/// The fence before a block that begins with this one.
pub(super) fn fence_of(view: &IndicatorView) -> [u8; INDICATOR_FENCE_BYTES] {
    let mut fence = [0; INDICATOR_FENCE_BYTES];
    for (slot, byte) in fence
        .iter_mut()
        .zip(view.key.into_iter().chain([view.prefix_bits]))
    {
        *slot = byte;
    }
    fence
}
