//! Where a filter finds anything at all: days, newest first, each with the sensors that have something on it.

use rusqlite::types::Value;
use rusqlite::{Transaction, params_from_iter};

use super::super::StoreError;
use super::DAY_MS;
use super::conditions::{
    address_range, host_range, rule_condition, sensor_conditions, severity_condition,
};
use super::sightings::SightingKind;
use crate::limits::CELLS;
use crate::query::FindingQuery;
use crate::store::time::to_milliseconds;

/// One day and the sensors that have something on it.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) day: i64,
    pub(super) sensors: Vec<i64>,
}

impl Cell {
    pub(super) const fn first_ms(&self) -> i64 {
        self.day.saturating_mul(DAY_MS)
    }

    pub(super) const fn end_ms(&self) -> i64 {
        self.first_ms().saturating_add(DAY_MS)
    }
}

/// The cells of a query, newest day first; none when the query has no filter that a small table could answer.
pub(super) fn cells(
    transaction: &Transaction<'_>,
    query: &FindingQuery,
) -> Result<Option<Vec<Cell>>, StoreError> {
    let filter = &query.filter;
    let mut values = Vec::<Value>::new();
    let mut parts = vec![query.scope.sensor_condition("sensor_key")];
    parts.extend(sensor_conditions(filter, &mut values));
    if let Some(since) = filter.since {
        parts.push("day >= ?".to_owned());
        values.push(Value::from(to_milliseconds(since).div_euclid(DAY_MS)));
    }
    if let Some(until) = filter.until {
        parts.push("day <= ?".to_owned());
        values.push(Value::from(to_milliseconds(until).div_euclid(DAY_MS)));
    }
    let from = if let Some(host) = &filter.host {
        let (exact, below, after) = host_range(host);
        parts.push("kind = ? AND (value = ? OR (value >= ? AND value < ?))".to_owned());
        values.push(Value::from(SightingKind::Host.code()));
        values.extend([exact, below, after]);
        "sighting"
    } else if let Some(network) = filter.address {
        let (first, last) = address_range(network);
        parts.push("kind IN (0, 1) AND value BETWEEN ? AND ?".to_owned());
        values.extend([first, last]);
        "sighting"
    } else if filter.rule.is_some()
        || filter.severity.is_some()
        || filter.sensor.is_some()
        || filter.tenant.is_some()
    {
        if let Some(severity) = &filter.severity {
            parts.push(severity_condition("day_total", severity, &mut values));
        }
        if let Some(rule) = &filter.rule {
            parts.push(rule_condition("day_total", rule, &mut values));
        }
        "day_total LEFT JOIN rule USING (gid, sid, rev)"
    } else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT DISTINCT day, sensor_key FROM {from} WHERE {} ORDER BY day DESC, sensor_key LIMIT {CELLS}",
        parts.join(" AND ")
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&values))?;
    let mut cells = Vec::<Cell>::new();
    while let Some(row) = rows.next()? {
        let (day, sensor) = (row.get(0)?, row.get(1)?);
        match cells.last_mut() {
            Some(cell) if cell.day == day => cell.sensors.push(sensor),
            _ => cells.push(Cell {
                day,
                sensors: vec![sensor],
            }),
        }
    }
    Ok(Some(cells))
}
