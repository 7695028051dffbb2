//! Groups of findings, nationwide by rule: counted while batches are loaded, ranked when they are read.

use std::collections::BTreeMap;

use super::database::{OptionalRow as _, Row, Transaction, params};
use jiff::Timestamp;

use super::time::{from_milliseconds, to_milliseconds};
use super::{Sighting, Store, StoreError};
use crate::limits::GROUPS;
use crate::query::Scope;
use crate::triage::{Facts, Rank, Tlp, rank};

/// Where the work on a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// Nobody has looked.
    New,
    /// Somebody is at it.
    Open,
    Closed,
}

/// A group, as far as the scope shows it.
#[derive(Clone, Debug)]
pub struct Group {
    pub key: i64,
    pub gid: u32,
    pub sid: u32,
    /// Message of the rule's newest known revision.
    pub message: Option<String>,
    pub class_type: Option<String>,
    pub state: GroupState,
    pub assignee: Option<String>,
    /// RSIT; empty until somebody classified it.
    pub class: String,
    pub tlp: Tlp,
    pub incident: Option<i64>,
    pub created: Timestamp,
    pub notified: Option<Timestamp>,
    pub closed: Option<Timestamp>,
    pub reopened: u64,
    pub severity: u8,
    pub findings: u64,
    pub hits: u64,
    pub from_inside: u64,
    pub critical: u64,
    pub sensors: u64,
    pub tenants: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    pub rank: Rank,
}

/// What a batch adds to a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    severity: u8,
    findings: i64,
    hits: i64,
    from_inside: i64,
    critical: i64,
    first: i64,
    last: i64,
}

impl Tally {
    pub(super) const fn starting(severity: u8, first: i64, last: i64) -> Self {
        Self {
            severity,
            findings: 0,
            hits: 0,
            from_inside: 0,
            critical: 0,
            first,
            last,
        }
    }

    pub(super) fn add(
        &mut self,
        severity: u8,
        hits: i64,
        first: i64,
        last: i64,
        is_from_inside: bool,
        is_critical: bool,
    ) {
        self.severity = self.severity.min(severity);
        self.findings += 1;
        self.hits = self.hits.saturating_add(hits);
        self.from_inside += i64::from(is_from_inside);
        self.critical += i64::from(is_critical);
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }
}

impl GroupState {
    /// The word in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    fn from_text(text: &str) -> Self {
        match text {
            "new" => Self::New,
            "open" => Self::Open,
            _ => Self::Closed,
        }
    }
}

/// Adds to a group at a sensor. One that was closed before the newest finding comes back.
pub(super) fn count(
    transaction: &Transaction<'_>,
    sensor: i64,
    gid: u32,
    sid: u32,
    tally: &Tally,
) -> Result<(), StoreError> {
    let now = to_milliseconds(Timestamp::now());
    transaction
        .prepare(
            "INSERT INTO finding_group (gid, sid, created_ms) VALUES (?1, ?2, ?3) ON CONFLICT (gid, sid) DO NOTHING",
        )?
        .execute(params![gid, sid, now])?;
    let key: i64 = transaction
        .prepare("SELECT key FROM finding_group WHERE gid = ?1 AND sid = ?2")?
        .query_row(params![gid, sid], |row| row.get(0))?;
    transaction
        .prepare(
            "INSERT INTO group_sensor (group_key, sensor_key, severity, findings, hits, from_inside, critical, first_ms,
                last_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (group_key, sensor_key) DO UPDATE SET
                severity = min(group_sensor.severity, excluded.severity),
                findings = group_sensor.findings + excluded.findings,
                hits = min(group_sensor.hits, 9223372036854775807 - excluded.hits) + excluded.hits,
                from_inside = group_sensor.from_inside + excluded.from_inside,
                critical = group_sensor.critical + excluded.critical,
                first_ms = min(group_sensor.first_ms, excluded.first_ms),
                last_ms = max(group_sensor.last_ms, excluded.last_ms)",
        )?
        .execute(params![
            key,
            sensor,
            tally.severity,
            tally.findings,
            tally.hits,
            tally.from_inside,
            tally.critical,
            tally.first,
            tally.last
        ])?;
    let came_back = transaction
        .prepare(
            "UPDATE finding_group SET state = 'open', closed_ms = NULL, reopened = reopened + 1
             WHERE key = ?1 AND state = 'closed' AND closed_ms < ?2",
        )?
        .execute(params![key, tally.last])?;
    if came_back == 1 {
        super::group_work::add_event(transaction, key, Timestamp::now(), "centre", "relapse", "")?;
    }
    Ok(())
}

const COLUMNS: &str = "finding_group.key, finding_group.gid, finding_group.sid,
    (SELECT message FROM rule WHERE rule.gid = finding_group.gid AND rule.sid = finding_group.sid ORDER BY rev DESC LIMIT 1),
    (SELECT class_type FROM rule WHERE rule.gid = finding_group.gid AND rule.sid = finding_group.sid ORDER BY rev DESC LIMIT 1),
    state, account.name, class, tlp, incident_key, finding_group.created_ms, notified_ms, closed_ms, reopened,
    min(severity), sum(findings), sum(hits), sum(from_inside), sum(critical), count(DISTINCT sensor.key),
    count(DISTINCT sensor.tenant_key), min(first_ms), max(last_ms)";
const FROM: &str = "finding_group JOIN group_sensor ON group_sensor.group_key = finding_group.key
    JOIN sensor ON sensor.key = group_sensor.sensor_key LEFT JOIN account ON account.key = assignee_key";
/// One row a group; its columns hang on the key, and the name of its one assignee goes along.
const GROUPED: &str = "finding_group.key, account.name";

fn group_from_row(row: &Row<'_>, now: Timestamp) -> super::database::Result<Group> {
    let (state, tlp): (String, String) = (row.get(5)?, row.get(8)?);
    let time = |index: usize| {
        Ok::<_, super::database::Error>(row.get::<Option<i64>>(index)?.map(from_milliseconds))
    };
    let class_type: Option<String> = row.get(4)?;
    let facts = Facts {
        severity: row.get(14)?,
        class_type: class_type.as_deref(),
        findings: row.get(15)?,
        from_inside: row.get(17)?,
        critical: row.get(18)?,
        sensors: row.get(19)?,
        tenants: row.get(20)?,
        reopened: row.get(13)?,
        last: from_milliseconds(row.get(22)?),
    };
    Ok(Group {
        key: row.get(0)?,
        gid: row.get(1)?,
        sid: row.get(2)?,
        message: row.get(3)?,
        state: GroupState::from_text(&state),
        assignee: row.get(6)?,
        class: row.get(7)?,
        tlp: tlp.parse().unwrap_or(Tlp::Red),
        incident: row.get(9)?,
        created: from_milliseconds(row.get(10)?),
        notified: time(11)?,
        closed: time(12)?,
        reopened: facts.reopened,
        severity: facts.severity,
        findings: facts.findings,
        hits: row.get(16)?,
        from_inside: facts.from_inside,
        critical: facts.critical,
        sensors: facts.sensors,
        tenants: facts.tenants,
        first: from_milliseconds(row.get(21)?),
        last: facts.last,
        rank: rank(&facts, now),
        class_type,
    })
}

impl Store {
    /// The groups that have anything within a scope, in the order people should look at them; only closed ones when
    /// `closed`, else only those that are not.
    ///
    /// # Errors
    /// When the database fails.
    pub fn groups(
        &self,
        scope: Scope,
        closed: bool,
        now: Timestamp,
    ) -> Result<Vec<Group>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE {} AND CASE state WHEN 'closed' THEN 1 ELSE 0 END = ?1
             GROUP BY {GROUPED} ORDER BY max(last_ms) DESC LIMIT {GROUPS}",
            scope.sensor_condition("group_sensor.sensor_key")
        );
        let mut groups: Vec<Group> = self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let rows = statement.query_map([closed], |row| group_from_row(row, now))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        groups.sort_by(|a, b| {
            (a.rank.tier, a.rank.order, a.key).cmp(&(b.rank.tier, b.rank.order, b.key))
        });
        Ok(groups)
    }

    /// One group, as far as a scope shows it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn group(
        &self,
        scope: Scope,
        key: i64,
        now: Timestamp,
    ) -> Result<Option<Group>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {FROM} WHERE {} AND finding_group.key = ?1 GROUP BY {GROUPED}",
            scope.sensor_condition("group_sensor.sensor_key")
        );
        self.read(|transaction| {
            Ok(transaction
                .prepare(&sql)?
                .query_row([key], |row| group_from_row(row, now))
                .optional()?)
        })
    }

    /// The key of the group of a rule, when it has findings.
    ///
    /// # Errors
    /// When the database fails.
    pub fn group_of_rule(&self, gid: u32, sid: u32) -> Result<Option<i64>, StoreError> {
        self.read(|transaction| {
            Ok(transaction
                .prepare("SELECT key FROM finding_group WHERE gid = ?1 AND sid = ?2")?
                .query_row(params![gid, sid], |row| row.get(0))
                .optional()?)
        })
    }

    /// Where a group was seen, within a scope, the most findings first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn group_places(&self, scope: Scope, key: i64) -> Result<Vec<Sighting>, StoreError> {
        let sql = format!(
            "SELECT sensor.name, tenant.title, findings, hits, first_ms, last_ms
             FROM group_sensor JOIN sensor ON sensor.key = group_sensor.sensor_key
             LEFT JOIN tenant ON tenant.key = sensor.tenant_key
             WHERE group_key = ?1 AND {} ORDER BY findings DESC, sensor.name",
            scope.sensor_condition("group_sensor.sensor_key")
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let rows = statement.query_map([key], Sighting::of_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Findings of each day of a group within a scope, the newest last.
    ///
    /// # Errors
    /// When the database fails.
    pub fn group_days(
        &self,
        scope: Scope,
        group: &Group,
    ) -> Result<BTreeMap<i64, u64>, StoreError> {
        let sql = format!(
            "SELECT day, sum(findings) FROM day_total WHERE gid = ?1 AND sid = ?2 AND day >= ?3 AND {}
             GROUP BY day ORDER BY day",
            scope.sensor_condition("sensor_key")
        );
        let newest = to_milliseconds(group.last).div_euclid(86_400_000);
        self.read(|transaction| {
            let mut statement = transaction.prepare(&sql)?;
            let rows = statement.query_map(params![group.gid, group.sid, newest - 29], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
