//! Who saw an address or a host name, and on which days.

use std::sync::Arc;
use std::time::Duration;

use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::dataframe::DataFrame;
use deltalake::datafusion::functions_aggregate::expr_fn::{max, min, sum};
use deltalake::datafusion::logical_expr::{Expr, cast, lit};
use deltalake::datafusion::prelude::col;

use crate::answer::{Numbers, decimals, longs};
use crate::hosts::host_key;
use crate::lake::Shared;
use crate::schema::DAY_MS;
use crate::view::{Fresh, session, sightings};
use crate::{Lake, LakeError, Scope, SightingKind, TimeRange};

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// One address, in clear or as a pseudonym.
    Address(SightingKind, [u8; 16]),
    /// All addresses between two, both included, in clear and as pseudonyms.
    Addresses { first: [u8; 16], last: [u8; 16] },
    /// A host name.
    Host(String),
    /// A host name and all below it.
    HostAndBelow(String),
}

/// How much of something one sensor saw, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub sensor_key: i64,
    pub findings: u64,
    pub hits: u64,
    /// Whole seconds.
    pub first_ms: i64,
    pub last_ms: i64,
}

/// A day since 1970 and a sensor that saw something on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub day: i64,
    pub sensor_key: i64,
}

impl Sought {
    /// What must hold of a row; none when nothing can be that.
    fn expression(&self) -> Option<Expr> {
        let bytes = |bytes: &[u8]| lit(ScalarValue::Binary(Some(bytes.to_vec())));
        let kind = |kind: SightingKind| col("kind").eq(lit(kind.code()));
        Some(match self {
            Self::Address(of, address) => kind(*of).and(col("value").eq(bytes(address))),
            Self::Addresses { first, last } => col("kind")
                .lt_eq(lit(SightingKind::Pseudonym.code()))
                .and(col("value").gt_eq(bytes(first)))
                .and(col("value").lt_eq(bytes(last))),
            Self::Host(host) => {
                kind(SightingKind::Host).and(col("value").eq(bytes(&host_key(host)?)))
            }
            Self::HostAndBelow(host) => {
                let key = host_key(host)?;
                // What follows the point in ASCII is the slash.
                let below = |end: u8| bytes(&[key.as_slice(), &[end]].concat());
                let is_below = col("value")
                    .gt_eq(below(b'.'))
                    .and(col("value").lt(below(b'/')));
                // The bounds of both together first: they say which pages are read.
                kind(SightingKind::Host)
                    .and(col("value").gt_eq(bytes(&key)))
                    .and(col("value").lt(below(b'/')))
                    .and(col("value").eq(bytes(&key)).or(is_below))
            }
        })
    }
}

/// Seconds since 1970 out of the day and a column of seconds within it.
fn seconds(column: &str) -> Expr {
    let day = cast(cast(col("day"), DataType::Int32), DataType::Int64);
    day * lit(DAY_MS / 1_000) + cast(col(column), DataType::Int64)
}

/// The sightings within a scope of what is sought; none when nothing can be that.
async fn matching(
    shared: &Shared,
    fresh: &Fresh,
    scope: &Scope,
    sought: &Sought,
) -> Result<Option<DataFrame>, LakeError> {
    let Some(is_sought) = sought.expression() else {
        return Ok(None);
    };
    let rows = sightings(&session(shared), shared, fresh)
        .await?
        .filter(is_sought)?;
    Ok(Some(match scope.expression() {
        Some(within) => rows.filter(within)?,
        None => rows,
    }))
}

impl Lake {
    /// Which sensors of a scope saw something, in no order.
    ///
    /// # Errors
    /// When the table cannot be read or the deadline passes.
    pub fn who_saw(
        &self,
        fresh: Fresh,
        scope: &Scope,
        sought: &Sought,
        deadline: Duration,
    ) -> Result<Vec<Seen>, LakeError> {
        let shared = Arc::clone(&self.shared);
        let (scope, sought) = (scope.clone(), sought.clone());
        self.run_within(deadline, async move {
            let Some(rows) = matching(&shared, &fresh, &scope, &sought).await? else {
                return Ok(Vec::new());
            };
            let batches = rows
                .aggregate(
                    vec![col("sensor_key")],
                    vec![
                        sum(col("findings")).alias("all_findings"),
                        sum(cast(col("hits"), DataType::Decimal128(38, 0))).alias("all_hits"),
                        min(seconds("first_second")).alias("earliest"),
                        max(seconds("last_second")).alias("latest"),
                    ],
                )?
                .collect()
                .await?;
            let mut seen = Vec::new();
            for batch in &batches {
                let names = ["sensor_key", "all_findings", "earliest", "latest"];
                let numbers = Numbers::of(batch, &names)?;
                for (row, hits) in decimals(batch, "all_hits")?.into_iter().enumerate() {
                    let value = |column: usize| numbers.at(column, row);
                    seen.push(Seen {
                        sensor_key: value(0),
                        findings: u64::try_from(value(1)).unwrap_or_default(),
                        hits,
                        first_ms: value(2).saturating_mul(1_000),
                        last_ms: value(3).saturating_mul(1_000),
                    });
                }
            }
            Ok(seen)
        })
    }

    /// On which days which sensors of a scope saw something, newest first, at most so many.
    ///
    /// # Errors
    /// When the table cannot be read or the deadline passes.
    pub fn cells(
        &self,
        fresh: Fresh,
        scope: &Scope,
        time: TimeRange,
        sought: &Sought,
        limit: usize,
        deadline: Duration,
    ) -> Result<Vec<Cell>, LakeError> {
        let shared = Arc::clone(&self.shared);
        let (scope, sought) = (scope.clone(), sought.clone());
        self.run_within(deadline, async move {
            let Some(mut rows) = matching(&shared, &fresh, &scope, &sought).await? else {
                return Ok(Vec::new());
            };
            if let Some(days) = time.days_expression() {
                rows = rows.filter(days)?;
            }
            let batches = rows
                .select(vec![col("day"), col("sensor_key")])?
                .distinct()?
                .sort(vec![
                    col("day").sort(false, false),
                    col("sensor_key").sort(true, false),
                ])?
                .limit(0, Some(limit))?
                .collect()
                .await?;
            let mut cells = Vec::new();
            for batch in &batches {
                let (days, sensors) = (longs(batch, "day")?, longs(batch, "sensor_key")?);
                cells.extend(days.into_iter().zip(sensors).map(|(day, sensor)| Cell {
                    day: day.unwrap_or_default(),
                    sensor_key: sensor.unwrap_or_default(),
                }));
            }
            Ok(cells)
        })
    }
}
