//! A pack's bytes: mapped from a file, or held in memory. The only `unsafe` of this package.
#![expect(
    unsafe_code,
    reason = "mapping a file is unsafe: another process could shorten it"
)]

use std::{fs::File, io, ops::Deref, path::Path};

use memmap2::Mmap;

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
