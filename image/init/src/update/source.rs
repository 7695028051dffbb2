//! Where an update comes from: one file on a card or a stick, or a folder that the uplink filled. Both hold a signed repository.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use lapwing_trust::tuf::Repository;
use rustix::fs::OFlags;

use super::update_file::UpdateFile;

/// An update's files.
#[derive(Debug)]
pub(super) enum Source {
    /// One file.
    File(UpdateFile),
    /// A folder with the folders `metadata` and `targets`.
    Folder(PathBuf),
}

impl Source {
    /// Opens a file or a folder.
    ///
    /// # Errors
    /// When it cannot be read, or is no update.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path)?.is_dir() {
            Ok(Self::Folder(path.to_owned()))
        } else {
            UpdateFile::open(path).map(Self::File)
        }
    }

    /// A file of it, to be read; `None` when it is not there. `name` is a path below the repository that was checked to lead
    /// nowhere else.
    pub(super) fn part(&self, name: &str) -> io::Result<Option<Box<dyn Read>>> {
        match self {
            Self::File(file) => Ok(file.part(name)?.map(|part| Box::new(part) as Box<dyn Read>)),
            Self::Folder(folder) => match open_plain(&folder.join(name)) {
                Ok(file) => Ok(Some(Box::new(file))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

impl Repository for Source {
    fn metadata(&mut self, file: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(part) = self.part(&format!("metadata/{file}"))? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        // A byte more than is allowed is enough to be refused.
        let cap = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        part.take(cap.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// Opens a plain file: what others put there may be a link, a pipe or a device.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is no plain file",
        ))
    }
}
