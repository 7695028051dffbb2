//! Labels that people gave to findings, one by one or as a group.

use std::collections::HashMap;

use super::database::{OptionalRow as _, Transaction, params};
use jiff::Timestamp;

use super::audit::record;
use super::time::to_milliseconds;
use super::withdrawals::withdraw;
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
                "INSERT INTO marking (subject, tlp, set_ms, set_by) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (subject) DO UPDATE SET tlp = excluded.tlp, set_ms = excluded.set_ms, set_by = excluded.set_by",
                params![finding, tlp.code(), to_milliseconds(now), actor],
            )?;
            record(transaction, now, actor, "finding.mark", &format!("{finding}: {}", tlp.label()))?;
            withdraw(transaction, &[finding.to_owned()], tlp, now).map(drop)
        })
    }

    /// All labels that people gave.
    ///
    /// # Errors
    /// When the database fails.
    pub fn markings(&self) -> Result<Markings, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare("SELECT subject, tlp FROM marking")?;
            let rows =
                statement.query_map((), |row| Ok((row.get(0)?, Tlp::from_code(row.get(1)?))))?;
            let findings = rows.collect::<Result<_, _>>()?;
            // A group that nobody labelled has a label all the same; only what somebody chose counts.
            let mut statement = transaction.prepare(
                "SELECT gid, sid, tlp FROM finding_group
                 WHERE key IN (SELECT group_key FROM group_event WHERE kind = 'tlp')",
            )?;
            let rows = statement.query_map((), |row| {
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

/// What a new label of a group takes back: all that is published of its findings, but of those that have a label of their own.
pub(super) fn relabel_group(
    transaction: &Transaction<'_>,
    group: i64,
    tlp: Tlp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare(
        "SELECT DISTINCT about FROM collection_object WHERE about IS NOT NULL AND tlp < ?1",
    )?;
    let published = statement.query_map([tlp.code()], |row| row.get(0))?;
    let published: Vec<String> = published.collect::<Result<_, _>>()?;
    let mut is_of_group = transaction.prepare(
        "SELECT 1 FROM published_finding JOIN finding_group USING (gid, sid)
         WHERE finding_group.key = ?1 AND finding = ?2 AND NOT EXISTS (SELECT 1 FROM marking WHERE subject = ?2)",
    )?;
    let mut findings = Vec::new();
    for finding in published {
        if is_of_group.exists(params![group, finding])? {
            findings.push(finding);
        }
    }
    withdraw(transaction, &findings, tlp, now).map(drop)
}

/// The label that people gave to a finding of which something is published, itself or with its group.
pub(super) fn label_of(
    transaction: &Transaction<'_>,
    finding: &str,
) -> Result<Option<Tlp>, StoreError> {
    let own: Option<u8> = transaction
        .prepare("SELECT tlp FROM marking WHERE subject = ?1")?
        .query_row([finding], |row| row.get(0))
        .optional()?;
    if let Some(code) = own {
        return Ok(Some(Tlp::from_code(code)));
    }
    let of_group: Option<String> = transaction
        .prepare(
            "SELECT finding_group.tlp FROM published_finding JOIN finding_group USING (gid, sid)
             WHERE finding = ?1 AND finding_group.key IN (SELECT group_key FROM group_event WHERE kind = 'tlp')",
        )?
        .query_row([finding], |row| row.get(0))
        .optional()?;
    Ok(of_group.map(|label| label.parse().unwrap_or(Tlp::Red)))
}

impl Store {
    /// Findings that were taken back and wait to be published under their new label.
    ///
    /// # Errors
    /// When the database fails.
    pub fn relabelled(&self, limit: usize) -> Result<Vec<String>, StoreError> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare("SELECT finding FROM relabelled ORDER BY finding LIMIT ?1")?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map([limit], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes down that one is published anew under a label, unless it has become stricter again meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub fn published_anew(&self, finding: &str, tlp: Tlp) -> Result<(), StoreError> {
        self.write(|transaction| {
            if label_of(transaction, finding)?.is_some_and(|label| label > tlp) {
                return Ok(());
            }
            transaction.execute("DELETE FROM relabelled WHERE finding = ?1", [finding])?;
            Ok(())
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
