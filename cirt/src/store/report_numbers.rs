//! Numbers that only reports ask for: how much was inspected in a stretch of time, how long the work on groups took.

use super::database::params;
use jiff::{SignedDuration, Timestamp};

use super::time::to_milliseconds;
use super::{Store, StoreError};
use crate::query::Scope;

/// What the sensors' summaries of a stretch of time add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Sensors that sent a summary.
    pub sensors: u64,
    pub bytes: u64,
    pub bytes_not_inspected: u64,
    /// Findings that policies kept back.
    pub suppressed: u64,
}

/// How long steps of the work took, each in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkTimes {
    /// From the first packet of a group until it was known here.
    pub detect: Vec<SignedDuration>,
    /// From then until those whom it concerns were told.
    pub notify: Vec<SignedDuration>,
    /// From then until it was closed.
    pub remediate: Vec<SignedDuration>,
}

impl Store {
    /// What was inspected between two times, within a scope.
    ///
    /// # Errors
    /// When the database fails.
    pub fn coverage(
        &self,
        scope: Scope,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Coverage, StoreError> {
        // By sensor, so that the index over sensor, kind and time serves.
        let sql = format!(
            "SELECT count(DISTINCT sensor_key), coalesce(sum(bytes), 0),
                    coalesce(sum(bytes_not_inspected), 0), coalesce(sum(suppressed), 0)
             FROM status_record WHERE sensor_key IN (SELECT key FROM sensor) AND kind = 'summary'
               AND made_ms >= ?1 AND made_ms < ?2 AND {}",
            scope.sensor_condition("sensor_key")
        );
        self.read(|transaction| {
            let values = params![to_milliseconds(since), to_milliseconds(until)];
            let coverage = transaction.prepare(&sql)?.query_row(values, |row| {
                Ok(Coverage {
                    sensors: row.get(0)?,
                    bytes: row.get(1)?,
                    bytes_not_inspected: row.get(2)?,
                    suppressed: row.get(3)?,
                })
            })?;
            Ok(coverage)
        })
    }

    /// How long the work took on groups within a scope that became known between two times.
    ///
    /// # Errors
    /// When the database fails.
    pub fn work_times(
        &self,
        scope: Scope,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<WorkTimes, StoreError> {
        let sql = format!(
            "SELECT created_ms - (SELECT min(first_ms) FROM group_sensor WHERE group_key = finding_group.key),
                    notified_ms - created_ms, closed_ms - created_ms
             FROM finding_group WHERE created_ms >= ?1 AND created_ms < ?2
               AND key IN (SELECT group_key FROM group_sensor WHERE {})",
            scope.sensor_condition("sensor_key")
        );
        let mut times = WorkTimes::default();
        self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let values = params![to_milliseconds(since), to_milliseconds(until)];
            let mut rows = statement.query(values)?;
            while let Some(row) = rows.next()? {
                let lists = [&mut times.detect, &mut times.notify, &mut times.remediate];
                for (index, list) in lists.into_iter().enumerate() {
                    let took: Option<i64> = row.get(index)?;
                    list.extend(took.map(|took| SignedDuration::from_millis(took.max(0))));
                }
            }
            Ok(())
        })?;
        for list in [&mut times.detect, &mut times.notify, &mut times.remediate] {
            list.sort_unstable();
        }
        Ok(times)
    }
}
