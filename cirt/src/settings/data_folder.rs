//! Where each thing lies inside the data folder, and how its files are written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The one folder that holds everything the centre knows.
#[derive(Clone, Debug)]
pub struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    /// Names a folder; nothing is read or made yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings file. Written last by `init`: where it exists, the centre is complete.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.root.join("settings.toml")
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("centre.db")
    }

    /// Where the running centre listens, as JSON.
    #[must_use]
    pub fn addresses(&self) -> PathBuf {
        self.root.join("addresses.json")
    }

    /// A file among the keys and certificates.
    #[must_use]
    pub fn key(&self, name: &str) -> PathBuf {
        self.root.join("keys").join(name)
    }

    /// The folder of what is needed to publish rules: packs that deltas start from, a root in the making.
    #[must_use]
    pub fn rules(&self) -> PathBuf {
        self.root.join("rules")
    }

    /// The repository of images that sensors are given.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Makes the folder and the folder of keys, closed to everyone but the owner.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn create(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(self.root.join("keys"))
    }

    /// Says whether a complete centre lives here.
    #[must_use]
    pub fn is_initialised(&self) -> bool {
        self.settings().is_file()
    }

    /// Says whether the folder is absent or holds nothing.
    ///
    /// # Errors
    /// When the folder exists and cannot be read, or is no folder.
    pub fn is_vacant(&self) -> io::Result<bool> {
        match fs::read_dir(&self.root) {
            Ok(mut entries) => Ok(entries.next().is_none()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// The bytes of a file, none when it is not there; above the cap it is cut off behind one byte more, so that whoever checks it refuses it.
///
/// # Errors
/// Whatever else the file system says.
pub(crate) fn read_capped(path: &Path, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let cap = u64::try_from(max_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(cap).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// As [`write_public`], into a folder that is made where it is missing.
///
/// # Errors
/// Whatever the file system says; the old file, if any, is then still whole.
pub(crate) fn write_public_below(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write_public(path, bytes)
}

/// Writes a file that only the owner may read: to a temporary name, synced, renamed, the folder synced.
///
/// # Errors
/// Whatever the file system says; the old file, if any, is then still whole.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, bytes, 0o600)
}

/// As [`write_private`], for a file that is made to be handed on.
///
/// # Errors
/// Whatever the file system says; the old file, if any, is then still whole.
pub(crate) fn write_public(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, bytes, 0o644)
}

fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.new", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}
