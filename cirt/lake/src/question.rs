//! A question about findings: whose, of which time, which. Nothing is asked without the first two.

use std::sync::Arc;
use std::time::Duration;

use deltalake::arrow::array::{ArrayRef, AsArray as _, BooleanArray};
use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::logical_expr::{ColumnarValue, Expr, Volatility, create_udf, lit};
use deltalake::datafusion::prelude::col;

use crate::hosts::names_host;
use crate::limits::NAMED_VALUES;
use crate::schema::DAY_MS;

/// Whose rows may be seen. There is no default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Nation,
    /// What these sensors saw, by their keys; nothing when there are none.
    Sensors(Vec<i64>),
}

/// A stretch of time, milliseconds since 1970: the last packet of a finding lies in it. The end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    pub from_ms: i64,
    pub until_ms: i64,
}

impl TimeRange {
    /// All time: said on purpose, never by leaving something out.
    pub const ALL: Self = Self {
        from_ms: i64::MIN,
        until_ms: i64::MAX,
    };

    /// The stretch of some days since 1970, the last one included.
    #[must_use]
    pub const fn days(first: i64, last: i64) -> Self {
        Self {
            from_ms: first.saturating_mul(DAY_MS),
            until_ms: last.saturating_add(1).saturating_mul(DAY_MS),
        }
    }

    /// What both hold.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        Self {
            from_ms: self.from_ms.max(other.from_ms),
            until_ms: self.until_ms.min(other.until_ms),
        }
    }

    /// Says whether nothing can lie in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.from_ms >= self.until_ms
    }
}

/// A rule by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub gid: u32,
    pub sid: u32,
    pub rev: u32,
}

/// What a finding must be, besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Seen by one of these sensors.
    Sensors(Vec<i64>),
    /// Of one of these classes: 1, 2, 3, and 4 for everything lighter.
    Severities(Vec<u8>),
    Signature(u32),
    Generator {
        gid: u32,
        sid: u32,
    },
    /// By one of these rules.
    Rules(Vec<Rule>),
    /// Either end lies between two addresses, both included.
    Network {
        first: [u8; 16],
        last: [u8; 16],
    },
    /// Names this host, or one under it.
    Host(String),
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    pub scope: Scope,
    pub time: TimeRange,
    pub conditions: Vec<Condition>,
    /// It is given up after this.
    pub deadline: Duration,
}

/// A point in time as the column has it.
pub(crate) fn instant(milliseconds: i64) -> Expr {
    let micros = milliseconds.saturating_mul(1_000);
    lit(ScalarValue::TimestampMicrosecond(
        Some(micros),
        Some(Arc::from("UTC")),
    ))
}

fn day(number: i64) -> Expr {
    let number = i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX });
    lit(ScalarValue::Date32(Some(number)))
}

fn keys(column: &str, keys: &[i64]) -> Expr {
    if keys.is_empty() {
        return lit(false);
    }
    col(column).in_list(keys.iter().map(|key| lit(*key)).collect(), false)
}

impl Scope {
    pub(crate) fn expression(&self) -> Option<Expr> {
        match self {
            Self::Nation => None,
            Self::Sensors(sensors) => Some(keys("sensor_key", sensors)),
        }
    }
}

impl TimeRange {
    /// On the days of the range, or among those whose time nobody believed (see `Finding::day`).
    pub(crate) fn expressions(self) -> Vec<Expr> {
        let mut parts = Vec::new();
        let (mut from, mut until) = (None, None);
        if self.from_ms > i64::MIN {
            from = Some(col("day").gt_eq(day(self.from_ms.div_euclid(DAY_MS))));
            parts.push(col("last").gt_eq(instant(self.from_ms)));
        }
        if self.until_ms < i64::MAX {
            let last = self.until_ms.saturating_sub(1).div_euclid(DAY_MS);
            until = Some(col("day").lt_eq(day(last)));
            parts.push(col("last").lt(instant(self.until_ms)));
        }
        let days = match (from, until) {
            (Some(from), Some(until)) => Some(from.and(until)),
            (one, other) => one.or(other),
        };
        parts.extend(days.map(|days| days.or(col("day").eq(day(0)))));
        parts
    }
}

/// One of some days, or of those whose time nobody believed; nothing where there are too many to be named.
pub(crate) fn named_days(days: &[i64]) -> Option<Expr> {
    (days.len() < NAMED_VALUES).then(|| {
        let named = days.iter().chain([&0]).map(|number| day(*number));
        col("day").in_list(named.collect(), false)
    })
}

impl TimeRange {
    /// The days of the range, for a table whose column `day` is the day as it was told.
    pub(crate) fn days_expression(self) -> Option<Expr> {
        let from = (self.from_ms > i64::MIN)
            .then(|| col("day").gt_eq(day(self.from_ms.div_euclid(DAY_MS))));
        let until = (self.until_ms < i64::MAX).then(|| {
            let last = self.until_ms.saturating_sub(1).div_euclid(DAY_MS);
            col("day").lt_eq(day(last))
        });
        match (from, until) {
            (Some(from), Some(until)) => Some(from.and(until)),
            (one, other) => one.or(other),
        }
    }
}

impl Condition {
    fn expression(&self) -> Expr {
        match self {
            Self::Sensors(sensors) => keys("sensor_key", sensors),
            Self::Severities(classes) => {
                let of_class = |class: &u8| match class {
                    0 | 1 => col("severity").lt_eq(lit(1i16)),
                    2 | 3 => col("severity").eq(lit(i16::from(*class))),
                    _ => col("severity").gt_eq(lit(4i16)),
                };
                any(classes.iter().map(of_class))
            }
            Self::Signature(sid) => col("sid").eq(lit(i64::from(*sid))),
            Self::Generator { gid, sid } => col("gid")
                .eq(lit(i64::from(*gid)))
                .and(col("sid").eq(lit(i64::from(*sid)))),
            Self::Rules(rules) => {
                let mut rules = rules.clone();
                rules.sort_unstable_by_key(|rule| (rule.gid, rule.rev, rule.sid));
                let alike = rules.chunk_by(|a, b| (a.gid, a.rev) == (b.gid, b.rev));
                any(alike.filter_map(|rules| {
                    let first = rules.first()?;
                    let sids = rules.iter().map(|rule| lit(i64::from(rule.sid))).collect();
                    Some(
                        col("gid")
                            .eq(lit(i64::from(first.gid)))
                            .and(col("rev").eq(lit(i64::from(first.rev))))
                            .and(col("sid").in_list(sids, false)),
                    )
                }))
            }
            Self::Network { first, last } => {
                let bound = |bytes: &[u8; 16]| lit(ScalarValue::Binary(Some(bytes.to_vec())));
                any(["source", "destination"].into_iter().map(|end| {
                    col(end)
                        .gt_eq(bound(first))
                        .and(col(end).lt_eq(bound(last)))
                }))
            }
            Self::Host(host) => host_expression(host.clone()),
        }
    }
}

fn any(parts: impl Iterator<Item = Expr>) -> Expr {
    parts.reduce(Expr::or).unwrap_or_else(|| lit(false))
}

fn host_expression(host: String) -> Expr {
    let function = create_udf(
        "names_host",
        vec![DataType::Utf8],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(move |arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let facts = arrays
                .first()
                .and_then(|array| array.as_string_opt::<i32>())
                .ok_or_else(|| DataFusionError::Internal("facts are no text".to_owned()))?;
            let answer: BooleanArray = facts
                .iter()
                .map(|facts| Some(facts.is_some_and(|facts| names_host(facts, &host))))
                .collect();
            Ok(ColumnarValue::Array(Arc::new(answer) as ArrayRef))
        }),
    );
    function.call(vec![col("facts")])
}

impl Question {
    /// Everything that must hold, none of it optional.
    pub(crate) fn expressions(&self) -> Vec<Expr> {
        let mut parts: Vec<Expr> = self.scope.expression().into_iter().collect();
        parts.extend(self.time.expressions());
        parts.extend(self.conditions.iter().map(Condition::expression));
        parts
    }

    /// The same question about another time.
    pub(crate) fn at(&self, time: TimeRange) -> Self {
        Self {
            time,
            ..self.clone()
        }
    }
}
