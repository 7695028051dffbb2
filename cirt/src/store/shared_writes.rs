//! Batches that share a commit: whoever comes while another is at work waits, and what waits goes together.
//!
//! One commit, and one sync of the disk, then stand for all of them. On a server the processes do this beside each
//! other; a batch that two of them are given at once is decided by its unique key, and where two transactions stand in
//! each other's way one is undone and tried again, work and all.

use std::sync::{Mutex, MutexGuard, mpsc};
use std::time::Duration;

use super::connection::{locked, opened};
use super::database::{Connection, Location, Purpose, Transaction};
use super::{Store, StoreError};

/// How often a transaction that others were in the way of is tried.
const ATTEMPTS: u32 = 8;
/// Before the second attempt; it doubles from one to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// Work for a shared transaction. What it returns is called once the commit is known to stand, or not to; an error
/// means that the whole transaction is lost.
type Job = Box<dyn FnMut(&Transaction<'_>) -> Result<Answer, StoreError> + Send>;
type Answer = Box<dyn FnOnce(bool) + Send>;

/// What waits, and the connection that it goes by.
#[derive(Default)]
pub(super) struct SharedWrites {
    waiting: Mutex<Vec<Job>>,
    /// On a server one of its own: batches do not wait for what writes alone.
    connection: Mutex<Option<Connection>>,
}

/// Who holds this writes.
enum Turn<'s> {
    Alone(MutexGuard<'s, Connection>),
    Beside(MutexGuard<'s, Option<Connection>>),
}

impl Turn<'_> {
    fn connection(&mut self, location: &Location) -> Result<&mut Connection, StoreError> {
        match self {
            Self::Alone(connection) => Ok(&mut **connection),
            Self::Beside(slot) => {
                let kept = slot.take().filter(|connection| !connection.is_closed());
                let connection = match kept {
                    Some(connection) => connection,
                    None => opened(location, Location::writer)?,
                };
                Ok(slot.insert(connection))
            }
        }
    }
}

impl Store {
    /// As [`Self::write`], in a transaction that is shared with whoever else waits. Work that fails is undone alone. It
    /// may be run more than once; only the last run counts.
    pub(super) fn write_shared<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = mpsc::channel();
        let job: Job = Box::new(move |transaction| {
            let result = match transaction.apart(|| work(transaction)) {
                Err(StoreError::Statement(error)) if error.is_passing() => return Err(error.into()),
                result => result,
            };
            let sender = sender.clone();
            Ok(Box::new(move |is_committed| {
                let told = if is_committed {
                    result
                } else {
                    Err(StoreError::NotCommitted)
                };
                // Whoever asked is still waiting: a thread does not leave before it is told.
                sender.send(told).ok();
            }))
        });
        locked(&self.shared_writes.waiting).push(job);
        let mut turn = match self.location() {
            Location::File(_) => Turn::Alone(self.writer()?),
            Location::Server(_) => Turn::Beside(locked(&self.shared_writes.connection)),
        };
        match receiver.try_recv() {
            // Done by the thread that had its turn before.
            Ok(result) => return result,
            Err(mpsc::TryRecvError::Disconnected) => return Err(StoreError::NotCommitted),
            Err(mpsc::TryRecvError::Empty) => {}
        }
        let mut jobs = std::mem::take(&mut *locked(&self.shared_writes.waiting));
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.write_together(&mut turn, &mut jobs) {
                Ok(()) => break,
                Err(StoreError::Statement(error)) if error.is_passing() && attempt < ATTEMPTS => {
                    tracing::debug!(%error, attempt, "a shared transaction is tried again");
                }
                // The others are told by the loss of their work.
                Err(error) => return Err(error),
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        receiver.recv().unwrap_or(Err(StoreError::NotCommitted))
    }

    /// One transaction for all of them. An error means that nothing was committed and nobody told; where it is not known
    /// whether the commit stands everybody is told that it does not, and comes again.
    fn write_together(&self, turn: &mut Turn<'_>, jobs: &mut [Job]) -> Result<(), StoreError> {
        let connection = turn.connection(self.location())?;
        let transaction = connection.begin(Purpose::Share)?;
        let answers = jobs
            .iter_mut()
            .map(|job| job(&transaction))
            .collect::<Result<Vec<Answer>, _>>()?;
        let committed = transaction.commit();
        if let Err(error) = &committed {
            tracing::warn!(%error, "batches could not be committed");
        }
        for answer in answers {
            answer(committed.is_ok());
        }
        Ok(())
    }
}
