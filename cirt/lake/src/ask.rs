//! The typed questions.

use std::sync::Arc;

use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use deltalake::datafusion::logical_expr::{Expr, cast as cast_to, lit};
use deltalake::datafusion::prelude::col;

use crate::answer::{Numbers, decimals, longs};
use crate::finding::from_batch;
use crate::question::{instant, named_days};
use crate::view::{Fresh, View};
use crate::{Finding, Lake, LakeError, Question, Rule, Scope, TimeRange};

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageEnd {
    pub last_ms: i64,
    pub key: i64,
}

/// Findings of one rule at one sensor within one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub sensor_key: i64,
    pub rule: Rule,
    pub severity: u8,
    pub findings: u64,
    pub hits: u64,
    /// The last packets of the first and the last of them.
    pub first_last_ms: i64,
    pub last_ms: i64,
}

/// Findings of one severity within one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Stretches since the beginning.
    pub index: i64,
    pub severity: u8,
    pub findings: u64,
}

impl Lake {
    /// The newest findings of a question behind the end of a page, in the order of pages: by last packet, then by key,
    /// newest first. `days` are the days on which there may be any, newest first.
    ///
    /// # Errors
    /// When the table cannot be read or the deadline passes.
    pub fn newest(
        &self,
        fresh: Fresh,
        question: &Question,
        days: &[i64],
        after: Option<PageEnd>,
        limit: usize,
    ) -> Result<Vec<Finding>, LakeError> {
        let shared = Arc::clone(&self.shared);
        let (question, days) = (question.clone(), days.to_vec());
        self.run_within(question.deadline, async move {
            let view = View::of(&shared, &fresh).await?;
            let (Some(newest), Some(oldest)) = (days.first(), days.last()) else {
                return Ok(Vec::new());
            };
            let time = TimeRange::days(*oldest, *newest).within(question.time);
            if time.is_empty() || after.is_some_and(|after| after.last_ms < time.from_ms) {
                return Ok(Vec::new());
            }
            let found = top(&view, &question.at(time), &days, after, limit).await?;
            rows(&view, &found).await
        })
    }

    /// Findings in the order of loading behind a place, whoever's they are.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn in_order(
        &self,
        fresh: Fresh,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Finding>, LakeError> {
        let shared = Arc::clone(&self.shared);
        self.run(async move {
            let view = View::of(&shared, &fresh).await?;
            let end = after.saturating_add(i64::try_from(limit).unwrap_or(i64::MAX));
            // Keys have holes only where days were dropped.
            let near = vec![col("key").gt(lit(after)), col("key").lt_eq(lit(end))];
            let mut found = all_rows(&view, near).await?;
            if found.is_empty() {
                let next = view
                    .matching(vec![col("key").gt(lit(after))])?
                    .aggregate(vec![], vec![min(col("key")).alias("key")])?
                    .collect()
                    .await?;
                let next = next
                    .first()
                    .map(|batch| longs(batch, "key"))
                    .transpose()?
                    .and_then(|keys| keys.first().copied().flatten());
                if let Some(next) = next {
                    let end = next.saturating_add(i64::try_from(limit).unwrap_or(i64::MAX));
                    let near = vec![col("key").gt_eq(lit(next)), col("key").lt(lit(end))];
                    found = all_rows(&view, near).await?;
                }
            }
            found.sort_unstable_by_key(|finding| finding.key);
            found.truncate(limit);
            Ok(found)
        })
    }

    /// The finding with a key, whose last packet lies in a stretch of time.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn one(
        &self,
        fresh: Fresh,
        scope: &Scope,
        time: TimeRange,
        key: i64,
    ) -> Result<Option<Finding>, LakeError> {
        let shared = Arc::clone(&self.shared);
        let scope = scope.clone();
        self.run(async move {
            let view = View::of(&shared, &fresh).await?;
            let mut conditions = vec![col("key").eq(lit(key))];
            conditions.extend(scope.expression());
            conditions.extend(time.expressions());
            Ok(all_rows(&view, conditions).await?.pop())
        })
    }

    /// How many findings a question has.
    ///
    /// # Errors
    /// When the table cannot be read or the deadline passes.
    pub fn count(&self, fresh: Fresh, question: &Question) -> Result<u64, LakeError> {
        let shared = Arc::clone(&self.shared);
        let question = question.clone();
        self.run_within(question.deadline, async move {
            let view = View::of(&shared, &fresh).await?;
            let found = view.matching(question.expressions())?.count().await?;
            Ok(found as u64)
        })
    }

    /// The findings of a question by sensor, rule, severity, and stretch of time of a width.
    ///
    /// # Errors
    /// When the table cannot be read or the deadline passes.
    pub fn tallies(
        &self,
        fresh: Fresh,
        question: &Question,
        width_ms: i64,
    ) -> Result<Vec<Tally>, LakeError> {
        let shared = Arc::clone(&self.shared);
        let question = question.clone();
        self.run_within(question.deadline, async move {
            if question.time.is_empty() {
                return Ok(Vec::new());
            }
            let view = View::of(&shared, &fresh).await?;
            let exact = DataType::Decimal128(38, 0);
            let batches = view
                .matching(question.expressions())?
                .aggregate(
                    ["sensor_key", "gid", "sid", "rev", "severity"]
                        .into_iter()
                        .map(col)
                        .chain([stretch(0, width_ms).alias("stretch")])
                        .collect(),
                    vec![
                        count(lit(1)).alias("findings"),
                        sum(cast_to(col("hits"), exact)).alias("all_hits"),
                        milliseconds(min(col("last"))).alias("first_last"),
                        milliseconds(max(col("last"))).alias("latest"),
                    ],
                )?
                .collect()
                .await?;
            let mut tallies = Vec::new();
            for batch in &batches {
                let names = [
                    "sensor_key",
                    "gid",
                    "sid",
                    "rev",
                    "severity",
                    "findings",
                    "first_last",
                    "latest",
                ];
                let numbers = Numbers::of(batch, &names)?;
                let hits = decimals(batch, "all_hits")?;
                for (row, hits) in hits.into_iter().enumerate() {
                    let value = |column: usize| numbers.at(column, row);
                    let number = |column: usize| u32::try_from(value(column)).unwrap_or(u32::MAX);
                    tallies.push(Tally {
                        sensor_key: value(0),
                        rule: Rule {
                            gid: number(1),
                            sid: number(2),
                            rev: number(3),
                        },
                        severity: u8::try_from(value(4)).unwrap_or(u8::MAX),
                        findings: u64::try_from(value(5)).unwrap_or_default(),
                        hits,
                        first_last_ms: value(6),
                        last_ms: value(7),
                    });
                }
            }
            Ok(tallies)
        })
    }

    /// The findings of a question over time, in stretches of a width since a beginning.
    ///
    /// # Errors
    /// When the table cannot be read or the deadline passes.
    pub fn bars(
        &self,
        fresh: Fresh,
        question: &Question,
        beginning_ms: i64,
        width_ms: i64,
    ) -> Result<Vec<Bar>, LakeError> {
        let shared = Arc::clone(&self.shared);
        let question = question.clone();
        self.run_within(question.deadline, async move {
            let view = View::of(&shared, &fresh).await?;
            let mut conditions = question.expressions();
            conditions.push(col("last").gt_eq(instant(beginning_ms)));
            let batches = view
                .matching(conditions)?
                .aggregate(
                    vec![
                        stretch(beginning_ms, width_ms).alias("stretch"),
                        col("severity"),
                    ],
                    vec![count(lit(1)).alias("findings")],
                )?
                .collect()
                .await?;
            let mut bars = Vec::new();
            for batch in &batches {
                let (indexes, severities, findings) = (
                    longs(batch, "stretch")?,
                    longs(batch, "severity")?,
                    longs(batch, "findings")?,
                );
                for ((index, severity), findings) in indexes.iter().zip(severities).zip(findings) {
                    bars.push(Bar {
                        index: index.unwrap_or_default(),
                        severity: u8::try_from(severity.unwrap_or_default()).unwrap_or(u8::MAX),
                        findings: u64::try_from(findings.unwrap_or_default()).unwrap_or_default(),
                    });
                }
            }
            Ok(bars)
        })
    }
}

fn milliseconds(time: Expr) -> Expr {
    cast_to(time, DataType::Int64) / lit(1_000i64)
}

/// Which stretch of time a finding's last packet lies in.
fn stretch(beginning_ms: i64, width_ms: i64) -> Expr {
    (milliseconds(col("last")) - lit(beginning_ms)) / lit(width_ms.max(1))
}

/// The places of the newest findings: a few columns of many rows. The rest is read of those that are shown.
async fn top(
    view: &View,
    question: &Question,
    days: &[i64],
    after: Option<PageEnd>,
    limit: usize,
) -> Result<Vec<PageEnd>, LakeError> {
    let mut conditions = question.expressions();
    // Where only some days have any, the files of the others stay closed.
    conditions.extend(named_days(days));
    if let Some(after) = after {
        let at = instant(after.last_ms);
        conditions.push(col("last").lt_eq(at.clone()));
        conditions.push(col("last").lt(at).or(col("key").lt(lit(after.key))));
    }
    let batches = view
        .matching(conditions)?
        .select(vec![col("last"), col("key")])?
        .sort(vec![
            col("last").sort(false, false),
            col("key").sort(false, false),
        ])?
        .limit(0, Some(limit))?
        .collect()
        .await?;
    let mut places = Vec::new();
    for batch in &batches {
        let (lasts, keys) = (longs(batch, "last")?, longs(batch, "key")?);
        for (last, key) in lasts.into_iter().zip(keys) {
            places.push(PageEnd {
                last_ms: last.unwrap_or_default().div_euclid(1_000),
                key: key.unwrap_or_default(),
            });
        }
    }
    Ok(places)
}

/// All columns of the findings at some places, in the order of the places.
async fn rows(view: &View, places: &[PageEnd]) -> Result<Vec<Finding>, LakeError> {
    let (Some(newest), Some(oldest)) = (places.first(), places.last()) else {
        return Ok(Vec::new());
    };
    let range = TimeRange {
        from_ms: oldest.last_ms,
        until_ms: newest.last_ms.saturating_add(1),
    };
    let mut keys: Vec<i64> = places.iter().map(|place| place.key).collect();
    keys.sort_unstable();
    let mut conditions = range.expressions();
    if let (Some(first), Some(last)) = (keys.first(), keys.last()) {
        conditions.push(
            col("key")
                .gt_eq(lit(*first))
                .and(col("key").lt_eq(lit(*last))),
        );
    }
    conditions.push(col("key").in_list(keys.iter().map(|key| lit(*key)).collect(), false));
    let mut findings = all_rows(view, conditions).await?;
    findings.sort_unstable_by_key(|finding| std::cmp::Reverse((finding.last_ms, finding.key)));
    Ok(findings)
}

async fn all_rows(view: &View, conditions: Vec<Expr>) -> Result<Vec<Finding>, LakeError> {
    let mut findings = Vec::new();
    for batch in view.matching(conditions)?.collect().await? {
        findings.extend(from_batch(&batch)?);
    }
    Ok(findings)
}
