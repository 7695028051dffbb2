//! A segment: consecutive records of one lane.
//!
//! ```text
//! segment = header, record*
//! record  = magic [2], length u32 (of the payload), CRC32C u32 (of what follows in the record),
//!           number u64, wall time u64 (milliseconds since 1970), severity u8 (0: not a finding),
//!           payload: the record as `lapwing_wire::encode_records` writes it alone
//!
//! in version 2, with a keyslot:
//! header  = copy, copy
//! copy    = "LWS" u8 version (2), epoch u64, first number u64, lane u8, zero [3], key number u64, salt [16],
//!           CRC32C u32 of the 48 bytes before
//! record  magic "LE", severity 0; severity and payload are encrypted together, see `segment_cipher`
//!
//! in version 1, without:
//! header  = "LWS" u8 version (1), epoch u64, first number u64, lane u8, zero [3], CRC32C u32 of the 24 bytes before
//! record  magic "LR"
//! ```
//!
//! Number, time and length of a record can be read without a key: a torn end is found and the books are right for everybody. They are
//! bound to the content: changed ones make a record unreadable.
//!
//! Reading goes on after damage: the next place where a whole record with a higher number
//! begins is looked for. So rotten bytes cost the records they hit and no others; the header, without which no record of version 2
//! opens, is there twice.

use std::ops::Range;

use lapwing_wire::{Epoch, Lane};

use crate::segment_cipher::{SEALING_BYTES, SegmentCipher};

const MAGIC: [u8; 4] = *b"LWS\x01";
const SEALED_MAGIC: [u8; 4] = *b"LWS\x02";
/// What both magics of a record begin with.
const RECORD_MAGIC: u8 = b'L';
const CLEAR_RECORD: u8 = b'R';
const SEALED_RECORD: u8 = b'E';
/// Bytes before the first record of version 1.
pub const SEGMENT_HEADER_BYTES: usize = 28;
/// Bytes of one copy of the header of version 2.
const SEALED_COPY_BYTES: usize = 52;
/// Bytes before the first record of version 2.
pub const SEALED_HEADER_BYTES: usize = 2 * SEALED_COPY_BYTES;
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

/// What the records of a segment are encrypted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Number of the key in the outbox.
    pub key: u64,
    /// Drawn for this segment.
    pub salt: [u8; 16],
}

/// The bytes before the first record of an encrypted segment.
pub(crate) fn sealed_header(epoch: Epoch, lane: Lane, first: u64, seal: &Seal) -> Vec<u8> {
    let mut copy = SEALED_MAGIC.to_vec();
    copy.extend_from_slice(&epoch.0.to_le_bytes());
    copy.extend_from_slice(&first.to_le_bytes());
    copy.extend_from_slice(&[lane.code(), 0, 0, 0]);
    copy.extend_from_slice(&seal.key.to_le_bytes());
    copy.extend_from_slice(&seal.salt);
    copy.extend_from_slice(&crc32c::crc32c(&copy).to_le_bytes());
    copy.repeat(2)
}

/// What a segment is encrypted with, from the first copy of its header that is whole.
pub(crate) fn seal_of(bytes: &[u8], epoch: Epoch, lane: Lane, first: u64) -> Option<Seal> {
    let copies = bytes.get(..SEALED_HEADER_BYTES)?.chunks(SEALED_COPY_BYTES);
    for copy in copies {
        let seal = copy.get(24..48)?.split_first_chunk::<8>();
        let seal = seal.and_then(|(key, salt)| {
            Some(Seal {
                key: u64::from_le_bytes(*key),
                salt: salt.try_into().ok()?,
            })
        })?;
        let expected = sealed_header(epoch, lane, first, &seal);
        if expected.starts_with(copy) {
            return Some(seal);
        }
    }
    None
}

/// A record as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) number: u64,
    pub(crate) wall_milliseconds: u64,
    pub(crate) severity: u8,
    /// Not above [`MAX_PAYLOAD_BYTES`].
    pub(crate) payload: Vec<u8>,
}

impl Plain {
    /// The bytes of the record in a segment of version 1.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        record(CLEAR_RECORD, self, self.severity, &self.payload)
    }

    /// The same in a segment of version 2, at an offset.
    pub(crate) fn to_sealed_bytes(&self, cipher: &SegmentCipher, offset: u64) -> Option<Vec<u8>> {
        let Self {
            number,
            wall_milliseconds,
            severity,
            payload,
        } = self;
        let sealed = cipher.seal(offset, *number, *wall_milliseconds, *severity, payload)?;
        Some(record(SEALED_RECORD, self, 0, &sealed))
    }
}

fn record(kind: u8, plain: &Plain, severity: u8, payload: &[u8]) -> Vec<u8> {
    let mut covered = plain.number.to_le_bytes().to_vec();
    covered.extend_from_slice(&plain.wall_milliseconds.to_le_bytes());
    covered.push(severity);
    covered.extend_from_slice(payload);
    let mut bytes = vec![RECORD_MAGIC, kind];
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
    /// Severity of a finding, 0 for other records; 0 where it is encrypted.
    pub severity: u8,
    /// Where its payload is in the segment's bytes.
    pub payload: Range<usize>,
    /// Whether the payload is encrypted.
    pub is_sealed: bool,
}

impl StoredRecord {
    /// Where the record begins in the segment's bytes.
    pub(crate) fn offset(&self) -> usize {
        self.payload.start.saturating_sub(RECORD_HEADER_BYTES)
    }
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
    /// What the records are encrypted with; none in a segment of version 1.
    pub seal: Option<Seal>,
}

/// Finds the records of a segment. Any bytes will do; none make it panic or loop.
pub fn scan(bytes: &[u8], epoch: Epoch, lane: Lane, first: u64) -> Scan {
    let mut scan = Scan {
        seal: seal_of(bytes, epoch, lane, first),
        ..Scan::default()
    };
    let expected = scan.seal.map_or_else(
        || header(epoch, lane, first),
        |seal| sealed_header(epoch, lane, first, &seal),
    );
    if !bytes.starts_with(&expected) {
        if bytes.len() < SEGMENT_HEADER_BYTES || is_torn_header(bytes) {
            return scan;
        }
        scan.damaged_bytes += expected.len();
    }
    let mut at = expected.len();
    scan.good_bytes = at;
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

/// Whether a crash left less of an encrypted segment than its header.
fn is_torn_header(bytes: &[u8]) -> bool {
    bytes.starts_with(&SEALED_MAGIC) && bytes.len() < SEALED_HEADER_BYTES
}

/// The first whole record at `from` or later whose number is not below `lowest`.
fn next_record(bytes: &[u8], from: usize, lowest: u64) -> Option<StoredRecord> {
    let mut at = from;
    loop {
        if let Some(found) = record_at(bytes, at).filter(|found| found.number >= lowest) {
            return Some(found);
        }
        let rest = bytes.get(at + 1..)?;
        at += 1 + rest.windows(2).position(is_record_magic)?;
    }
}

fn is_record_magic(bytes: &[u8]) -> bool {
    matches!(bytes, [RECORD_MAGIC, CLEAR_RECORD | SEALED_RECORD])
}

fn record_at(bytes: &[u8], at: usize) -> Option<StoredRecord> {
    let head = bytes.get(at..at.checked_add(RECORD_HEADER_BYTES)?)?;
    let (magic, head) = head.split_first_chunk::<2>()?;
    let (length, head) = head.split_first_chunk::<4>()?;
    let (checksum, head) = head.split_first_chunk::<4>()?;
    let (number, head) = head.split_first_chunk::<8>()?;
    let (wall, severity) = head.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if !is_record_magic(magic) || length > MAX_PAYLOAD_BYTES + SEALING_BYTES {
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
        is_sealed: magic.contains(&SEALED_RECORD),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: Epoch = Epoch(77);

    fn plain(number: u64, payload: &[u8]) -> Plain {
        Plain {
            number,
            wall_milliseconds: 1000 + number,
            severity: 3,
            payload: payload.to_vec(),
        }
    }

    fn sample(payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = header(EPOCH, Lane::Low, 10);
        for (number, payload) in (10..).zip(payloads) {
            bytes.extend(plain(number, payload).to_bytes());
        }
        bytes
    }

    const SEAL: Seal = Seal {
        key: 4,
        salt: [6; 16],
    };

    fn sealed_sample(payloads: &[Vec<u8>]) -> Vec<u8> {
        let key = zeroize::Zeroizing::new([1; 32]);
        let cipher = SegmentCipher::new(&key, &SEAL, EPOCH, Lane::Low, 10).unwrap();
        let mut bytes = sealed_header(EPOCH, Lane::Low, 10, &SEAL);
        for (number, payload) in (10..).zip(payloads) {
            let offset = bytes.len() as u64;
            bytes.extend(
                plain(number, payload)
                    .to_sealed_bytes(&cipher, offset)
                    .unwrap(),
            );
        }
        bytes
    }

    #[test]
    fn either_copy_of_a_header_says_what_a_segment_is_encrypted_with() {
        let whole = sealed_sample(&[b"x".to_vec()]);
        for at in 0..SEALED_HEADER_BYTES {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x20;
            let scanned = scan(&bytes, EPOCH, Lane::Low, 10);
            assert_eq!(scanned.seal, Some(SEAL), "byte {at}");
            assert_eq!(scanned.records.len(), 1);
        }
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
            is_sealed in any::<bool>(),
        ) {
            let whole = if is_sealed { sealed_sample(&payloads) } else { sample(&payloads) };
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
