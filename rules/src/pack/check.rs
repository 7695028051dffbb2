//! The structural check of a pack: after it, no view can meet a reference that leads nowhere.

use super::{
    address_index,
    bytes::{field_u32, to_usize},
    format::{
        GROUP_BYTES, REGEX_BYTES, RULE_BYTES, Section, UNSUPPORTED_BYTES,
        header_protocol_from_code, rule_bits,
    },
    indicators,
    program::Program,
    reader::{Pack, RECORD_SECTIONS, REGEX_NEEDS_BACKTRACKING, section_numbers},
    rule_view::Pairs,
    sets::are_canonical,
    strings::{StringTable, TextTable},
};
use crate::{
    limits,
    model::{ListId, RuleKind},
};

/// What is wrong, in one clause.
type Checked = Result<(), String>;

fn require(holds: bool, problem: &str) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(problem.to_owned())
    }
}

/// Rules that are checked between giving back the pages that were looked at.
const RULES_A_RELEASE: u32 = 2048;

/// Checks everything that is behind the section table. What was looked at is given back on the way: a pack is checked beside the
/// one that runs, and must not count as a second copy.
pub(super) fn check_contents(pack: &Pack) -> Checked {
    for (section, record_bytes) in RECORD_SECTIONS {
        if !pack.section(*section).len().is_multiple_of(*record_bytes) {
            return Err(format!(
                "the section {section:?} has no whole number of records"
            ));
        }
    }
    TextTable::check(
        pack.section(Section::TextOffsets),
        pack.section(Section::Texts),
    )?;
    StringTable::check(
        pack.section(Section::ByteStringOffsets),
        pack.section(Section::ByteStrings),
    )?;
    check_names(pack)?;
    pack.release_pages();
    check_sets(pack)?;
    check_lists(pack)?;
    for index in 0..pack.rule_count() {
        if index.is_multiple_of(RULES_A_RELEASE) {
            pack.release_pages();
        }
        check_rule(pack, index).map_err(|problem| format!("rule {index}: {problem}"))?;
    }
    pack.release_pages();
    // All groups share one table of rules.
    let rules = pack.rule_count();
    require(
        section_numbers(pack.section(Section::GroupRules)).all(|rule| rule < rules),
        "a prefilter group leads to a rule that does not exist",
    )?;
    for index in 0..pack.records(Section::PrefilterGroups, GROUP_BYTES) {
        check_group(pack, index)
            .map_err(|problem| format!("prefilter group {index}: {problem}"))?;
    }
    indicators::check(pack)?;
    require(
        [Section::SourceIndex, Section::DestinationIndex]
            .iter()
            .all(|table| {
                address_index::is_sound(
                    pack.section(*table),
                    pack.section(Section::AddressIndexRules),
                    pack.rule_count(),
                )
            }),
        "its address index leads nowhere",
    )
}

fn check_names(pack: &Pack) -> Checked {
    let texts = pack.texts().count();
    let all_exist = |section| section_numbers(pack.section(section)).all(|text| text < texts);
    require(
        all_exist(Section::BitNames) && all_exist(Section::IntegerNames),
        "a name does not exist",
    )?;
    let rule_texts = pack.section(Section::RuleTexts);
    require(
        rule_texts.is_empty()
            || (rule_texts.len() / 4 == to_usize(pack.rule_count())
                && all_exist(Section::RuleTexts)),
        "the texts of rules do not fit the rules",
    )?;
    for record in pack.section(Section::Regexes).chunks(REGEX_BYTES) {
        require(
            field_u32(record, 0) < texts
                && field_u32(record, 4) < texts
                && field_u32(record, 8) <= REGEX_NEEDS_BACKTRACKING,
            "a regex has no text or unknown flags",
        )?;
    }
    for record in pack.section(Section::Unsupported).chunks(UNSUPPORTED_BYTES) {
        require(
            field_u32(record, 12) < texts && field_u32(record, 16) < texts,
            "an unsupported rule has no reason",
        )?;
    }
    Ok(())
}

fn check_sets(pack: &Pack) -> Checked {
    let count = pack.records(Section::AddressSets, super::format::ADDRESS_SET_BYTES);
    require(count > 0, "it has no address set")?;
    // Sets may overlap in the tables, so the sum of what is checked is bounded as well.
    let mut budget = limits::SET_RANGES.saturating_mul(16);
    for id in 0..count {
        let set = pack
            .find_address_set(id)
            .ok_or("an address set lies outside its tables")?;
        budget = budget
            .checked_sub(set.ipv4.len() + set.ipv6.len())
            .ok_or("its address sets are too large")?;
        require(
            are_canonical(set.ipv4_ranges(), |last| last.checked_add(1))
                && are_canonical(set.ipv6_ranges(), |last| last.checked_add(1)),
            "the ranges of an address set do not ascend",
        )?;
        require(id != 0 || set.is_any(), "address set 0 is not everything")?;
    }
    let count = pack.records(Section::PortSets, super::format::PORT_SET_BYTES);
    require(count > 0, "it has no port set")?;
    let mut budget = limits::SET_RANGES;
    for id in 0..count {
        let set = pack
            .find_port_set(id)
            .ok_or("a port set lies outside its table")?;
        budget = budget
            .checked_sub(set.ranges.len())
            .ok_or("its port sets are too large")?;
        require(
            are_canonical(set.ranges(), |last| last.checked_add(1)),
            "the ranges of a port set do not ascend",
        )?;
        require(id != 0 || set.is_any(), "port set 0 is not everything")?;
    }
    Ok(())
}

fn check_lists(pack: &Pack) -> Checked {
    // Lists may overlap in the tables, so the sum of what is checked is bounded.
    let mut budget = limits::LIST_KEYS;
    for id in 0..pack.list_count() {
        let list = pack
            .list(ListId(id))
            .ok_or("a list has no name, is of unknown kind or lies outside its tables")?;
        budget = budget
            .checked_sub(list.len())
            .ok_or("its lists are too large")?;
        require(list.is_sound(), "the keys of a list do not ascend")?;
    }
    Ok(())
}

fn check_rule(pack: &Pack, index: u32) -> Checked {
    let rule = pack.rule(index).ok_or("its record is cut off")?;
    let (Some(program), Some(notes)) = (rule.program(), rule.notes()) else {
        return Err("its program or notes lie outside their sections".to_owned());
    };
    let record = rule.record;
    let byte = |offset: usize| record.get(offset).copied().unwrap_or(u8::MAX);
    require(record.len() == RULE_BYTES, "its record is cut off")?;
    require(byte(12) <= 3, "its action is unknown")?;
    require(
        header_protocol_from_code((byte(14), byte(15))).is_some(),
        "its protocol is unknown",
    )?;
    let bits = byte(16);
    require(
        bits < rule_bits::INSPECTS_STREAM << 1
            && bits & (rule_bits::TO_SERVER | rule_bits::TO_CLIENT) != 0
            && byte(17) <= limits::BYTE_VARIABLES
            && RuleKind::ALL.get(usize::from(byte(18))).is_some()
            && byte(19) == 0,
        "its flags are unknown",
    )?;
    let header = rule.header();
    require(
        [header.source, header.destination]
            .iter()
            .all(|set| pack.find_address_set(set.0).is_some())
            && [header.source_port, header.destination_port]
                .iter()
                .all(|set| pack.find_port_set(set.0).is_some()),
        "its addresses or ports do not exist",
    )?;
    let texts = pack.texts().count();
    require(
        [36, 40, 44]
            .iter()
            .all(|offset| field_u32(record, *offset) < texts),
        "its message or class type does not exist",
    )?;
    require(Pairs::check(notes, texts), "its notes are damaged")?;
    Program::split(program, rule.tables())
        .and_then(|program| program.check())
        .map_err(|malformed| malformed.0.to_owned())
}

fn check_group(pack: &Pack, index: u32) -> Checked {
    let group = pack
        .prefilter_group(index)
        .ok_or("its scope is unknown or its lists lie outside their sections")?;
    let strings = pack.byte_strings();
    require(
        section_numbers(group.patterns.numbers).all(|id| {
            strings.get(id).is_some_and(|pattern| {
                !pattern.is_empty() && pattern.len() <= group.longest_pattern
            })
        }),
        "a pattern does not exist",
    )?;
    let total = u32::try_from(group.rules.len() / 4).unwrap_or(u32::MAX);
    let mut before = 0;
    for (position, offset) in section_numbers(group.rule_offsets).enumerate() {
        require(
            offset <= total && (position == 0 || offset >= before),
            "its lists of rules do not ascend",
        )?;
        before = offset;
    }
    require(
        group.has_sound_filter(),
        "its filter does not lead to its patterns",
    )
}
