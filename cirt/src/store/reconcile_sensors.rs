//! What each sensor made, and what became of it.

use std::collections::BTreeMap;

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;
use lapwing_wire::{Account, Lane};

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
    /// `held + in_flight + gone`; see [`LaneTotals`].
    pub missing: u64,
    pub held: u64,
    pub in_flight: u64,
    pub gone: u64,
    /// Findings that the policy kept back before they got a number, by the books of all outboxes.
    pub suppressed: u64,
    /// Facts that findings left behind for want of budget.
    pub facts_held_back: u64,
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
    /// Sealed batches that the sensor removed for their age, told, and not here by another way.
    pub batches_withdrawn: u64,
    /// Numbers of batches below the highest known that are neither here nor withdrawn.
    pub batches_missing: u64,
    /// What the sensor told of records that it dropped, by reason.
    pub dropped: Vec<Dropped>,
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

/// Records that a sensor says it dropped for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The reason, in the sensor's words.
    pub reason: String,
    /// Record numbers that will not come.
    pub records: u64,
    /// Findings that were dropped; those that the policy took away when they were sealed left their numbers behind.
    pub findings: u64,
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
    /// The books of one sensor.
    ///
    /// # Errors
    /// When the database fails, or there is no such sensor.
    pub fn books_of(&self, sensor: SensorKey) -> Result<SensorTotals, StoreError> {
        self.read(|transaction| {
            let name = transaction
                .prepare("SELECT name FROM sensor WHERE key = ?1")?
                .query_row([sensor.0], |row| row.get(0))?;
            totals(transaction, sensor.0, name)
        })
    }

    /// The books of every sensor within a scope, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sensor_totals(&self, scope: Scope) -> Result<Vec<SensorTotals>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(&format!(
                "SELECT key, name FROM sensor WHERE {} ORDER BY name",
                scope.sensor_condition("sensor.key")
            ))?;
            let sensors: Vec<(i64, String)> = statement
                .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
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
    let accounts = accounts(transaction, key)?;
    let lanes = lanes(transaction, key, &accounts)?;
    let told = |part: fn(&Account) -> u64| {
        accounts
            .values()
            .fold(0u64, |sum, account| sum.saturating_add(part(account)))
    };
    let sum = |part: fn(&LaneTotals) -> u64| {
        lanes
            .iter()
            .fold(0u64, |sum, (_, _, lane)| sum.saturating_add(part(lane)))
    };
    let stored = sum(|lane| lane.stored);
    let count = |sql: &str| -> Result<u64, StoreError> {
        Ok(transaction
            .prepare(sql)?
            .query_row([key], |row| row.get::<Option<u64>>(0))?
            .unwrap_or(0))
    };
    let batches_withdrawn = count(
        "SELECT count(*) FROM (SELECT DISTINCT epoch, withdrawn_batch FROM eviction
         WHERE sensor_key = ?1 AND withdrawn_batch IS NOT NULL AND NOT EXISTS (SELECT 1 FROM batch
            WHERE batch.sensor_key = eviction.sensor_key AND batch.epoch = eviction.epoch AND batch.number = withdrawn_batch)) AS withdrawn",
    )?;
    let [findings, others, findings_made, findings_suppressed]: [u64; 4] = transaction
        .prepare(
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
        held: sum(|lane| lane.held),
        in_flight: sum(|lane| lane.in_flight),
        gone: sum(|lane| lane.gone),
        suppressed: told(|account| account.suppressed_findings),
        facts_held_back: told(|account| account.facts_held_back),
        doubled: (findings + others).saturating_sub(stored),
        repeated: count("SELECT sum(records) FROM repeated_records WHERE sensor_key = ?1")?,
        findings,
        findings_made,
        findings_suppressed,
        batches: count("SELECT count(*) FROM batch WHERE sensor_key = ?1")?,
        batches_withdrawn,
        batches_missing: count(
            "SELECT sum(last + 1 - here) FROM (SELECT max(number) AS last, count(*) AS here
             FROM batch WHERE sensor_key = ?1 GROUP BY epoch) AS of_epoch",
        )?
        .saturating_sub(batches_withdrawn),
        dropped: dropped(transaction, key)?,
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

/// What was told as dropped. What was told twice counts once.
fn dropped(transaction: &Transaction<'_>, key: i64) -> Result<Vec<Dropped>, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT reason, sum(dropped), sum(findings) FROM (SELECT DISTINCT epoch, of_lane, first, last, dropped, findings, reason
            FROM eviction WHERE sensor_key = ?1) AS told
         GROUP BY reason ORDER BY reason",
    )?;
    let rows = statement.query_map([key], |row| {
        Ok(Dropped {
            reason: row.get(0)?,
            records: row.get(1)?,
            findings: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The books that the newest heartbeat of each outbox told, by epoch.
fn accounts(transaction: &Transaction<'_>, key: i64) -> Result<BTreeMap<i64, Account>, StoreError> {
    let epochs: Vec<i64> = transaction
        .prepare("SELECT DISTINCT epoch FROM stored_range WHERE sensor_key = ?1")?
        .query_map([key], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut accounts = BTreeMap::new();
    for epoch in epochs {
        let newest: Option<String> = transaction
            .prepare(
                "SELECT content FROM status_record
                 WHERE sensor_key = ?1 AND epoch = ?2 AND lane = ?3 AND kind = 'heartbeat'
                 ORDER BY number DESC LIMIT 1",
            )?
            .query_row(params![key, epoch, Lane::Status.code()], |row| row.get(0))
            .optional()?;
        if let Some(content) = newest {
            let content: serde_json::Value =
                serde_json::from_str(&content).map_err(|_| StoreError::Unreadable("heartbeat"))?;
            accounts.insert(epoch, account(&content["account"]));
        }
    }
    Ok(accounts)
}

/// As `insert_record` wrote it; all zero for a sensor that does not tell it.
fn account(content: &serde_json::Value) -> Account {
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    let mut account = Account {
        suppressed_findings: number(&content["suppressed_findings"]),
        facts_held_back: number(&content["facts_held_back"]),
        ..Account::default()
    };
    for (index, books) in account.lanes.iter_mut().enumerate() {
        let lane = &content["lanes"][index];
        books.settled = number(&lane[0]);
        books.next_to_seal = number(&lane[1]);
        books.next = number(&lane[2]);
        books.is_held = number(&lane[3]) != 0;
    }
    account
}

/// Stored and evicted ranges of every lane, reconciled.
fn lanes(
    transaction: &Transaction<'_>,
    key: i64,
    accounts: &BTreeMap<i64, Account>,
) -> Result<Vec<(String, &'static str, LaneTotals)>, StoreError> {
    let mut known = BTreeMap::<(i64, u8), [Vec<Range>; 2]>::new();
    let queries = [
        "SELECT epoch, lane, first, last FROM stored_range WHERE sensor_key = ?1",
        "SELECT epoch, of_lane, first, last FROM eviction WHERE sensor_key = ?1",
    ];
    for (which, sql) in queries.into_iter().enumerate() {
        let mut statement = transaction.prepare(sql)?;
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
    for (epoch, account) in accounts {
        for lane in Lane::ALL {
            if account.lane(lane).next > 0 {
                known.entry((*epoch, lane.code())).or_default();
            }
        }
    }
    let lanes = known.into_iter().map(|((epoch, code), [stored, evicted])| {
        let lane = Lane::from_code(code);
        let told = accounts.get(&epoch).zip(lane);
        (
            format!("{:016x}", epoch.cast_unsigned()),
            lane.map_or("unknown", Lane::name),
            reconcile_lane(
                &stored,
                &evicted,
                told.map(|(account, lane)| account.lane(lane))
                    .unwrap_or_default(),
            ),
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
        .prepare(
            "SELECT made_ms, received_ms, content FROM status_record JOIN batch ON batch.key = batch_key
             WHERE status_record.sensor_key = ?1 AND kind = ?2 ORDER BY made_ms DESC, status_record.key DESC LIMIT 1",
        )?
        .query_row(params![key, kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
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
