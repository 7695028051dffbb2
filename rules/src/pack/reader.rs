//! Opening a pack: every offset and count is checked once, so that afterwards views cannot fail.

use std::{ops::Range, path::Path};

use sha2::{Digest, Sha256};

use super::{
    bytes::{field_u32, field_u64, to_usize, u32_at},
    error::PackError,
    filter::Patterns,
    format::{
        ADDRESS_INDEX_BYTES, ADDRESS_SET_BYTES, GROUP_BYTES, HEADER_BYTES, INDICATOR_BYTES,
        INDICATOR_FENCE_BYTES, INDICATOR_LIST_BYTES, INDICATOR_TABLE_BYTES, IPV4_RANGE_BYTES,
        IPV6_RANGE_BYTES, LIST_BYTES, LIST_KEY_BYTES, LIST_VALUE_BYTES, MAGIC, PORT_RANGE_BYTES,
        PORT_SET_BYTES, REGEX_BYTES, RULE_BYTES, SECTION_ALIGNMENT, SECTION_ENTRY_BYTES, Section,
        UNSUPPORTED_BYTES, VERSION,
    },
    lists::ListView,
    mapped_file::{PackBytes, stream_digest},
    prefilter::{GroupPlace, PrefilterGroup, PrefilterScope},
    rule_view::RuleView,
    sets::{self, AddressSetView, PortSetView},
    strings::{StringTable, TextTable},
};
use crate::{
    limits,
    model::{AddressSetId, ListId, PortSetId, RuleId},
};

/// An open pack. Shared between threads by `Arc`; nothing per rule is kept in private memory.
#[derive(Debug)]
pub struct Pack {
    bytes: PackBytes,
    sections: SectionRanges,
    digest: [u8; 32],
}

/// Start and end of each section in the file, by [`Section::index`].
pub(super) type SectionRanges = [(usize, usize); Section::ALL.len()];

impl Pack {
    /// Streams the file once to check its digest, maps it, and checks its structure.
    ///
    /// # Errors
    /// One [`PackError`] that says what is wrong with the file.
    pub fn open(path: &Path) -> Result<Self, PackError> {
        Self::open_with_digest(path, Self::file_digest(path)?)
    }

    /// As [`Pack::open`] for a file whose digest was streamed by [`Pack::file_digest`], so that each can be timed.
    ///
    /// # Errors
    /// As [`Pack::open`].
    pub fn open_with_digest(path: &Path, digest: [u8; 32]) -> Result<Self, PackError> {
        let bytes = PackBytes::map(path).map_err(|source| PackError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::check(bytes, digest)
    }

    /// SHA-256 of what a pack's digest covers, read through a small buffer and not through a mapping.
    ///
    /// # Errors
    /// [`PackError::Read`].
    pub fn file_digest(path: &Path) -> Result<[u8; 32], PackError> {
        stream_digest(path, HEADER_BYTES).map_err(|source| PackError::Read {
            path: path.to_owned(),
            source,
        })
    }

    /// The same for bytes in memory.
    ///
    /// # Errors
    /// As [`Pack::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, PackError> {
        let digest = Sha256::digest(bytes.get(HEADER_BYTES..).unwrap_or_default()).into();
        Self::check(PackBytes::Owned(bytes), digest)
    }

    fn check(bytes: PackBytes, digest: [u8; 32]) -> Result<Self, PackError> {
        check_header(&bytes, &digest)?;
        let sections = read_section_table(&bytes)?;
        let pack = Self {
            bytes,
            sections,
            digest,
        };
        super::check::check_contents(&pack).map_err(PackError::Damaged)?;
        pack.bytes.release();
        Ok(pack)
    }

    /// A pack in memory that has these sections and neither header nor digest; checked as every pack is.
    pub(super) fn of_sections(parts: &[Vec<u8>]) -> Result<Self, String> {
        let mut sections: SectionRanges = [(0, 0); Section::ALL.len()];
        let mut bytes = Vec::with_capacity(parts.iter().map(Vec::len).sum());
        for (range, part) in sections.iter_mut().zip(parts) {
            let start = bytes.len();
            bytes.extend_from_slice(part);
            *range = (start, bytes.len());
        }
        let pack = Self {
            bytes: PackBytes::Owned(bytes),
            sections,
            digest: [0; 32],
        };
        super::check::check_contents(&pack)?;
        Ok(pack)
    }

    /// A section's bytes; empty for an optional one that is not there.
    pub(super) fn section(&self, section: Section) -> &[u8] {
        self.sections
            .get(section.index())
            .and_then(|&(start, end)| self.bytes.get(start..end))
            .unwrap_or_default()
    }

    pub(super) fn records(&self, section: Section, record_bytes: usize) -> u32 {
        u32::try_from(self.section(section).len() / record_bytes).unwrap_or(u32::MAX)
    }

    fn record(&self, section: Section, record_bytes: usize, index: u32) -> Option<&[u8]> {
        let start = to_usize(index).checked_mul(record_bytes)?;
        self.section(section)
            .get(start..start.checked_add(record_bytes)?)
    }

    /// Gives back the memory of what was looked at and may not be needed again; what is needed comes back from the file.
    pub fn release_pages(&self) {
        self.bytes.release();
    }

    /// SHA-256 of everything behind the header: the pack's identity.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Length of the whole pack in bytes.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Number of rules that run.
    #[must_use]
    pub fn rule_count(&self) -> u32 {
        self.records(Section::Rules, RULE_BYTES)
    }

    pub(super) fn texts(&self) -> TextTable<'_> {
        TextTable::checked(
            self.section(Section::TextOffsets),
            self.section(Section::Texts),
        )
    }

    pub(super) fn byte_strings(&self) -> StringTable<'_> {
        StringTable::checked(
            self.section(Section::ByteStringOffsets),
            self.section(Section::ByteStrings),
        )
    }

    pub(super) fn address_set_count(&self) -> u32 {
        self.records(Section::AddressSets, ADDRESS_SET_BYTES)
    }

    /// The rule with this index.
    #[must_use]
    pub fn rule(&self, index: u32) -> Option<RuleView<'_>> {
        let record = self.record(Section::Rules, RULE_BYTES, index)?;
        Some(RuleView {
            index,
            record,
            pack: self,
            renumbering: None,
        })
    }

    /// Every rule, in order.
    pub fn rules(&self) -> impl Iterator<Item = RuleView<'_>> {
        (0..self.rule_count()).filter_map(|index| self.rule(index))
    }

    /// How a rule was written, where the pack keeps that.
    #[must_use]
    pub fn rule_text(&self, index: u32) -> Option<&str> {
        let record = self.record(Section::RuleTexts, 4, index)?;
        self.texts().get(field_u32(record, 0))
    }

    /// An address set; one that is not of this pack is empty.
    #[must_use]
    pub fn address_set(&self, id: AddressSetId) -> AddressSetView<'_> {
        self.find_address_set(id.0).unwrap_or(AddressSetView {
            ipv4: &[],
            ipv6: &[],
        })
    }

    pub(super) fn find_address_set(&self, id: u32) -> Option<AddressSetView<'_>> {
        sets::address_set(
            self.section(Section::AddressSets),
            self.section(Section::Ipv4Ranges),
            self.section(Section::Ipv6Ranges),
            id,
        )
    }

    /// A port set; one that is not of this pack is empty.
    #[must_use]
    pub fn port_set(&self, id: PortSetId) -> PortSetView<'_> {
        self.find_port_set(id.0)
            .unwrap_or(PortSetView { ranges: &[] })
    }

    pub(super) fn find_port_set(&self, id: u32) -> Option<PortSetView<'_>> {
        sets::port_set(
            self.section(Section::PortSets),
            self.section(Section::PortRanges),
            id,
        )
    }

    /// Number of regular expressions.
    #[must_use]
    pub fn regex_count(&self) -> u32 {
        self.records(Section::Regexes, REGEX_BYTES)
    }

    /// A regular expression.
    #[must_use]
    pub fn regex(&self, index: u32) -> Option<RegexView<'_>> {
        let record = self.record(Section::Regexes, REGEX_BYTES, index)?;
        Some(RegexView {
            expression: self.texts().get(field_u32(record, 0))?,
            original: self.texts().get(field_u32(record, 4))?,
            flags: field_u32(record, 8),
        })
    }

    /// Number of bits (`flowbits`, `hostbits`, `xbits`) over all scopes.
    #[must_use]
    pub fn bit_count(&self) -> u32 {
        self.records(Section::BitNames, 4)
    }

    /// The name of a bit.
    #[must_use]
    pub fn bit_name(&self, bit: u32) -> Option<&str> {
        let record = self.record(Section::BitNames, 4, bit)?;
        self.texts().get(field_u32(record, 0))
    }

    /// Number of flow integers.
    #[must_use]
    pub fn integer_count(&self) -> u32 {
        self.records(Section::IntegerNames, 4)
    }

    /// The name of a flow integer.
    #[must_use]
    pub fn integer_name(&self, integer: u32) -> Option<&str> {
        let record = self.record(Section::IntegerNames, 4, integer)?;
        self.texts().get(field_u32(record, 0))
    }

    /// Number of lists.
    #[must_use]
    pub fn list_count(&self) -> u32 {
        self.records(Section::Lists, LIST_BYTES)
    }

    /// A list of strings, digests or addresses.
    #[must_use]
    pub fn list(&self, id: ListId) -> Option<ListView<'_>> {
        let record = self.record(Section::Lists, LIST_BYTES, id.0)?;
        ListView::of(
            record,
            self.texts(),
            self.section(Section::ListKeys),
            self.section(Section::ListValues),
        )
    }

    /// The prefilter groups, in order of scope.
    pub fn prefilter_groups(&self) -> impl Iterator<Item = PrefilterGroup<'_>> {
        (0..self.records(Section::PrefilterGroups, GROUP_BYTES))
            .filter_map(|index| self.prefilter_group(index))
    }

    pub(super) fn prefilter_group(&self, index: u32) -> Option<PrefilterGroup<'_>> {
        self.prefilter_group_at(&self.group_place(index)?)
    }

    /// Where each prefilter group lies, in order of scope.
    pub fn group_places(&self) -> impl Iterator<Item = GroupPlace> {
        (0..self.records(Section::PrefilterGroups, GROUP_BYTES))
            .filter_map(|index| self.group_place(index))
    }

    fn group_place(&self, index: u32) -> Option<GroupPlace> {
        let start = to_usize(index).checked_mul(GROUP_BYTES)?;
        let place = start..start.checked_add(GROUP_BYTES)?;
        let record = self.section(Section::PrefilterGroups).get(place.clone())?;
        let field = |offset: usize| to_usize(field_u32(record, offset));
        let numbers = |first: usize, count: usize| {
            let start = first.checked_mul(4)?;
            Some(start..start.checked_add(count.checked_mul(4)?)?)
        };
        let patterns = field(8);
        let offsets = if patterns == 0 {
            0
        } else {
            patterns.checked_add(1)?
        };
        Some(GroupPlace {
            record: place,
            patterns: numbers(field(4), patterns)?,
            rule_offsets: numbers(field(12), offsets)?,
            always: numbers(field(16), field(20))?,
            filter: field(24)..field(24).checked_add(field(28))?,
        })
    }

    /// The prefilter group at a place of this pack; `None` for a place of another one that is not in this one.
    #[must_use]
    pub fn prefilter_group_at(&self, place: &GroupPlace) -> Option<PrefilterGroup<'_>> {
        let part = |section, range: &Range<usize>| self.section(section).get(range.clone());
        let record = part(Section::PrefilterGroups, &place.record)?;
        Some(PrefilterGroup {
            scope: PrefilterScope::from_code(*record.first_chunk()?)?,
            longest_pattern: to_usize(field_u32(record, 32)),
            patterns: Patterns {
                numbers: part(Section::GroupPatterns, &place.patterns)?,
                strings: self.byte_strings(),
            },
            rule_offsets: part(Section::GroupRuleOffsets, &place.rule_offsets)?,
            rules: self.section(Section::GroupRules),
            always: part(Section::GroupRules, &place.always)?,
            filter: part(Section::Filters, &place.filter)?,
        })
    }

    /// Rules of the sources that this version does not run, with the reason.
    pub fn unsupported(&self) -> impl Iterator<Item = UnsupportedRule<'_>> {
        (0..self.records(Section::Unsupported, UNSUPPORTED_BYTES)).filter_map(|index| {
            let record = self.record(Section::Unsupported, UNSUPPORTED_BYTES, index)?;
            Some(UnsupportedRule {
                id: RuleId {
                    gid: field_u32(record, 0),
                    sid: field_u32(record, 4),
                    rev: field_u32(record, 8),
                },
                message: self.texts().get(field_u32(record, 12))?,
                reason: self.texts().get(field_u32(record, 16))?,
            })
        })
    }
}

/// A regular expression of a pack.
#[derive(Clone, Copy, Debug)]
pub struct RegexView<'a> {
    expression: &'a str,
    original: &'a str,
    flags: u32,
}

/// Flag of a regex record: look-around, back-references, atomic groups or possessive quantifiers.
pub(super) const REGEX_NEEDS_BACKTRACKING: u32 = 1;

impl<'a> RegexView<'a> {
    /// What to run, complete with inline flags. Linear-time ones are for `regex-automata` with `unicode(false)` and `utf8(false)`.
    #[must_use]
    pub fn expression(&self) -> &'a str {
        self.expression
    }

    /// The expression as the rule has it.
    #[must_use]
    pub fn original(&self) -> &'a str {
        self.original
    }

    /// Whether it needs a backtracking engine; the expression is then in pcre2's syntax.
    #[must_use]
    pub fn needs_backtracking(&self) -> bool {
        self.flags & REGEX_NEEDS_BACKTRACKING != 0
    }
}

/// A rule that is named, counted and not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedRule<'a> {
    /// Which one.
    pub id: RuleId,
    /// Its message.
    pub message: &'a str,
    /// Why it does not run.
    pub reason: &'a str,
}

fn check_header(bytes: &[u8], digest: &[u8; 32]) -> Result<(), PackError> {
    let found = bytes.len() as u64;
    if found > limits::PACK_BYTES {
        return Err(PackError::TooLarge { bytes: found });
    }
    if !bytes.starts_with(&MAGIC) {
        return Err(PackError::NotAPack);
    }
    let version = field_u32(bytes, 8);
    if bytes.len() >= 12 && version != VERSION {
        return Err(PackError::ForeignVersion { found: version });
    }
    if bytes.len() < HEADER_BYTES {
        return Err(PackError::WrongLength {
            found,
            expected: HEADER_BYTES as u64,
        });
    }
    let expected = field_u64(bytes, 16);
    if found != expected {
        return Err(PackError::WrongLength { found, expected });
    }
    if bytes.get(24..56) != Some(digest.as_slice()) || bytes.get(56..64) != Some(&[0; 8]) {
        return Err(PackError::WrongDigest);
    }
    Ok(())
}

fn read_section_table(bytes: &[u8]) -> Result<SectionRanges, PackError> {
    let damaged = |what: &str| PackError::Damaged(what.to_owned());
    let count = field_u32(bytes, 12);
    if count > limits::PACK_SECTIONS {
        return Err(damaged("it has too many sections"));
    }
    let table_end = HEADER_BYTES + to_usize(count) * SECTION_ENTRY_BYTES;
    if bytes.len() < table_end {
        return Err(damaged("its section table is cut off"));
    }
    let mut ranges: SectionRanges = [(0, 0); Section::ALL.len()];
    let mut seen = [false; Section::ALL.len()];
    let (mut position, mut kind_before) = (table_end, 0);
    for index in 0..to_usize(count) {
        let entry = HEADER_BYTES + index * SECTION_ENTRY_BYTES;
        let kind = field_u32(bytes, entry);
        let start = usize::try_from(field_u64(bytes, entry + 8)).unwrap_or(usize::MAX);
        let length = usize::try_from(field_u64(bytes, entry + 16)).unwrap_or(usize::MAX);
        let end = start.saturating_add(length);
        if kind <= kind_before || field_u32(bytes, entry + 4) != 0 {
            return Err(damaged("its section table is out of order"));
        }
        if start < position || !start.is_multiple_of(SECTION_ALIGNMENT) || end > bytes.len() {
            return Err(damaged("a section lies outside the file or on another one"));
        }
        (position, kind_before) = (end, kind);
        if let Some(slot) = Section::ALL.iter().position(|known| *known as u32 == kind) {
            ranges[slot] = (start, end);
            seen[slot] = true;
        }
    }
    for section in Section::ALL {
        if !seen[section.index()] && !section.is_optional() {
            return Err(PackError::Damaged(format!(
                "it lacks the section {section:?}"
            )));
        }
    }
    Ok(ranges)
}

/// Lengths that must be whole numbers of records.
pub(super) const RECORD_SECTIONS: &[(Section, usize)] = &[
    (Section::Rules, RULE_BYTES),
    (Section::AddressSets, ADDRESS_SET_BYTES),
    (Section::Ipv4Ranges, IPV4_RANGE_BYTES),
    (Section::Ipv6Ranges, IPV6_RANGE_BYTES),
    (Section::PortSets, PORT_SET_BYTES),
    (Section::PortRanges, PORT_RANGE_BYTES),
    (Section::Regexes, REGEX_BYTES),
    (Section::BitNames, 4),
    (Section::IntegerNames, 4),
    (Section::PrefilterGroups, GROUP_BYTES),
    (Section::GroupPatterns, 4),
    (Section::GroupRuleOffsets, 4),
    (Section::GroupRules, 4),
    (Section::Unsupported, UNSUPPORTED_BYTES),
    (Section::SourceIndex, ADDRESS_INDEX_BYTES),
    (Section::DestinationIndex, ADDRESS_INDEX_BYTES),
    (Section::AddressIndexRules, 4),
    (Section::RuleTexts, 4),
    (Section::Lists, LIST_BYTES),
    (Section::ListKeys, LIST_KEY_BYTES),
    (Section::ListValues, LIST_VALUE_BYTES),
    (Section::Indicators, INDICATOR_BYTES),
    (Section::IndicatorFences, INDICATOR_FENCE_BYTES),
    (Section::IndicatorTables, INDICATOR_TABLE_BYTES),
    (Section::IndicatorLists, INDICATOR_LIST_BYTES),
];

/// Every u32 of a section.
pub(super) fn section_numbers(section: &[u8]) -> impl Iterator<Item = u32> {
    (0..section.len() / 4).map(move |index| u32_at(section, index))
}
