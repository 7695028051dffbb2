//! What each sensor made, and what became of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lapwing_wire::Lane;
use rusqlite::{OptionalExtension as _, Transaction};

use super::time::from_milliseconds;
use super::{SensorKey, Store, StoreError};
use crate::query::Scope;
use crate::reconciliation::{LaneTotals, Range, reconcile_lane};

/// The books of one sensor.
#[derive(Clone, Debug)]
pub struct SensorTotals {
    pub sensor: SensorKey,
    pub name: String,
    /// Each lane of each outbox: epoch as 16 hexadecimal digits, lane, totals.
    pub lanes: Vec<(String, &'static str, LaneTotals)>,
    /// Records by their own numbers: `produced = stored + evicted + missing`.
    pub produced: u64,
    pub stored: u64,
    pub evicted: u64,
    pub missing: u64,
    /// Rows beyond the distinct record numbers. Any other value than 0 is a defect of this program.
    pub doubled: u64,
    /// Records that came again and were not counted again.
    pub repeated: u64,
    /// Findings stored.
    pub findings: u64,
    /// Findings that the sensor's own summaries say it made.
    pub findings_made: u64,
    /// Findings that the provider's policy kept back, as the summaries say.
    pub findings_suppressed: u64,
    pub batches: u64,
    /// Batches that came again.
    pub batch_repeats: u64,
    /// Batches stored and not yet worked through.
    pub batches_waiting: u64,
    pub batches_unreadable: u64,
    /// Batches put aside because other bytes have their identity.
    pub batches_conflicting: u64,
    /// What the newest heartbeat says.
    pub health: Option<SensorHealth>,
    /// What the newest summary says was seen and not inspected.
    pub inspected: Option<Inspected>,
}

/// What the newest summary of a sensor says it saw, and could not see.
#[derive(Clone, Copy, Debug)]
pub struct Inspected {
    /// End of its period, by the sensor's clock.
    pub until: Timestamp,
    pub packets: u64,
    pub decoded_packets: u64,
    /// Packets that the kernel or the interface dropped.
    pub dropped_packets: u64,
    pub rules_loaded: u64,
    pub rules_unsupported: u64,
    /// Rules that the provider's policy refused: its veto.
    pub rules_suppressed: u64,
    pub bytes: u64,
    /// Bytes of large flows that the sensor let pass because it was late.
    pub bytes_not_inspected: u64,
}

/// The newest heartbeat of a sensor.
#[derive(Clone, Debug)]
pub struct SensorHealth {
    /// By the sensor's clock.
    pub made: Timestamp,
    pub state: String,
    pub clock_quality: String,
    pub software_version: String,
    pub pack_version: String,
    pub packets: u64,
    pub dropped_packets: u64,
    pub queued_records: u64,
    pub queued_bytes: u64,
    /// Time of the oldest record that waits there, by its clock.
    pub queue_oldest: Option<Timestamp>,
    /// SHA-256 of the rule pack in use, as hexadecimal digits.
    pub pack: Option<String>,
    /// When the centre stored the batch it came in.
    pub received: Timestamp,
}

impl Store {
    /// The books of every sensor within a scope, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sensor_totals(&self, scope: Scope) -> Result<Vec<SensorTotals>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&format!(
                "SELECT key, name FROM sensor WHERE {} ORDER BY name",
                scope.sensor_condition("sensor.key")
            ))?;
            let sensors: Vec<(i64, String)> = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            sensors
                .into_iter()
                .map(|(key, name)| totals(transaction, key, name))
                .collect()
        })
    }
}

fn totals(
    transaction: &Transaction<'_>,
    key: i64,
    name: String,
) -> Result<SensorTotals, StoreError> {
    let lanes = lanes(transaction, key)?;
    let sum = |part: fn(&LaneTotals) -> u64| {
        lanes
            .iter()
            .fold(0u64, |sum, (_, _, lane)| sum.saturating_add(part(lane)))
    };
    let stored = sum(|lane| lane.stored);
    let count = |sql: &str| -> Result<u64, StoreError> {
        Ok(transaction
            .prepare_cached(sql)?
            .query_row([key], |row| row.get::<_, Option<u64>>(0))?
            .unwrap_or(0))
    };
    let [findings, others, findings_made, findings_suppressed]: [u64; 4] = transaction
        .prepare_cached(
            "SELECT findings, other_records, findings_made, suppressed FROM sensor_total WHERE sensor_key = ?1",
        )?
        .query_row([key], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
        .optional()?
        .unwrap_or_default();
    Ok(SensorTotals {
        sensor: SensorKey(key),
        name,
        produced: sum(|lane| lane.produced),
        stored,
        evicted: sum(|lane| lane.evicted),
        missing: sum(|lane| lane.missing),
        doubled: (findings + others).saturating_sub(stored),
        repeated: count("SELECT sum(records) FROM repeated_records WHERE sensor_key = ?1")?,
        findings,
        findings_made,
        findings_suppressed,
        batches: count("SELECT count(*) FROM batch WHERE sensor_key = ?1")?,
        batch_repeats: count("SELECT sum(repeats) FROM batch WHERE sensor_key = ?1")?,
        batches_waiting: count(
            "SELECT count(*) FROM batch WHERE sensor_key = ?1 AND state = 'waiting'",
        )?,
        batches_unreadable: count(
            "SELECT count(*) FROM batch WHERE sensor_key = ?1 AND state = 'unreadable'",
        )?,
        batches_conflicting: count("SELECT count(*) FROM quarantine WHERE sensor_key = ?1")?,
        health: health(transaction, key)?,
        inspected: inspected(transaction, key)?,
        lanes,
    })
}

/// Stored and evicted ranges of every lane, reconciled.
fn lanes(
    transaction: &Transaction<'_>,
    key: i64,
) -> Result<Vec<(String, &'static str, LaneTotals)>, StoreError> {
    let mut known = BTreeMap::<(i64, u8), [Vec<Range>; 2]>::new();
    let queries = [
        "SELECT epoch, lane, first, last FROM stored_range WHERE sensor_key = ?1",
        "SELECT epoch, of_lane, first, last FROM eviction WHERE sensor_key = ?1",
    ];
    for (which, sql) in queries.into_iter().enumerate() {
        let mut statement = transaction.prepare_cached(sql)?;
        let rows = statement.query_map([key], |row| {
            Ok((
                (row.get(0)?, row.get(1)?),
                Range {
                    first: row.get(2)?,
                    last: row.get(3)?,
                },
            ))
        })?;
        for row in rows {
            let (lane, range) = row?;
            if let Some(ranges) = known.entry(lane).or_default().get_mut(which) {
                ranges.push(range);
            }
        }
    }
    let lanes = known.into_iter().map(|((epoch, lane), [stored, evicted])| {
        let lane_name = Lane::from_code(lane).map_or("unknown", Lane::name);
        (
            format!("{:016x}", epoch.cast_unsigned()),
            lane_name,
            reconcile_lane(&stored, &evicted),
        )
    });
    Ok(lanes.collect())
}

/// The newest status record of a kind: when it was made and stored, and what it says.
fn newest(
    transaction: &Transaction<'_>,
    key: i64,
    kind: &'static str,
) -> Result<Option<(i64, i64, serde_json::Value)>, StoreError> {
    let newest: Option<(i64, i64, String)> = transaction
        .prepare_cached(
            "SELECT made_ms, received_ms, content FROM status_record JOIN batch ON batch.key = batch_key
             WHERE status_record.sensor_key = ?1 AND kind = ?2 ORDER BY made_ms DESC, status_record.key DESC LIMIT 1",
        )?
        .query_row((key, kind), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    newest
        .map(|(made, received, content)| {
            let content = serde_json::from_str(&content);
            let content = content.map_err(|_| StoreError::Unreadable(kind))?;
            Ok((made, received, content))
        })
        .transpose()
}

fn inspected(transaction: &Transaction<'_>, key: i64) -> Result<Option<Inspected>, StoreError> {
    let Some((made, _, content)) = newest(transaction, key, "summary")? else {
        return Ok(None);
    };
    let number = |key: &str| content[key].as_u64().unwrap_or_default();
    let until = content["end_milliseconds"].as_i64().unwrap_or(made);
    Ok(Some(Inspected {
        until: from_milliseconds(until),
        packets: number("packets"),
        decoded_packets: number("decoded_packets"),
        dropped_packets: number("kernel_drops").saturating_add(number("interface_drops")),
        rules_loaded: number("rules_loaded"),
        rules_unsupported: number("rules_unsupported"),
        rules_suppressed: number("rules_suppressed"),
        bytes: number("bytes"),
        // Summaries of older sensors do not say it.
        bytes_not_inspected: number("bytes_not_inspected"),
    }))
}

fn health(transaction: &Transaction<'_>, key: i64) -> Result<Option<SensorHealth>, StoreError> {
    let Some((made, received, content)) = newest(transaction, key, "heartbeat")? else {
        return Ok(None);
    };
    let text = |key: &str| content[key].as_str().unwrap_or_default().to_owned();
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    Ok(Some(SensorHealth {
        made: from_milliseconds(made),
        state: text("state"),
        clock_quality: text("clock_quality"),
        software_version: text("software_version"),
        pack_version: text("pack_version"),
        packets: number(&content["packets"]),
        dropped_packets: number(&content["dropped_packets"]),
        queued_records: number(&content["queue"]["records"]),
        queued_bytes: number(&content["queue"]["bytes"]),
        queue_oldest: content["queue"]["oldest_milliseconds"]
            .as_i64()
            .filter(|oldest| *oldest > 0)
            .map(from_milliseconds),
        pack: content["pack"].as_str().map(str::to_owned),
        received: from_milliseconds(received),
    }))
}
