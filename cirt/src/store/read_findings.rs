//! Findings as people read them, newest first.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use jiff::Timestamp;
use lapwing_wire::{
    Action, ClockQuality, Direction, DisclosedAddress, Endpoint, Lane, RuleId, Traffic,
};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params_from_iter};

use super::insert_record::address_bytes;
use super::rules::{self, RuleText};
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::query::{Cursor, FindingQuery, RuleFilter, Scope, SeverityClass};

/// A finding with what the centre knows about it.
#[derive(Clone, Debug)]
pub struct FindingRow {
    /// Stable name: sensor identity, epoch, lane and number, joined by dashes.
    pub id: String,
    pub sensor: String,
    pub first: Timestamp,
    pub last: Timestamp,
    pub hits: u64,
    pub rule: RuleId,
    /// The rule's text, when it was imported.
    pub text: Option<RuleText>,
    /// 1 is gravest.
    pub severity: u8,
    pub action: Action,
    pub source: Endpoint,
    pub destination: Endpoint,
    /// IP protocol number.
    pub protocol: u8,
    pub app_protocol: Option<String>,
    pub direction: Direction,
    pub traffic: Traffic,
    pub flow_start: Option<Timestamp>,
    /// Name and value, in the order sent.
    pub facts: Vec<(String, String)>,
    /// SHA-256 of the policy that let it out.
    pub policy: Option<[u8; 32]>,
    /// When the sensor wrote it down, by its own clock.
    pub made: Timestamp,
    pub clock_quality: ClockQuality,
    pub received: Timestamp,
    /// Number of the batch it came in.
    pub batch: u64,
    pub(super) cursor: Cursor,
}

/// Some findings and where they end.
#[derive(Clone, Debug)]
pub struct FindingPage {
    pub findings: Vec<FindingRow>,
    /// Set when there are more.
    pub next: Option<Cursor>,
}

const COLUMNS: &str = "finding.key, sensor.identity, sensor.name, finding.epoch, finding.lane, finding.number,
    first_ms, last_ms, hits, finding.gid, finding.sid, finding.rev, finding.severity, action,
    source, source_disclosure, source_key_epoch, source_port,
    destination, destination_disclosure, destination_key_epoch, destination_port,
    protocol, app_protocol, direction, packets_to_server, bytes_to_server, packets_to_client, bytes_to_client,
    flow_start_ms, facts, policy, made_ms, clock_quality, batch.received_ms, batch.number";
const RULE_START: usize = 36;

pub(super) const FROM: &str = "FROM finding JOIN sensor ON sensor.key = finding.sensor_key
    JOIN batch ON batch.key = finding.batch_key
    LEFT JOIN rule ON rule.gid = finding.gid AND rule.sid = finding.sid AND rule.rev = finding.rev";

impl Store {
    /// One page of the findings that pass the filter, newest first, beginning after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn findings(
        &self,
        query: &FindingQuery,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<FindingPage, StoreError> {
        let mut conditions = Conditions::of(query);
        if let Some(cursor) = after {
            conditions.add(
                "(finding.last_ms, finding.key) < (?, ?)",
                [
                    Value::from(cursor.last_milliseconds),
                    Value::from(cursor.key),
                ],
            );
        }
        let sql = format!(
            "SELECT {COLUMNS}, {} {FROM} WHERE {} ORDER BY finding.last_ms DESC, finding.key DESC LIMIT {}",
            rules::COLUMNS,
            conditions.sql(),
            limit.saturating_add(1)
        );
        self.read_within(query.deadline, |transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows =
                statement.query_map(params_from_iter(&conditions.values), finding_from_row)?;
            let mut findings: Vec<FindingRow> = rows.collect::<Result<_, _>>()?;
            let more = findings.len() > limit;
            findings.truncate(limit);
            let next = findings
                .last()
                .filter(|_| more)
                .map(|finding| finding.cursor);
            Ok(FindingPage { findings, next })
        })
    }

    /// How many findings pass the filter, counted no further than `cap`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn count_findings(&self, query: &FindingQuery, cap: u64) -> Result<u64, StoreError> {
        let conditions = Conditions::of(query);
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 {FROM} WHERE {} LIMIT {cap})",
            conditions.sql()
        );
        self.read_within(query.deadline, |transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            Ok(statement.query_row(params_from_iter(&conditions.values), |row| row.get(0))?)
        })
    }

    /// One finding within a scope, by its stable name.
    ///
    /// # Errors
    /// When the database fails.
    pub fn finding(&self, scope: Scope, id: &str) -> Result<Option<FindingRow>, StoreError> {
        let Some((identity, epoch, lane, number)) = parse_id(id) else {
            return Ok(None);
        };
        let sql = format!(
            "SELECT {COLUMNS}, {} {FROM} WHERE sensor.identity = ?1 AND finding.epoch = ?2 AND finding.lane = ?3
             AND finding.number = ?4 AND {}",
            rules::COLUMNS,
            scope.sensor_condition("finding.sensor_key")
        );
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            Ok(statement
                .query_row((identity, epoch, lane, number), finding_from_row)
                .optional()?)
        })
    }
}

fn parse_id(id: &str) -> Option<(Vec<u8>, i64, u8, i64)> {
    let mut parts = id.split('-');
    let identity = hex::decode(parts.next()?).ok()?;
    let epoch = u64::from_str_radix(parts.next()?, 16).ok()?.cast_signed();
    let lane = parts.next()?;
    let lane = Lane::ALL
        .into_iter()
        .find(|known| known.name() == lane)?
        .code();
    let number = parts.next()?.parse().ok()?;
    parts
        .next()
        .is_none()
        .then_some((identity, epoch, lane, number))
}

/// Conditions joined by AND, with their values.
pub(super) struct Conditions {
    parts: Vec<Cow<'static, str>>,
    pub(super) values: Vec<Value>,
}

impl Conditions {
    /// The conditions of a query, over [`FROM`]: first of all its scope.
    pub(super) fn of(query: &FindingQuery) -> Self {
        let filter = &query.filter;
        let mut conditions = Self {
            parts: vec![query.scope.sensor_condition("finding.sensor_key").into()],
            values: Vec::new(),
        };
        if let Some(since) = filter.since {
            conditions.add(
                "finding.last_ms >= ?",
                [Value::from(to_milliseconds(since))],
            );
        }
        if let Some(until) = filter.until {
            conditions.add("finding.last_ms < ?", [Value::from(to_milliseconds(until))]);
        }
        if let Some(sensor) = &filter.sensor {
            let identity = Value::from(hex::decode(sensor).unwrap_or_default());
            conditions.add(
                "finding.sensor_key IN (SELECT key FROM sensor WHERE name = ? OR identity = ?)",
                [Value::from(sensor.clone()), identity],
            );
        }
        if let Some(severity) = &filter.severity {
            // Classes are 1, 2, 3 and "4 or more": a bit each.
            let mask = severity
                .classes()
                .iter()
                .fold(0i64, |mask, class| mask | 1i64 << class.number());
            conditions.add(
                "(? >> min(max(finding.severity, 1), 4)) & 1",
                [Value::from(mask)],
            );
        }
        match &filter.rule {
            None => {}
            Some(RuleFilter::Signature(sid)) => {
                conditions.add("finding.sid = ?", [Value::from(*sid)])
            }
            Some(RuleFilter::Generator { gid, sid }) => {
                conditions.add(
                    "finding.gid = ? AND finding.sid = ?",
                    [Value::from(*gid), Value::from(*sid)],
                );
            }
            Some(RuleFilter::Revision { gid, sid, rev }) => conditions.add(
                "finding.gid = ? AND finding.sid = ? AND finding.rev = ?",
                [Value::from(*gid), Value::from(*sid), Value::from(*rev)],
            ),
            Some(RuleFilter::Message(text)) => {
                let escaped = text
                    .replace('\\', "\\\\")
                    .replace('%', "\\%")
                    .replace('_', "\\_");
                conditions.add(
                    "rule.message LIKE ? ESCAPE '\\'",
                    [Value::from(format!("%{escaped}%"))],
                );
            }
        }
        if let Some(network) = filter.address {
            let (first, last) = address_range(network);
            conditions.add(
                "finding.key IN (SELECT key FROM finding WHERE source BETWEEN ? AND ?
                                 UNION SELECT key FROM finding WHERE destination BETWEEN ? AND ?)",
                [first.clone(), last.clone(), first, last],
            );
        }
        conditions
    }

    fn add<const N: usize>(&mut self, part: &'static str, values: [Value; N]) {
        self.parts.push(part.into());
        self.values.extend(values);
    }

    pub(super) fn sql(&self) -> String {
        self.parts.join(" AND ")
    }
}

fn address_range(network: IpNet) -> (Value, Value) {
    let bytes = |address| Value::from(address_bytes(address).to_vec());
    (bytes(network.network()), bytes(network.broadcast()))
}

fn finding_from_row(row: &Row<'_>) -> rusqlite::Result<FindingRow> {
    let key: i64 = row.get(0)?;
    let identity: [u8; 16] = row.get(1)?;
    let epoch: i64 = row.get(3)?;
    let lane: u8 = row.get(4)?;
    let number: i64 = row.get(5)?;
    let last: i64 = row.get(7)?;
    let numbers = [row.get(9)?, row.get(10)?, row.get(11)?];
    let [gid, sid, rev] = numbers;
    let facts: String = row.get(30)?;
    Ok(FindingRow {
        id: format!(
            "{}-{:016x}-{}-{number}",
            hex::encode(identity),
            epoch.cast_unsigned(),
            Lane::from_code(lane).map_or("unknown", Lane::name)
        ),
        sensor: row.get(2)?,
        first: from_milliseconds(row.get(6)?),
        last: from_milliseconds(last),
        hits: row.get(8)?,
        rule: RuleId { gid, sid, rev },
        text: rules::rule_from_row(row, RULE_START, numbers)?,
        severity: row.get(12)?,
        action: Action::from_code(row.get(13)?),
        source: endpoint_from_row(row, 14)?,
        destination: endpoint_from_row(row, 18)?,
        protocol: row.get(22)?,
        app_protocol: row.get(23)?,
        direction: Direction::from_code(row.get(24)?),
        traffic: Traffic {
            packets_to_server: row.get(25)?,
            bytes_to_server: row.get(26)?,
            packets_to_client: row.get(27)?,
            bytes_to_client: row.get(28)?,
        },
        flow_start: row.get::<_, Option<i64>>(29)?.map(from_milliseconds),
        facts: serde_json::from_str(&facts).unwrap_or_default(),
        policy: row.get(31)?,
        made: from_milliseconds(row.get(32)?),
        clock_quality: ClockQuality::from_code(row.get(33)?),
        received: from_milliseconds(row.get(34)?),
        batch: row.get(35)?,
        cursor: Cursor {
            last_milliseconds: last,
            key,
        },
    })
}

fn endpoint_from_row(row: &Row<'_>, start: usize) -> rusqlite::Result<Endpoint> {
    let bytes: Option<[u8; 16]> = row.get(start)?;
    let disclosure: u8 = row.get(start + 1)?;
    let key_epoch: Option<u32> = row.get(start + 2)?;
    let address = bytes.map(|bytes| {
        let address = Ipv6Addr::from(bytes);
        address
            .to_ipv4_mapped()
            .map_or(IpAddr::V6(address), IpAddr::V4)
    });
    let address = match (address, disclosure) {
        (Some(address), 0) => DisclosedAddress::Clear(address),
        (Some(address), _) => DisclosedAddress::Pseudonym {
            address,
            key_epoch: key_epoch.unwrap_or_default(),
        },
        (None, _) => DisclosedAddress::Withheld,
    };
    Ok(Endpoint {
        address,
        port: row.get(start + 3)?,
    })
}

impl FindingRow {
    /// The class of its severity.
    #[must_use]
    pub const fn severity_class(&self) -> SeverityClass {
        SeverityClass::of(self.severity)
    }

    /// The rule's message, or its numbers when the rule was not imported.
    #[must_use]
    pub fn title(&self) -> String {
        self.text
            .as_ref()
            .map_or_else(|| self.rule.to_string(), |text| text.message.clone())
    }
}
