//! What happened, in sums: per sensor, per rule, over time.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::database::Value;
use super::super::database::{OptionalRow as _, Transaction, listed};
use jiff::Timestamp;
use lapwing_wire::RuleId;

use super::super::tables::Tables;
use super::super::time::{from_milliseconds, to_milliseconds};
use super::super::{Store, StoreError};
use super::conditions::sum_conditions;
use super::question::question;
use super::totals;
use super::{DAY_MS, HOUR_MS};
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

/// What one walk over the facts adds up to.
#[derive(Default)]
struct Sums {
    by_severity: [u64; 4],
    sensors: HashMap<i64, Part>,
    rules: HashMap<(u32, u32, u32), RulePart>,
    /// By day, for bars that are at least as wide.
    days: BTreeMap<i64, [u64; 4]>,
    span: Option<(i64, i64)>,
}

#[derive(Clone, Copy, Default)]
struct Part {
    findings: u64,
    hits: u64,
    last: i64,
}

#[derive(Default)]
struct RulePart {
    part: Part,
    severity: u8,
    sensors: HashSet<i64>,
}

impl Part {
    fn add(&mut self, findings: u64, hits: u64, last: i64) {
        self.findings = self.findings.saturating_add(findings);
        self.hits = self.hits.saturating_add(hits);
        self.last = self.last.max(last);
    }
}

impl Sums {
    fn add(&mut self, sum: &totals::Sum) {
        let class = usize::from(sum.severity.clamp(1, 4) - 1);
        if let Some(total) = self.by_severity.get_mut(class) {
            *total = total.saturating_add(sum.findings);
        }
        self.sensors
            .entry(sum.sensor)
            .or_default()
            .add(sum.findings, sum.hits, sum.last_ms);
        let [gid, sid, rev] = sum.rule;
        let rule = self
            .rules
            .entry((gid, sid, rev))
            .or_insert_with(|| RulePart {
                severity: sum.severity,
                ..RulePart::default()
            });
        rule.part.add(sum.findings, sum.hits, sum.last_ms);
        rule.severity = rule.severity.min(sum.severity);
        rule.sensors.insert(sum.sensor);
        let day = self.days.entry(sum.at_ms.div_euclid(DAY_MS)).or_default();
        if let Some(total) = day.get_mut(class) {
            *total = total.saturating_add(sum.findings);
        }
        let (oldest, newest) = self.span.unwrap_or((sum.at_ms, sum.last_ms));
        self.span = Some((oldest.min(sum.at_ms), newest.max(sum.last_ms)));
    }

    /// The sensors by name, the most findings first.
    fn sensors(&self, transaction: &Transaction<'_>) -> Result<Vec<SensorActivity>, StoreError> {
        let mut statement = transaction.prepare(
            "SELECT sensor.key, sensor.name, tenant.title FROM sensor LEFT JOIN tenant ON tenant.key = sensor.tenant_key",
        )?;
        let mut rows = statement.query(())?;
        let mut sensors = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(part) = self.sensors.get(&row.get(0)?) {
                sensors.push(SensorActivity {
                    sensor: row.get(1)?,
                    tenant: row.get(2)?,
                    findings: part.findings,
                    hits: part.hits,
                    last: from_milliseconds(part.last),
                });
            }
        }
        sensors.sort_by(|a, b| {
            b.findings
                .cmp(&a.findings)
                .then_with(|| a.sensor.cmp(&b.sensor))
        });
        Ok(sensors)
    }

    /// The most frequent rules, with what is known of them.
    fn rules(&self, transaction: &Transaction<'_>) -> Result<Vec<RuleActivity>, StoreError> {
        let mut sorted: Vec<(&(u32, u32, u32), &RulePart)> = self.rules.iter().collect();
        sorted.sort_by_key(|(rule, sum)| (std::cmp::Reverse(sum.part.findings), rule.1, **rule));
        sorted.truncate(TOP_ROWS);
        let mut statement = transaction.prepare(
            "SELECT message, category FROM rule WHERE gid = ?1 AND sid = ?2 AND rev = ?3",
        )?;
        let mut rules = Vec::with_capacity(sorted.len());
        for ((gid, sid, rev), sum) in sorted {
            let known: Option<(String, Option<String>)> = statement
                .query_row([gid, sid, rev], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (message, category) = known.map_or((None, None), |(message, category)| {
                (Some(message), category)
            });
            rules.push(RuleActivity {
                rule: RuleId {
                    gid: *gid,
                    sid: *sid,
                    rev: *rev,
                },
                message,
                category,
                severity: sum.severity,
                findings: sum.part.findings,
                hits: sum.part.hits,
                sensors: sum.sensors.len() as u64,
                last: from_milliseconds(sum.part.last),
            });
        }
        Ok(rules)
    }
}

impl Store {
    /// Sums over the findings of a query.
    ///
    /// # Errors
    /// When the database fails or the deadline passes.
    pub fn activity(&self, query: &FindingQuery) -> Result<Activity, StoreError> {
        self.read_within(query.deadline, |transaction| {
            let mut sums = Sums::default();
            totals::each_sum(self.tables(), transaction, query, |sum| sums.add(&sum))?;
            let (bar_seconds, bars) = over_time(self.tables(), transaction, query, &sums)?;
            let hits = sums.sensors.values();
            Ok(Activity {
                findings: sums.by_severity.iter().sum(),
                hits: hits.fold(0u64, |sum, part| sum.saturating_add(part.hits)),
                by_severity: sums.by_severity,
                sensors: sums.sensors(transaction)?,
                rules: sums.rules(transaction)?,
                bar_seconds,
                bars,
            })
        })
    }
}

/// Bars over time. Wide ones come from the walk, hours from `hour_total` unless a filter asks for what it does not
/// know; else each finding is counted.
fn over_time(
    tables: &Tables,
    transaction: &Transaction<'_>,
    query: &FindingQuery,
    sums: &Sums,
) -> Result<(i64, Vec<TimeBar>), StoreError> {
    let filter = &query.filter;
    let Some((oldest, newest)) = sums.span else {
        return Ok((3_600, Vec::new()));
    };
    let since = filter
        .since
        .map_or(oldest, |since| to_milliseconds(since).max(oldest));
    let (bar_seconds, mut bars) = empty_bars(since, newest);
    let first_bar = bars.first().map_or(0, |bar| to_milliseconds(bar.start));
    let width_ms = bar_seconds * 1_000;
    let mut add = |at: i64, class: usize, findings: u64| {
        let bar = usize::try_from((at - first_bar).div_euclid(width_ms)).ok();
        let cell = bar
            .and_then(|bar| bars.get_mut(bar))
            .and_then(|bar| bar.by_severity.get_mut(class));
        if let Some(cell) = cell {
            *cell += findings;
        }
    };
    if width_ms >= DAY_MS {
        for (day, by_severity) in &sums.days {
            for (class, findings) in by_severity.iter().enumerate() {
                add(day.saturating_mul(DAY_MS), class, *findings);
            }
        }
        return Ok((bar_seconds, bars));
    }
    let Some(sight) = tables.sight(transaction)? else {
        return Ok((bar_seconds, bars));
    };
    let mut question = question(transaction, query)?;
    let knows_hours = filter.rule.is_none() && filter.address.is_none() && filter.host.is_none();
    let mut add_bar = |index: i64, severity: u8, findings: u64| {
        let at = first_bar.saturating_add(index.saturating_mul(width_ms));
        add(at, usize::from(severity.clamp(1, 4) - 1), findings);
    };
    if width_ms < HOUR_MS || !knows_hours {
        totals::bars(&sight, &question, first_bar, width_ms, add_bar)?;
        return Ok((bar_seconds, bars));
    }
    // Whole hours, and what is left at both ends.
    let whole = totals::whole_units(query, HOUR_MS);
    let time = question.time;
    for end in totals::ends(time, &whole, HOUR_MS) {
        question.time = end;
        totals::bars(&sight, &question, first_bar, width_ms, &mut add_bar)?;
    }
    let mut values = vec![Value::from(whole.start), Value::from(whole.end)];
    let mut parts = vec!["hour >= ? AND hour < ?".to_owned()];
    parts.extend(sum_conditions(query, "hour_total", &mut values));
    let sql = format!(
        "SELECT (hour * {HOUR_MS} - {first_bar}) / {width_ms}, severity, sum(findings) FROM hour_total
         WHERE {} AND hour * {HOUR_MS} >= {first_bar} GROUP BY 1, 2",
        parts.join(" AND ")
    );
    let mut statement = transaction.prepare(&sql)?;
    let mut rows = statement.query(listed(&values))?;
    while let Some(row) = rows.next()? {
        add_bar(row.get(0)?, row.get(1)?, row.get(2)?);
    }
    Ok((bar_seconds, bars))
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
