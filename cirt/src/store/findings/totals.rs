//! What sums are made of: whole days from `day_total`, what is left at both ends from the findings themselves.

use std::ops::Range;

use super::super::database::Value;
use super::super::database::{Transaction, listed};
use lapwing_lake::{Condition, Question, Tally, TimeRange};

use super::super::StoreError;
use super::super::tables::{Sight, Tables};
use super::super::time::to_milliseconds;
use super::DAY_MS;
use super::cells::cells;
use super::conditions::sum_conditions;
use super::question::question;
use crate::query::{FindingQuery, RuleFilter};

/// Findings of one rule at one sensor on one day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    pub(super) sensor: i64,
    /// gid, sid, rev.
    pub(super) rule: [u32; 3],
    pub(super) severity: u8,
    /// Within its day, not behind any of the findings.
    pub(super) at_ms: i64,
    pub(super) findings: u64,
    pub(super) hits: u64,
    pub(super) last_ms: i64,
}

impl From<Tally> for Sum {
    fn from(tally: Tally) -> Self {
        Self {
            sensor: tally.sensor_key,
            rule: [tally.rule.gid, tally.rule.sid, tally.rule.rev],
            severity: tally.severity,
            at_ms: tally.first_last_ms,
            findings: tally.findings,
            hits: tally.hits,
            last_ms: tally.last_ms,
        }
    }
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

/// The stretches before and behind some whole units, where the query does not begin or end with one. Without a bound
/// there is nothing outside.
pub(super) fn ends(time: TimeRange, whole: &Range<i64>, unit_ms: i64) -> [TimeRange; 2] {
    const NOTHING: TimeRange = TimeRange {
        from_ms: 0,
        until_ms: 0,
    };
    let before = TimeRange {
        from_ms: i64::MIN,
        until_ms: whole.start.saturating_mul(unit_ms),
    };
    let behind = TimeRange {
        from_ms: whole.end.saturating_mul(unit_ms),
        until_ms: i64::MAX,
    };
    [
        if time.from_ms == i64::MIN {
            NOTHING
        } else {
            before.within(time)
        },
        if time.until_ms == i64::MAX {
            NOTHING
        } else {
            behind.within(time)
        },
    ]
}

/// Hands all sums of a query to `take`.
pub(super) fn each_sum(
    tables: &Tables,
    transaction: &Transaction<'_>,
    query: &FindingQuery,
    mut take: impl FnMut(Sum),
) -> Result<(), StoreError> {
    let filter = &query.filter;
    let Some(sight) = tables.sight(transaction)? else {
        return Ok(());
    };
    let mut question = question(transaction, query)?;
    let mut of_table = |question: &Question| -> Result<(), StoreError> {
        let tallies = sight.lake.tallies(sight.fresh.clone(), question, DAY_MS)?;
        tallies.into_iter().for_each(|tally| take(tally.into()));
        Ok(())
    };
    if filter.address.is_some() || filter.host.is_some() {
        if narrow(tables, transaction, query, &mut question)? {
            of_table(&question)?;
        }
        return Ok(());
    }
    let days = whole_units(query, DAY_MS);
    if days.is_empty() {
        return of_table(&question);
    }
    let time = question.time;
    for end in ends(time, &days, DAY_MS) {
        if !end.is_empty() {
            question.time = end;
            of_table(&question)?;
        }
    }
    of_days(transaction, query, days, take)
}

/// Narrows a question to the days and sensors where its address or host was seen at all. Says whether there are any.
fn narrow(
    tables: &Tables,
    transaction: &Transaction<'_>,
    query: &FindingQuery,
    question: &mut Question,
) -> Result<bool, StoreError> {
    let cells = cells(tables, transaction, query)?.unwrap_or_default();
    let (Some(newest), Some(oldest)) = (cells.first(), cells.last()) else {
        return Ok(false);
    };
    question.time = TimeRange::days(oldest.day, newest.day).within(question.time);
    let mut sensors: Vec<i64> = cells.into_iter().flat_map(|cell| cell.sensors).collect();
    sensors.sort_unstable();
    sensors.dedup();
    question.conditions.push(Condition::Sensors(sensors));
    Ok(true)
}

/// The sums of whole days.
fn of_days(
    transaction: &Transaction<'_>,
    query: &FindingQuery,
    days: Range<i64>,
    mut take: impl FnMut(Sum),
) -> Result<(), StoreError> {
    let mut values = vec![Value::from(days.start), Value::from(days.end)];
    let mut parts = vec!["day >= ? AND day < ?".to_owned()];
    parts.extend(sum_conditions(query, "day_total", &mut values));
    // Rule texts are looked at only when the filter asks for words of them.
    let join = match query.filter.rule {
        Some(RuleFilter::Message(_)) => "LEFT JOIN rule USING (gid, sid, rev)",
        _ => "",
    };
    let sql = format!(
        "SELECT sensor_key, day_total.gid, day_total.sid, day_total.rev, day_total.severity, day * {DAY_MS}, findings,
                hits, last_ms
         FROM day_total {join} WHERE {}",
        parts.join(" AND ")
    );
    let mut statement = transaction.prepare(&sql)?;
    let mut rows = statement.query(listed(&values))?;
    while let Some(row) = rows.next()? {
        take(Sum {
            sensor: row.get(0)?,
            rule: [row.get(1)?, row.get(2)?, row.get(3)?],
            severity: row.get(4)?,
            at_ms: row.get(5)?,
            findings: row.get(6)?,
            hits: row.get(7)?,
            last_ms: row.get(8)?,
        });
    }
    Ok(())
}

/// Findings over time by severity, of single findings.
pub(super) fn bars(
    sight: &Sight,
    question: &Question,
    beginning_ms: i64,
    width_ms: i64,
    mut take: impl FnMut(i64, u8, u64),
) -> Result<(), StoreError> {
    if question.time.is_empty() {
        return Ok(());
    }
    let fresh = sight.fresh.clone();
    for bar in sight.lake.bars(fresh, question, beginning_ms, width_ms)? {
        take(bar.index, bar.severity, bar.findings);
    }
    Ok(())
}
