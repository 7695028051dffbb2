//! Opening the database, and the ways to use it: one writer, several readers, and batches that share a commit.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapwing_lake::Place;

use super::database::{Connection, Location, Purpose, Transaction};
use super::shared_writes::SharedWrites;
use super::tables::Tables;
use super::{StoreError, schema_version};
use crate::settings::{DataFolder, Settings};

/// Idle read connections kept open.
const IDLE_READERS: usize = 4;

/// The open database.
pub struct Store {
    location: Location,
    writer: Mutex<Connection>,
    pub(super) shared_writes: SharedWrites,
    idle_readers: Mutex<Vec<Connection>>,
    /// The connection that the lead is held by, on a server.
    pub(super) lead: Mutex<Option<Connection>>,
    tables: Tables,
}

impl Store {
    /// Makes a new database in a file.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        make_file(path)?;
        Self::open(path)
    }

    /// Opens an existing file, its table of findings beside it, and brings its schema up to date.
    ///
    /// # Errors
    /// When it is absent, unreadable, or written by a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_at(
            Location::File(path.to_owned()),
            Place::folder(&path.with_extension("lake"))?,
        )
    }

    /// Opens what the settings of a data folder name.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn of(folder: &DataFolder, settings: &Settings) -> Result<Self, StoreError> {
        Self::open_at(settings.database(folder), settings.findings_place(folder)?)
    }

    /// Opens an existing database, or one on a server that may be empty still, with its table of findings at a place.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_at(location: Location, findings: Place) -> Result<Self, StoreError> {
        let mut writer = opened(&location, Location::writer)?;
        schema_version::migrate(&mut writer)?;
        Ok(Self {
            writer: Mutex::new(writer),
            shared_writes: SharedWrites::default(),
            idle_readers: Mutex::new(Vec::new()),
            lead: Mutex::new(None),
            tables: Tables::new(findings, location.clone()),
            location,
        })
    }

    /// Where it lies.
    pub(super) const fn location(&self) -> &Location {
        &self.location
    }

    /// The table of findings.
    pub(super) const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The connection that writes, made anew where it broke.
    pub(super) fn writer(&self) -> Result<MutexGuard<'_, Connection>, StoreError> {
        let mut writer = locked(&self.writer);
        if writer.is_closed() {
            *writer = opened(&self.location, Location::writer)?;
        }
        Ok(writer)
    }

    /// Runs `work` in one transaction that has the write lock from its start; committed and synced when this returns
    /// `Ok`, undone otherwise.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.writer()?;
        let transaction = connection.begin(Purpose::Write)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Runs `work` in one read transaction: everything it sees belongs to one moment.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read_until(None, work)
    }

    /// As [`Self::read`], given up when it takes too long.
    pub(super) fn read_within<T>(
        &self,
        deadline: Duration,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read_until(Some(deadline), work)
            .map_err(|error| match error {
                StoreError::Statement(error) if error.is_interrupted() => {
                    StoreError::TooSlow(deadline)
                }
                error => error,
            })
    }

    fn read_until<T>(
        &self,
        deadline: Option<Duration>,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.reader()?;
        if deadline.is_some() {
            connection.give_up_after(deadline)?;
        }
        let transaction = connection.begin(Purpose::Read)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        if deadline.is_some() {
            connection.give_up_after(None)?;
        }
        let mut idle_readers = locked(&self.idle_readers);
        if idle_readers.len() < IDLE_READERS {
            idle_readers.push(connection);
        }
        Ok(result)
    }

    /// A connection for reading: one that idles, or another.
    fn reader(&self) -> Result<Connection, StoreError> {
        loop {
            match locked(&self.idle_readers).pop() {
                Some(connection) if connection.is_closed() => {}
                Some(connection) => return Ok(connection),
                None => break,
            }
        }
        opened(&self.location, Location::reader)
    }
}

/// Makes an empty file that only the owner may read; SQLite gives its log the same rights.
pub(super) fn make_file(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Err(StoreError::Exists(path.to_owned()));
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::Create(path.to_owned(), error))
}

/// Opens, and says what it was that could not be opened.
pub(super) fn opened(
    location: &Location,
    open: impl FnOnce(&Location) -> super::database::Result<Connection>,
) -> Result<Connection, StoreError> {
    open(location).map_err(|error| StoreError::Open(location.clone(), error))
}

/// A panic while a lock was held left no half-done state: the transaction was rolled back when it was dropped.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
