//! What happened, in sums: per sensor, per rule, over time.

use jiff::Timestamp;
use lapwing_wire::RuleId;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::read_findings::{Conditions, FROM};
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
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
    /// Sums over the findings that pass the filter.
    ///
    /// # Errors
    /// When the database fails.
    pub fn activity(&self, query: &FindingQuery) -> Result<Activity, StoreError> {
        let conditions = Conditions::of(query);
        let condition = conditions.sql();
        let values = &conditions.values;
        self.read_within(query.deadline, |transaction| {
            let sql = format!(
                "SELECT count(*), coalesce(sum(hits), 0), min(last_ms), max(last_ms) {FROM} WHERE {condition}"
            );
            let (findings, hits, oldest, newest): (u64, u64, Option<i64>, Option<i64>) = transaction
                .prepare_cached(&sql)?
                .query_row(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;

            let sql = format!(
                "SELECT sensor.name, count(*), sum(hits), max(last_ms) {FROM} WHERE {condition}
                 GROUP BY sensor.key ORDER BY count(*) DESC, sensor.name"
            );
            let sensors = transaction
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), |row| {
                    Ok(SensorActivity {
                        sensor: row.get(0)?,
                        findings: row.get(1)?,
                        hits: row.get(2)?,
                        last: from_milliseconds(row.get(3)?),
                    })
                })?
                .collect::<Result<_, _>>()?;

            let sql = format!(
                "SELECT finding.gid, finding.sid, finding.rev, max(rule.message), min(finding.severity), count(*),
                        sum(hits), count(DISTINCT finding.sensor_key), max(last_ms)
                 {FROM} WHERE {condition} GROUP BY finding.gid, finding.sid, finding.rev
                 ORDER BY count(*) DESC, finding.sid LIMIT {TOP_ROWS}"
            );
            let rules = transaction
                .prepare_cached(&sql)?
                .query_map(params_from_iter(values), |row| {
                    Ok(RuleActivity {
                        rule: RuleId { gid: row.get(0)?, sid: row.get(1)?, rev: row.get(2)? },
                        message: row.get(3)?,
                        severity: row.get(4)?,
                        findings: row.get(5)?,
                        hits: row.get(6)?,
                        sensors: row.get(7)?,
                        last: from_milliseconds(row.get(8)?),
                    })
                })?
                .collect::<Result<_, _>>()?;

            let span = oldest.zip(newest).map(|(oldest, newest)| {
                let since = query.filter.since.map_or(oldest, |since| to_milliseconds(since).max(oldest));
                (since, newest)
            });
            let (bar_seconds, mut bars) = span.map_or((3_600, Vec::new()), |(oldest, newest)| empty_bars(oldest, newest));
            let first_bar = bars.first().map_or(0, |bar| to_milliseconds(bar.start));
            let sql = format!(
                "SELECT (last_ms - ?) / ?, min(max(finding.severity, 1), 4), count(*) {FROM} WHERE {condition} GROUP BY 1, 2"
            );
            let mut bar_values = vec![Value::from(first_bar), Value::from(bar_seconds * 1_000)];
            bar_values.extend(values.iter().cloned());
            let mut by_severity = [0u64; 4];
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(&bar_values), |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, usize>(1)?, row.get::<_, u64>(2)?))
            })?;
            for row in rows {
                let (bar, severity, count) = row?;
                if let Some(total) = by_severity.get_mut(severity - 1) {
                    *total += count;
                }
                let bar = usize::try_from(bar).ok().and_then(|bar| bars.get_mut(bar));
                if let Some(cell) = bar.and_then(|bar| bar.by_severity.get_mut(severity - 1)) {
                    *cell += count;
                }
            }
            Ok(Activity { findings, hits, by_severity, sensors, rules, bar_seconds, bars })
        })
    }
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
