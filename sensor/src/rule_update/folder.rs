//! A repository as a folder of plain files: a stick, a share, or what the uplink brought.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use lapwing_rules::trust::{
    TrustError,
    tuf::{FileCheck, Repository, Target},
};

use super::RuleUpdateError;
use crate::whole_file;

/// Bytes read at once of a target.
const CHUNK_BYTES: usize = 64 * 1024;

/// A repository in a folder.
#[derive(Debug)]
pub struct FolderRepository {
    folder: PathBuf,
}

impl FolderRepository {
    /// Names a folder that holds a repository.
    ///
    /// # Errors
    /// [`RuleUpdateError::NoRepository`].
    pub fn open(folder: &Path) -> Result<Self, RuleUpdateError> {
        if !folder.join("metadata").is_dir() {
            return Err(RuleUpdateError::NoRepository {
                path: folder.to_owned(),
            });
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The file of a target.
    pub(super) fn target_path(&self, target: &Target) -> PathBuf {
        self.folder.join("targets").join(&target.path)
    }

    /// Holds a target's bytes against what was signed.
    pub(super) fn check_target(&self, target: &Target) -> Result<(), RuleUpdateError> {
        self.copy_target(target, &mut io::sink())
    }

    /// Copies a target's bytes, which are right only if this succeeds. Never more is read than was signed, but for a byte.
    pub(super) fn copy_target(
        &self,
        target: &Target,
        out: &mut impl io::Write,
    ) -> Result<(), RuleUpdateError> {
        let path = self.target_path(target);
        let refused = |source| RuleUpdateError::Target {
            name: target.path.clone(),
            source,
        };
        let failed = |source| RuleUpdateError::Read {
            path: path.clone(),
            source,
        };
        let mut file = open_file(&path).map_err(failed)?;
        let mut check: FileCheck = target.file.check().map_err(refused)?;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = file.read(&mut chunk).map_err(failed)?;
            let bytes = chunk.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                return check.finish().map_err(refused);
            }
            check.update(bytes).map_err(refused)?;
            out.write_all(bytes)?;
        }
    }

    /// A small target as a whole.
    pub(super) fn read_target(
        &self,
        target: &Target,
        max_bytes: u64,
    ) -> Result<Vec<u8>, RuleUpdateError> {
        if target.file.length > max_bytes {
            return Err(RuleUpdateError::Target {
                name: target.path.clone(),
                source: TrustError::TooLarge {
                    bytes: usize::try_from(target.file.length).unwrap_or(usize::MAX),
                    cap: usize::try_from(max_bytes).unwrap_or(usize::MAX),
                },
            });
        }
        let mut bytes = Vec::new();
        self.copy_target(target, &mut bytes)?;
        Ok(bytes)
    }
}

impl Repository for FolderRepository {
    fn metadata(&mut self, file: &str, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
        let path = self.folder.join("metadata").join(file);
        match open_file(&path).and_then(|_| whole_file::read(&path, max_bytes)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Opens a regular file, and nothing that a stick could hold in its place: reading a pipe might never end.
fn open_file(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::other("not a file"))
    }
}
