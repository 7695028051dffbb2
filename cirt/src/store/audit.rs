//! The audit trail: append-only, and edits behind the program's back are seen.
//!
//! The database refuses to change or delete a line (triggers). Whoever holds the file can take the triggers away; so
//! each line holds the SHA-256 of the digest before it and of its own content. [`Store::verify_audit`] computes the
//! chain anew. A rewritten chain is found by a head that was written down elsewhere.

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

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

/// What the chain says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    pub lines: u64,
    /// Digest of the whole trail.
    pub head: [u8; 32],
    /// The first line that is not what it was, counted from 1.
    pub broken_at: Option<u64>,
}

/// The chain's next digest. Lengths are part of it, so that no two lines read alike.
fn link(previous: &[u8; 32], at_milliseconds: i64, texts: [&str; 3]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(at_milliseconds.to_be_bytes());
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

/// Adds a line, in the transaction of the act itself: what is done is written down, what fails is not.
pub(super) fn record(
    transaction: &Transaction<'_>,
    at: Timestamp,
    actor: &str,
    action: &str,
    subject: &str,
) -> Result<(), StoreError> {
    let newest: Option<Option<[u8; 32]>> = transaction
        .prepare("SELECT digest FROM audit ORDER BY id DESC LIMIT 1")?
        .query_row((), |row| row.get(0))
        .optional()?;
    let previous = match newest {
        None => [0; 32],
        Some(Some(digest)) => digest,
        // Lines from before the chain: its first link covers them all.
        Some(None) => walk(transaction)?.head,
    };
    let digest = link(&previous, to_milliseconds(at), [actor, action, subject]);
    transaction
        .prepare(
            "INSERT INTO audit (at_ms, actor, action, subject, digest) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![to_milliseconds(at), actor, action, subject, digest])?;
    Ok(())
}

/// Computes the chain over all lines.
fn walk(transaction: &Transaction<'_>) -> Result<AuditVerdict, StoreError> {
    let mut statement = transaction
        .prepare("SELECT at_ms, actor, action, subject, digest FROM audit ORDER BY id")?;
    let mut rows = statement.query(())?;
    let mut verdict = AuditVerdict {
        lines: 0,
        head: [0; 32],
        broken_at: None,
    };
    let mut chained = false;
    while let Some(row) = rows.next()? {
        verdict.lines += 1;
        let texts: [String; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
        let [actor, action, subject] = &texts;
        let expected = link(&verdict.head, row.get(0)?, [actor, action, subject]);
        let stored: Option<[u8; 32]> = row.get(4)?;
        let right = match stored {
            Some(digest) => digest == expected,
            None => !chained,
        };
        chained |= stored.is_some();
        if !right && verdict.broken_at.is_none() {
            verdict.broken_at = Some(verdict.lines);
        }
        verdict.head = stored.unwrap_or(expected);
    }
    Ok(verdict)
}

impl Store {
    /// The newest lines of the trail, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn audit_trail(&self, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
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

    /// Checks that no line was changed, taken out or put in.
    ///
    /// # Errors
    /// When the database fails.
    pub fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        self.read(walk)
    }

    /// Writes down an act that changes nothing else in the database.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record_audit(&self, actor: &str, action: &str, subject: &str) -> Result<(), StoreError> {
        self.write(|transaction| record(transaction, Timestamp::now(), actor, action, subject))
    }
}
