//! Findings in the order in which they were stored, for what reads on and on.

use rusqlite::params;

use super::super::rules;
use super::super::{Store, StoreError};
use super::page::JOINS;
use super::row::{COLUMNS, FindingRow, finding_from_row};

impl Store {
    /// The place of the finding that was stored last; 0 when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest_finding(&self) -> Result<i64, StoreError> {
        self.read(|transaction| {
            let sql = "SELECT coalesce(max(key), 0) FROM finding";
            Ok(transaction.query_row(sql, [], |row| row.get(0))?)
        })
    }

    /// Findings stored behind a place, at most `limit`, each with its place.
    ///
    /// # Errors
    /// When the database fails.
    pub fn findings_in_order(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, FindingRow)>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS}, {} FROM finding {JOINS} WHERE finding.key > ?1 ORDER BY finding.key LIMIT ?2",
                rules::COLUMNS
            );
            let mut statement = transaction.prepare_cached(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![after, limit], |row| Ok((row.get(0)?, finding_from_row(row)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
