//! Which record numbers of a lane are stored: a set of numbers kept as maximal runs, one row each.

use super::database::{OptionalRow as _, Transaction, params};

use super::StoreError;

/// One lane of one outbox of one sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LaneKey {
    pub(super) sensor: i64,
    pub(super) epoch: i64,
    pub(super) lane: u8,
}

/// Says whether a number is in the set.
pub(super) fn contains(
    transaction: &Transaction<'_>,
    lane: LaneKey,
    number: i64,
) -> Result<bool, StoreError> {
    let last: Option<i64> = transaction
        .prepare(
            "SELECT last FROM stored_range WHERE sensor_key = ?1 AND epoch = ?2 AND lane = ?3 AND first <= ?4
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row(params![lane.sensor, lane.epoch, lane.lane, number], |row| row.get(0))
        .optional()?;
    Ok(last.is_some_and(|last| last >= number))
}

/// Says whether any of the numbers from `first` to `last` is in the set.
pub(super) fn overlaps(
    transaction: &Transaction<'_>,
    lane: LaneKey,
    first: i64,
    last: i64,
) -> Result<bool, StoreError> {
    let newest: Option<i64> = transaction
        .prepare(
            "SELECT last FROM stored_range WHERE sensor_key = ?1 AND epoch = ?2 AND lane = ?3 AND first <= ?4
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row(params![lane.sensor, lane.epoch, lane.lane, last], |row| row.get(0))
        .optional()?;
    Ok(newest.is_some_and(|newest| newest >= first))
}

/// Adds the numbers from `first` to `last`, none of which is in the set, joining the runs they touch.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    lane: LaneKey,
    first: i64,
    last: i64,
) -> Result<(), StoreError> {
    let before = run_ending_at(transaction, lane, first.saturating_sub(1))?;
    let next = last.saturating_add(1);
    let after = run_starting_at(transaction, lane, next)?;
    let end = after.unwrap_or(last);
    if after.is_some() {
        transaction
            .prepare("DELETE FROM stored_range WHERE sensor_key = ?1 AND epoch = ?2 AND lane = ?3 AND first = ?4")?
            .execute(params![lane.sensor, lane.epoch, lane.lane, next])?;
    }
    match before {
        Some(start) => transaction
            .prepare(
                "UPDATE stored_range SET last = ?5 WHERE sensor_key = ?1 AND epoch = ?2 AND lane = ?3 AND first = ?4",
            )?
            .execute(params![lane.sensor, lane.epoch, lane.lane, start, end])?,
        None => transaction
            .prepare(
                "INSERT INTO stored_range (sensor_key, epoch, lane, first, last) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![lane.sensor, lane.epoch, lane.lane, first, end])?,
    };
    Ok(())
}

/// First number of the run that ends exactly here.
fn run_ending_at(
    transaction: &Transaction<'_>,
    lane: LaneKey,
    end: i64,
) -> Result<Option<i64>, StoreError> {
    let run: Option<(i64, i64)> = transaction
        .prepare(
            "SELECT first, last FROM stored_range WHERE sensor_key = ?1 AND epoch = ?2 AND lane = ?3 AND first <= ?4
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row(params![lane.sensor, lane.epoch, lane.lane, end], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(run.filter(|(_, last)| *last == end).map(|(first, _)| first))
}

/// Last number of the run that starts exactly here.
fn run_starting_at(
    transaction: &Transaction<'_>,
    lane: LaneKey,
    start: i64,
) -> Result<Option<i64>, StoreError> {
    Ok(transaction
        .prepare(
            "SELECT last FROM stored_range WHERE sensor_key = ?1 AND epoch = ?2 AND lane = ?3 AND first = ?4",
        )?
        .query_row(params![lane.sensor, lane.epoch, lane.lane, start], |row| row.get(0))
        .optional()?)
}
