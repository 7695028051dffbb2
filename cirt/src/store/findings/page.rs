//! Pages of findings, newest first.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Transaction, params_from_iter};

use super::super::rules;
use super::super::{Store, StoreError};
use super::cells::{Cell, cells};
use super::conditions::Conditions;
use super::row::{COLUMNS, FindingRow, finding_from_row, parse_id};
use super::totals;
use crate::query::{Cursor, FindingFilter, FindingQuery, Scope};

/// Some findings and where they end.
#[derive(Clone, Debug)]
pub struct FindingPage {
    pub findings: Vec<FindingRow>,
    /// Set when there are more.
    pub next: Option<Cursor>,
}

/// Sensors of a cell that are read one index each; more are found faster by time.
const SENSORS_BY_INDEX: usize = 4;

pub(super) const JOINS: &str = "JOIN sensor ON sensor.key = finding.sensor_key
    JOIN batch ON batch.key = finding.batch_key
    LEFT JOIN rule ON rule.gid = finding.gid AND rule.sid = finding.sid AND rule.rev = finding.rev";

/// The newest `limit` findings of a query in one cell, or anywhere.
fn newest(
    transaction: &Transaction<'_>,
    query: &FindingQuery,
    cell: Option<&Cell>,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Vec<FindingRow>, StoreError> {
    let mut conditions = Conditions::of(query);
    if let Some(cursor) = after {
        conditions.add(
            "(finding.last_ms, finding.key) < (?, ?)",
            [
                Value::from(cursor.last_milliseconds),
                Value::from(cursor.key),
            ],
        );
    }
    let mut index = "finding_by_time";
    let mut sensors = String::new();
    if let Some(cell) = cell {
        conditions.add(
            "finding.last_ms >= ? AND finding.last_ms < ?",
            [Value::from(cell.first_ms()), Value::from(cell.end_ms())],
        );
        let keys: Vec<String> = cell.sensors.iter().map(i64::to_string).collect();
        sensors = format!(" AND finding.sensor_key IN ({})", keys.join(","));
        if cell.sensors.len() <= SENSORS_BY_INDEX {
            index = "finding_by_sensor";
        }
    }
    let sql = format!(
        "SELECT {COLUMNS}, {} FROM finding INDEXED BY {index} {JOINS} WHERE {}{sensors}
         ORDER BY finding.last_ms DESC, finding.key DESC LIMIT {limit}",
        rules::COLUMNS,
        conditions.sql(),
    );
    // Not cached: what lies in a cell is part of the text.
    let mut statement = transaction.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(&conditions.values), finding_from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

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
            let mut findings = match cells(transaction, query)? {
                None => newest(transaction, query, None, after, wanted)?,
                Some(cells) => {
                    let mut found = Vec::new();
                    for cell in &cells {
                        if after.is_some_and(|after| after.last_milliseconds < cell.first_ms()) {
                            continue;
                        }
                        let missing = wanted - found.len();
                        found.extend(newest(transaction, query, Some(cell), after, missing)?);
                        if found.len() >= wanted {
                            break;
                        }
                    }
                    found
                }
            };
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
            let facts = totals::facts(transaction, query)?;
            let sql = format!("SELECT coalesce(sum(findings), 0) FROM ({})", facts.sql);
            Ok(transaction
                .prepare(&sql)?
                .query_row(params_from_iter(&facts.values), |row| row.get(0))?)
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
        let sql = format!(
            "SELECT {COLUMNS}, {} FROM finding {JOINS} WHERE finding.sensor_key = (SELECT key FROM sensor WHERE identity = ?1)
             AND finding.epoch = ?2 AND finding.lane = ?3 AND finding.number = ?4 AND {}",
            rules::COLUMNS,
            scope.sensor_condition("finding.sensor_key")
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            Ok(statement
                .query_row((identity, epoch, lane, number), finding_from_row)
                .optional()?)
        })
    }
}
