//! From the inbox to findings: opens what waits, decodes it, stores its records.
//!
//! The loader holds no state. It may be stopped at any moment and run again: a batch is marked as loaded in the
//! transaction that stores its records, and a record that is stored already is not stored again. Findings become fresh
//! rows in that transaction, seen at once; in large units, recorded before they are written, they move to the table of
//! findings. A batch that cannot be read is set aside with an alarm and blocks nothing.

use lapwing_wire::{Batch, EnvelopeError, KeyId, ReceivedEnvelope, SealingPrivateKey};

use crate::limits::{FRESH_FINDINGS, LOADER_BATCHES};
use crate::store::{Store, StoreError, UnitsAre, WaitingBatch};

/// Opens and stores what waits.
pub struct Loader {
    key: SealingPrivateKey,
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoaderTotals {
    pub batches: u64,
    pub records: u64,
    pub repeated: u64,
    pub unreadable: u64,
}

/// Why a batch cannot be read.
#[derive(Debug, thiserror::Error)]
enum UnreadableBatch {
    #[error("no key of this sensor has the id {0}")]
    UnknownSigner(KeyId),
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
}

impl Loader {
    /// A loader for batches sealed to this key.
    #[must_use]
    pub const fn new(key: SealingPrivateKey) -> Self {
        Self { key }
    }

    /// Loads everything that waits.
    ///
    /// # Errors
    /// When the database fails; what was loaded before stays loaded.
    pub fn run(&self, store: &Store) -> Result<LoaderTotals, StoreError> {
        let mut totals = LoaderTotals::default();
        loop {
            // What cannot be written to the table is held in memory: then nothing more is loaded, and the inbox waits.
            let units = store.commit_units(UnitsAre::Large);
            if store.fresh_findings()? >= FRESH_FINDINGS {
                units?;
            } else if let Err(error) = units {
                tracing::error!(%error, "a load unit could not be written; it is tried again");
            }
            let waiting = store.waiting_batches(LOADER_BATCHES)?;
            if waiting.is_empty() {
                return Ok(totals);
            }
            for batch in &waiting {
                totals.batches += 1;
                match self.load(store, batch)? {
                    Ok(report) => {
                        totals.records += report.stored;
                        totals.repeated += report.repeated;
                    }
                    Err(reason) => {
                        totals.unreadable += 1;
                        tracing::warn!(%reason, "batch set aside as unreadable");
                        store.mark_unreadable(batch, &reason)?;
                    }
                }
            }
        }
    }

    fn load(
        &self,
        store: &Store,
        waiting: &WaitingBatch,
    ) -> Result<Result<crate::store::LoadReport, String>, StoreError> {
        let batch = match self.open(waiting) {
            Ok(batch) => batch,
            Err(error) => return Ok(Err(error.to_string())),
        };
        match store.load_batch(waiting, &batch) {
            Ok(report) => Ok(Ok(report)),
            Err(error @ StoreError::Content(_)) => Ok(Err(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// The signature was checked before the batch was taken; it is checked again, for the disk may have changed.
    fn open(&self, waiting: &WaitingBatch) -> Result<Batch, UnreadableBatch> {
        let envelope =
            ReceivedEnvelope::parse(waiting.envelope.clone()).map_err(EnvelopeError::from)?;
        let signer = envelope.header().signer;
        let key = waiting
            .public_keys
            .iter()
            .find(|key| KeyId::of(key) == signer);
        let key = key.ok_or(UnreadableBatch::UnknownSigner(signer))?;
        Ok(envelope.verify(key)?.open(&self.key)?)
    }
}
