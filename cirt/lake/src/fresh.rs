//! Rows that no load unit has taken into the tables yet: as columns in memory, and as bytes in the control store.
//!
//! The bytes are Arrow's own stream format (IPC), compressed with zstd. The control store keeps them from the
//! transaction that loads a batch until the unit that takes them is committed; after a crash they are read again.

use std::io::Cursor;
use std::sync::{Arc, OnceLock};

use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use deltalake::arrow::array::RecordBatch;

use crate::LakeError;
use crate::finding::{Finding, to_batch};
use crate::schema::FINDING;
use crate::sighting::sightings_of;

/// Rows in memory.
#[derive(Clone, Debug)]
pub struct FreshRows {
    pub(crate) rows: RecordBatch,
    /// What was seen in them, once somebody asked.
    sightings: Arc<OnceLock<RecordBatch>>,
}

impl FreshRows {
    /// Rows in the order given.
    ///
    /// # Errors
    /// When a text is beyond its cap.
    pub fn of(findings: &[Finding]) -> Result<Self, LakeError> {
        Ok(Self::from_rows(to_batch(findings)?))
    }

    fn from_rows(rows: RecordBatch) -> Self {
        Self {
            rows,
            sightings: Arc::default(),
        }
    }

    /// What was seen in the rows.
    pub(crate) fn sightings(&self) -> Result<RecordBatch, LakeError> {
        if let Some(known) = self.sightings.get() {
            return Ok(known.clone());
        }
        let found = sightings_of(std::slice::from_ref(self))?;
        Ok(self.sightings.get_or_init(|| found).clone())
    }

    /// Reads back what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are not rows of these columns.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LakeError> {
        let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
        let batch = reader.next().ok_or(LakeError::Unreadable("fresh rows"))??;
        if batch.schema() != FINDING.arrow() {
            return Err(LakeError::Unreadable("columns of fresh rows"));
        }
        Ok(Self::from_rows(batch))
    }

    /// The rows as bytes.
    ///
    /// # Errors
    /// When they cannot be written, which only a lack of memory causes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LakeError> {
        let options =
            IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD))?;
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &FINDING.arrow(), options)?;
        writer.write(&self.rows)?;
        writer.finish()?;
        Ok(writer.into_inner()?)
    }

    /// How many there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.num_rows()
    }

    /// Bytes they take in memory.
    #[must_use]
    pub fn bytes_in_memory(&self) -> usize {
        self.rows.get_array_memory_size()
    }
}
