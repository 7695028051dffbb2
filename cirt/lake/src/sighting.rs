//! Who saw what: derived from the findings of a load unit, so that "who else saw this" reads a few pages of a sorted
//! file and no findings.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltalake::arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Int16Array, Int32Array, Int64Array, RecordBatch,
};
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::finding::from_batch;
use crate::hosts::host_keys;
use crate::schema::{DAY_MS, SIGHTING};
use crate::{Finding, FreshRows, LakeError};

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SightingKind {
    Address,
    /// Under a provider's own key: the same one elsewhere is someone else.
    Pseudonym,
    Host,
}

impl SightingKind {
    pub(crate) const fn code(self) -> i16 {
        match self {
            Self::Address => 0,
            Self::Pseudonym => 1,
            Self::Host => 2,
        }
    }
}

/// What one sensor saw of one thing on one day.
#[derive(Clone, Copy, Debug)]
struct Sum {
    findings: i64,
    hits: i64,
    first_ms: i64,
    last_ms: i64,
}

/// Month of the file, kind, value, day and sensor.
type Key = (i32, SightingKind, Vec<u8>, i32, i64);

/// The sightings of findings, in the order of files.
pub(crate) fn sightings_of(parts: &[FreshRows]) -> Result<RecordBatch, LakeError> {
    let mut sums = BTreeMap::<Key, Sum>::new();
    for part in parts {
        for finding in from_batch(&part.rows)? {
            add(&mut sums, &finding);
        }
    }
    to_batch(&sums)
}

fn add(sums: &mut BTreeMap<Key, Sum>, finding: &Finding) {
    let day = finding.day_of_last();
    let month = if finding.has_believed_time() {
        month_of(day)
    } else {
        0
    };
    let ends = [&finding.source, &finding.destination].into_iter();
    let addresses = ends.filter_map(|end| {
        let kind = if end.disclosure == 0 {
            SightingKind::Address
        } else {
            SightingKind::Pseudonym
        };
        Some((kind, end.address?.to_vec()))
    });
    let hosts = host_keys(&finding.facts).into_iter();
    for (kind, value) in addresses.chain(hosts.map(|host| (SightingKind::Host, host))) {
        let sum = sums
            .entry((month, kind, value, day, finding.sensor_key))
            .or_insert(Sum {
                findings: 0,
                hits: 0,
                first_ms: finding.first_ms,
                last_ms: finding.last_ms,
            });
        sum.findings += 1;
        sum.hits = sum.hits.saturating_add(finding.hits);
        sum.first_ms = sum.first_ms.min(finding.first_ms);
        sum.last_ms = sum.last_ms.max(finding.last_ms);
    }
}

/// The first day of a day's month.
pub(crate) fn month_of(day: i32) -> i32 {
    let first = Date::constant(1970, 1, 1)
        .checked_add(i64::from(day).days())
        .ok()
        .map(|date| i32::from(date.day()) - 1);
    first.map_or(0, |before| day - before)
}

/// Seconds since the beginning of a day: a third of the bytes of a time. A clock that nobody believes stays at an end.
fn second_of(day: i32, milliseconds: i64) -> i32 {
    let seconds = (milliseconds - i64::from(day) * DAY_MS).div_euclid(1_000);
    i32::try_from(seconds).unwrap_or(if seconds < 0 { i32::MIN } else { i32::MAX })
}

fn to_batch(sums: &BTreeMap<Key, Sum>) -> Result<RecordBatch, LakeError> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from_iter_values(
            sums.keys().map(|(month, ..)| *month),
        )),
        Arc::new(Int16Array::from_iter_values(
            sums.keys().map(|(_, kind, ..)| kind.code()),
        )),
        Arc::new(BinaryArray::from_iter_values(
            sums.keys().map(|(_, _, value, ..)| value),
        )),
        Arc::new(Date32Array::from_iter_values(
            sums.keys().map(|(_, _, _, day, _)| *day),
        )),
        Arc::new(Int64Array::from_iter_values(
            sums.keys().map(|(.., sensor)| *sensor),
        )),
        Arc::new(Int64Array::from_iter_values(
            sums.values().map(|sum| sum.findings),
        )),
        Arc::new(Int64Array::from_iter_values(
            sums.values().map(|sum| sum.hits),
        )),
        Arc::new(Int32Array::from_iter_values(
            sums.iter()
                .map(|((_, _, _, day, _), sum)| second_of(*day, sum.first_ms)),
        )),
        Arc::new(Int32Array::from_iter_values(
            sums.iter()
                .map(|((_, _, _, day, _), sum)| second_of(*day, sum.last_ms)),
        )),
    ];
    Ok(RecordBatch::try_new(SIGHTING.arrow(), columns)?)
}
