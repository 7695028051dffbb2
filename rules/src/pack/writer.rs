//! Writing a pack: the same rules in, the same bytes out.

use std::collections::BTreeMap;

use super::{
    address_index::IndexSections,
    assembly::{Assembly, Pieces},
    bytes::put_number,
    filter_builder,
    format::{Section, header_protocol_code, rule_bits},
    prefilter::PrefilterScope,
    program::{Encoder, encode_program},
    reader::REGEX_NEEDS_BACKTRACKING,
    sets::{self, AddressSetView, PortSetView},
    strings::Interner,
};
use crate::model::{
    Action, AddressSetId, AlertLimit, Effect, Header, HeaderProtocol, Inspection, ListId, ListKey,
    ListKind, PacketCondition, PortSetId, RuleDirection, RuleId, RuleKind, Severity, Side, Sides,
};

/// A rule with every name resolved, ready to be written.
#[derive(Clone, Debug)]
pub struct RuleToWrite<'a> {
    pub id: RuleId,
    pub action: Action,
    pub severity: Severity,
    pub header: Header,
    pub kind: RuleKind,
    pub sides: Sides,
    pub inspects_packet: bool,
    pub inspects_stream: bool,
    pub byte_variables: u8,
    pub message: &'a str,
    pub class_type: &'a str,
    pub class_description: &'a str,
    pub conditions: Vec<PacketCondition<'a>>,
    pub inspections: Vec<Inspection<'a>>,
    pub effects: Vec<Effect>,
    /// In the order in which they are asked.
    pub limits: Vec<AlertLimit>,
    pub references: Vec<(&'a str, &'a str)>,
    pub metadata: Vec<(&'a str, &'a str)>,
    /// Kept in the pack if given; then every rule must give it.
    pub text: Option<&'a str>,
}

/// The rules of one scope, ready to be written.
#[derive(Clone, Debug)]
pub struct GroupToWrite<'a> {
    pub scope: PrefilterScope,
    /// Lower case, distinct; each with the rules it leads to, ascending.
    pub patterns: Vec<(&'a [u8], Vec<u32>)>,
    /// Ascending.
    pub always: Vec<u32>,
}

/// A list of strings, digests or addresses, ready to be written.
#[derive(Clone, Copy, Debug)]
pub struct ListToWrite<'a> {
    /// No other list has it.
    pub name: &'a str,
    pub kind: ListKind,
    /// Ascending and distinct.
    pub keys: &'a [ListKey],
    /// The reputation of each key, where it gives any.
    pub values: Option<&'a [u16]>,
}

/// Collects the parts of a pack.
#[derive(Debug)]
pub struct PackWriter {
    texts: Interner,
    byte_strings: Interner,
    sections: Vec<Vec<u8>>,
    bits: Interner,
    integers: Interner,
    lists: BTreeMap<String, ListId>,
}

impl Default for PackWriter {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn put_u32s(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

pub(super) fn length_u32(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl PackWriter {
    /// An empty pack that knows the two sets of everything.
    #[must_use]
    pub fn new() -> Self {
        let mut writer = Self {
            texts: Interner::new(),
            byte_strings: Interner::new(),
            sections: vec![Vec::new(); Section::ALL.len()],
            bits: Interner::new(),
            integers: Interner::new(),
            lists: BTreeMap::new(),
        };
        writer.address_set(&[(0, u32::MAX)], &[(0, u128::MAX)]);
        writer.port_set(&[(0, u16::MAX)]);
        writer
    }

    fn section(&mut self, section: Section) -> &mut Vec<u8> {
        &mut self.sections[section.index()]
    }

    /// Adds a set of addresses: first and last of each range, ascending, neither overlapping nor touching.
    pub fn address_set(&mut self, ipv4: &[(u32, u32)], ipv6: &[(u128, u128)]) -> AddressSetId {
        let id = self.section(Section::AddressSets).len() / super::format::ADDRESS_SET_BYTES;
        let first_ipv4 = self.section(Section::Ipv4Ranges).len() / super::format::IPV4_RANGE_BYTES;
        let first_ipv6 = self.section(Section::Ipv6Ranges).len() / super::format::IPV6_RANGE_BYTES;
        put_u32s(
            self.section(Section::AddressSets),
            [first_ipv4, ipv4.len(), first_ipv6, ipv6.len()].map(length_u32),
        );
        put_u32s(
            self.section(Section::Ipv4Ranges),
            ipv4.iter().flat_map(|range| [range.0, range.1]),
        );
        for (first, last) in ipv6 {
            let out = self.section(Section::Ipv6Ranges);
            out.extend_from_slice(&first.to_le_bytes());
            out.extend_from_slice(&last.to_le_bytes());
        }
        AddressSetId(length_u32(id))
    }

    /// Adds a set of ports: first and last of each range, ascending, neither overlapping nor touching.
    pub fn port_set(&mut self, ranges: &[(u16, u16)]) -> PortSetId {
        let id = self.section(Section::PortSets).len() / super::format::PORT_SET_BYTES;
        let first = self.section(Section::PortRanges).len() / super::format::PORT_RANGE_BYTES;
        put_u32s(
            self.section(Section::PortSets),
            [first, ranges.len()].map(length_u32),
        );
        for (first, last) in ranges {
            let out = self.section(Section::PortRanges);
            out.extend_from_slice(&first.to_le_bytes());
            out.extend_from_slice(&last.to_le_bytes());
        }
        PortSetId(length_u32(id))
    }

    /// Adds a regular expression: what to run, and what the rule says.
    pub fn regex(&mut self, expression: &str, original: &str, needs_backtracking: bool) -> u32 {
        let index = self.section(Section::Regexes).len() / super::format::REGEX_BYTES;
        let record = [
            self.texts.text(expression),
            self.texts.text(original),
            if needs_backtracking {
                REGEX_NEEDS_BACKTRACKING
            } else {
                0
            },
        ];
        put_u32s(self.section(Section::Regexes), record);
        length_u32(index)
    }

    /// The number of a flow, host or exchange bit, or of a text variable.
    pub fn bit(&mut self, name: &str) -> u32 {
        // Number 0 of an interner is the empty string, which is no name.
        self.bits.text(name).saturating_sub(1)
    }

    /// The number of a flow integer.
    pub fn integer(&mut self, name: &str) -> u32 {
        self.integers.text(name).saturating_sub(1)
    }

    /// Adds a list, or gives the one of that name.
    pub fn list(&mut self, list: &ListToWrite<'_>) -> ListId {
        if let Some(id) = self.lists.get(list.name) {
            return *id;
        }
        let id = ListId(length_u32(self.lists.len()));
        let first_key = self.section(Section::ListKeys).len() / super::format::LIST_KEY_BYTES;
        let first_value = self.section(Section::ListValues).len() / super::format::LIST_VALUE_BYTES;
        let name = self.texts.text(list.name);
        let out = self.section(Section::Lists);
        put_u32s(out, [name]);
        out.extend_from_slice(&[list.kind as u8, u8::from(list.values.is_some()), 0, 0]);
        put_u32s(
            out,
            [first_key, list.keys.len(), first_value].map(length_u32),
        );
        self.section(Section::ListKeys)
            .extend_from_slice(list.keys.as_flattened());
        for value in list.values.unwrap_or_default() {
            self.section(Section::ListValues)
                .extend_from_slice(&value.to_le_bytes());
        }
        self.lists.insert(list.name.to_owned(), id);
        id
    }

    /// Adds a rule and gives its index.
    pub fn rule(&mut self, rule: &RuleToWrite<'_>) -> u32 {
        let index = self.section(Section::Rules).len() / super::format::RULE_BYTES;
        let program = self.put_program(rule);
        let notes = self.put_notes(rule);
        let mut record = Vec::with_capacity(super::format::RULE_BYTES);
        put_u32s(&mut record, [rule.id.gid, rule.id.sid, rule.id.rev]);
        let (protocol, app_protocol) = header_protocol_code(rule.header.protocol);
        record.extend_from_slice(&[
            rule.action as u8,
            rule.severity.0,
            protocol,
            app_protocol,
            rule_flags(rule),
            rule.byte_variables,
            rule.kind as u8,
            0,
        ]);
        put_u32s(
            &mut record,
            [
                rule.header.source.0,
                rule.header.source_port.0,
                rule.header.destination.0,
                rule.header.destination_port.0,
                self.texts.text(rule.message),
                self.texts.text(rule.class_type),
                self.texts.text(rule.class_description),
                program.0,
                program.1,
                notes.0,
                notes.1,
            ],
        );
        self.section(Section::Rules).extend_from_slice(&record);
        if let Some(text) = rule.text {
            let id = self.texts.text(text);
            put_u32s(self.section(Section::RuleTexts), [id]);
        }
        length_u32(index)
    }

    fn put_program(&mut self, rule: &RuleToWrite<'_>) -> (u32, u32) {
        let mut encoder = Encoder {
            out: Vec::new(),
            texts: &mut self.texts,
            byte_strings: &mut self.byte_strings,
        };
        encode_program(
            &mut encoder,
            &rule.conditions,
            &rule.inspections,
            &rule.effects,
            &rule.limits,
        );
        let program = encoder.out;
        self.append(Section::Programs, &program)
    }

    fn put_notes(&mut self, rule: &RuleToWrite<'_>) -> (u32, u32) {
        let mut notes = Vec::new();
        for pairs in [&rule.references, &rule.metadata] {
            put_number(&mut notes, pairs.len() as u64);
            for (first, second) in pairs {
                put_number(&mut notes, u64::from(self.texts.text(first)));
                put_number(&mut notes, u64::from(self.texts.text(second)));
            }
        }
        self.append(Section::Notes, &notes)
    }

    fn append(&mut self, section: Section, bytes: &[u8]) -> (u32, u32) {
        let out = self.section(section);
        let start = length_u32(out.len());
        out.extend_from_slice(bytes);
        (start, length_u32(bytes.len()))
    }

    /// Adds a prefilter group. Groups are expected in ascending order of scope.
    pub fn prefilter_group(&mut self, group: &GroupToWrite<'_>) {
        let first_pattern = self.section(Section::GroupPatterns).len() / 4;
        let first_offset = self.section(Section::GroupRuleOffsets).len() / 4;
        for (pattern, rules) in &group.patterns {
            let id = self.byte_strings.bytes(pattern);
            put_u32s(self.section(Section::GroupPatterns), [id]);
            let start = length_u32(self.section(Section::GroupRules).len() / 4);
            put_u32s(self.section(Section::GroupRuleOffsets), [start]);
            put_u32s(self.section(Section::GroupRules), rules.iter().copied());
        }
        let first_always = length_u32(self.section(Section::GroupRules).len() / 4);
        if !group.patterns.is_empty() {
            put_u32s(self.section(Section::GroupRuleOffsets), [first_always]);
        }
        put_u32s(
            self.section(Section::GroupRules),
            group.always.iter().copied(),
        );
        let patterns: Vec<&[u8]> = group.patterns.iter().map(|(pattern, _)| *pattern).collect();
        let filter = if patterns.is_empty() {
            (0, 0)
        } else {
            self.append(Section::Filters, &filter_builder::build(&patterns))
        };
        let longest_pattern = patterns.iter().map(|pattern| pattern.len()).max();
        let out = self.section(Section::PrefilterGroups);
        out.extend_from_slice(&group.scope.code());
        put_u32s(
            out,
            [
                length_u32(first_pattern),
                length_u32(group.patterns.len()),
                length_u32(first_offset),
                first_always,
                length_u32(group.always.len()),
                filter.0,
                filter.1,
                length_u32(longest_pattern.unwrap_or_default()),
                0,
            ],
        );
    }

    /// An address set of the pack in the making.
    pub(super) fn address_set_view(&self, id: AddressSetId) -> Option<AddressSetView<'_>> {
        sets::address_set(
            self.sections.get(Section::AddressSets.index())?,
            self.sections.get(Section::Ipv4Ranges.index())?,
            self.sections.get(Section::Ipv6Ranges.index())?,
            id.0,
        )
    }

    pub(super) fn port_set_view(&self, id: PortSetId) -> Option<PortSetView<'_>> {
        sets::port_set(
            self.sections.get(Section::PortSets.index())?,
            self.sections.get(Section::PortRanges.index())?,
            id.0,
        )
    }

    /// Puts the address index in.
    pub(super) fn address_index(&mut self, index: IndexSections) {
        *self.section(Section::SourceIndex) = index.source;
        *self.section(Section::DestinationIndex) = index.destination;
        *self.section(Section::AddressIndexRules) = index.rules;
    }

    /// Names a rule that is not run, with the reason.
    pub fn unsupported(&mut self, id: RuleId, message: &str, reason: &str) {
        let record = [
            id.gid,
            id.sid,
            id.rev,
            self.texts.text(message),
            self.texts.text(reason),
        ];
        put_u32s(self.section(Section::Unsupported), record);
    }

    /// Adds the rule that a list of indicators is told under: nothing but its indicators makes it fire.
    pub(super) fn indicator_rule(&mut self, gid: u32, sid: u32, message: &str) -> u32 {
        let text = (!self.section(Section::RuleTexts).is_empty()).then_some("");
        self.rule(&RuleToWrite {
            id: RuleId { gid, sid, rev: 1 },
            action: Action::Alert,
            severity: Severity(1),
            header: Header {
                protocol: HeaderProtocol::Ip,
                source: AddressSetId(0),
                source_port: PortSetId(0),
                direction: RuleDirection::Forward,
                destination: AddressSetId(0),
                destination_port: PortSetId(0),
            },
            kind: RuleKind::Packet,
            sides: Sides::Both,
            inspects_packet: false,
            inspects_stream: false,
            byte_variables: 0,
            message,
            class_type: "",
            class_description: "",
            conditions: Vec::new(),
            inspections: Vec::new(),
            effects: Vec::new(),
            limits: Vec::new(),
            references: Vec::new(),
            metadata: Vec::new(),
            text,
        })
    }

    /// Puts the tables of indicators in, all but the entries.
    pub(super) fn indicator_tables(&mut self, fences: Vec<u8>, tables: Vec<u8>, lists: Vec<u8>) {
        *self.section(Section::IndicatorFences) = fences;
        *self.section(Section::IndicatorTables) = tables;
        *self.section(Section::IndicatorLists) = lists;
    }

    /// The bytes of the pack.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.assemble(None).into_bytes()
    }

    /// The pack, ready to be written; its indicators lie elsewhere.
    pub(super) fn assemble(self, indicators: Option<Pieces<'_>>) -> Assembly<'_> {
        Assembly::new(self.into_sections(), indicators)
    }

    /// The sections, by [`Section::index`].
    pub(super) fn into_sections(mut self) -> Vec<Vec<u8>> {
        for (names, section) in [
            (
                std::mem::replace(&mut self.bits, Interner::new()),
                Section::BitNames,
            ),
            (
                std::mem::replace(&mut self.integers, Interner::new()),
                Section::IntegerNames,
            ),
        ] {
            for name in names.iter().skip(1) {
                let id = self.texts.bytes(name);
                put_u32s(self.section(section), [id]);
            }
        }
        let (offsets, texts) = self.texts.finish();
        self.sections[Section::TextOffsets.index()] = offsets;
        self.sections[Section::Texts.index()] = texts;
        let (offsets, strings) = self.byte_strings.finish();
        self.sections[Section::ByteStringOffsets.index()] = offsets;
        self.sections[Section::ByteStrings.index()] = strings;
        self.sections
    }
}

fn rule_flags(rule: &RuleToWrite<'_>) -> u8 {
    let mut flags = 0;
    for (set, bit) in [
        (
            rule.header.direction == RuleDirection::Both,
            rule_bits::BOTH_DIRECTIONS,
        ),
        (rule.sides.includes(Side::ToServer), rule_bits::TO_SERVER),
        (rule.sides.includes(Side::ToClient), rule_bits::TO_CLIENT),
        (rule.inspects_packet, rule_bits::INSPECTS_PACKET),
        (rule.inspects_stream, rule_bits::INSPECTS_STREAM),
    ] {
        if set {
            flags |= bit;
        }
    }
    flags
}
