//! The content of a batch: blocks of records of one kind, each in columns.
//!
//! ```text
//! content = block*                       at most MAX_BLOCKS_IN_BATCH
//! block   = kind varint, rows varint, length varint, column*
//! column  = tag varint, length varint, bytes
//! ```
//!
//! The header columns (lane, number, time, policy) have the same tags in every block, so a
//! reader that does not know a kind still knows which record it could not read. Findings have
//! columns of their own; the rarer kinds are rows of tagged fields in one column.

mod block;
mod findings;
mod headers;
mod shape;

use std::collections::BTreeMap;

use crate::bytes::{Reader, put_counted, put_length, put_varint};
use crate::error::DecodeError;
use crate::eviction::Eviction;
use crate::heartbeat::Heartbeat;
use crate::limits::{MAX_BATCH_BYTES, MAX_BLOCKS_IN_BATCH, MAX_RECORDS_IN_BATCH};
use crate::record::{Record, RecordBody, RecordHeader, RecordKind};
use crate::rows::Fields;
use crate::summary::Summary;
use block::{BlockReader, BlockWriter};

/// Rows of tagged fields, for the kinds that are not columnar.
const ROWS: u64 = 16;

/// Records read from a batch's content, and what a reader of this version left unread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecodedRecords {
    /// The records, block by block.
    pub records: Vec<Record>,
    /// What came from a newer writer.
    pub skipped: Skipped,
}

/// What a reader did not know and passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Records of an unknown kind; they are given as [`RecordBody::Unknown`].
    pub records: u64,
    /// Columns with an unknown tag.
    pub columns: u64,
    /// Fields of rows with an unknown tag.
    pub fields: u64,
}

/// Encodes records. Their order is kept within a kind, not between kinds.
pub fn encode_records(records: &[Record]) -> Vec<u8> {
    let mut by_kind = BTreeMap::<RecordKind, Vec<&Record>>::new();
    for record in records {
        by_kind.entry(record.body.kind()).or_default().push(record);
    }
    let mut out = Vec::new();
    for (kind, records) in by_kind {
        let mut block = BlockWriter::default();
        headers::write(&mut block, &records);
        let mut findings = Vec::new();
        let mut rows = Vec::new();
        for record in &records {
            match &record.body {
                RecordBody::Finding(finding) => findings.push((&record.header, finding)),
                RecordBody::Summary(summary) => summary.write_row(&mut rows),
                RecordBody::Heartbeat(heartbeat) => heartbeat.write_row(&mut rows),
                RecordBody::Eviction(eviction) => eviction.write_row(&mut rows),
                RecordBody::Unknown(_) => {}
            }
        }
        if !findings.is_empty() {
            findings::write(&mut block, &findings);
        }
        block.column(ROWS, &rows);
        put_varint(&mut out, u64::from(kind.0));
        put_length(&mut out, records.len());
        put_counted(&mut out, &block.into_bytes());
    }
    out
}

/// Decodes what [`encode_records`] wrote, here or in another version.
///
/// # Errors
/// Any [`DecodeError`]: content that is not well formed is refused as a whole.
pub fn decode_records(content: &[u8]) -> Result<DecodedRecords, DecodeError> {
    let mut reader = Reader::new(content);
    let mut decoded = DecodedRecords::default();
    let mut blocks = 0usize;
    while !reader.is_empty() {
        blocks += 1;
        if blocks > MAX_BLOCKS_IN_BATCH {
            return Err(DecodeError::OverCap {
                what: "blocks in a batch",
                value: blocks as u64,
                cap: MAX_BLOCKS_IN_BATCH,
            });
        }
        let kind = RecordKind(reader.number("kind of record")?);
        let room = MAX_RECORDS_IN_BATCH - decoded.records.len();
        let rows = reader.length(room, "records in a batch")?;
        let block = BlockReader::new(reader.counted(MAX_BATCH_BYTES, "block")?, rows)?;
        let headers = headers::read(&block)?;
        let bodies = read_bodies(kind, &block, &headers, &mut decoded.skipped)?;
        for (header, body) in headers.into_iter().zip(bodies) {
            decoded.records.push(Record::new(header, body)?);
        }
    }
    Ok(decoded)
}

fn read_bodies(
    kind: RecordKind,
    block: &BlockReader<'_>,
    headers: &[RecordHeader],
    skipped: &mut Skipped,
) -> Result<Vec<RecordBody>, DecodeError> {
    let unknown_tag =
        |tag: &u64| *tag <= headers::LAST_RESERVED_TAG && !headers::KNOWN_TAGS.contains(tag);
    skipped.columns += block.tags().filter(unknown_tag).count() as u64;
    match kind {
        RecordKind::FINDING => {
            skipped.columns += findings::unknown_columns(block);
            Ok(findings::read(block, headers)?
                .into_iter()
                .map(RecordBody::Finding)
                .collect())
        }
        RecordKind::SUMMARY => read_rows(block, skipped, &Summary::KNOWN_TAGS, |fields| {
            Summary::read_row(fields).map(RecordBody::Summary)
        }),
        RecordKind::HEARTBEAT => read_rows(block, skipped, &Heartbeat::KNOWN_TAGS, |fields| {
            Heartbeat::read_row(fields).map(RecordBody::Heartbeat)
        }),
        RecordKind::EVICTION => read_rows(block, skipped, &Eviction::KNOWN_TAGS, |fields| {
            Eviction::read_row(fields).map(RecordBody::Eviction)
        }),
        unknown => {
            skipped.records += headers.len() as u64;
            Ok(vec![RecordBody::Unknown(unknown); headers.len()])
        }
    }
}

fn read_rows(
    block: &BlockReader<'_>,
    skipped: &mut Skipped,
    known: &std::ops::RangeInclusive<u64>,
    read: impl Fn(&Fields<'_>) -> Result<RecordBody, DecodeError>,
) -> Result<Vec<RecordBody>, DecodeError> {
    skipped.columns += block.tags().filter(|tag| *tag > ROWS).count() as u64;
    let Some(mut reader) = block.column(ROWS) else {
        return if block.rows == 0 {
            Ok(Vec::new())
        } else {
            Err(DecodeError::Missing { what: "rows" })
        };
    };
    let mut bodies = Vec::with_capacity(block.rows.min(reader.remaining()));
    for _ in 0..block.rows {
        let fields = Fields::read(reader.counted(MAX_BATCH_BYTES, "row")?)?;
        skipped.fields += fields.unknown(known);
        bodies.push(read(&fields)?);
    }
    reader.finish("rows")?;
    Ok(bodies)
}
