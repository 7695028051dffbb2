//! What is suppressed, and how much of it there was: within a scope, whoever made it.

use ipnet::IpNet;
use jiff::Timestamp;
use lapwing_wire::DisclosedAddress;

use super::super::database::{OptionalRow as _, Row, Transaction, params};
use super::super::findings::{DAY_MS, FindingRow};
use super::super::insert_record::address_bytes;
use super::super::time::{from_milliseconds, to_milliseconds};
use super::super::{Store, StoreError};
use crate::limits::SUPPRESSION_ROWS;
use crate::query::Scope;

/// Days of "this week".
const WEEK_DAYS: i64 = 7;

/// One suppression, and what it left out as far as the scope shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    pub key: i64,
    /// gid and sid; none is any rule.
    pub rule: Option<(u32, u32)>,
    /// Of the rule, where its text is known.
    pub message: Option<String>,
    pub sensor: Option<String>,
    /// Name of the tenant.
    pub tenant: Option<String>,
    pub network: Option<IpNet>,
    pub reason: String,
    pub created: Timestamp,
    pub created_by: String,
    pub expires: Timestamp,
    /// When somebody ended it, and who.
    pub ended: Option<(Timestamp, String)>,
    /// Findings it left out in the last seven days, today among them.
    pub week_findings: u64,
    /// Alerts that these stand for.
    pub week_hits: u64,
    /// Findings it left out since it began.
    pub findings: u64,
    /// Whether it may be ended from within the scope.
    pub is_own: bool,
}

impl Suppression {
    /// Whether it holds at a time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires
    }

    /// `holds`, `expired` or `ended`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        match (&self.ended, self.holds(now)) {
            (Some(_), _) => "ended",
            (None, true) => "holds",
            (None, false) => "expired",
        }
    }
}

fn suppression_from_row(
    row: &Row<'_>,
    scope: Scope,
) -> super::super::database::Result<Suppression> {
    let network: Option<String> = row.get(5)?;
    let ended: Option<i64> = row.get(10)?;
    let ended_by: Option<String> = row.get(11)?;
    let maker: Option<i64> = row.get(12)?;
    Ok(Suppression {
        key: row.get(0)?,
        rule: row.get::<Option<u32>>(1)?.zip(row.get::<Option<u32>>(2)?),
        sensor: row.get(3)?,
        tenant: row.get(4)?,
        network: network.and_then(|text| text.parse().ok()),
        reason: row.get(6)?,
        created: from_milliseconds(row.get(7)?),
        created_by: row.get(8)?,
        expires: from_milliseconds(row.get(9)?),
        ended: ended.map(from_milliseconds).zip(ended_by),
        is_own: scope.tenant().is_none_or(|own| maker == Some(own.0)),
        message: row.get(13)?,
        week_findings: row.get(14)?,
        week_hits: row.get(15)?,
        findings: row.get(16)?,
    })
}

/// The condition that a suppression reaches into a scope.
fn reaches(scope: Scope) -> String {
    let own = scope.tenant().map_or_else(
        || "TRUE".to_owned(),
        |own| format!("suppression.tenant_key = {}", own.0),
    );
    format!(
        "(suppression.sensor_key IS NULL OR {}) AND (suppression.tenant_key IS NULL OR {own})",
        scope.sensor_condition("suppression.sensor_key")
    )
}

/// The first of seven days that end with today.
fn week_start(now: Timestamp) -> i64 {
    to_milliseconds(now).div_euclid(DAY_MS) - (WEEK_DAYS - 1)
}

impl Store {
    /// The suppressions that reach into a scope, those that hold first, then the newest; counts are of its sensors.
    ///
    /// # Errors
    /// When the database fails.
    pub fn suppressions(
        &self,
        scope: Scope,
        now: Timestamp,
    ) -> Result<Vec<Suppression>, StoreError> {
        let counted = |what: &str, days: &str| {
            format!(
                "(SELECT coalesce(sum({what}), 0) FROM suppressed_total
                  WHERE suppressed_total.suppression_key = suppression.key {days} AND {})",
                scope.sensor_condition("suppressed_total.sensor_key")
            )
        };
        let week = "AND day >= ?2";
        let sql = format!(
            "SELECT suppression.key, suppression.gid, suppression.sid, sensor.name, tenant.name, network, reason,
                suppression.created_ms, created_by, expires_ms, ended_ms, ended_by, maker_tenant_key,
                (SELECT message FROM rule WHERE rule.gid = suppression.gid AND rule.sid = suppression.sid
                 ORDER BY rev DESC LIMIT 1), {}, {}, {}
             FROM suppression LEFT JOIN sensor ON sensor.key = suppression.sensor_key
             LEFT JOIN tenant ON tenant.key = suppression.tenant_key
             WHERE {}
             ORDER BY CASE WHEN coalesce(ended_ms, expires_ms) > ?1 THEN 0 ELSE 1 END, suppression.key DESC
             LIMIT {SUPPRESSION_ROWS}",
            counted("findings", week),
            counted("hits", week),
            counted("findings", ""),
            reaches(scope)
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let values = params![to_milliseconds(now), week_start(now)];
            let rows = statement.query_map(values, |row| suppression_from_row(row, scope))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many findings were suppressed in the last seven days within a scope; of one rule, if one is named.
    ///
    /// # Errors
    /// When the database fails.
    pub fn suppressed_this_week(
        &self,
        scope: Scope,
        rule: Option<(u32, u32)>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let condition = rule.map_or_else(
            || "TRUE".to_owned(),
            |(gid, sid)| format!("gid = {gid} AND sid = {sid}"),
        );
        let sql = format!(
            "SELECT coalesce(sum(findings), 0) FROM suppressed_total WHERE day >= ?1 AND {condition} AND {}",
            scope.sensor_condition("sensor_key")
        );
        self.read(|transaction| {
            Ok(transaction
                .prepare(&sql)?
                .query_row([week_start(now)], |row| row.get(0))?)
        })
    }

    /// The suppression that kept a finding out of its group: its number and reason.
    ///
    /// # Errors
    /// When the database fails.
    pub fn suppression_of(
        &self,
        finding: &FindingRow,
    ) -> Result<Option<(i64, String)>, StoreError> {
        let ends: Vec<[u8; 16]> = [finding.source.address, finding.destination.address]
            .into_iter()
            .filter_map(|address| match address {
                DisclosedAddress::Clear(address) => Some(address_bytes(address)),
                _ => None,
            })
            .collect();
        self.read(|transaction| covering(transaction, finding, &ends))
    }
}

/// The oldest suppression that held for a finding when it came; the loader decides by the same.
fn covering(
    transaction: &Transaction<'_>,
    finding: &FindingRow,
    ends: &[[u8; 16]],
) -> Result<Option<(i64, String)>, StoreError> {
    // A withheld end is in no network, not even in one that holds every address.
    let first = ends.first().copied();
    let second = ends.get(1).copied();
    Ok(transaction
        .prepare(
            "SELECT suppression.key, reason FROM suppression JOIN sensor ON sensor.name = ?1
             WHERE suppression.created_ms <= ?2 AND coalesce(ended_ms, expires_ms) > ?2
               AND (sensor_key IS NULL OR sensor_key = sensor.key)
               AND (suppression.tenant_key IS NULL OR suppression.tenant_key = sensor.tenant_key)
               AND (gid IS NULL OR (gid = ?3 AND sid = ?4))
               AND (network IS NULL OR (first <= ?5 AND last >= ?5) OR (first <= ?6 AND last >= ?6))
             ORDER BY suppression.key LIMIT 1",
        )?
        .query_row(
            params![
                finding.sensor,
                to_milliseconds(finding.received),
                finding.rule.gid,
                finding.rule.sid,
                first,
                second
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?)
}
