//! From an opened batch to the derived tables, in one transaction.
//!
//! A record's identity is (sensor, epoch, lane, number). One that is stored already, from this batch or another, is
//! counted as repeated and changes nothing: loading the same batch twice, or two batches that overlap, or batches in
//! any order, ends in the same tables.

use std::collections::BTreeMap;

use lapwing_wire::{Batch, Record, RecordBody};
use rusqlite::{Transaction, params};

use super::inbox::WaitingBatch;
use super::record_ranges::{self, LaneKey};
use super::{Store, StoreError, insert_record};

/// What became of the records of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    pub stored: u64,
    pub repeated: u64,
}

impl Store {
    /// Stores the records of a batch and marks it as loaded.
    ///
    /// # Errors
    /// [`StoreError::Content`] when a number cannot be: set the batch aside then. Otherwise when the database fails.
    pub fn load_batch(
        &self,
        waiting: &WaitingBatch,
        batch: &Batch,
    ) -> Result<LoadReport, StoreError> {
        self.write(|transaction| {
            let mut report = LoadReport::default();
            let mut repeated = BTreeMap::<LaneKey, i64>::new();
            for record in &batch.records {
                let lane = LaneKey {
                    sensor: waiting.sensor.0,
                    epoch: batch.identity.epoch.0.cast_signed(),
                    lane: record.header.lane.code(),
                };
                let number = i64::try_from(record.header.number.0)
                    .map_err(|_| StoreError::Content("record number above 2^63"))?;
                if record_ranges::contains(transaction, lane, number)? {
                    report.repeated += 1;
                    *repeated.entry(lane).or_default() += 1;
                    continue;
                }
                insert(transaction, &Position { lane, number, batch: waiting.key }, record)?;
                record_ranges::insert(transaction, lane, number)?;
                report.stored += 1;
            }
            for (lane, records) in repeated {
                transaction.execute(
                    "INSERT INTO repeated_records (sensor_key, epoch, lane, records) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (sensor_key, epoch, lane) DO UPDATE SET records = records + excluded.records",
                    params![lane.sensor, lane.epoch, lane.lane, records],
                )?;
            }
            transaction.execute("UPDATE batch SET state = 'loaded', reason = NULL WHERE key = ?1", [waiting.key])?;
            Ok(report)
        })
    }
}

/// Where a record stands.
pub(super) struct Position {
    pub(super) lane: LaneKey,
    pub(super) number: i64,
    pub(super) batch: i64,
}

fn insert(
    transaction: &Transaction<'_>,
    position: &Position,
    record: &Record,
) -> Result<(), StoreError> {
    match &record.body {
        RecordBody::Finding(finding) => {
            insert_record::finding(transaction, position, &record.header, finding)
        }
        RecordBody::Heartbeat(heartbeat) => {
            insert_record::heartbeat(transaction, position, &record.header, heartbeat)
        }
        RecordBody::Summary(summary) => {
            insert_record::summary(transaction, position, &record.header, summary)
        }
        RecordBody::Eviction(eviction) => {
            insert_record::eviction(transaction, position, &record.header, eviction)
        }
        other => insert_record::unknown(transaction, position, &record.header, other.kind()),
    }
}
