//! A segment: consecutive records of one lane.
//!
//! ```text
//! segment = "LWS" u8 version (1), epoch u64, first number u64, lane u8, zero [3],
//!           CRC32C u32 of the 24 bytes before, record*
//! record  = "LR", length u32 (of the payload), CRC32C u32 (of what follows in the record),
//!           number u64, wall time u64 (milliseconds since 1970), severity u8 (0: not a finding),
//!           payload: the record as `lapwing_wire::encode_records` writes it alone
//! ```
//!
//! Reading goes on after damage: the next place where a whole record with a higher number
//! begins is looked for. So rotten bytes cost the records they hit and no others.

use std::ops::Range;

use lapwing_wire::{Epoch, Lane};

const MAGIC: [u8; 4] = *b"LWS\x01";
const RECORD_MAGIC: [u8; 2] = *b"LR";
/// Bytes before the first record.
pub const SEGMENT_HEADER_BYTES: usize = 28;
/// Bytes before a record's payload.
pub const RECORD_HEADER_BYTES: usize = 27;
/// Bytes of one record's payload at most.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;
/// Bytes of a segment at most: one is closed before it exceeds its share, and may then hold
/// one record more.
pub const MAX_SEGMENT_BYTES: usize = 2 * MAX_PAYLOAD_BYTES + 64 * 1024;

/// The bytes before the first record.
pub(crate) fn header(epoch: Epoch, lane: Lane, first: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&epoch.0.to_le_bytes());
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&[lane.code(), 0, 0, 0]);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// The bytes of one record; `payload` is not above [`MAX_PAYLOAD_BYTES`].
pub(crate) fn record(number: u64, wall_milliseconds: u64, severity: u8, payload: &[u8]) -> Vec<u8> {
    let mut covered = number.to_le_bytes().to_vec();
    covered.extend_from_slice(&wall_milliseconds.to_le_bytes());
    covered.push(severity);
    covered.extend_from_slice(payload);
    let mut bytes = RECORD_MAGIC.to_vec();
    bytes.extend_from_slice(
        &u32::try_from(payload.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes(),
    );
    bytes.extend_from_slice(&crc32c::crc32c(&covered).to_le_bytes());
    bytes.extend_from_slice(&covered);
    bytes
}

/// One record found in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its number in the lane.
    pub number: u64,
    /// When it was made, milliseconds since 1970.
    pub wall_milliseconds: u64,
    /// Severity of a finding, 0 for other records.
    pub severity: u8,
    /// Where its payload is in the segment's bytes.
    pub payload: Range<usize>,
}

/// What is in a segment's bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The whole records, numbers ascending.
    pub records: Vec<StoredRecord>,
    /// Where the last whole record ends: what follows is torn.
    pub good_bytes: usize,
    /// Bytes between whole records, or in the header, that are not what was written.
    pub damaged_bytes: usize,
}

/// Finds the records of a segment. Any bytes will do; none make it panic or loop.
pub fn scan(bytes: &[u8], epoch: Epoch, lane: Lane, first: u64) -> Scan {
    let mut scan = Scan::default();
    let expected = header(epoch, lane, first);
    let mut at = SEGMENT_HEADER_BYTES;
    if !bytes.starts_with(&expected) {
        if bytes.len() < SEGMENT_HEADER_BYTES {
            return scan;
        }
        scan.damaged_bytes += SEGMENT_HEADER_BYTES;
    }
    scan.good_bytes = SEGMENT_HEADER_BYTES;
    let mut lowest = first;
    while let Some(found) = next_record(bytes, at, lowest) {
        let start = found.payload.start - RECORD_HEADER_BYTES;
        scan.damaged_bytes += start - scan.good_bytes;
        at = found.payload.end;
        scan.good_bytes = at;
        let Some(next) = found.number.checked_add(1) else {
            break;
        };
        lowest = next;
        scan.records.push(found);
    }
    scan
}

/// The first whole record at `from` or later whose number is not below `lowest`.
fn next_record(bytes: &[u8], from: usize, lowest: u64) -> Option<StoredRecord> {
    let mut at = from;
    loop {
        if let Some(found) = record_at(bytes, at).filter(|found| found.number >= lowest) {
            return Some(found);
        }
        let rest = bytes.get(at + 1..)?;
        at += 1 + rest.windows(2).position(|window| window == RECORD_MAGIC)?;
    }
}

fn record_at(bytes: &[u8], at: usize) -> Option<StoredRecord> {
    let head = bytes.get(at..at.checked_add(RECORD_HEADER_BYTES)?)?;
    let (magic, head) = head.split_first_chunk::<2>()?;
    let (length, head) = head.split_first_chunk::<4>()?;
    let (checksum, head) = head.split_first_chunk::<4>()?;
    let (number, head) = head.split_first_chunk::<8>()?;
    let (wall, severity) = head.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if *magic != RECORD_MAGIC || length > MAX_PAYLOAD_BYTES {
        return None;
    }
    let payload = at + RECORD_HEADER_BYTES..at + RECORD_HEADER_BYTES + length;
    let covered = bytes.get(at + 10..payload.end)?;
    if crc32c::crc32c(covered) != u32::from_le_bytes(*checksum) {
        return None;
    }
    Some(StoredRecord {
        number: u64::from_le_bytes(*number),
        wall_milliseconds: u64::from_le_bytes(*wall),
        severity: severity.first().copied().unwrap_or_default(),
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: Epoch = Epoch(77);

    fn sample(payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = header(EPOCH, Lane::Low, 10);
        for (number, payload) in (10..).zip(payloads) {
            bytes.extend(record(number, 1000 + number, 3, payload));
        }
        bytes
    }

    fn numbers(bytes: &[u8]) -> Vec<u64> {
        scan(bytes, EPOCH, Lane::Low, 10)
            .records
            .iter()
            .map(|record| record.number)
            .collect()
    }

    #[test]
    fn a_rotten_byte_costs_one_record() {
        let payloads = vec![b"first".to_vec(), b"second LR".to_vec(), b"third".to_vec()];
        let whole = sample(&payloads);
        assert_eq!(numbers(&whole), [10, 11, 12]);
        let second = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + 5;
        for at in second..second + RECORD_HEADER_BYTES + 9 {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            assert_eq!(numbers(&bytes), [10, 12], "byte {at}");
        }
    }

    #[test]
    fn a_segment_of_another_epoch_is_damage_not_records_of_this_one() {
        let scanned = scan(&sample(&[b"x".to_vec()]), Epoch(78), Lane::Low, 10);
        assert_eq!(scanned.damaged_bytes, SEGMENT_HEADER_BYTES);
    }

    proptest! {
        #[test]
        fn any_cut_leaves_the_records_before_it(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = sample(&payloads);
            let cut = cut.index(whole.len() + 1);
            let scanned = scan(&whole[..cut], EPOCH, Lane::Low, 10);
            prop_assert!(scanned.good_bytes <= cut);
            prop_assert_eq!(scanned.damaged_bytes, 0);
            let whole_records = scan(&whole, EPOCH, Lane::Low, 10).records;
            let expected = whole_records.iter().filter(|record| record.payload.end <= cut).count();
            prop_assert_eq!(scanned.records.len(), expected);
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            scan(&bytes, EPOCH, Lane::Low, 10);
        }
    }
}
