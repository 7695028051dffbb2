//! Where a filter finds anything at all: days, newest first, each with the sensors that have something on it.

use super::super::database::Value;
use super::super::database::{Transaction, listed};
use lapwing_lake::Sought;

use super::super::StoreError;
use super::super::insert_record::address_bytes;
use super::super::tables::Tables;
use super::DAY_MS;
use super::conditions::sum_conditions;
use super::question::question;
use crate::limits::CELLS;
use crate::query::FindingQuery;
use crate::store::time::to_milliseconds;

/// One day and the sensors that have something on it.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) day: i64,
    pub(super) sensors: Vec<i64>,
}

/// All days on which anything was seen, newest first.
pub(super) fn days(transaction: &Transaction<'_>) -> Result<Vec<i64>, StoreError> {
    // From one day to the next by the key of the table: what lies between is not read.
    let mut statement = transaction.prepare(
        "WITH RECURSIVE one (day) AS (
             SELECT max(day) FROM day_total
             UNION ALL SELECT (SELECT max(day) FROM day_total WHERE day < one.day) FROM one WHERE one.day IS NOT NULL)
         SELECT day FROM one WHERE day IS NOT NULL",
    )?;
    let days = statement.query_map((), |row| row.get(0))?;
    Ok(days.collect::<Result<_, _>>()?)
}

/// The cells of a query, newest day first; none when the query has no filter that says where to look.
pub(super) fn cells(
    tables: &Tables,
    transaction: &Transaction<'_>,
    query: &FindingQuery,
) -> Result<Option<Vec<Cell>>, StoreError> {
    let filter = &query.filter;
    let sought = if let Some(host) = &filter.host {
        Sought::HostAndBelow(host.clone())
    } else if let Some(network) = filter.address {
        Sought::Addresses {
            first: address_bytes(network.network()),
            last: address_bytes(network.broadcast()),
        }
    } else if filter.rule.is_some()
        || filter.severity.is_some()
        || filter.sensor.is_some()
        || filter.tenant.is_some()
    {
        return of_days(transaction, query).map(Some);
    } else {
        return Ok(None);
    };
    let Some(sight) = tables.sight(transaction)? else {
        return Ok(Some(Vec::new()));
    };
    let question = question(transaction, query)?;
    let found = sight.lake.cells(
        sight.fresh,
        &question.scope,
        question.time,
        &sought,
        CELLS,
        query.deadline,
    )?;
    let pairs = found.into_iter().map(|cell| (cell.day, cell.sensor_key));
    Ok(Some(gather(pairs)))
}

/// The cells of a filter by rule, severity, sensor or tenant, from the sums of days.
fn of_days(transaction: &Transaction<'_>, query: &FindingQuery) -> Result<Vec<Cell>, StoreError> {
    let filter = &query.filter;
    let mut values = Vec::<Value>::new();
    let mut parts = sum_conditions(query, "day_total", &mut values);
    if let Some(since) = filter.since {
        parts.push("day >= ?".to_owned());
        values.push(Value::from(to_milliseconds(since).div_euclid(DAY_MS)));
    }
    if let Some(until) = filter.until {
        parts.push("day <= ?".to_owned());
        values.push(Value::from(to_milliseconds(until).div_euclid(DAY_MS)));
    }
    let sql = format!(
        "SELECT DISTINCT day, sensor_key FROM day_total LEFT JOIN rule USING (gid, sid, rev)
         WHERE {} ORDER BY day DESC, sensor_key LIMIT {CELLS}",
        parts.join(" AND ")
    );
    let mut statement = transaction.prepare(&sql)?;
    let pairs = statement
        .query_map(listed(&values), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, i64)>, _>>()?;
    Ok(gather(pairs.into_iter()))
}

/// Pairs of day and sensor, those of a day side by side, by day.
fn gather(pairs: impl Iterator<Item = (i64, i64)>) -> Vec<Cell> {
    let mut cells = Vec::<Cell>::new();
    for (day, sensor) in pairs {
        match cells.last_mut() {
            Some(cell) if cell.day == day => cell.sensors.push(sensor),
            _ => cells.push(Cell {
                day,
                sensors: vec![sensor],
            }),
        }
    }
    cells
}
