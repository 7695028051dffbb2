//! What the outbox asks of a file system, so that tests can tear, reorder and lose writes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The operations that the outbox needs. All paths are whole paths.
pub trait Filesystem: Clone {
    /// A file open for appending.
    type File: AppendFile;
    /// Held until it is dropped.
    type Lock;

    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// What the system says; so for all functions here.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// The names and lengths of the files in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>>;
    /// At most `cap` bytes from an offset.
    fn read(&self, path: &Path, offset: u64, cap: usize) -> io::Result<Vec<u8>>;
    /// Opens a file for appending, and makes it if need be.
    fn append(&self, path: &Path) -> io::Result<Self::File>;
    /// Renames a file over another, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Locks a file, and waits for it.
    fn lock(&self, path: &Path) -> io::Result<Self::Lock>;
    /// Locks a file if nobody else has.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Self::Lock>>;
}

/// A file open for appending.
pub trait AppendFile {
    /// Writes at the end.
    ///
    /// # Errors
    /// What the system says; part of the bytes may have been written then.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file to a length.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Makes the content durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> io::Result<()>;
}

/// The system's own files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Filesystem for Disk {
    type File = File;
    type Lock = File;

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // A file that is removed meanwhile is not there.
            let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata())
            else {
                continue;
            };
            if metadata.is_file() {
                names.push((name, metadata.len()));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, path: &Path, offset: u64, cap: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(u64::try_from(cap).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<File> {
        let file = open_lock(path)?;
        file.lock()?;
        Ok(file)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<File>> {
        let file = open_lock(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl AppendFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Replaces a file as a whole: after a crash it has its old bytes or its new ones.
pub(crate) fn replace<F: Filesystem>(filesystem: &F, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = aside(path);
    match filesystem.remove(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = filesystem.append(&aside)?;
    file.write(bytes)?;
    file.sync()?;
    filesystem.rename(&aside, path)?;
    match path.parent() {
        Some(folder) => filesystem.sync_folder(folder),
        None => Ok(()),
    }
}

/// Where a file's next content is written before it is renamed.
fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ASIDE);
    PathBuf::from(name)
}

/// What names of files end in that were not finished.
pub(crate) const ASIDE: &str = ".new";
