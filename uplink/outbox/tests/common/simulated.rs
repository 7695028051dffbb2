//! A file system in memory that loses, reorders and tears what was not synced, and whose disk
//! can be full. Names are journalled in order, as on ext4; a file's content is not.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lapwing_outbox::filesystem::{AppendFile, Filesystem};
use rand::RngExt;
use rand::rngs::StdRng;

#[derive(Debug, Clone, Default)]
pub(crate) struct Simulated(Rc<RefCell<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    name_journal: Vec<NameChange>,
    files: Vec<Content>,
    locks: BTreeSet<PathBuf>,
    /// Bytes that may still be written before the disk is full.
    room: Option<usize>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Add(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Debug, Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Inner {
    fn apply(names: &mut BTreeMap<PathBuf, usize>, change: &NameChange) {
        match change {
            NameChange::Add(path, file) => {
                names.insert(path.clone(), *file);
            }
            NameChange::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            NameChange::Remove(path) => {
                names.remove(path);
            }
        }
    }

    fn change(&mut self, change: NameChange) {
        Self::apply(&mut self.names, &change);
        self.name_journal.push(change);
    }

    fn sync_names(&mut self) {
        for change in std::mem::take(&mut self.name_journal) {
            Self::apply(&mut self.durable_names, &change);
        }
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Simulated {
    /// The power goes: of what was not synced, some is there, some is not, some is torn.
    pub(crate) fn power_cut(&self, random: &mut StdRng) {
        let mut inner = self.0.borrow_mut();
        let kept = random.random_range(0..=inner.name_journal.len());
        inner.name_journal.truncate(kept);
        inner.sync_names();
        inner.names = inner.durable_names.clone();
        inner.locks.clear();
        for content in &mut inner.files {
            let mut bytes = std::mem::take(&mut content.durable);
            for change in std::mem::take(&mut content.unsynced) {
                match change {
                    _ if random.random_bool(0.3) => {}
                    Change::Truncate(length) => bytes.truncate(length),
                    Change::Write(at, written) => {
                        let length = if random.random_bool(0.3) {
                            random.random_range(0..=written.len())
                        } else {
                            written.len()
                        };
                        // A hole before it reads as zeros.
                        bytes.resize(bytes.len().max(at + length), 0);
                        bytes[at..at + length].copy_from_slice(&written[..length]);
                    }
                }
            }
            content.now = bytes.clone();
            content.durable = bytes;
        }
    }

    /// From now on so many bytes fit on the disk; none for any number.
    pub(crate) fn set_room(&self, room: Option<usize>) {
        self.0.borrow_mut().room = room;
    }

    /// Bytes of all files in folders of this name.
    pub(crate) fn bytes_in(&self, folder: &str) -> usize {
        let inner = self.0.borrow();
        let inside = |path: &Path| path.parent().is_some_and(|parent| parent.ends_with(folder));
        inner
            .names
            .iter()
            .filter(|(path, _)| inside(path))
            .map(|(_, file)| inner.files[*file].now.len())
            .sum()
    }

    /// Changes bytes of a file behind everybody's back.
    pub(crate) fn rot(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.0.borrow_mut();
        let file = inner.file(path).unwrap();
        let content = &mut inner.files[file];
        change(&mut content.now);
        content.durable = content.now.clone();
        content.unsynced.clear();
    }
}

pub(crate) struct Handle {
    disk: Simulated,
    file: usize,
}

#[derive(Debug)]
pub(crate) struct Held {
    disk: Simulated,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.0.borrow_mut().locks.remove(&self.path);
    }
}

impl Filesystem for Simulated {
    type File = Handle;
    type Lock = Held;

    fn create_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>> {
        let inner = self.0.borrow();
        let inside = inner
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(folder));
        Ok(inside
            .map(|(path, file)| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, inner.files[*file].now.len() as u64)
            })
            .collect())
    }

    fn read(&self, path: &Path, offset: u64, cap: usize) -> io::Result<Vec<u8>> {
        let inner = self.0.borrow();
        let bytes = &inner.files[inner.file(path)?].now;
        let from = usize::try_from(offset).unwrap().min(bytes.len());
        Ok(bytes[from..bytes.len().min(from.saturating_add(cap))].to_vec())
    }

    fn append(&self, path: &Path) -> io::Result<Handle> {
        let mut inner = self.0.borrow_mut();
        let file = match inner.file(path) {
            Ok(file) => file,
            Err(_) => {
                inner.files.push(Content::default());
                let file = inner.files.len() - 1;
                inner.change(NameChange::Add(path.to_owned(), file));
                file
            }
        };
        Ok(Handle {
            disk: self.clone(),
            file,
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.0.borrow_mut();
        inner.file(from)?;
        inner.change(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.0.borrow_mut();
        let file = inner.file(path)?;
        let freed = inner.files[file].now.len();
        inner.room = inner.room.map(|room| room + freed);
        inner.change(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        self.0.borrow_mut().sync_names();
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Held> {
        // One thread drives both ends: a lock that is held would never be released.
        Ok(self.try_lock(path)?.expect("the lock is free"))
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Held>> {
        let free = self.0.borrow_mut().locks.insert(path.to_owned());
        Ok(free.then(|| Held {
            disk: self.clone(),
            path: path.to_owned(),
        }))
    }
}

impl AppendFile for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.disk.0.borrow_mut();
        let fits = inner.room.map_or(bytes.len(), |room| room.min(bytes.len()));
        inner.room = inner.room.map(|room| room - fits);
        let content = &mut inner.files[self.file];
        content
            .unsynced
            .push(Change::Write(content.now.len(), bytes[..fits].to_vec()));
        content.now.extend_from_slice(&bytes[..fits]);
        if fits < bytes.len() {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut inner = self.disk.0.borrow_mut();
        let length = usize::try_from(length).unwrap();
        let content = &mut inner.files[self.file];
        let freed = content.now.len().saturating_sub(length);
        content.now.truncate(length);
        content.unsynced.push(Change::Truncate(length));
        inner.room = inner.room.map(|room| room + freed);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.disk.0.borrow_mut();
        let content = &mut inner.files[self.file];
        content.unsynced.clear();
        content.durable = content.now.clone();
        Ok(())
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Handle({})", self.file)
    }
}
