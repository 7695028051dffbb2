//! Pages of findings, newest first.

use std::collections::BTreeSet;

use super::super::database::{OptionalRow as _, params};
use lapwing_lake::{Condition, PageEnd, TimeRange};

use super::super::{Store, StoreError};
use super::cells::{cells, days};
use super::question::{lake_scope, question};
use super::row::{FindingRow, finding_rows, parse_id};
use super::totals;
use crate::query::{Cursor, FindingFilter, FindingQuery, Scope};

/// Some findings and where they end.
#[derive(Clone, Debug)]
pub struct FindingPage {
    pub findings: Vec<FindingRow>,
    /// Set when there are more.
    pub next: Option<Cursor>,
}

/// Sensors that are named in a question; more are found faster by looking at all.
const SENSORS_NAMED: usize = 20;

impl Store {
    /// One page of the findings of a query, newest first, beginning after `after`.
    ///
    /// # Errors
    /// When the database fails or the deadline passes.
    pub fn findings(
        &self,
        query: &FindingQuery,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<FindingPage, StoreError> {
        let wanted = limit.saturating_add(1);
        self.read_within(query.deadline, |transaction| {
            let Some(sight) = self.tables().sight(transaction)? else {
                return Ok(FindingPage {
                    findings: Vec::new(),
                    next: None,
                });
            };
            let mut question = question(transaction, query)?;
            let days = match cells(self.tables(), transaction, query)? {
                None => days(transaction)?,
                Some(cells) => {
                    let sensors: BTreeSet<i64> = cells
                        .iter()
                        .flat_map(|cell| cell.sensors.iter().copied())
                        .collect();
                    if sensors.len() <= SENSORS_NAMED {
                        let sensors = sensors.into_iter().collect();
                        question.conditions.push(Condition::Sensors(sensors));
                    }
                    cells.iter().map(|cell| cell.day).collect()
                }
            };
            let after = after.map(|cursor| PageEnd {
                last_ms: cursor.last_milliseconds,
                key: cursor.key,
            });
            let found = sight
                .lake
                .newest(sight.fresh, &question, &days, after, wanted)?;
            let mut findings = finding_rows(transaction, found)?;
            let more = findings.len() > limit;
            findings.truncate(limit);
            let next = findings
                .last()
                .filter(|_| more)
                .map(|finding| finding.cursor);
            Ok(FindingPage { findings, next })
        })
    }

    /// How many findings a query has.
    ///
    /// # Errors
    /// When the database fails or the deadline passes.
    pub fn count_findings(&self, query: &FindingQuery) -> Result<u64, StoreError> {
        if query.filter == FindingFilter::default() {
            return self.findings_total(query.scope);
        }
        self.read_within(query.deadline, |transaction| {
            let mut findings = 0u64;
            totals::each_sum(self.tables(), transaction, query, |sum| {
                findings = findings.saturating_add(sum.findings);
            })?;
            Ok(findings)
        })
    }

    /// One finding within a scope, by its stable name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn finding(&self, scope: Scope, id: &str) -> Result<Option<FindingRow>, StoreError> {
        let Some((identity, epoch, lane, number)) = parse_id(id) else {
            return Ok(None);
        };
        self.read(|transaction| {
            // Which run of records it lies in says its key, and on which days to look.
            let run: Option<(i64, i64, i64, i64, i64)> = transaction
                .prepare(
                    "SELECT first, last, first_key, first_day, last_day FROM finding_run
                     WHERE sensor_key = (SELECT key FROM sensor WHERE identity = ?1) AND epoch = ?2 AND lane = ?3
                       AND first <= ?4 ORDER BY first DESC LIMIT 1",
                )?
                .query_row(params![identity, epoch, lane, number], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                })
                .optional()?;
            let Some((first, _, first_key, first_day, last_day)) =
                run.filter(|(_, last, ..)| number <= *last)
            else {
                return Ok(None);
            };
            let Some(sight) = self.tables().sight(transaction)? else {
                return Ok(None);
            };
            let key = first_key.saturating_add(number.saturating_sub(first));
            let found = sight.lake.one(
                sight.fresh,
                &lake_scope(transaction, scope)?,
                TimeRange::days(first_day, last_day),
                key,
            )?;
            Ok(finding_rows(transaction, found.into_iter().collect())?.pop())
        })
    }
}
