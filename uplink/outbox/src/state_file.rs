//! Small files that are replaced as a whole.
//!
//! ```text
//! file = magic [4], words u32, word u64 *, CRC32C u32 of all before
//! ```
//!
//! Numbers are little-endian. The identity, `writer.state` and `sender.state` have this form;
//! what the words mean stands where they are used. A longer file than expected is one by a
//! newer program and is read as far as it is known.

use std::io;
use std::path::Path;

use crate::error::OutboxError;
use crate::filesystem::Filesystem;

/// Words of a state at most.
const MAX_WORDS: usize = 4096;

pub(crate) fn words_to_bytes(magic: [u8; 4], words: &[u64]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend_from_slice(&u32::try_from(words.len()).unwrap_or(u32::MAX).to_le_bytes());
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// Words at the beginning of `bytes`, and what follows them.
pub(crate) fn split_words(magic: [u8; 4], bytes: &[u8]) -> Option<(Vec<u64>, &[u8])> {
    let (head, rest) = bytes.split_at_checked(8)?;
    let count = u32::from_le_bytes(*head.last_chunk::<4>()?);
    let count = usize::try_from(count)
        .ok()
        .filter(|count| *count <= MAX_WORDS)?;
    let (content, rest) = rest.split_at_checked(count * 8)?;
    let (checksum, rest) = rest.split_first_chunk::<4>()?;
    let covered = bytes.get(..8 + content.len())?;
    if !head.starts_with(&magic) || crc32c::crc32c(covered) != u32::from_le_bytes(*checksum) {
        return None;
    }
    Some((
        content
            .as_chunks::<8>()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word))
            .collect(),
        rest,
    ))
}

/// The words of a file, or none when there is no such file.
pub(crate) fn read_words<F: Filesystem>(
    filesystem: &F,
    path: &Path,
    magic: [u8; 4],
) -> Result<Option<Vec<u64>>, OutboxError> {
    let bytes = match filesystem.read(path, 0, 12 + MAX_WORDS * 8) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(OutboxError::io("read", path)(cause)),
    };
    match split_words(magic, &bytes) {
        Some((words, [])) => Ok(Some(words)),
        _ => Err(OutboxError::Damaged {
            path: path.to_owned(),
        }),
    }
}

/// Takes words one after the other; a missing one, by an older program, is zero.
#[derive(Debug)]
pub(crate) struct Words<'a>(std::slice::Iter<'a, u64>);

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [u64]) -> Self {
        Self(words.iter())
    }

    pub(crate) fn take(&mut self) -> u64 {
        self.0.next().copied().unwrap_or_default()
    }
}
