//! Labels that people gave to findings.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::params;

use super::audit::record;
use super::time::to_milliseconds;
use super::{Store, StoreError};
use crate::exchange::Tlp;
use crate::query::Scope;

impl Store {
    /// Marks a finding; it must exist.
    ///
    /// # Errors
    /// When there is no such finding.
    pub fn mark(&self, actor: &str, finding: &str, tlp: Tlp) -> Result<(), StoreError> {
        if self.finding(Scope::Nation, finding)?.is_none() {
            return Err(StoreError::Absent {
                what: "finding",
                name: finding.to_owned(),
            });
        }
        self.write(|transaction| {
            let now = Timestamp::now();
            transaction.execute(
                "INSERT OR REPLACE INTO marking (subject, tlp, set_ms, set_by) VALUES (?1, ?2, ?3, ?4)",
                params![finding, tlp.code(), to_milliseconds(now), actor],
            )?;
            record(transaction, now, actor, "finding.mark", &format!("{finding}: {}", tlp.label()))
        })
    }

    /// The labels of all findings that have one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn markings(&self) -> Result<HashMap<String, Tlp>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT subject, tlp FROM marking")?;
            let rows =
                statement.query_map([], |row| Ok((row.get(0)?, Tlp::from_code(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
