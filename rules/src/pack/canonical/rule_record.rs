//! A rule that stands alone: its own strings, sets, expressions and names, numbered within the record.
//!
//! | part | what |
//! |---|---|
//! | texts, byte strings | number of strings behind string 0, which is empty; their lengths; their bytes |
//! | rule | the record of `format.rs`, [`RULE_BYTES`] bytes; its program and notes begin at 0 |
//! | program, notes | length, bytes |
//! | regexes | number, then records as in `format.rs` |
//! | bit names, integer names | number, then texts (u32) |
//! | address sets | number of sets behind set 0; each: length and the body of an address set's record, or length 0 and the 16 bytes that name one |
//! | port sets | number of sets behind set 0; each: number of ranges, ranges |
//! | rule's text | 0, or 1 and a text (u32) |
//! | candidate | number of scopes, three bytes each as in `prefilter.rs`; length of the pattern (0 for none), pattern in lower case |
//! | lists | only where the rule names any: number, then records as in `format.rs`, of lists without keys |
//!
//! Numbers and lengths are variable where not said otherwise.

use sha2::{Digest, Sha256};

use super::{
    super::{
        bytes::{
            Cursor, Decoded, Malformed, field_u16, field_u32, field_u128, put_number, to_usize,
        },
        format::{
            IPV4_RANGE_BYTES, IPV6_RANGE_BYTES, LIST_BYTES, PORT_RANGE_BYTES, REGEX_BYTES,
            RULE_BYTES, Section,
        },
        prefilter::PrefilterScope,
        reader::Pack,
        sets::{self, AddressSetView},
        strings::StringTable,
        writer::PackWriter,
    },
    RecordKind, SHARED_SET_RANGES,
};
use crate::limits;

/// How a rule becomes a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trigger {
    /// Every scope in which it can.
    pub(crate) scopes: Vec<PrefilterScope>,
    /// What is looked for there, in lower case; `None`: it is one whenever the scope applies.
    pub(crate) pattern: Option<Vec<u8>>,
}

/// First bytes of the SHA-256 of a shared set's body.
pub(super) type SetName = [u8; 16];

/// Key and body of a record.
type KeyAndBody = (Vec<u8>, Vec<u8>);

/// The body of a rule's record, and the records of the large sets it names.
pub(super) fn encode(writer: PackWriter, trigger: &Trigger) -> (Vec<u8>, Vec<KeyAndBody>) {
    let sections = writer.into_sections();
    let section = |section: Section| {
        sections
            .get(section.index())
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let mut out = Vec::with_capacity(1024);
    let mut shared = Vec::new();
    put_strings(
        &mut out,
        section(Section::TextOffsets),
        section(Section::Texts),
    );
    put_strings(
        &mut out,
        section(Section::ByteStringOffsets),
        section(Section::ByteStrings),
    );
    out.extend_from_slice(section(Section::Rules));
    for part in [Section::Programs, Section::Notes] {
        put_number(&mut out, section(part).len() as u64);
        out.extend_from_slice(section(part));
    }
    for (part, record_bytes) in [
        (Section::Regexes, REGEX_BYTES),
        (Section::BitNames, 4),
        (Section::IntegerNames, 4),
    ] {
        put_number(&mut out, (section(part).len() / record_bytes) as u64);
        out.extend_from_slice(section(part));
    }
    let address_sets = (1..).map_while(|id| {
        sets::address_set(
            section(Section::AddressSets),
            section(Section::Ipv4Ranges),
            section(Section::Ipv6Ranges),
            id,
        )
    });
    put_address_sets(&mut out, address_sets, &mut shared);
    let port_sets: Vec<_> = (1..)
        .map_while(|id| {
            sets::port_set(section(Section::PortSets), section(Section::PortRanges), id)
        })
        .collect();
    put_number(&mut out, port_sets.len() as u64);
    for set in port_sets {
        put_number(&mut out, (set.ranges.len() / PORT_RANGE_BYTES) as u64);
        out.extend_from_slice(set.ranges);
    }
    let text = section(Section::RuleTexts);
    out.push(u8::from(!text.is_empty()));
    out.extend_from_slice(text);
    put_trigger(&mut out, trigger);
    let lists = section(Section::Lists);
    if !lists.is_empty() {
        put_number(&mut out, (lists.len() / LIST_BYTES) as u64);
        out.extend_from_slice(lists);
    }
    (out, shared)
}

fn put_strings(out: &mut Vec<u8>, offsets: &[u8], bytes: &[u8]) {
    let strings = StringTable::checked(offsets, bytes);
    put_number(out, u64::from(strings.count().saturating_sub(1)));
    for string in (1..).map_while(|id| strings.get(id)) {
        put_number(out, string.len() as u64);
    }
    out.extend_from_slice(bytes);
}

fn put_address_sets<'a>(
    out: &mut Vec<u8>,
    sets: impl Iterator<Item = AddressSetView<'a>>,
    shared: &mut Vec<KeyAndBody>,
) {
    let mut encoded = Vec::new();
    let mut count = 0;
    for set in sets {
        count += 1;
        let mut body = Vec::new();
        put_number(&mut body, (set.ipv4.len() / IPV4_RANGE_BYTES) as u64);
        body.extend_from_slice(set.ipv4);
        body.extend_from_slice(set.ipv6);
        let ranges = set.ipv4.len() / IPV4_RANGE_BYTES + set.ipv6.len() / IPV6_RANGE_BYTES;
        if ranges <= SHARED_SET_RANGES {
            put_number(&mut encoded, body.len() as u64);
            encoded.extend_from_slice(&body);
        } else {
            let name = set_name(&body);
            encoded.push(0);
            encoded.extend_from_slice(&name);
            let mut key = vec![RecordKind::AddressSet as u8];
            key.extend_from_slice(&name);
            shared.push((key, body));
        }
    }
    put_number(out, count);
    out.extend_from_slice(&encoded);
}

/// What names a shared set.
pub(super) fn set_name(body: &[u8]) -> SetName {
    let digest = Sha256::digest(body);
    digest.first_chunk().copied().unwrap_or_default()
}

fn put_trigger(out: &mut Vec<u8>, trigger: &Trigger) {
    put_number(out, trigger.scopes.len() as u64);
    for scope in &trigger.scopes {
        let [tag, first, second, _] = scope.code();
        out.extend_from_slice(&[tag, first, second]);
    }
    let pattern = trigger.pattern.as_deref().unwrap_or_default();
    put_number(out, pattern.len() as u64);
    out.extend_from_slice(pattern);
}

/// Ranges of addresses, first and last each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct AddressRanges {
    pub(super) ipv4: Vec<(u32, u32)>,
    pub(super) ipv6: Vec<(u128, u128)>,
}

/// An address set of a rule.
#[derive(Clone, Debug)]
pub(super) enum RuleSet {
    Ranges(AddressRanges),
    Shared(SetName),
}

/// A rule's record, read and checked.
#[derive(Debug)]
pub(super) struct RuleRecord {
    /// A pack of this one rule; its address sets are placeholders.
    pub(super) pack: Pack,
    /// Its address sets behind set 0.
    pub(super) address_sets: Vec<RuleSet>,
    pub(super) trigger: Trigger,
}

/// Reads the body of an address set's record; whether its ranges are canonical is left to the pack's check.
pub(super) fn decode_address_set(body: &[u8]) -> Decoded<AddressRanges> {
    let mut cursor = Cursor::new(body);
    let count = to_usize(cursor.count(limits::SET_RANGES as u64)?);
    let ipv4 = cursor.take(count * IPV4_RANGE_BYTES)?;
    let ipv6 = cursor.rest();
    if !ipv6.len().is_multiple_of(IPV6_RANGE_BYTES)
        || ipv6.len() / IPV6_RANGE_BYTES > limits::SET_RANGES
    {
        return Err(Malformed("an address set has no whole number of ranges"));
    }
    let ranges = AddressRanges {
        ipv4: ipv4
            .chunks_exact(IPV4_RANGE_BYTES)
            .map(|range| (field_u32(range, 0), field_u32(range, 4)))
            .collect(),
        ipv6: ipv6
            .chunks_exact(IPV6_RANGE_BYTES)
            .map(|range| (field_u128(range, 0), field_u128(range, 16)))
            .collect(),
    };
    let next = |last: u32| last.checked_add(1);
    let next_ipv6 = |last: u128| last.checked_add(1);
    if sets::are_canonical(ranges.ipv4.iter().copied(), next)
        && sets::are_canonical(ranges.ipv6.iter().copied(), next_ipv6)
    {
        Ok(ranges)
    } else {
        Err(Malformed("the ranges of an address set do not ascend"))
    }
}

/// Reads the body of a rule's record and checks all of it.
pub(super) fn decode(body: &[u8]) -> Result<RuleRecord, String> {
    let (sections, address_sets, trigger) =
        decode_parts(&mut Cursor::new(body)).map_err(|malformed| malformed.0.to_owned())?;
    let pack = Pack::of_sections(&sections)?;
    if pack.rule_count() != 1 {
        return Err("a record of a rule has not one rule".to_owned());
    }
    Ok(RuleRecord {
        pack,
        address_sets,
        trigger,
    })
}

fn decode_parts(cursor: &mut Cursor<'_>) -> Decoded<(Vec<Vec<u8>>, Vec<RuleSet>, Trigger)> {
    let (text_offsets, texts) = strings(cursor)?;
    let (byte_string_offsets, byte_strings) = strings(cursor)?;
    let rule = cursor.take(RULE_BYTES)?.to_vec();
    let program = cursor.bytes_within(limits::CANONICAL_BODY_BYTES)?.to_vec();
    let notes = cursor.bytes_within(limits::CANONICAL_BODY_BYTES)?.to_vec();
    let regexes = records(cursor, REGEX_BYTES)?;
    let bit_names = records(cursor, 4)?;
    let integer_names = records(cursor, 4)?;
    let mut writer = PackWriter::new();
    let address_sets = address_sets(cursor)?;
    for _ in &address_sets {
        writer.address_set(&[(0, 0)], &[]);
    }
    for _ in 0..cursor.count(limits::PROGRAM_LIST_ITEMS)? {
        let count = to_usize(cursor.count(1 << 16)?);
        let ranges: Vec<(u16, u16)> = cursor
            .take(count * PORT_RANGE_BYTES)?
            .chunks_exact(PORT_RANGE_BYTES)
            .map(|range| (field_u16(range, 0), field_u16(range, 2)))
            .collect();
        writer.port_set(&ranges);
    }
    let text = match cursor.byte()? {
        0 => Vec::new(),
        1 => cursor.take(4)?.to_vec(),
        _ => return Err(Malformed("a record of a rule has unknown bits")),
    };
    let trigger = trigger(cursor)?;
    let lists = if cursor.is_empty() {
        Vec::new()
    } else {
        records(cursor, LIST_BYTES)?
    };
    if !cursor.is_empty() {
        return Err(Malformed("a record of a rule has bytes too many"));
    }
    let mut sections = writer.into_sections();
    for (section, bytes) in [
        (Section::TextOffsets, text_offsets),
        (Section::Texts, texts),
        (Section::ByteStringOffsets, byte_string_offsets),
        (Section::ByteStrings, byte_strings),
        (Section::Rules, rule),
        (Section::Programs, program),
        (Section::Notes, notes),
        (Section::Regexes, regexes),
        (Section::BitNames, bit_names),
        (Section::IntegerNames, integer_names),
        (Section::RuleTexts, text),
        (Section::Lists, lists),
    ] {
        if let Some(slot) = sections.get_mut(section.index()) {
            *slot = bytes;
        }
    }
    Ok((sections, address_sets, trigger))
}

/// Offset section and bytes.
fn strings(cursor: &mut Cursor<'_>) -> Decoded<(Vec<u8>, Vec<u8>)> {
    let count = cursor.count(limits::RECORD_STRINGS)?;
    let mut offsets = vec![0; 8];
    let mut end = 0_u32;
    for _ in 0..count {
        end = end
            .checked_add(cursor.number_u32()?)
            .ok_or(Malformed("the strings of a record are too long"))?;
        offsets.extend_from_slice(&end.to_le_bytes());
    }
    Ok((offsets, cursor.take(to_usize(end))?.to_vec()))
}

fn records(cursor: &mut Cursor<'_>, record_bytes: usize) -> Decoded<Vec<u8>> {
    let count = to_usize(cursor.count(limits::RECORD_STRINGS)?);
    Ok(cursor.take(count * record_bytes)?.to_vec())
}

fn address_sets(cursor: &mut Cursor<'_>) -> Decoded<Vec<RuleSet>> {
    let count = cursor.count(limits::PROGRAM_LIST_ITEMS)?;
    (0..count)
        .map(|_| {
            Ok(match cursor.bytes_within(limits::CANONICAL_BODY_BYTES)? {
                [] => RuleSet::Shared(cursor.take(16)?.first_chunk().copied().unwrap_or_default()),
                body => RuleSet::Ranges(decode_address_set(body)?),
            })
        })
        .collect()
}

fn trigger(cursor: &mut Cursor<'_>) -> Decoded<Trigger> {
    let count = cursor.count(limits::RULE_SCOPES)?;
    let scopes = (0..count)
        .map(|_| {
            let [tag, first, second] = cursor.take(3)?.first_chunk().copied().unwrap_or_default();
            // Ports are chosen when a pack is derived.
            let scope = PrefilterScope::from_code([tag, first, second, 0]);
            scope
                .filter(|scope| !scope.has_port())
                .ok_or(Malformed("a rule has a scope of unknown kind"))
        })
        .collect::<Decoded<_>>()?;
    let pattern = cursor.bytes_within(limits::CONTENT_BYTES as u64)?;
    if pattern.iter().any(u8::is_ascii_uppercase) {
        return Err(Malformed("a pattern is not in lower case"));
    }
    Ok(Trigger {
        scopes,
        pattern: (!pattern.is_empty()).then(|| pattern.to_vec()),
    })
}
