//! All that is known of the sensors within a scope, and how each of them is.

use std::collections::HashMap;

use jiff::Timestamp;

use super::time::to_milliseconds;
use super::{Sensor, SensorTotals, Store, StoreError};
use crate::fleet::{Observed, Verdict, a_day_before, condition};
use crate::query::Scope;

/// A sensor, its books, and its condition.
#[derive(Clone, Debug)]
pub struct FleetMember {
    pub sensor: Sensor,
    pub totals: Option<SensorTotals>,
    pub findings_of_a_day: u64,
    pub verdict: Verdict,
}

impl Store {
    /// The sensors within a scope by name. `newest_pack` is the published one and since when.
    ///
    /// # Errors
    /// When the database fails.
    pub fn fleet(
        &self,
        scope: Scope,
        newest_pack: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) -> Result<Vec<FleetMember>, StoreError> {
        let sensors = self.sensors(scope)?;
        let totals = self.sensor_totals(scope)?;
        let lately = self.findings_since(scope, a_day_before(now))?;
        let member = |sensor: Sensor| {
            let totals = totals
                .iter()
                .find(|totals| totals.sensor == sensor.key)
                .cloned();
            let findings_of_a_day = lately.get(&sensor.key.0).copied().unwrap_or_default();
            let verdict = condition(
                &Observed {
                    enrolment: sensor.state,
                    last_contact: sensor.last_contact,
                    health: totals.as_ref().and_then(|totals| totals.health.as_ref()),
                    inspected: totals.as_ref().and_then(|totals| totals.inspected.as_ref()),
                    findings_of_a_day,
                    newest_pack,
                },
                now,
            );
            FleetMember {
                sensor,
                totals,
                findings_of_a_day,
                verdict,
            }
        };
        Ok(sensors.into_iter().map(member).collect())
    }

    /// Findings by sensor since the whole hour that a time lies in.
    fn findings_since(
        &self,
        scope: Scope,
        since: Timestamp,
    ) -> Result<HashMap<i64, u64>, StoreError> {
        let sql = format!(
            "SELECT sensor_key, sum(findings) FROM hour_total WHERE hour >= ?1 AND {} GROUP BY sensor_key",
            scope.sensor_condition("sensor_key")
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let hour = to_milliseconds(since).div_euclid(3_600_000);
            let rows = statement.query_map([hour], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// When a rule pack was last published, as the audit trail tells.
    ///
    /// # Errors
    /// When the database fails.
    pub fn rules_published(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|transaction| {
            let newest: Option<i64> = transaction
                .prepare("SELECT max(at_ms) FROM audit WHERE action = 'rules.publish'")?
                .query_row((), |row| row.get(0))?;
            Ok(newest.map(super::time::from_milliseconds))
        })
    }
}
