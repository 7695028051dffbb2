//! The rows that sums are made of: whole days from `day_total`, what is left at both ends from the findings
//! themselves. One row of the result stands for `findings` findings of one rule at one sensor.

use std::ops::Range;

use rusqlite::Transaction;
use rusqlite::types::Value;

use super::super::StoreError;
use super::super::time::to_milliseconds;
use super::DAY_MS;
use super::cells::cells;
use super::conditions::{Conditions, rule_condition, sensor_conditions, severity_condition};
use crate::query::{FindingQuery, RuleFilter};

/// A select of `sensor_key, gid, sid, rev, severity, at_ms, findings, hits, last_ms`, and its values.
pub(super) struct Facts {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// The whole units (days, hours) that lie between two times.
pub(super) fn whole_units(query: &FindingQuery, unit_ms: i64) -> Range<i64> {
    let filter = &query.filter;
    let first = filter.since.map_or(i64::MIN / DAY_MS, |since| {
        let since = to_milliseconds(since);
        since.div_euclid(unit_ms) + i64::from(since.rem_euclid(unit_ms) > 0)
    });
    let end = filter.until.map_or(i64::MAX / DAY_MS, |until| {
        to_milliseconds(until).div_euclid(unit_ms)
    });
    first..end.max(first)
}

/// The facts of a query.
pub(super) fn facts(
    transaction: &Transaction<'_>,
    query: &FindingQuery,
) -> Result<Facts, StoreError> {
    let filter = &query.filter;
    if filter.address.is_some() || filter.host.is_some() {
        return Ok(single_findings(query, &cell_condition(transaction, query)?));
    }
    let days = whole_units(query, DAY_MS);
    if days.is_empty() {
        return Ok(single_findings(query, ""));
    }
    let mut values = vec![Value::from(days.start), Value::from(days.end)];
    let mut parts = vec![
        "day >= ? AND day < ?".to_owned(),
        query.scope.sensor_condition("sensor_key"),
    ];
    parts.extend(sensor_conditions(filter, &mut values));
    if let Some(severity) = &filter.severity {
        parts.push(severity_condition("day_total", severity, &mut values));
    }
    if let Some(rule) = &filter.rule {
        parts.push(rule_condition("day_total", rule, &mut values));
    }
    let mut sql = format!(
        "SELECT sensor_key, day_total.gid AS gid, day_total.sid AS sid, day_total.rev AS rev, day_total.severity AS severity,
                day * {DAY_MS} AS at_ms, findings, hits, last_ms
         FROM day_total {} WHERE {}",
        rule_join(query, "day_total"),
        parts.join(" AND ")
    );
    let (from, until) = (
        days.start.saturating_mul(DAY_MS),
        days.end.saturating_mul(DAY_MS),
    );
    let ends = [
        filter
            .since
            .is_some()
            .then(|| format!(" AND finding.last_ms < {from}")),
        filter
            .until
            .is_some()
            .then(|| format!(" AND finding.last_ms >= {until}")),
    ];
    for end in ends.into_iter().flatten() {
        let edge = single_findings(query, &end);
        sql.push_str(" UNION ALL ");
        sql.push_str(&edge.sql);
        values.extend(edge.values);
    }
    Ok(Facts { sql, values })
}

/// Rule texts are looked at only when the filter asks for words of them.
fn rule_join(query: &FindingQuery, table: &str) -> String {
    match query.filter.rule {
        Some(RuleFilter::Message(_)) => format!(
            "LEFT JOIN rule ON rule.gid = {table}.gid AND rule.sid = {table}.sid AND rule.rev = {table}.rev"
        ),
        _ => String::new(),
    }
}

/// One row a finding.
pub(super) fn single_findings(query: &FindingQuery, further: &str) -> Facts {
    let conditions = Conditions::of(query);
    Facts {
        sql: format!(
            "SELECT finding.sensor_key AS sensor_key, finding.gid AS gid, finding.sid AS sid, finding.rev AS rev,
                    finding.severity AS severity, finding.last_ms AS at_ms, 1 AS findings, finding.hits AS hits,
                    finding.last_ms AS last_ms
             FROM finding {} WHERE {}{further}",
            rule_join(query, "finding"),
            conditions.sql()
        ),
        values: conditions.values,
    }
}

/// The cells of a query as a condition on findings.
fn cell_condition(
    transaction: &Transaction<'_>,
    query: &FindingQuery,
) -> Result<String, StoreError> {
    let cells = cells(transaction, query)?.unwrap_or_default();
    let pairs: Vec<String> = cells
        .iter()
        .flat_map(|cell| {
            cell.sensors
                .iter()
                .map(|sensor| format!("({sensor},{},{})", cell.first_ms(), cell.end_ms()))
        })
        .collect();
    if pairs.is_empty() {
        return Ok(" AND FALSE".to_owned());
    }
    Ok(format!(
        " AND finding.key IN (WITH cell (sensor_key, since, until) AS (VALUES {})
              SELECT found.key FROM cell CROSS JOIN finding AS found INDEXED BY finding_by_sensor
                ON found.sensor_key = cell.sensor_key AND found.last_ms >= since AND found.last_ms < until)",
        pairs.join(",")
    ))
}
