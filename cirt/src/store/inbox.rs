//! The inbox: where a batch becomes durable. Everything a sensor is told rests on [`Store::accept_batch`].

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;
use lapwing_wire::{AckState, VerifiedEnvelope};

use super::time::to_milliseconds;
use super::{SensorKey, Store, StoreError};
use crate::query::Scope;

/// A stored batch that the loader has not worked through.
#[derive(Debug)]
pub struct WaitingBatch {
    pub(super) key: i64,
    pub sensor: SensorKey,
    /// The envelope, byte for byte as it was sent.
    pub envelope: Vec<u8>,
    /// Every key that ever spoke for this sensor.
    pub public_keys: Vec<[u8; 32]>,
}

/// How a batch came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over the link, in the order of sealing as far as the sensor goes.
    Link,
    /// On a stick, whenever somebody brings it.
    Courier,
}

/// What the inbox holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxTotals {
    pub batches: u64,
    pub waiting: u64,
    pub unreadable: u64,
}

impl Store {
    /// Takes a batch. Committed and synced when this returns; the sensor may then be told.
    ///
    /// The identity is (sensor, epoch, number): new bytes are stored, the same bytes again change nothing, other
    /// bytes under a known identity are put aside with an alarm and never replace what is stored.
    ///
    /// # Errors
    /// When the database fails: the sensor must not be told anything then.
    pub fn accept_batch(
        &self,
        sensor: SensorKey,
        envelope: &VerifiedEnvelope,
        now: Timestamp,
    ) -> Result<AckState, StoreError> {
        self.accept_batch_by(Way::Link, sensor, envelope, now)
    }

    /// The same by whichever way.
    ///
    /// # Errors
    /// As [`Store::accept_batch`].
    pub fn accept_batch_by(
        &self,
        way: Way,
        sensor: SensorKey,
        envelope: &VerifiedEnvelope,
        now: Timestamp,
    ) -> Result<AckState, StoreError> {
        let identity = envelope.header().identity;
        let epoch = identity.epoch.0.cast_signed();
        let number = identity.number.0.cast_signed();
        let digest = envelope.digest().0;
        let bytes = envelope.bytes().to_vec();
        self.write_shared(move |transaction| {
            let added: Option<i64> = transaction
                .prepare(
                    "INSERT INTO batch (sensor_key, epoch, number, digest, received_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (sensor_key, epoch, number) DO NOTHING RETURNING key",
                )?
                .query_row(params![sensor.0, epoch, number, digest, to_milliseconds(now)], |row| row.get(0))
                .optional()?;
            if let Some(key) = added {
                transaction
                    .prepare("INSERT INTO envelope (batch_key, bytes) VALUES (?1, ?2)")?
                    .execute(params![key, bytes])?;
                if way == Way::Link && is_older_outbox(transaction, sensor, epoch)? {
                    let detail = format!(
                        "outbox {} goes on although a newer one began: the device was cloned, or an old card is in use again",
                        identity.epoch
                    );
                    raise_alarm(transaction, Some(sensor), "two outboxes", &detail, now)?;
                }
                return Ok(AckState::Stored);
            }
            let repeated = transaction
                .prepare(
                    "UPDATE batch SET repeats = repeats + 1
                     WHERE sensor_key = ?1 AND epoch = ?2 AND number = ?3 AND digest = ?4",
                )?
                .execute(params![sensor.0, epoch, number, digest])?;
            if repeated == 1 {
                return Ok(AckState::AlreadyStored);
            }
            let put_aside = transaction.execute(
                "INSERT INTO quarantine (sensor_key, epoch, number, digest, envelope, received_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                params![sensor.0, epoch, number, digest, bytes, to_milliseconds(now)],
            )?;
            if put_aside == 1 {
                let detail = format!(
                    "batch {}/{} came with other bytes than those stored: the device was cloned or tampered with",
                    identity.epoch, identity.number
                );
                raise_alarm(transaction, Some(sensor), "conflicting batch", &detail, now)?;
            }
            Ok(AckState::Quarantined)
        })
    }

    /// The oldest batches that wait for the loader.
    ///
    /// # Errors
    /// When the database fails.
    pub fn waiting_batches(&self, limit: usize) -> Result<Vec<WaitingBatch>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT key, sensor_key, bytes FROM batch JOIN envelope ON batch_key = key
                 WHERE state = 'waiting' ORDER BY key LIMIT ?1",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(WaitingBatch {
                    key: row.get(0)?,
                    sensor: SensorKey(row.get(1)?),
                    envelope: row.get(2)?,
                    public_keys: Vec::new(),
                })
            })?;
            let mut batches: Vec<WaitingBatch> = rows.collect::<Result<_, _>>()?;
            let mut keys = transaction.prepare(
                "SELECT public_key FROM enrolment WHERE sensor_key = ?1 ORDER BY key DESC",
            )?;
            for batch in &mut batches {
                batch.public_keys = keys
                    .query_map([batch.sensor.0], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
            }
            Ok(batches)
        })
    }

    /// Sets a batch aside whose content cannot be read, with an alarm; the others go on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn mark_unreadable(&self, batch: &WaitingBatch, reason: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let is_mine = transaction.execute(
                "UPDATE batch SET state = 'unreadable', reason = ?2 WHERE key = ?1 AND state = 'waiting'",
                params![batch.key, reason],
            )?;
            if is_mine == 0 {
                return Ok(());
            }
            raise_alarm(
                transaction,
                Some(batch.sensor),
                "unreadable batch",
                reason,
                Timestamp::now(),
            )
        })
    }

    /// What the inbox holds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn inbox_totals(&self) -> Result<InboxTotals, StoreError> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare("SELECT state, count(*) FROM batch GROUP BY state")?;
            let rows =
                statement.query_map((), |row| Ok((row.get::<String>(0)?, row.get::<u64>(1)?)))?;
            let mut totals = InboxTotals::default();
            for row in rows {
                let (state, count) = row?;
                totals.batches += count;
                match state.as_str() {
                    "waiting" => totals.waiting = count,
                    "unreadable" => totals.unreadable = count,
                    _ => {}
                }
            }
            Ok(totals)
        })
    }

    /// Empties all derived tables and puts every batch back to wait for the loader.
    ///
    /// # Errors
    /// When the database fails.
    pub fn reset_derived(&self, actor: &str) -> Result<(), StoreError> {
        let old = self.write(|transaction| {
            let state = super::tables::state(transaction)?;
            // One of that number may lie there from before an older copy of the database was put back.
            self.tables().remove(state.generation + 1)?;
            transaction.execute_batch(
                "DELETE FROM fresh_finding; DELETE FROM load_unit; DELETE FROM finding_run;
                 UPDATE lake SET generation = generation + 1, next_key = 1;
                 DELETE FROM status_record; DELETE FROM eviction; DELETE FROM stored_range; DELETE FROM repeated_records;
                 DELETE FROM day_total; DELETE FROM hour_total; DELETE FROM group_sensor;
                 DELETE FROM sensor_total; DELETE FROM suppressed_total;
                 UPDATE batch SET state = 'waiting', reason = NULL;",
            )?;
            super::audit::record(
                transaction,
                Timestamp::now(),
                actor,
                "store.rebuild",
                "derived tables",
            )?;
            Ok(state.generation)
        })?;
        // From here on nobody looks for the old table; where it cannot be removed it only takes room.
        self.tables().remove(old)
    }

    /// The newest alarms within a scope, newest first: when, which sensor, kind, detail.
    ///
    /// # Errors
    /// When the database fails.
    pub fn alarms(&self, scope: Scope, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(&format!(
                "SELECT at_ms, sensor.name, kind, detail FROM alarm LEFT JOIN sensor ON sensor.key = sensor_key
                 WHERE {} ORDER BY alarm.key DESC LIMIT ?1",
                scope.sensor_condition("sensor_key")
            ))?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(Alarm {
                    at: super::time::from_milliseconds(row.get(0)?),
                    sensor: row.get(1)?,
                    kind: row.get(2)?,
                    detail: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Raises an alarm unless the newest one of this sensor says the same.
    ///
    /// # Errors
    /// When the database fails.
    pub fn raise_alarm(
        &self,
        sensor: Option<SensorKey>,
        kind: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        self.write(|transaction| raise_alarm(transaction, sensor, kind, detail, Timestamp::now()))
    }
}

/// Something a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    pub at: Timestamp,
    pub sensor: Option<String>,
    pub kind: String,
    pub detail: String,
}

/// Whether an outbox of which batches came before goes on after another one began: a re-flashed device begins a new one
/// and never comes back to the old.
fn is_older_outbox(
    transaction: &Transaction<'_>,
    sensor: SensorKey,
    epoch: i64,
) -> Result<bool, StoreError> {
    let before_last: Option<(i64, i64)> = transaction
        .prepare(
            "SELECT (SELECT max(key) FROM batch WHERE sensor_key = ?1 AND epoch = ?2 AND key < last.key),
                    (SELECT max(key) FROM batch WHERE sensor_key = ?1 AND epoch <> ?2)
             FROM (SELECT max(key) AS key FROM batch WHERE sensor_key = ?1 AND epoch = ?2) AS last",
        )?
        .query_row(params![sensor.0, epoch], |row| {
            let own: Option<i64> = row.get(0)?;
            let other: Option<i64> = row.get(1)?;
            Ok(own.zip(other))
        })?;
    Ok(before_last.is_some_and(|(own, other)| other > own))
}

pub(super) fn raise_alarm(
    transaction: &Transaction<'_>,
    sensor: Option<SensorKey>,
    kind: &str,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sensor_key = sensor.map(|sensor| sensor.0);
    let newest: Option<(String, String)> = transaction
        .query_row(
            "SELECT kind, detail FROM alarm WHERE sensor_key IS NOT DISTINCT FROM ?1 ORDER BY key DESC LIMIT 1",
            [sensor_key],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if newest.is_some_and(|(known, text)| known == kind && text == detail) {
        return Ok(());
    }
    transaction.execute(
        "INSERT INTO alarm (at_ms, sensor_key, kind, detail) VALUES (?1, ?2, ?3, ?4)",
        params![to_milliseconds(now), sensor_key, kind, detail],
    )?;
    Ok(())
}
