//! The audit trail: append-only, and the database itself refuses to change it.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};

/// One line of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// A user's name, `cli:<system user>`, or `centre`.
    pub actor: String,
    /// What was done, for example `sensor.approve`.
    pub action: String,
    /// What it was done to.
    pub subject: String,
}

/// Adds a line, in the transaction of the act itself: what is done is written down, what fails is not.
pub(super) fn record(
    transaction: &Transaction<'_>,
    at: Timestamp,
    actor: &str,
    action: &str,
    subject: &str,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO audit (at_ms, actor, action, subject) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![to_milliseconds(at), actor, action, subject])?;
    Ok(())
}

impl Store {
    /// The newest lines of the trail, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn audit_trail(&self, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT at_ms, actor, action, subject FROM audit ORDER BY id DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok(AuditEntry {
                    at: from_milliseconds(row.get(0)?),
                    actor: row.get(1)?,
                    action: row.get(2)?,
                    subject: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes down an act that changes nothing else in the database.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record_audit(&self, actor: &str, action: &str, subject: &str) -> Result<(), StoreError> {
        self.write(|transaction| record(transaction, Timestamp::now(), actor, action, subject))
    }
}
