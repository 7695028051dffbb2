//! Opening a canonical pack: header, digest and the order of the records are checked once.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{
    super::{
        bytes::{Cursor, field_u32, field_u64, to_usize},
        format::VERSION,
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
}

impl RecordKind {
    pub(super) const ALL: [Self; 4] = [Self::AddressSet, Self::List, Self::Rule, Self::Unsupported];

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
    /// Where each record begins.
    positions: Vec<u32>,
}

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
        let positions = find_records(&bytes)?;
        bytes.release();
        Ok(Self {
            bytes,
            digest,
            positions,
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
        self.positions.len()
    }

    /// Number of records of one kind.
    #[must_use]
    pub fn count_of(&self, kind: RecordKind) -> usize {
        let below = |limit: u8| {
            self.positions.partition_point(|position| {
                record_at(&self.bytes, to_usize(*position))
                    .is_ok_and(|(record, _)| record.key.first().is_some_and(|byte| *byte < limit))
            })
        };
        below(kind as u8 + 1) - below(kind as u8)
    }

    /// The record with this index.
    pub(super) fn record(&self, index: usize) -> Option<Record<'_>> {
        let position = *self.positions.get(index)?;
        Some(record_at(&self.bytes, to_usize(position)).ok()?.0)
    }

    /// The bytes of these records as they stand in the file.
    pub(super) fn bytes_of(&self, records: std::ops::Range<usize>) -> &[u8] {
        let start_of = |index: usize| {
            self.positions
                .get(index)
                .map_or(self.bytes.len(), |position| to_usize(*position))
        };
        self.bytes
            .get(start_of(records.start)..start_of(records.end))
            .unwrap_or_default()
    }

    /// Gives back the memory of pages that were read; they come back when they are read again.
    pub(super) fn release(&self) {
        self.bytes.release();
    }

    /// Every record, in order of key.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.positions.len()).filter_map(|index| self.record(index))
    }

    /// Index of the first record whose key is not below `key`.
    pub(super) fn lower_bound(&self, key: &[u8]) -> usize {
        self.positions.partition_point(|position| {
            record_at(&self.bytes, to_usize(*position)).is_ok_and(|(record, _)| record.key < key)
        })
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

fn find_records(bytes: &[u8]) -> Result<Vec<u32>, CanonicalError> {
    let mut positions = Vec::new();
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
        // Files are capped below 4 GiB.
        positions.push(u32::try_from(position).unwrap_or(u32::MAX));
        key_before = record.key;
        position = next;
    }
    Ok(positions)
}
