//! A pack's bytes: mapped from a file, or held in memory. The only `unsafe` of this package.
#![expect(
    unsafe_code,
    reason = "mapping a file is unsafe: another process could shorten it"
)]

use std::{
    fs::File,
    io::{self, Read},
    ops::Deref,
    path::Path,
};

use memmap2::{Mmap, UncheckedAdvice};
use sha2::{Digest, Sha256};

/// Read-only bytes of a pack.
#[derive(Debug)]
pub(super) enum PackBytes {
    /// Mapped; only the pages that are used are in memory, and the kernel may drop them.
    Mapped(Mmap),
    /// In memory.
    Owned(Vec<u8>),
}

impl PackBytes {
    /// Maps the file. Packs are replaced by renaming a new file over the old name, never edited in place.
    pub(super) fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        // SAFETY: the mapping is read-only and private, and the file is treated as immutable: whoever replaces a pack
        // writes a new file and renames it, so these bytes stay as they are while the old inode is mapped. Every view
        // reads through checked slices of bytes, which have no invalid values: a writer that breaks the rule makes
        // detection wrong, not memory unsafe; one that truncates the file ends the process by SIGBUS.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self::Mapped(map))
    }

    /// Gives the pages back that were only looked at once; those that are needed again come back from the file.
    pub(super) fn release(&self) {
        if let Self::Mapped(map) = self {
            // SAFETY: the mapping is read-only and of a file, so no page of it is ever dirty: what is dropped is read
            // again from the same unchanged file, and every slice into the mapping keeps its bytes.
            let released = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
            // Advice that the kernel does not take changes nothing but how much memory is resident.
            released.ok();
        }
    }
}

/// SHA-256 of a file from an offset on, read through a small buffer: the pages do not count as this process's memory.
pub(super) fn stream_digest(path: &Path, from: usize) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut to_skip = from;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finalize().into());
        }
        let skipped = to_skip.min(count);
        to_skip -= skipped;
        hasher.update(buffer.get(skipped..count).unwrap_or_default());
    }
}

impl Deref for PackBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}
