//! Writing a canonical pack: records in order of key, the digest of the derived pack before them.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{
    super::{
        assembly::{Assembly, Take},
        bytes::put_number,
        format::VERSION,
        writer::{ListToWrite, PackWriter, put_u32s},
    },
    CANONICAL_HEADER_BYTES, CANONICAL_MAGIC, DIGEST_COVERS_FROM, RecordKind,
    derive::Derivation,
    file::Record,
    indicators, list_record,
    rule_record::{self, Trigger},
};
use crate::{
    indicator::{Indicator, ListName},
    model::RuleId,
};

/// Collects records in any order; the order in the file is that of their keys.
#[derive(Debug, Default)]
pub(crate) struct CanonicalWriter {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    /// In order of kind and key.
    indicators: Vec<Indicator>,
    lists: Vec<ListName>,
}

/// A canonical pack and the pack that is derived from it.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) canonical: Vec<u8>,
    pub(crate) pack: Vec<u8>,
}

impl CanonicalWriter {
    /// Adds a rule: the one rule of `writer`, and how it becomes a candidate.
    pub(crate) fn rule(&mut self, id: RuleId, writer: PackWriter, trigger: &Trigger) {
        let (body, shared_sets) = rule_record::encode(writer, trigger);
        self.records.extend(shared_sets);
        self.records.insert(rule_key(RecordKind::Rule, id), body);
    }

    /// Adds a list that rules name.
    pub(crate) fn list(&mut self, list: &ListToWrite<'_>) {
        let mut key = vec![RecordKind::List as u8];
        key.extend_from_slice(list.name.as_bytes());
        self.records.insert(key, list_record::encode(list));
    }

    /// Names a rule that is not run, with the reason.
    pub(crate) fn unsupported(&mut self, id: RuleId, message: &str, reason: &str) {
        let mut body = Vec::with_capacity(message.len() + reason.len() + 8);
        put_number(&mut body, u64::from(id.rev));
        put_number(&mut body, message.len() as u64);
        body.extend_from_slice(message.as_bytes());
        body.extend_from_slice(reason.as_bytes());
        self.records
            .insert(rule_key(RecordKind::Unsupported, id), body);
    }

    /// Adds the indicators, in order of kind and key, and the lists that they are from, by number.
    pub(crate) fn indicators(&mut self, indicators: Vec<Indicator>, lists: Vec<ListName>) {
        self.indicators = indicators;
        self.lists = lists;
    }

    /// Derives the pack, and writes both.
    ///
    /// # Errors
    /// What is wrong, in one clause.
    pub(crate) fn finish(self) -> Result<Written, String> {
        let mut derivation = Derivation::default();
        for (key, body) in &self.records {
            derivation.add(Record { key, body })?;
        }
        let mut bytes = vec![0; CANONICAL_HEADER_BYTES];
        for (key, body) in &self.records {
            put_record(&mut bytes, Record { key, body });
        }
        for indicator in &self.indicators {
            let (key, body) = indicators::record_of(indicator);
            let record = Record {
                key: &key,
                body: &body,
            };
            derivation.add(record)?;
            put_record(&mut bytes, record);
        }
        for list in &self.lists {
            let (key, body) = indicators::record_of_list(list);
            let record = Record {
                key: &key,
                body: &body,
            };
            derivation.add(record)?;
            put_record(&mut bytes, record);
        }
        let entries = |take: &mut Take<'_>| {
            self.indicators.iter().try_for_each(|indicator| {
                let (key, body) = indicators::record_of(indicator);
                take(&indicators::entry_of(Record {
                    key: &key,
                    body: &body,
                }))
            })
        };
        let pack = derivation.finish(&entries)?;
        write_header(&mut bytes, &pack);
        Ok(Written {
            canonical: bytes,
            pack: pack.into_bytes(),
        })
    }
}

fn rule_key(kind: RecordKind, id: RuleId) -> Vec<u8> {
    let mut key = vec![kind as u8];
    key.extend_from_slice(&id.gid.to_be_bytes());
    key.extend_from_slice(&id.sid.to_be_bytes());
    key
}

/// Appends a record.
pub(super) fn put_record(out: &mut Vec<u8>, record: Record<'_>) {
    for part in [record.key, record.body] {
        put_number(out, part.len() as u64);
        out.extend_from_slice(part);
    }
}

fn write_header(bytes: &mut [u8], pack: &Assembly<'_>) {
    let length = bytes.len() as u64;
    let mut header = Vec::with_capacity(CANONICAL_HEADER_BYTES);
    header.extend_from_slice(&CANONICAL_MAGIC);
    put_u32s(&mut header, [VERSION, 0]);
    header.extend_from_slice(&length.to_le_bytes());
    header.extend_from_slice(&[0; 32]);
    header.extend_from_slice(&pack.digest());
    header.extend_from_slice(&pack.length().to_le_bytes());
    if let Some(slot) = bytes.first_chunk_mut::<CANONICAL_HEADER_BYTES>() {
        slot.copy_from_slice(&header);
    }
    let digest = Sha256::digest(bytes.get(DIGEST_COVERS_FROM..).unwrap_or_default());
    if let Some(slot) = bytes.get_mut(24..DIGEST_COVERS_FROM) {
        slot.copy_from_slice(&digest);
    }
}
