//! Findings in the order in which they were stored, for what reads on and on.

use super::super::tables::state;
use super::super::{Store, StoreError};
use super::row::{FindingRow, finding_rows};

impl Store {
    /// The place of the finding that was stored last; 0 when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest_finding(&self) -> Result<i64, StoreError> {
        self.read(|transaction| Ok(state(transaction)?.next_key - 1))
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
            if after.saturating_add(1) >= state(transaction)?.next_key {
                return Ok(Vec::new());
            }
            let Some(sight) = self.tables().sight(transaction)? else {
                return Ok(Vec::new());
            };
            let found = sight.lake.in_order(sight.fresh, after, limit)?;
            let keys: Vec<i64> = found.iter().map(|finding| finding.key).collect();
            Ok(keys
                .into_iter()
                .zip(finding_rows(transaction, found)?)
                .collect())
        })
    }
}
