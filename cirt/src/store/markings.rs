//! Labels that people gave to findings, one by one or as a group.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::params;

use super::audit::record;
use super::time::to_milliseconds;
use super::{FindingRow, Store, StoreError};
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

    /// All labels that people gave.
    ///
    /// # Errors
    /// When the database fails.
    pub fn markings(&self) -> Result<Markings, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT subject, tlp FROM marking")?;
            let rows =
                statement.query_map([], |row| Ok((row.get(0)?, Tlp::from_code(row.get(1)?))))?;
            let findings = rows.collect::<Result<_, _>>()?;
            // A group that nobody labelled has a label all the same; only what somebody chose counts.
            let mut statement = transaction.prepare_cached(
                "SELECT gid, sid, tlp FROM finding_group
                 WHERE key IN (SELECT group_key FROM group_event WHERE kind = 'tlp')",
            )?;
            let rows = statement.query_map([], |row| {
                let label: String = row.get(2)?;
                Ok((
                    (row.get(0)?, row.get(1)?),
                    label.parse().unwrap_or(Tlp::Red),
                ))
            })?;
            Ok(Markings {
                findings,
                groups: rows.collect::<Result<_, _>>()?,
            })
        })
    }
}

/// Labels of findings, and of groups of findings.
#[derive(Debug, Default)]
pub struct Markings {
    findings: HashMap<String, Tlp>,
    groups: HashMap<(u32, u32), Tlp>,
}

impl Markings {
    /// The label of a finding: its own, else that of its group.
    #[must_use]
    pub fn of(&self, finding: &FindingRow) -> Option<Tlp> {
        let group = || self.groups.get(&(finding.rule.gid, finding.rule.sid));
        self.findings.get(&finding.id).or_else(group).copied()
    }
}
