//! An update as one file, for a card or a stick: a signed repository, file after file.
//!
//! ```text
//! 8 bytes   "LAPWUPD1"
//! then of each file:
//! u16       bytes of its name                       (all numbers little-endian)
//! u64       bytes of the file
//! name      metadata/1.root.json, targets/uefi-x86_64/5/00ff.root
//! file
//! ```
//!
//! Nothing in it is believed for being there: what it is worth, the signatures in `metadata/` say.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use crate::limits::{UPDATE_FILES_MAX, UPDATE_NAME_MAX_BYTES};

const MAGIC: &[u8; 8] = b"LAPWUPD1";
/// Of a file: the bytes before its name.
const HEAD_BYTES: u64 = 10;

/// An update file that was opened.
#[derive(Debug)]
pub struct UpdateFile {
    file: File,
    /// Where each file begins, and its bytes.
    files: BTreeMap<String, (u64, u64)>,
}

impl UpdateFile {
    /// Opens one, and finds out what is where.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] with what is wrong, when it is no update file, or cut off.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::read(super::source::open_plain(path)?)
    }

    fn read(mut file: File) -> io::Result<Self> {
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut magic = [0; 8];
        if end < 8 {
            return Err(damaged("it is no update of Lapwing"));
        }
        file.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(damaged("it is no update of Lapwing"));
        }
        let mut files = BTreeMap::new();
        let mut at = 8;
        while at < end {
            if files.len() >= UPDATE_FILES_MAX {
                return Err(damaged("it holds too many files"));
            }
            let (name, start, bytes) = read_head(&mut file, at, end)?;
            at = start + bytes;
            if files.insert(name, (start, bytes)).is_some() {
                return Err(damaged("it holds a file twice"));
            }
        }
        Ok(Self { file, files })
    }

    /// One of its files, to be read; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn part(&self, name: &str) -> io::Result<Option<impl Read + use<>>> {
        let Some((start, bytes)) = self.files.get(name) else {
            return Ok(None);
        };
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(*start))?;
        Ok(Some(file.take(*bytes)))
    }

    /// The names of its files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}

/// The name of the file whose head begins at `at`, where it begins, and its bytes.
fn read_head(file: &mut File, at: u64, end: u64) -> io::Result<(String, u64, u64)> {
    let cut = || damaged("it is cut off");
    let start = at.checked_add(HEAD_BYTES).filter(|start| *start <= end);
    let start = start.ok_or_else(cut)?;
    file.seek(SeekFrom::Start(at))?;
    let (mut name_bytes, mut bytes) = ([0; 2], [0; 8]);
    file.read_exact(&mut name_bytes)?;
    file.read_exact(&mut bytes)?;
    let (name_bytes, bytes) = (u16::from_le_bytes(name_bytes), u64::from_le_bytes(bytes));
    if usize::from(name_bytes) > UPDATE_NAME_MAX_BYTES {
        return Err(damaged("the name of a file in it is too long"));
    }
    let start = start + u64::from(name_bytes);
    if start > end || bytes > end - start {
        return Err(cut());
    }
    let mut name = vec![0; usize::from(name_bytes)];
    file.read_exact(&mut name)?;
    let name = String::from_utf8(name).map_err(|_| damaged("the name of a file is no text"))?;
    Ok((name, start, bytes))
}

/// Writes an update file, one file after the other.
#[derive(Debug)]
pub struct UpdateFileWriter<W> {
    to: W,
}

impl<W: Write> UpdateFileWriter<W> {
    /// Begins one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(mut to: W) -> io::Result<Self> {
        to.write_all(MAGIC)?;
        Ok(Self { to })
    }

    /// Adds a file of so many bytes.
    ///
    /// # Errors
    /// When it has another number of bytes, when its name is too long, or when it cannot be written.
    pub fn add(&mut self, name: &str, bytes: u64, from: &mut impl Read) -> io::Result<()> {
        let name_bytes = u16::try_from(name.len())
            .ok()
            .filter(|bytes| usize::from(*bytes) <= UPDATE_NAME_MAX_BYTES)
            .ok_or_else(|| damaged("the name of a file is too long"))?;
        self.to.write_all(&name_bytes.to_le_bytes())?;
        self.to.write_all(&bytes.to_le_bytes())?;
        self.to.write_all(name.as_bytes())?;
        let copied = io::copy(&mut from.take(bytes), &mut self.to)?;
        if copied == bytes {
            Ok(())
        } else {
            Err(damaged("a file is shorter than it was"))
        }
    }

    /// What it was written to.
    pub fn into_inner(self) -> W {
        self.to
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut writer = UpdateFileWriter::new(Vec::new()).unwrap();
        for (name, bytes) in files {
            writer
                .add(name, bytes.len() as u64, &mut bytes.as_slice())
                .unwrap();
        }
        writer.into_inner()
    }

    fn opened(bytes: &[u8]) -> io::Result<UpdateFile> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        UpdateFile::read(file)
    }

    fn content(update: &UpdateFile, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        update.part(name).unwrap()?.read_to_end(&mut bytes).unwrap();
        Some(bytes)
    }

    fn some_files() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
        let file = ("[a-z]{1,12}", prop::collection::vec(any::<u8>(), 0..300));
        prop::collection::btree_map(file.0, file.1, 0..8)
            .prop_map(|files| files.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(files in some_files()) {
            let update = opened(&written(&files)).unwrap();
            prop_assert_eq!(update.names().count(), files.len());
            for (name, bytes) in &files {
                let found = content(&update, name);
                prop_assert_eq!(found.as_ref(), Some(bytes));
            }
            prop_assert_eq!(content(&update, "UNKNOWN"), None);
        }

        #[test]
        fn a_cut_file_ends_between_two_files_or_is_refused(files in some_files(), cut in 0.0..1.0f64) {
            let whole = written(&files);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let length = (whole.len() as f64 * cut) as usize;
            if let Ok(update) = opened(&whole[..length]) {
                for (name, bytes) in &files {
                    let found = content(&update, name);
                    prop_assert!(found.is_none() || found.as_ref() == Some(bytes));
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..600), is_begun in any::<bool>()) {
            if is_begun && bytes.len() >= 8 {
                bytes[..8].copy_from_slice(MAGIC);
            }
            if let Ok(update) = opened(&bytes) {
                let sum: usize = update.names().map(|name| content(&update, name).unwrap().len()).sum();
                prop_assert!(sum <= bytes.len());
            }
        }

        #[test]
        fn one_changed_byte_is_never_more_than_one_changed_file(files in some_files(), at in any::<prop::sample::Index>(), mask in 1..=255u8) {
            let mut bytes = written(&files);
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
            if let Ok(update) = opened(&bytes) {
                let total: usize = update.names().map(|name| content(&update, name).unwrap().len()).sum();
                prop_assert!(total <= bytes.len());
            }
        }
    }

    #[test]
    fn too_many_files_and_the_same_twice_are_refused() {
        let many: Vec<_> = (0..=UPDATE_FILES_MAX)
            .map(|number| (format!("f{number}"), Vec::new()))
            .collect();
        assert!(opened(&written(&many[1..])).is_ok());
        assert!(opened(&written(&many)).is_err());
        let twice = vec![("a".to_owned(), vec![1]), ("a".to_owned(), vec![2])];
        assert!(opened(&written(&twice)).is_err());
        assert!(
            UpdateFileWriter::new(Vec::new())
                .unwrap()
                .add("a", 3, &mut [1u8, 2].as_slice())
                .is_err()
        );
    }
}
