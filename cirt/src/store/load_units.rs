//! Load units: which fresh findings are written to the table together. Recorded here before they are written, so that
//! a retry writes the same; finished here after they are on the disk, so that a row is never in neither place.

use std::time::Duration;

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;
use lapwing_lake::{Applied, FreshRows};

use super::tables::{State, state};
use super::time::to_milliseconds;
use super::{Store, StoreError};
use crate::limits::{UNIT_AGE, UNIT_FINDINGS};

/// When fresh findings become a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitsAre {
    /// When there are many, or the oldest waits long: commits stay few.
    Large,
    /// Now, however few they are.
    Whatever,
}

/// What was committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitTotals {
    pub units: u64,
    pub findings: u64,
    /// Units that another process, or this one before it was killed, had written already.
    pub before: u64,
}

struct Unit {
    state: State,
    key: i64,
    findings: u64,
    rows: Vec<FreshRows>,
}

impl Store {
    /// Writes the units that are due, one after another.
    ///
    /// # Errors
    /// When the database or the table cannot be written; everything is tried again the next time.
    pub fn commit_units(&self, units: UnitsAre) -> Result<UnitTotals, StoreError> {
        let mut totals = UnitTotals::default();
        while let Some(unit) = self.next_unit(units)? {
            let lake = self.tables().open(&unit.state)?;
            if lake.apply(unit.key, &unit.rows)? == Applied::Before {
                totals.before += 1;
            }
            self.finish_unit(unit.state.generation, unit.key)?;
            totals.units += 1;
            totals.findings += unit.findings;
        }
        Ok(totals)
    }

    /// How many findings no unit has taken into the table yet.
    ///
    /// # Errors
    /// When the database fails.
    pub fn fresh_findings(&self) -> Result<u64, StoreError> {
        self.read(|transaction| {
            Ok(transaction
                .prepare("SELECT coalesce(sum(findings), 0) FROM fresh_finding")?
                .query_row((), |row| row.get(0))?)
        })
    }

    /// The oldest unit that was recorded and not finished, else a new one when it is due.
    fn next_unit(&self, units: UnitsAre) -> Result<Option<Unit>, StoreError> {
        let is_any = self.read(|transaction| {
            Ok(waiting_unit(transaction)?.is_some()
                || is_due(transaction, units, Timestamp::now())?)
        })?;
        if !is_any {
            return Ok(None);
        }
        let recorded = self.write(|transaction| {
            Ok(match waiting_unit(transaction)? {
                Some(key) => Some(key),
                None if is_due(transaction, units, Timestamp::now())? => Some(record(transaction)?),
                None => None,
            })
        })?;
        let Some(key) = recorded else {
            return Ok(None);
        };
        // Without the write lock: batches are acknowledged meanwhile. When another process finishes the unit first there
        // are no rows, and the table says that it has them.
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT findings, rows FROM fresh_finding WHERE unit_key = ?1 ORDER BY batch_key",
            )?;
            let mut rows = statement.query([key])?;
            let mut unit = Unit {
                state: state(transaction)?,
                key,
                findings: 0,
                rows: Vec::new(),
            };
            while let Some(row) = rows.next()? {
                unit.findings += row.get::<u64>(0)?;
                let bytes: Vec<u8> = row.get(1)?;
                unit.rows.push(FreshRows::from_bytes(&bytes)?);
            }
            Ok(Some(unit))
        })
    }

    /// Its rows are in the table and on the disk: they need not stand here any more.
    fn finish_unit(&self, generation: i64, key: i64) -> Result<(), StoreError> {
        self.write(|transaction| {
            if state(transaction)?.generation != generation {
                // A rebuild began meanwhile: what stands here now is of another table.
                return Ok(());
            }
            transaction
                .prepare("DELETE FROM fresh_finding WHERE unit_key = ?1")?
                .execute([key])?;
            transaction
                .prepare("UPDATE load_unit SET committed_ms = ?2 WHERE key = ?1 AND committed_ms IS NULL")?
                .execute(params![key, to_milliseconds(Timestamp::now())])?;
            Ok(())
        })
    }
}

fn waiting_unit(transaction: &Transaction<'_>) -> Result<Option<i64>, StoreError> {
    Ok(transaction
        .prepare("SELECT min(key) FROM load_unit WHERE committed_ms IS NULL")?
        .query_row((), |row| row.get(0))
        .optional()?
        .flatten())
}

fn is_due(
    transaction: &Transaction<'_>,
    units: UnitsAre,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (findings, oldest): (u64, Option<i64>) = transaction
        .prepare(
            "SELECT coalesce(sum(findings), 0), min(loaded_ms) FROM fresh_finding WHERE unit_key IS NULL",
        )?
        .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(oldest) = oldest else {
        return Ok(false);
    };
    let waited = Duration::from_millis(
        u64::try_from(to_milliseconds(now).saturating_sub(oldest)).unwrap_or_default(),
    );
    Ok(units == UnitsAre::Whatever || findings >= UNIT_FINDINGS || waited >= UNIT_AGE)
}

/// Records the next unit: the oldest fresh batches, as many as it may hold and one at least.
fn record(transaction: &Transaction<'_>) -> Result<i64, StoreError> {
    let mut statement = transaction.prepare(
        "SELECT batch_key, findings FROM fresh_finding WHERE unit_key IS NULL ORDER BY batch_key",
    )?;
    let mut rows = statement.query(())?;
    let (mut last, mut findings) = (0i64, 0u64);
    while let Some(row) = rows.next()? {
        if findings >= UNIT_FINDINGS {
            break;
        }
        last = row.get(0)?;
        findings += row.get::<u64>(1)?;
    }
    let key: i64 = transaction.query_row(
        "INSERT INTO load_unit (key, findings, recorded_ms)
         VALUES ((SELECT coalesce(max(key), 0) + 1 FROM load_unit), ?1, ?2) RETURNING key",
        params![findings, to_milliseconds(Timestamp::now())],
        |row| row.get(0),
    )?;
    transaction.execute(
        "UPDATE fresh_finding SET unit_key = ?1 WHERE unit_key IS NULL AND batch_key <= ?2",
        params![key, last],
    )?;
    Ok(key)
}
