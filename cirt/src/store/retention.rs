//! How long findings are kept: days that are over are dropped from the table, by their files; sums of them stay. What was
//! dropped is told in the audit trail.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
pub use lapwing_lake::Dropped as DroppedFindings;

use super::tables::state;
use super::{Store, StoreError};

/// Days since 1970.
fn number_of(day: Date) -> Result<i32, StoreError> {
    Date::constant(1970, 1, 1)
        .until(day)
        .map(|span| span.get_days())
        .map_err(|_| StoreError::Refused(format!("{day}: no day that findings can be of")))
}

impl Store {
    /// Drops the findings of all days before one, and what was seen on them by whole months. Findings whose time nobody believed
    /// stay. What is not in the table yet goes the next time. Whoever makes the table anew from the inbox has them again until then.
    ///
    /// # Errors
    /// When the database or the table cannot be written; it may be asked again.
    pub fn drop_findings_before(
        &self,
        actor: &str,
        day: Date,
    ) -> Result<DroppedFindings, StoreError> {
        let number = number_of(day)?;
        let state = self.read(state)?;
        if state.next_key == 1 {
            return Ok(DroppedFindings::default());
        }
        let dropped = self.tables().open(&state)?.drop_before(number)?;
        if dropped != DroppedFindings::default() {
            self.record_audit(
                actor,
                "findings.drop",
                &format!(
                    "before {day}: {} findings, {} files",
                    dropped.findings, dropped.files
                ),
            )?;
        }
        Ok(dropped)
    }

    /// The same for what is older than so many days.
    ///
    /// # Errors
    /// As [`Store::drop_findings_before`].
    pub fn keep_days(
        &self,
        actor: &str,
        days: u32,
        now: Timestamp,
    ) -> Result<DroppedFindings, StoreError> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let first = today
            .checked_sub(jiff::Span::new().days(i64::from(days)))
            .map_err(|_| StoreError::Refused(format!("{days} days are more than there were")))?;
        self.drop_findings_before(actor, first)
    }
}
