//! A sealed batch on disk, kept byte for byte until it is acknowledged.
//!
//! ```text
//! file  = "LWB" u8 version (1), words u32, word u64 *, CRC32C u32 of all before,
//!         length u32, CRC32C u32 of the envelope, envelope
//! words = batch number, records, digest of the envelope (4 words),
//!         for each lane by code: the next number to seal after this batch,
//!         facts held back since the outbox was made, this batch included,
//!         lanes of its records, a bit each by code,
//!         1 where it holds nothing but records of the books,
//!         time of its oldest record by a clock that was set, milliseconds since 1970, 0 for none,
//!         evictions, then each (8 words and the reason): what is told of its records where it is withdrawn,
//!         evictions, then each with its withdrawn batch (5 words more): what it tells, to be told again then
//! ```
//!
//! The file is written aside, synced and renamed. Its name appearing is what moves its
//! records from queued to sealed.

use std::io;
use std::path::Path;

use lapwing_wire::limits::MAX_ENVELOPE_BYTES;
use lapwing_wire::{BatchDigest, BatchNumber, Eviction, Lane, WithdrawnBatch};

use crate::error::OutboxError;
use crate::filesystem::Filesystem;
use crate::lanes::{LaneSet, PerLane};
use crate::state_file::{Words, split_words, words_to_bytes};
use crate::writer_state::{put_eviction, put_withdrawn, take_eviction, take_withdrawn};

const MAGIC: [u8; 4] = *b"LWB\x01";
/// Evictions that a batch may tell of: they stand in its header too.
pub(crate) const MAX_TOLD: usize = 16;
/// Words of the header at most.
const WORDS: usize = 12 + Lane::ALL.len() + 9 * Lane::ALL.len() + 14 * MAX_TOLD;
/// Bytes of the header at most.
const HEADER_BYTES: usize = 12 + 8 * WORDS;

/// What the header of a sealed batch says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedHeader {
    pub(crate) number: u64,
    pub(crate) records: u64,
    pub(crate) digest: BatchDigest,
    pub(crate) next_to_seal: PerLane<u64>,
    pub(crate) facts_held_back: u64,
    pub(crate) lanes: LaneSet,
    pub(crate) is_of_the_books: bool,
    /// Wall time of the oldest record whose clock was set; 0 for none.
    pub(crate) oldest_milliseconds: u64,
    /// What is told of its records where it is withdrawn: one a lane.
    pub(crate) if_withdrawn: Vec<Eviction>,
    /// The evictions that it tells.
    pub(crate) tells: Vec<Eviction>,
}

impl SealedHeader {
    pub(crate) fn to_bytes(&self, envelope: &[u8]) -> Vec<u8> {
        let mut words = vec![self.number, self.records];
        words.extend(digest_words(&self.digest));
        words.extend(self.next_to_seal.values());
        words.extend([
            self.facts_held_back,
            self.lanes.bits(),
            u64::from(self.is_of_the_books),
            self.oldest_milliseconds,
        ]);
        words.push(self.if_withdrawn.len() as u64);
        for eviction in &self.if_withdrawn {
            put_eviction(&mut words, eviction);
        }
        words.push(self.tells.len() as u64);
        for eviction in &self.tells {
            put_eviction(&mut words, eviction);
            put_withdrawn(&mut words, eviction.withdrawn.as_ref());
        }
        let mut bytes = words_to_bytes(MAGIC, &words);
        bytes.extend_from_slice(
            &u32::try_from(envelope.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        bytes.extend_from_slice(&crc32c::crc32c(envelope).to_le_bytes());
        bytes.extend_from_slice(envelope);
        bytes
    }

    /// Reads the header of a file, or none when there is no such file.
    pub(crate) fn read<F: Filesystem>(
        filesystem: &F,
        path: &Path,
    ) -> Result<Option<Self>, OutboxError> {
        let Some(bytes) = read_file(filesystem, path, HEADER_BYTES)? else {
            return Ok(None);
        };
        let damaged = || OutboxError::Damaged {
            path: path.to_owned(),
        };
        let (words, _) = split_words(MAGIC, &bytes).ok_or_else(damaged)?;
        let mut words = Words::new(&words);
        let mut header = Self {
            number: words.take(),
            records: words.take(),
            digest: take_digest(&mut words),
            next_to_seal: PerLane::from_fn(|_| words.take()),
            facts_held_back: words.take(),
            lanes: LaneSet::from_bits(words.take()),
            is_of_the_books: words.take() == 1,
            oldest_milliseconds: words.take(),
            if_withdrawn: Vec::new(),
            tells: Vec::new(),
        };
        let withdrawn = WithdrawnBatch {
            number: BatchNumber(header.number),
            digest: header.digest,
        };
        for _ in 0..words.take().min(Lane::ALL.len() as u64) {
            header.if_withdrawn.push(Eviction {
                withdrawn: Some(withdrawn),
                ..take_eviction(&mut words)
            });
        }
        for _ in 0..words.take().min(MAX_TOLD as u64) {
            let eviction = take_eviction(&mut words);
            header.tells.push(Eviction {
                withdrawn: take_withdrawn(&mut words),
                ..eviction
            });
        }
        Ok(Some(header))
    }
}

/// The envelope in a file.
pub(crate) fn read_envelope<F: Filesystem>(
    filesystem: &F,
    path: &Path,
) -> Result<Vec<u8>, OutboxError> {
    let damaged = || OutboxError::Damaged {
        path: path.to_owned(),
    };
    let bytes =
        read_file(filesystem, path, HEADER_BYTES + 8 + MAX_ENVELOPE_BYTES)?.ok_or_else(damaged)?;
    envelope_in(&bytes).map(<[u8]>::to_vec).ok_or_else(damaged)
}

/// The envelope in the bytes of a batch's file, if they are whole.
pub fn envelope_in(bytes: &[u8]) -> Option<&[u8]> {
    let (_, rest) = split_words(MAGIC, bytes)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (checksum, envelope) = rest.split_first_chunk::<4>()?;
    let whole = u32::try_from(envelope.len()).ok()? == u32::from_le_bytes(*length)
        && crc32c::crc32c(envelope) == u32::from_le_bytes(*checksum);
    whole.then_some(envelope)
}

pub(crate) fn digest_words(digest: &BatchDigest) -> impl Iterator<Item = u64> {
    digest
        .0
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| u64::from_le_bytes(*chunk))
}

pub(crate) fn take_digest(words: &mut Words<'_>) -> BatchDigest {
    let mut digest = [0; 32];
    for chunk in digest.as_chunks_mut::<8>().0 {
        *chunk = words.take().to_le_bytes();
    }
    BatchDigest(digest)
}

fn read_file<F: Filesystem>(
    filesystem: &F,
    path: &Path,
    cap: usize,
) -> Result<Option<Vec<u8>>, OutboxError> {
    match filesystem.read(path, 0, cap) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(OutboxError::io("read", path)(cause)),
    }
}
