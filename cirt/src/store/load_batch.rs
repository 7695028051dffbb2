//! From an opened batch to the derived tables, in one transaction. Its findings become fresh rows, which a load unit
//! takes into the table of findings later.
//!
//! A record's identity is (sensor, epoch, lane, number). One that is stored already, from this batch or another, is
//! counted as repeated and changes nothing: loading the same batch twice, or two batches that overlap, or batches in
//! any order, ends in the same tables.

use std::collections::BTreeMap;

use super::database::{Transaction, params};
use jiff::Timestamp;
use lapwing_lake::FreshRows;
use lapwing_wire::{Batch, Finding, Record, RecordBody, RecordHeader};

use super::findings::{DAY_MS, Derived};
use super::inbox::WaitingBatch;
use super::insert_record::Origin;
use super::record_ranges::{self, LaneKey};
use super::time::to_milliseconds;
use super::{Store, StoreError, batch_chain, insert_record, tables};

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
            // Another process may have been quicker.
            let is_mine = transaction.execute(
                "UPDATE batch SET state = 'loaded', reason = NULL, previous = ?2 WHERE key = ?1 AND state = 'waiting'",
                params![waiting.key, batch.previous.0],
            )?;
            if is_mine == 0 {
                return Ok(report);
            }
            let mut repeated = BTreeMap::<LaneKey, i64>::new();
            let mut findings = NewFindings::of(transaction, waiting.key)?;
            let received_ms = findings.origin.received_ms;
            let mut derived = Derived::new(transaction, waiting.sensor.0, received_ms)?;
            for run in runs(waiting.sensor.0, batch)? {
                // Nearly always nothing of a run is stored: one look then stands for all of its records.
                let is_new = !record_ranges::overlaps(transaction, run.lane, run.first, run.last())?;
                for (number, record) in (run.first..).zip(run.records) {
                    if !is_new {
                        if record_ranges::contains(transaction, run.lane, number)? {
                            report.repeated += 1;
                            *repeated.entry(run.lane).or_default() += 1;
                            continue;
                        }
                        record_ranges::insert(transaction, run.lane, number, number)?;
                    }
                    let position = Position {
                        lane: run.lane,
                        number,
                        batch: waiting.key,
                    };
                    match &record.body {
                        RecordBody::Finding(finding) => findings.add(&position, &record.header, finding),
                        _ => insert(transaction, &position, record)?,
                    }
                    derived.add(&record.body);
                    report.stored += 1;
                }
                if is_new {
                    record_ranges::insert(transaction, run.lane, run.first, run.last())?;
                }
            }
            derived.store(transaction)?;
            findings.store(transaction, waiting.key)?;
            for (lane, records) in repeated {
                transaction.execute(
                    "INSERT INTO repeated_records (sensor_key, epoch, lane, records) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (sensor_key, epoch, lane) DO UPDATE
                     SET records = repeated_records.records + excluded.records",
                    params![lane.sensor, lane.epoch, lane.lane, records],
                )?;
            }
            batch_chain::check(transaction, waiting.sensor, batch)?;
            Ok(report)
        })
    }
}

/// Records of one lane whose numbers follow each other.
struct Run<'a> {
    lane: LaneKey,
    first: i64,
    records: &'a [Record],
}

impl Run<'_> {
    fn last(&self) -> i64 {
        let further = i64::try_from(self.records.len().saturating_sub(1)).unwrap_or(i64::MAX);
        self.first.saturating_add(further)
    }
}

/// Cuts a batch into runs.
fn runs(sensor: i64, batch: &Batch) -> Result<Vec<Run<'_>>, StoreError> {
    let follows = |a: &Record, b: &Record| {
        a.header.lane == b.header.lane
            && a.header.number.0.checked_add(1) == Some(b.header.number.0)
    };
    let mut runs = Vec::new();
    for records in batch.records.chunk_by(follows) {
        let (Some(start), Some(end)) = (records.first(), records.last()) else {
            continue;
        };
        let number = |record: &Record| {
            i64::try_from(record.header.number.0)
                .map_err(|_| StoreError::Content("record number above 2^63"))
        };
        number(end)?;
        runs.push(Run {
            lane: LaneKey {
                sensor,
                epoch: batch.identity.epoch.0.cast_signed(),
                lane: start.header.lane.code(),
            },
            first: number(start)?,
            records,
        });
    }
    Ok(runs)
}

/// The findings of a batch that are new, on their way to the table.
struct NewFindings {
    origin: Origin,
    next_key: i64,
    rows: Vec<lapwing_lake::Finding>,
}

impl NewFindings {
    fn of(transaction: &Transaction<'_>, batch: i64) -> Result<Self, StoreError> {
        let origin = transaction
            .prepare(
                "SELECT identity, number, received_ms FROM batch JOIN sensor ON sensor.key = sensor_key WHERE batch.key = ?1",
            )?
            .query_row([batch], |row| {
                Ok(Origin {
                    identity: row.get(0)?,
                    batch: row.get(1)?,
                    received_ms: row.get(2)?,
                })
            })?;
        Ok(Self {
            origin,
            next_key: tables::state(transaction)?.next_key,
            rows: Vec::new(),
        })
    }

    fn add(&mut self, position: &Position, header: &RecordHeader, finding: &Finding) {
        let row =
            insert_record::finding_row(&self.origin, position, self.next_key, header, finding);
        self.next_key += 1;
        self.rows.push(row);
    }

    /// Puts the rows where the next load unit finds them, and writes down where each run of them is.
    fn store(self, transaction: &Transaction<'_>, batch: i64) -> Result<(), StoreError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let bytes = FreshRows::of(&self.rows)?.to_bytes()?;
        transaction
            .prepare(
                "INSERT INTO fresh_finding (batch_key, loaded_ms, findings, rows) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                batch,
                to_milliseconds(Timestamp::now()),
                self.rows.len(),
                bytes
            ])?;
        transaction
            .prepare("UPDATE lake SET next_key = ?1")?
            .execute([self.next_key])?;
        let mut run = transaction.prepare(
            "INSERT INTO finding_run (sensor_key, epoch, lane, first, last, first_key, first_day, last_day)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let follows = |a: &lapwing_lake::Finding, b: &lapwing_lake::Finding| {
            a.lane == b.lane && a.number.checked_add(1) == Some(b.number)
        };
        for rows in self.rows.chunk_by(follows) {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                continue;
            };
            let days = rows.iter().map(|row| row.last_ms.div_euclid(DAY_MS));
            let (first_day, last_day) = (days.clone().min(), days.max());
            run.execute(params![
                first.sensor_key,
                first.epoch,
                first.lane,
                first.number,
                last.number,
                first.key,
                first_day,
                last_day
            ])?;
        }
        Ok(())
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
