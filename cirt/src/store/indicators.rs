//! Indicators that came from others: reading them, and what people decide. How they come in is in [`super::take_indicators`].

use super::database::{Row, params};
use jiff::Timestamp;

use super::audit::record;
use super::time::{from_milliseconds, to_milliseconds};
use super::withdrawals::withdraw_indicators;
use super::{Store, StoreError};
use crate::exchange::Tlp;
use crate::exchange::indicator::{Indicator, IndicatorState, Wanted};

const COLUMNS: &str = "number, indicator.kind, value, peer.name, name_there, comment, tlp, severity, state, reason, received_ms,
    until_ms";
const FROM: &str = "FROM indicator JOIN peer ON peer.key = indicator.peer_key";

impl Store {
    /// A person decides about indicators that are not retired. How many were changed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn decide_indicators(
        &self,
        actor: &str,
        numbers: &[u32],
        state: IndicatorState,
        reason: &str,
    ) -> Result<usize, StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let mut changed = 0;
            for number in numbers {
                changed += transaction.execute(
                    "UPDATE indicator SET state = ?2, reason = ?3, decided_ms = ?4, decided_by = ?5
                     WHERE number = ?1 AND state <> 'retired' AND state <> ?2",
                    params![number, state.name(), reason, to_milliseconds(now), actor],
                )?;
                record(
                    transaction,
                    now,
                    actor,
                    "indicator.decide",
                    &format!("{number}: {}, {reason}", state.name()),
                )?;
            }
            withdraw_indicators(transaction, now)?;
            Ok(changed)
        })
    }

    /// Indicators in a state, by number, from behind `after` on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn indicators(
        &self,
        state: IndicatorState,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Indicator>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS} {FROM} WHERE state = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
            );
            let mut statement = transaction.prepare(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows =
                statement.query_map(params![state.name(), after, limit], indicator_from_row)?;
            rows.map(|row| row?).collect()
        })
    }

    /// Every indicator, of any peer, that names the same as the one of this number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn indicators_like(&self, number: u32) -> Result<Vec<Indicator>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS} {FROM} WHERE (indicator.kind, value) = (SELECT kind, value FROM indicator WHERE number = ?1)
                 ORDER BY number"
            );
            let mut statement = transaction.prepare(&sql)?;
            let rows = statement.query_map([number], indicator_from_row)?;
            rows.map(|row| row?).collect()
        })
    }

    /// Approved indicators that are not published yet and may be, by number from behind `after` on: our own, and of others what the
    /// community may have.
    ///
    /// # Errors
    /// When the database fails.
    pub fn unpublished_indicators(
        &self,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Indicator>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS} {FROM} WHERE state = 'approved' AND published = 0 AND number > ?3
                    AND (peer.kind = 'own' OR tlp <= ?1) ORDER BY number LIMIT ?2"
            );
            let mut statement = transaction.prepare(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement
                .query_map(params![Tlp::Green.code(), limit, after], indicator_from_row)?;
            rows.map(|row| row?).collect()
        })
    }

    /// Published indicators, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn published_indicators(&self, limit: usize) -> Result<Vec<Indicator>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS} {FROM} WHERE state = 'approved' AND published = 1 ORDER BY number DESC LIMIT ?1"
            );
            let mut statement = transaction.prepare(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map([limit], indicator_from_row)?;
            rows.map(|row| row?).collect()
        })
    }

    /// Writes down that indicators are published.
    ///
    /// # Errors
    /// When the database fails.
    pub fn indicators_published(&self, numbers: &[u32]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut update =
                transaction.prepare("UPDATE indicator SET published = 1 WHERE number = ?1")?;
            for number in numbers {
                update.execute([number])?;
            }
            Ok(())
        })
    }

    /// Retires what has run out. How many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn retire_expired_indicators(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write(|transaction| {
            let retired = transaction.execute(
                "UPDATE indicator SET state = 'retired', reason = 'it has run out', decided_ms = ?1, decided_by = 'centre'
                 WHERE state IN ('waiting', 'approved') AND until_ms <= ?1",
                [to_milliseconds(now)],
            )?;
            withdraw_indicators(transaction, now)?;
            Ok(retired)
        })
    }
}

fn indicator_from_row(row: &Row<'_>) -> super::database::Result<Result<Indicator, StoreError>> {
    let (kind, value, state): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(8)?);
    let Some(wanted) = Wanted::stored(&kind, value) else {
        return Ok(Err(StoreError::Unreadable("indicator")));
    };
    Ok(Ok(Indicator {
        number: row.get(0)?,
        wanted,
        peer: row.get(3)?,
        name_there: row.get(4)?,
        comment: row.get(5)?,
        tlp: Tlp::from_code(row.get(6)?),
        severity: row.get(7)?,
        state: IndicatorState::from_name(&state),
        reason: row.get(9)?,
        received: from_milliseconds(row.get(10)?),
        until: row.get::<Option<i64>>(11)?.map(from_milliseconds),
    }))
}
