//! Opening a canonical pack: header, digest and the order of the records are checked once.

use std::{ops::Range, path::Path};

use sha2::{Digest, Sha256};

use super::{
    super::{
        bytes::{Cursor, field_u32, field_u64, to_usize},
        format::VERSION,
        indicators::IndicatorView,
        mapped_file::{PackBytes, stream_digest},
    },
    CANONICAL_HEADER_BYTES, CANONICAL_MAGIC, CanonicalError, DIGEST_COVERS_FROM,
};
use crate::limits;

/// What a record is about: the first byte of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RecordKind {
    /// A large address set that rules name.
    AddressSet = 16,
    /// A list of strings, digests or addresses that rules name.
    List = 24,
    /// A rule that runs.
    Rule = 32,
    /// A rule that is named and not run.
    Unsupported = 48,
    /// An indicator.
    Indicator = 64,
    /// A list that indicators are from.
    IndicatorList = 65,
}

impl RecordKind {
    pub(super) const ALL: [Self; 6] = [
        Self::AddressSet,
        Self::List,
        Self::Rule,
        Self::Unsupported,
        Self::Indicator,
        Self::IndicatorList,
    ];

    /// The kind of the record with this key.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        let first = *key.first()?;
        Self::ALL.into_iter().find(|kind| *kind as u8 == first)
    }
}

/// One record: key and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) key: &'a [u8],
    pub(super) body: &'a [u8],
}

/// An open canonical pack.
#[derive(Debug)]
pub struct CanonicalPack {
    bytes: PackBytes,
    digest: [u8; 32],
    /// Where every [`RECORDS_BETWEEN_POSITIONS`]-th record begins.
    positions: Vec<u32>,
    records: usize,
}

/// Records of which only the first one's place is remembered: there may be millions.
const RECORDS_BETWEEN_POSITIONS: usize = 16;

impl CanonicalPack {
    /// Maps a file and checks it.
    ///
    /// # Errors
    /// One [`CanonicalError`] that says what is wrong with the file.
    pub fn open(path: &Path) -> Result<Self, CanonicalError> {
        let read_error = |source| CanonicalError::Read {
            path: path.to_owned(),
            source,
        };
        let digest = stream_digest(path, DIGEST_COVERS_FROM).map_err(read_error)?;
        Self::check(PackBytes::map(path).map_err(read_error)?, digest)
    }

    /// The same for bytes in memory.
    ///
    /// # Errors
    /// As [`CanonicalPack::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CanonicalError> {
        let covered = bytes.get(DIGEST_COVERS_FROM..).unwrap_or_default();
        let digest = Sha256::digest(covered).into();
        Self::check(PackBytes::Owned(bytes), digest)
    }

    fn check(bytes: PackBytes, digest: [u8; 32]) -> Result<Self, CanonicalError> {
        check_header(&bytes)?;
        if bytes.get(24..56) != Some(digest.as_slice()) {
            return Err(CanonicalError::WrongDigest);
        }
        let (positions, records) = find_records(&bytes)?;
        bytes.release();
        Ok(Self {
            bytes,
            digest,
            positions,
            records,
        })
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of everything behind the header: its identity, what a delta names.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Digest of the pack that [`super::derive()`] makes of it.
    #[must_use]
    pub fn derived_digest(&self) -> [u8; 32] {
        derived_digest(&self.bytes)
    }

    /// Length of that pack in bytes.
    #[must_use]
    pub fn derived_bytes(&self) -> u64 {
        field_u64(&self.bytes, 88)
    }

    /// Number of records.
    #[must_use]
    pub fn record_count(&self) -> usize {
        self.records
    }

    /// Number of records of one kind.
    #[must_use]
    pub fn count_of(&self, kind: RecordKind) -> usize {
        let range = self.range_of(kind);
        range.end - range.start
    }

    /// The indicators, in order of kind and key, each with its value in normal form (empty where the key says all of it).
    pub fn indicators(&self) -> impl Iterator<Item = (IndicatorView, &str)> {
        self.records_of(RecordKind::Indicator)
            .filter_map(|record| super::indicators::decode(record).ok())
    }

    /// The lists that indicators are from, by number.
    pub fn indicator_lists(&self) -> impl Iterator<Item = (u16, &str)> {
        self.records_of(RecordKind::IndicatorList)
            .filter_map(|record| {
                let number = record.key.get(1..)?.try_into().ok()?;
                Some((
                    u16::from_be_bytes(number),
                    std::str::from_utf8(record.body).ok()?,
                ))
            })
    }

    fn range_of(&self, kind: RecordKind) -> Range<usize> {
        let first = [kind as u8];
        let end = [(kind as u8).saturating_add(1)];
        self.lower_bound(&first)..self.lower_bound(&end)
    }

    /// Every record of a kind, in order of key.
    pub(super) fn records_of(&self, kind: RecordKind) -> impl Iterator<Item = Record<'_>> {
        let range = self.range_of(kind);
        self.records_from(range.start).take(range.end - range.start)
    }

    /// The record with this index.
    pub(super) fn record(&self, index: usize) -> Option<Record<'_>> {
        self.records_from(index).next()
    }

    /// The bytes of these records as they stand in the file.
    pub(super) fn bytes_of(&self, records: Range<usize>) -> &[u8] {
        self.bytes
            .get(self.position(records.start)..self.position(records.end))
            .unwrap_or_default()
    }

    /// Where a record begins, or the file ends.
    fn position(&self, index: usize) -> usize {
        let known = self.positions.get(index / RECORDS_BETWEEN_POSITIONS);
        let Some(known) = known.filter(|_| index < self.records) else {
            return self.bytes.len();
        };
        let mut position = to_usize(*known);
        for _ in 0..index % RECORDS_BETWEEN_POSITIONS {
            let Ok((_, next)) = record_at(&self.bytes, position) else {
                return self.bytes.len();
            };
            position = next;
        }
        position
    }

    fn records_from(&self, index: usize) -> impl Iterator<Item = Record<'_>> {
        let mut position = self.position(index);
        std::iter::from_fn(move || {
            if position >= self.bytes.len() {
                return None;
            }
            let (record, next) = record_at(&self.bytes, position).ok()?;
            position = next;
            Some(record)
        })
    }

    /// Gives back the memory of pages that were read; they come back when they are read again.
    pub(super) fn release(&self) {
        self.bytes.release();
    }

    /// Every record, in order of key.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.records_from(0)
    }

    /// Index of the first record whose key is not below `key`.
    pub(super) fn lower_bound(&self, key: &[u8]) -> usize {
        let is_below = |record: &Record<'_>| record.key < key;
        let known = self.positions.partition_point(|position| {
            record_at(&self.bytes, to_usize(*position)).is_ok_and(|(record, _)| is_below(&record))
        });
        let Some(before) = known.checked_sub(1) else {
            return 0;
        };
        let first = before * RECORDS_BETWEEN_POSITIONS;
        first
            + self
                .records_from(first)
                .take(RECORDS_BETWEEN_POSITIONS)
                .take_while(is_below)
                .count()
    }
}

/// The digest of the derived pack, from a file's first bytes.
pub(super) fn derived_digest(header: &[u8]) -> [u8; 32] {
    header
        .get(56..)
        .and_then(|rest| rest.first_chunk::<32>())
        .copied()
        .unwrap_or_default()
}

fn check_header(bytes: &[u8]) -> Result<(), CanonicalError> {
    check_header_prefix(bytes)?;
    let (found, expected) = (bytes.len() as u64, field_u64(bytes, 16));
    if found == expected {
        Ok(())
    } else {
        Err(CanonicalError::WrongLength { found, expected })
    }
}

/// What the first bytes of a file say of themselves.
pub(super) fn check_header_prefix(bytes: &[u8]) -> Result<(), CanonicalError> {
    let found = bytes.len() as u64;
    if !bytes.starts_with(&CANONICAL_MAGIC) {
        return Err(CanonicalError::NotCanonical);
    }
    let version = field_u32(bytes, 8);
    if bytes.len() >= 12 && version != VERSION {
        return Err(CanonicalError::ForeignVersion { found: version });
    }
    if bytes.len() < CANONICAL_HEADER_BYTES {
        return Err(CanonicalError::WrongLength {
            found,
            expected: CANONICAL_HEADER_BYTES as u64,
        });
    }
    let stated = field_u64(bytes, 16);
    if stated > limits::PACK_BYTES {
        return Err(CanonicalError::TooLarge {
            bytes: stated,
            limit: limits::PACK_BYTES,
        });
    }
    if field_u32(bytes, 12) != 0 {
        return Err(CanonicalError::damaged("its header has unknown bits"));
    }
    Ok(())
}

/// The record that begins at `position`, and where the next one does.
fn record_at(bytes: &[u8], position: usize) -> Result<(Record<'_>, usize), CanonicalError> {
    let rest = bytes.get(position..).unwrap_or_default();
    let mut cursor = Cursor::new(rest);
    let malformed = |_| CanonicalError::damaged("a record is cut off");
    let key = cursor
        .bytes_within(limits::CANONICAL_KEY_BYTES)
        .map_err(malformed)?;
    let body = cursor
        .bytes_within(limits::CANONICAL_BODY_BYTES)
        .map_err(malformed)?;
    let next = bytes.len() - cursor.rest().len();
    Ok((Record { key, body }, next))
}

fn find_records(bytes: &[u8]) -> Result<(Vec<u32>, usize), CanonicalError> {
    let mut positions = Vec::new();
    let mut count = 0_usize;
    let mut position = CANONICAL_HEADER_BYTES;
    let mut key_before: &[u8] = &[];
    while position < bytes.len() {
        let (record, next) = record_at(bytes, position)?;
        if RecordKind::of(record.key).is_none() {
            return Err(CanonicalError::damaged("a record is of unknown kind"));
        }
        if record.key <= key_before {
            return Err(CanonicalError::damaged("its records are out of order"));
        }
        if count.is_multiple_of(RECORDS_BETWEEN_POSITIONS) {
            // Files are capped below 4 GiB.
            positions.push(u32::try_from(position).unwrap_or(u32::MAX));
        }
        count += 1;
        key_before = record.key;
        position = next;
    }
    Ok((positions, count))
}
