//! Opening the database, and the two ways to use it: one writer, several readers.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use lapwing_lake::Place;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::tables::{self, Tables};
use super::{StoreError, schema_version};

/// How long a statement waits for another process (the command line beside a running server).
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle read connections kept open.
const IDLE_READERS: usize = 4;

/// Page cache of the writer: the sightings of a day stay in it.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// Steps of SQLite's machine between two looks at the clock: about a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;

/// Work for a shared transaction; what it returns is called once the commit is known to stand, or not to.
type Job = Box<dyn FnOnce(&Transaction<'_>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(bool) + Send>;

/// The open database.
pub struct Store {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Work that waits for the write lock and may share a commit.
    shared_jobs: Mutex<Vec<Job>>,
    idle_readers: Mutex<Vec<Connection>>,
    tables: Tables,
}

impl Store {
    /// Makes a new database.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        if path.exists() {
            return Err(StoreError::Exists(path.to_owned()));
        }
        // Made here so that only the owner may read it; SQLite gives its log the same rights.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| StoreError::Create(path.to_owned(), error))?;
        Self::open(path)
    }

    /// Opens an existing database, its table of findings beside it, and brings its schema up to date.
    ///
    /// # Errors
    /// When it is absent, unreadable, or written by a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, None)
    }

    /// The same with the table of findings in a store of objects, `s3://bucket/prefix`.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(path: &Path, findings: Option<&str>) -> Result<Self, StoreError> {
        let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        writer
            .pragma_update(None, "cache_size", -WRITER_CACHE_KIB)
            .map_err(|error| StoreError::Open(path.to_owned(), error))?;
        schema_version::migrate(&mut writer)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            shared_jobs: Mutex::new(Vec::new()),
            idle_readers: Mutex::new(Vec::new()),
            tables: match findings {
                Some(url) => Tables::new(Place::bucket(url)?, path),
                None => Tables::beside(path)?,
            },
        })
    }

    /// The table of findings.
    pub(super) const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Runs `work` in one transaction that has the write lock from its start; committed and synced when this returns
    /// `Ok`, undone otherwise.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = locked(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// As [`Self::write`], in a transaction that is shared with whoever else waits for the write lock: one commit, and
    /// one sync of the disk, then stand for all of them. Work that fails is undone alone.
    pub(super) fn write_shared<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = mpsc::channel();
        let job: Job = Box::new(move |transaction| {
            let result = apart(transaction, work);
            Box::new(move |is_committed| {
                let told = if is_committed {
                    result
                } else {
                    Err(StoreError::NotCommitted)
                };
                // Whoever asked is still waiting: a thread does not leave before it is told.
                sender.send(told).ok();
            })
        });
        locked(&self.shared_jobs).push(job);
        let mut connection = locked(&self.writer);
        match receiver.try_recv() {
            // Done by the thread that had the lock before.
            Ok(result) => return result,
            Err(mpsc::TryRecvError::Disconnected) => return Err(StoreError::NotCommitted),
            Err(mpsc::TryRecvError::Empty) => {}
        }
        let jobs = std::mem::take(&mut *locked(&self.shared_jobs));
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answers: Vec<Answer> = jobs.into_iter().map(|job| job(&transaction)).collect();
        let committed = transaction.commit();
        for answer in answers {
            answer(committed.is_ok());
        }
        committed?;
        receiver.recv().unwrap_or(Err(StoreError::NotCommitted))
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
                StoreError::Statement(rusqlite::Error::SqliteFailure(cause, _))
                    if cause.code == rusqlite::ErrorCode::OperationInterrupted =>
                {
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
        let idle = locked(&self.idle_readers).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
        };
        if let Some(deadline) = deadline {
            let end = Instant::now() + deadline;
            connection
                .progress_handler(STEPS_BETWEEN_LOOKS, Some(move || Instant::now() >= end))?;
        }
        let transaction = connection.transaction()?;
        let result = work(&transaction)?;
        transaction.commit()?;
        if deadline.is_some() {
            connection.progress_handler(STEPS_BETWEEN_LOOKS, None::<fn() -> bool>)?;
        }
        let mut idle_readers = locked(&self.idle_readers);
        if idle_readers.len() < IDLE_READERS {
            idle_readers.push(connection);
        }
        Ok(result)
    }

    /// Writes a complete copy of the database, of one moment, and of the table of findings beside it, while the centre
    /// goes on working: `copy.db` gets a `copy.lake`.
    ///
    /// # Errors
    /// When the target exists or cannot be written.
    pub fn backup(&self, target: &Path) -> Result<(), StoreError> {
        let beside = target.with_extension("lake");
        for path in [target, beside.as_path()] {
            if path.exists() {
                return Err(StoreError::Exists(path.to_owned()));
            }
        }
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection
            .execute("VACUUM INTO ?1", [target.to_string_lossy()])
            .map_err(|error| StoreError::Backup(target.to_owned(), error))?;
        std::fs::set_permissions(target, Permissions::from_mode(0o600))
            .map_err(|error| StoreError::Create(target.to_owned(), error))?;
        // The copy says how far its table may go: what it holds as fresh must not be in there as well.
        let mut copy = connect(target, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let transaction = copy.transaction()?;
        let state = tables::state(&transaction)?;
        let last: i64 =
            transaction.query_row("SELECT coalesce(max(key), 0) FROM load_unit", [], |row| {
                row.get(0)
            })?;
        drop(transaction);
        if last > 0 {
            let place = Tables::beside(target)?.place(state.generation)?;
            self.tables.open(&state)?.copy_to(&place, last)?;
        }
        Ok(())
    }
}

impl Store {
    /// Makes a database and its table of findings from a copy that [`Store::backup`] wrote; opens neither.
    ///
    /// # Errors
    /// When the copy is not there or the target cannot be written.
    pub fn copy_of(copy: &Path, target: &Path) -> Result<(), StoreError> {
        let source = Self::open(copy)?;
        source.backup(target)
    }
}

/// Runs work so that it can be undone without the rest of the transaction.
fn apart<T>(
    transaction: &Transaction<'_>,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    transaction.execute_batch("SAVEPOINT job")?;
    let result = work(transaction);
    if result.is_err() {
        transaction.execute_batch("ROLLBACK TO job")?;
    }
    transaction.execute_batch("RELEASE job")?;
    result
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|error| StoreError::Open(path.to_owned(), error))
}

/// A panic while a lock was held left no half-done state: the transaction was rolled back when it was dropped.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
