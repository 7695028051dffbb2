//! What happened, in sums: per sensor, per rule, over time.

use jiff::Timestamp;
use lapwing_wire::RuleId;
use rusqlite::types::Value;
use rusqlite::{Transaction, params_from_iter};

use super::super::time::{from_milliseconds, to_milliseconds};
use super::super::{Store, StoreError};
use super::HOUR_MS;
use super::conditions::{sensor_conditions, severity_condition};
use super::totals::{self, Facts};
use crate::limits::{CHART_BARS, TOP_ROWS};
use crate::query::FindingQuery;

/// Sums over the findings that pass a filter.
#[derive(Clone, Debug)]
pub struct Activity {
    pub findings: u64,
    /// Alerts the findings stand for.
    pub hits: u64,
    /// Findings by class of severity, gravest first.
    pub by_severity: [u64; 4],
    pub sensors: Vec<SensorActivity>,
    /// The most frequent rules.
    pub rules: Vec<RuleActivity>,
    /// Width of one bar, seconds.
    pub bar_seconds: i64,
    /// From the first to the last finding without holes, oldest first.
    pub bars: Vec<TimeBar>,
}

/// One sensor's share.
#[derive(Clone, Debug)]
pub struct SensorActivity {
    pub sensor: String,
    /// Title of the tenant where it stands.
    pub tenant: Option<String>,
    pub findings: u64,
    pub hits: u64,
    pub last: Timestamp,
}

/// One rule's share.
#[derive(Clone, Debug)]
pub struct RuleActivity {
    pub rule: RuleId,
    /// Its message, when it was imported.
    pub message: Option<String>,
    pub category: Option<String>,
    pub severity: u8,
    pub findings: u64,
    pub hits: u64,
    /// Sensors that saw it.
    pub sensors: u64,
    pub last: Timestamp,
}

/// Findings of one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBar {
    pub start: Timestamp,
    /// By class of severity, gravest first.
    pub by_severity: [u64; 4],
}

impl TimeBar {
    /// All findings of the bar.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_severity.iter().sum()
    }
}

/// Widths that people can read off an axis, seconds.
const BAR_WIDTHS: [i64; 8] = [
    300,
    900,
    3_600,
    3 * 3_600,
    6 * 3_600,
    24 * 3_600,
    7 * 24 * 3_600,
    28 * 24 * 3_600,
];

impl Store {
    /// Sums over the findings of a query.
    ///
    /// # Errors
    /// When the database fails or the deadline passes.
    pub fn activity(&self, query: &FindingQuery) -> Result<Activity, StoreError> {
        self.read_within(query.deadline, |transaction| {
            let facts = totals::facts(transaction, query)?;
            let sensors = by_sensor(transaction, &facts)?;
            let rules = by_rule(transaction, &facts)?;
            let (bar_seconds, bars) = over_time(transaction, query)?;
            let mut by_severity = [0u64; 4];
            let sql = format!(
                "SELECT min(max(severity, 1), 4), sum(findings) FROM ({}) GROUP BY 1",
                facts.sql
            );
            let mut statement = transaction.prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(&facts.values))?;
            while let Some(row) = rows.next()? {
                let severity: usize = row.get(0)?;
                if let Some(total) = by_severity.get_mut(severity - 1) {
                    *total = row.get(1)?;
                }
            }
            Ok(Activity {
                findings: by_severity.iter().sum(),
                hits: sensors
                    .iter()
                    .fold(0u64, |sum, sensor| sum.saturating_add(sensor.hits)),
                by_severity,
                sensors,
                rules,
                bar_seconds,
                bars,
            })
        })
    }
}

fn by_sensor(
    transaction: &Transaction<'_>,
    facts: &Facts,
) -> Result<Vec<SensorActivity>, StoreError> {
    let sql = format!(
        "SELECT sensor.name, tenant.title, sum(findings), sum(hits), max(last_ms)
         FROM ({}) AS fact JOIN sensor ON sensor.key = fact.sensor_key
         LEFT JOIN tenant ON tenant.key = sensor.tenant_key
         GROUP BY sensor.key ORDER BY 3 DESC, sensor.name",
        facts.sql
    );
    let mut statement = transaction.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(&facts.values), |row| {
        Ok(SensorActivity {
            sensor: row.get(0)?,
            tenant: row.get(1)?,
            findings: row.get(2)?,
            hits: row.get(3)?,
            last: from_milliseconds(row.get(4)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn by_rule(transaction: &Transaction<'_>, facts: &Facts) -> Result<Vec<RuleActivity>, StoreError> {
    let sql = format!(
        "SELECT top.*, rule.message, rule.category FROM (
            SELECT gid, sid, rev, min(severity), sum(findings) AS findings, sum(hits), count(DISTINCT sensor_key),
                   max(last_ms)
            FROM ({}) GROUP BY gid, sid, rev ORDER BY findings DESC, sid LIMIT {TOP_ROWS}) AS top
         LEFT JOIN rule ON rule.gid = top.gid AND rule.sid = top.sid AND rule.rev = top.rev
         ORDER BY findings DESC, top.sid",
        facts.sql
    );
    let mut statement = transaction.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(&facts.values), |row| {
        Ok(RuleActivity {
            rule: RuleId {
                gid: row.get(0)?,
                sid: row.get(1)?,
                rev: row.get(2)?,
            },
            severity: row.get(3)?,
            findings: row.get(4)?,
            hits: row.get(5)?,
            sensors: row.get(6)?,
            last: from_milliseconds(row.get(7)?),
            message: row.get(8)?,
            category: row.get(9)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Bars over time. Hours come from `hour_total` unless a filter asks for what it does not know; then narrow bars are
/// counted one finding at a time, and wide ones by days.
fn over_time(
    transaction: &Transaction<'_>,
    query: &FindingQuery,
) -> Result<(i64, Vec<TimeBar>), StoreError> {
    let filter = &query.filter;
    let facts = totals::facts(transaction, query)?;
    let span: (Option<i64>, Option<i64>) = transaction
        .prepare(&format!(
            "SELECT min(at_ms), max(last_ms) FROM ({})",
            facts.sql
        ))?
        .query_row(params_from_iter(&facts.values), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let (Some(oldest), Some(newest)) = span else {
        return Ok((3_600, Vec::new()));
    };
    let since = filter
        .since
        .map_or(oldest, |since| to_milliseconds(since).max(oldest));
    let (bar_seconds, mut bars) = empty_bars(since, newest);
    let source = if bar_seconds >= 24 * 3_600 {
        facts
    } else if bar_seconds >= 3_600
        && filter.rule.is_none()
        && filter.address.is_none()
        && filter.host.is_none()
    {
        hours(query)
    } else {
        totals::single_findings(query, "")
    };
    let first_bar = bars.first().map_or(0, |bar| to_milliseconds(bar.start));
    let sql = format!(
        "SELECT (at_ms - {first_bar}) / {}, min(max(severity, 1), 4), sum(findings) FROM ({})
         WHERE at_ms >= {first_bar} GROUP BY 1, 2",
        bar_seconds * 1_000,
        source.sql
    );
    let mut statement = transaction.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(&source.values))?;
    while let Some(row) = rows.next()? {
        let (bar, severity): (usize, usize) = (row.get(0)?, row.get(1)?);
        if let Some(cell) = bars
            .get_mut(bar)
            .and_then(|bar| bar.by_severity.get_mut(severity - 1))
        {
            *cell += row.get::<_, u64>(2)?;
        }
    }
    Ok((bar_seconds, bars))
}

/// Whole hours from `hour_total`, and what is left at both ends.
fn hours(query: &FindingQuery) -> Facts {
    let filter = &query.filter;
    let whole = totals::whole_units(query, HOUR_MS);
    if whole.is_empty() {
        return totals::single_findings(query, "");
    }
    let mut values = vec![Value::from(whole.start), Value::from(whole.end)];
    let mut parts = vec![
        "hour >= ? AND hour < ?".to_owned(),
        query.scope.sensor_condition("sensor_key"),
    ];
    parts.extend(sensor_conditions(filter, &mut values));
    if let Some(severity) = &filter.severity {
        parts.push(severity_condition("hour_total", severity, &mut values));
    }
    let mut sql = format!(
        "SELECT severity, hour * {HOUR_MS} AS at_ms, findings FROM hour_total WHERE {}",
        parts.join(" AND ")
    );
    let ends = [
        filter.since.map(|_| {
            format!(
                " AND finding.last_ms < {}",
                whole.start.saturating_mul(HOUR_MS)
            )
        }),
        filter.until.map(|_| {
            format!(
                " AND finding.last_ms >= {}",
                whole.end.saturating_mul(HOUR_MS)
            )
        }),
    ];
    for end in ends.into_iter().flatten() {
        let edge = totals::single_findings(query, &end);
        sql.push_str(&format!(
            " UNION ALL SELECT severity, at_ms, findings FROM ({})",
            edge.sql
        ));
        values.extend(edge.values);
    }
    Facts { sql, values }
}

/// Bars that cover the span, of the narrowest width that needs no more than [`CHART_BARS`]. When even the widest is
/// too narrow, only the newest stretch is drawn.
fn empty_bars(oldest: i64, newest: i64) -> (i64, Vec<TimeBar>) {
    let cap = i64::try_from(CHART_BARS).unwrap_or(i64::MAX);
    let bars_of =
        |width: i64| newest.div_euclid(width * 1_000) - oldest.div_euclid(width * 1_000) + 1;
    let widest = BAR_WIDTHS[BAR_WIDTHS.len() - 1];
    let width = BAR_WIDTHS
        .into_iter()
        .find(|width| bars_of(*width) <= cap)
        .unwrap_or(widest);
    let end = newest.div_euclid(width * 1_000);
    let start = end - bars_of(width).min(cap) + 1;
    let bars = (start..=end)
        .map(|index| TimeBar {
            start: from_milliseconds(index * width * 1_000),
            by_severity: [0; 4],
        })
        .collect();
    (width, bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_cover_the_span_and_stay_within_their_cap() {
        for (oldest, newest) in [
            (0, 0),
            (0, 86_400_000),
            (1, 90 * 86_400_000),
            (0, Timestamp::MAX.as_millisecond()),
        ] {
            let (width, bars) = empty_bars(oldest, newest);
            assert!(bars.len() <= CHART_BARS, "{oldest} {newest}");
            let last = to_milliseconds(bars[bars.len() - 1].start);
            assert!(last <= newest && newest < last + width * 1_000);
        }
    }
}
