//! A batch: records that are sealed together, and the ranges that they are of their lanes.
//!
//! ```text
//! payload = version u8 (1), ranges varint, range*, content     see the module `columns`
//! range   = lane u8, first varint, count varint
//! ```
//!
//! The payload is compressed, then sealed; see the module `envelope`.

use crate::bytes::{Reader, put_length, put_varint};
use crate::columns::{Skipped, decode_records, encode_records};
use crate::error::{DecodeError, EncodeError};
use crate::ids::{BatchDigest, BatchIdentity, Lane, RecordNumber};
use crate::limits::{MAX_BATCH_BYTES, MAX_RANGES_IN_BATCH, MAX_RECORDS_IN_BATCH};
use crate::record::Record;

/// Version of the payload.
const PAYLOAD_VERSION: u8 = 1;

/// A batch as the centre gets it, verified and opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which batch it is.
    pub identity: BatchIdentity,
    /// Digest of the envelope sealed before it; [`BatchDigest::NONE`] for the first.
    pub previous: BatchDigest,
    /// Digest of its own envelope.
    pub digest: BatchDigest,
    /// The records it holds, as ranges of their lanes.
    pub ranges: Vec<RecordRange>,
    /// The records.
    pub records: Vec<Record>,
    /// What a newer sensor wrote that this program does not read.
    pub skipped: Skipped,
}

/// Consecutive records of one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordRange {
    /// The lane.
    pub lane: Lane,
    /// The first record.
    pub first: RecordNumber,
    /// How many, at least one.
    pub count: u64,
}

impl RecordRange {
    /// The last record of the range.
    pub fn last(&self) -> RecordNumber {
        RecordNumber(self.first.0.saturating_add(self.count.saturating_sub(1)))
    }

    /// The fewest ranges that hold exactly these records, sorted.
    pub fn cover(records: impl IntoIterator<Item = (Lane, RecordNumber)>) -> Vec<Self> {
        let mut numbers: Vec<_> = records.into_iter().collect();
        numbers.sort_unstable();
        let mut ranges = Vec::<Self>::new();
        for (lane, number) in numbers {
            match ranges.last_mut() {
                Some(range)
                    if range.lane == lane
                        && range.first.0.checked_add(range.count) == Some(number.0) =>
                {
                    range.count += 1;
                }
                _ => ranges.push(Self {
                    lane,
                    first: number,
                    count: 1,
                }),
            }
        }
        ranges
    }
}

/// The payload of a batch, before compression.
pub(crate) fn write_payload(records: &[Record]) -> Result<Vec<u8>, EncodeError> {
    if records.len() > MAX_RECORDS_IN_BATCH {
        return Err(EncodeError::TooManyRecords {
            records: records.len(),
        });
    }
    let ranges = ranges_of(records);
    if ranges.len() > MAX_RANGES_IN_BATCH {
        return Err(EncodeError::TooLarge {
            what: "list of ranges",
            bytes: ranges.len(),
            cap: MAX_RANGES_IN_BATCH,
        });
    }
    let mut payload = vec![PAYLOAD_VERSION];
    put_length(&mut payload, ranges.len());
    for range in ranges {
        payload.push(range.lane.code());
        put_varint(&mut payload, range.first.0);
        put_varint(&mut payload, range.count);
    }
    payload.extend_from_slice(&encode_records(records));
    if payload.len() > MAX_BATCH_BYTES {
        return Err(EncodeError::TooLarge {
            what: "batch",
            bytes: payload.len(),
            cap: MAX_BATCH_BYTES,
        });
    }
    Ok(payload)
}

/// Reads a payload and holds its ranges against its records.
pub(crate) fn read_payload(
    payload: &[u8],
    identity: BatchIdentity,
    previous: BatchDigest,
    digest: BatchDigest,
) -> Result<Batch, DecodeError> {
    let mut reader = Reader::new(payload);
    match reader.u8("payload version")? {
        PAYLOAD_VERSION => {}
        version => {
            return Err(DecodeError::Version {
                what: "batch",
                version: u64::from(version),
            });
        }
    }
    let count = reader.length(MAX_RANGES_IN_BATCH, "ranges in a batch")?;
    let ranges = (0..count)
        .map(|_| {
            let lane = Lane::read(&mut reader)?;
            Ok(RecordRange {
                lane,
                first: RecordNumber(reader.varint("first record")?),
                count: reader.varint("record count")?,
            })
        })
        .collect::<Result<Vec<_>, DecodeError>>()?;
    let decoded = decode_records(reader.rest())?;
    if ranges != ranges_of(&decoded.records) {
        return Err(DecodeError::Mismatch {
            what: "the list of ranges",
        });
    }
    Ok(Batch {
        identity,
        previous,
        digest,
        ranges,
        records: decoded.records,
        skipped: decoded.skipped,
    })
}

fn ranges_of(records: &[Record]) -> Vec<RecordRange> {
    RecordRange::cover(
        records
            .iter()
            .map(|record| (record.header.lane, record.header.number)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_what_follows_and_split_at_holes_and_lanes() {
        let numbers = [5, 3, 4, 9].map(|number| (Lane::Normal, RecordNumber(number)));
        let ranges = RecordRange::cover(
            numbers
                .into_iter()
                .chain([(Lane::Critical, RecordNumber(10))]),
        );
        assert_eq!(
            ranges,
            [
                RecordRange {
                    lane: Lane::Critical,
                    first: RecordNumber(10),
                    count: 1
                },
                RecordRange {
                    lane: Lane::Normal,
                    first: RecordNumber(3),
                    count: 3
                },
                RecordRange {
                    lane: Lane::Normal,
                    first: RecordNumber(9),
                    count: 1
                },
            ]
        );
        assert_eq!(ranges[1].last(), RecordNumber(5));
    }
}
