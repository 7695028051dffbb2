//! From a canonical pack to the pack that is mapped: the same bytes wherever it is done.

use std::{collections::HashMap, io::Write};

use super::{
    super::{
        assembly::{Assembly, EachPiece, Pieces, Take},
        bytes::{Cursor, to_usize},
        program::Renumbering,
        reader::Pack,
        rule_view::RuleView,
        writer::{ListToWrite, PackWriter, RuleToWrite},
    },
    CanonicalError, CanonicalPack, RecordKind,
    file::Record,
    groups::Groups,
    indicators::{self, IndicatorTables},
    list_record,
    rule_record::{self, AddressRanges, RuleRecord, RuleSet, SetName},
};
use crate::model::{AddressSetId, Header, ListId, ListKind, PortSetId, RuleId};

/// Records after which what was read of a mapped file is given back.
const RECORDS_BEFORE_RELEASE: usize = 1 << 10;

/// Makes the pack that a sensor maps and writes it, if it is the one that the canonical pack names. Nothing is written before
/// that is certain.
///
/// # Errors
/// One [`CanonicalError`]: a record does not hold what it should, the result differs, or it cannot be written.
pub fn derive(canonical: &CanonicalPack, out: &mut impl Write) -> Result<(), CanonicalError> {
    let mut derivation = Derivation::default();
    for (index, record) in canonical.records().enumerate() {
        derivation.add(record).map_err(CanonicalError::Damaged)?;
        if index.is_multiple_of(RECORDS_BEFORE_RELEASE) {
            canonical.release();
        }
    }
    let entries = |take: &mut Take<'_>| {
        let indicators = canonical.records_of(RecordKind::Indicator);
        for (index, record) in indicators.enumerate() {
            take(&indicators::entry_of(record))?;
            if index.is_multiple_of(RECORDS_BEFORE_RELEASE) {
                canonical.release();
            }
        }
        Ok(())
    };
    let pack = derivation
        .finish(&entries)
        .map_err(CanonicalError::Damaged)?;
    if pack.digest() != canonical.derived_digest() || pack.length() != canonical.derived_bytes() {
        return Err(CanonicalError::DerivedDiffers {
            expected: hex::encode(canonical.derived_digest()),
            found: hex::encode(pack.digest()),
        });
    }
    pack.write_to(out).map_err(CanonicalError::Write)
}

/// A pack in the making.
#[derive(Debug, Default)]
pub(super) struct Derivation {
    writer: PackWriter,
    groups: Groups,
    address_sets: HashMap<AddressRanges, AddressSetId>,
    shared_sets: HashMap<SetName, AddressSetId>,
    port_sets: HashMap<Vec<(u16, u16)>, PortSetId>,
    regexes: HashMap<(String, String, bool), u32>,
    /// Name, kind and whether it gives reputations.
    lists: HashMap<(String, ListKind, bool), ListId>,
    indicators: IndicatorTables,
}

impl Derivation {
    /// Adds a record. Records come in order of key.
    pub(super) fn add(&mut self, record: Record<'_>) -> Result<(), String> {
        match RecordKind::of(record.key) {
            Some(RecordKind::AddressSet) => self.add_address_set(record),
            Some(RecordKind::List) => self.add_list(record),
            Some(RecordKind::Rule) => self.add_rule(record),
            Some(RecordKind::Unsupported) => self.add_unsupported(record),
            Some(RecordKind::Indicator) => self.indicators.add(record),
            Some(RecordKind::IndicatorList) => self.indicators.add_list(record, &mut self.writer),
            None => Err("a record is of unknown kind".to_owned()),
        }
    }

    /// The pack. `entries` gives those of its indicators in the order in which they were added, as often as it is asked.
    pub(super) fn finish<'e>(self, entries: &'e EachPiece<'e>) -> Result<Assembly<'e>, String> {
        let Self {
            mut writer,
            groups,
            indicators,
            ..
        } = self;
        groups.write(&mut writer);
        let pieces = Pieces {
            bytes: indicators.entry_bytes(),
            each: entries,
        };
        indicators.write(&mut writer)?;
        Ok(writer.assemble(Some(pieces)))
    }

    fn add_address_set(&mut self, record: Record<'_>) -> Result<(), String> {
        let name = rule_record::set_name(record.body);
        if record.key.get(1..) != Some(name.as_slice()) {
            return Err("an address set does not have the name of its bytes".to_owned());
        }
        let ranges = rule_record::decode_address_set(record.body)
            .map_err(|malformed| malformed.0.to_owned())?;
        let id = self.writer.address_set(&ranges.ipv4, &ranges.ipv6);
        self.shared_sets.insert(name, id);
        Ok(())
    }

    fn add_list(&mut self, record: Record<'_>) -> Result<(), String> {
        let name = record.key.get(1..).unwrap_or_default();
        let name = std::str::from_utf8(name).map_err(|_| "the name of a list is not UTF-8")?;
        let list = list_record::decode(record.body).map_err(|malformed| malformed.0.to_owned())?;
        let id = self.writer.list(&ListToWrite {
            name,
            kind: list.kind,
            keys: &list.keys,
            values: list.values.as_deref(),
        });
        let key = (name.to_owned(), list.kind, list.values.is_some());
        self.lists.insert(key, id);
        Ok(())
    }

    fn add_unsupported(&mut self, record: Record<'_>) -> Result<(), String> {
        let (gid, sid) = ids(record.key).ok_or("an unsupported rule has no number")?;
        let mut cursor = Cursor::new(record.body);
        let parts = cursor
            .number_u32()
            .and_then(|rev| Ok((rev, cursor.bytes_within(record.body.len() as u64)?)));
        let (rev, message) = parts.map_err(|malformed| malformed.0.to_owned())?;
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8".to_owned());
        let id = RuleId { gid, sid, rev };
        self.writer
            .unsupported(id, text(message)?, text(cursor.rest())?);
        Ok(())
    }

    fn add_rule(&mut self, record: Record<'_>) -> Result<(), String> {
        let rule = rule_record::decode(record.body)?;
        let view = rule.pack.rule(0).ok_or("a record of a rule has no rule")?;
        if ids(record.key) != Some((view.id().gid, view.id().sid)) {
            return Err("a rule has not the number of its record".to_owned());
        }
        let address_sets = self.renumber_address_sets(&rule)?;
        let port_sets = self.renumber_port_sets(&rule.pack);
        let lists = self.renumber_lists(&rule.pack)?;
        let renumbering = Renumbering {
            lists,
            address_sets: address_sets.iter().map(|id| id.0).collect(),
            regexes: self.renumber_regexes(&rule.pack),
            bits: renumber_names(|id| rule.pack.bit_name(id), |name| self.writer.bit(name)),
            integers: renumber_names(
                |id| rule.pack.integer_name(id),
                |name| self.writer.integer(name),
            ),
        };
        let renumbered = RuleView {
            renumbering: Some(&renumbering),
            ..view
        };
        let header = view.header();
        let address = |id: AddressSetId| address_sets.get(to_usize(id.0)).copied().unwrap_or(id);
        let port = |id: PortSetId| port_sets.get(to_usize(id.0)).copied().unwrap_or(id);
        let header = Header {
            source: address(header.source),
            source_port: port(header.source_port),
            destination: address(header.destination),
            destination_port: port(header.destination_port),
            ..header
        };
        let index = self
            .writer
            .rule(&to_write(&renumbered, header, rule.pack.rule_text(0)));
        self.groups.add(index, &header, &rule.trigger, &self.writer);
        Ok(())
    }

    fn renumber_address_sets(&mut self, rule: &RuleRecord) -> Result<Vec<AddressSetId>, String> {
        let mut numbers = vec![AddressSetId::ANY];
        for set in &rule.address_sets {
            numbers.push(match set {
                RuleSet::Shared(name) => *self
                    .shared_sets
                    .get(name)
                    .ok_or("a rule names an address set that does not exist")?,
                RuleSet::Ranges(ranges) => match self.address_sets.get(ranges) {
                    Some(id) => *id,
                    None => {
                        let id = self.writer.address_set(&ranges.ipv4, &ranges.ipv6);
                        self.address_sets.insert(ranges.clone(), id);
                        id
                    }
                },
            });
        }
        Ok(numbers)
    }

    fn renumber_lists(&self, rule: &Pack) -> Result<Vec<u32>, String> {
        (0..rule.list_count())
            .filter_map(|id| rule.list(ListId(id)))
            .map(|list| {
                let key = (list.name().to_owned(), list.kind(), list.has_values());
                let id = self.lists.get(&key);
                Ok(id.ok_or("a rule names a list that does not exist")?.0)
            })
            .collect()
    }

    fn renumber_port_sets(&mut self, rule: &Pack) -> Vec<PortSetId> {
        let mut numbers = vec![PortSetId::ANY];
        for set in (1..).map_while(|id| rule.find_port_set(id)) {
            let ranges: Vec<_> = set.ranges().collect();
            let writer = &mut self.writer;
            numbers.push(match self.port_sets.get(&ranges) {
                Some(id) => *id,
                None => {
                    let id = writer.port_set(&ranges);
                    self.port_sets.insert(ranges, id);
                    id
                }
            });
        }
        numbers
    }

    fn renumber_regexes(&mut self, rule: &Pack) -> Vec<u32> {
        let mut numbers = Vec::new();
        for regex in (0..).map_while(|index| rule.regex(index)) {
            let key = (
                regex.expression().to_owned(),
                regex.original().to_owned(),
                regex.needs_backtracking(),
            );
            let writer = &mut self.writer;
            numbers.push(
                *self
                    .regexes
                    .entry(key)
                    .or_insert_with_key(|key| writer.regex(&key.0, &key.1, key.2)),
            );
        }
        numbers
    }
}

/// gid and sid of a key.
fn ids(key: &[u8]) -> Option<(u32, u32)> {
    let [_, numbers @ ..] = key else { return None };
    let (gid, rest) = numbers.split_first_chunk::<4>()?;
    let sid: [u8; 4] = rest.try_into().ok()?;
    Some((u32::from_be_bytes(*gid), u32::from_be_bytes(sid)))
}

fn renumber_names<'a>(
    name: impl Fn(u32) -> Option<&'a str>,
    number: impl FnMut(&str) -> u32,
) -> Vec<u32> {
    (0..).map_while(name).map(number).collect()
}

fn to_write<'a>(rule: &RuleView<'a>, header: Header, text: Option<&'a str>) -> RuleToWrite<'a> {
    RuleToWrite {
        id: rule.id(),
        action: rule.action(),
        severity: rule.severity(),
        header,
        kind: rule.kind(),
        sides: rule.sides(),
        inspects_packet: rule.inspects_packet(),
        inspects_stream: rule.inspects_stream(),
        byte_variables: rule.byte_variables(),
        message: rule.message(),
        class_type: rule.class_type(),
        class_description: rule.class_description(),
        conditions: rule.packet_conditions().collect(),
        inspections: rule.inspections().collect(),
        effects: rule.effects().collect(),
        limits: rule.limits().collect(),
        references: rule.references().collect(),
        metadata: rule.metadata().collect(),
        text,
    }
}
