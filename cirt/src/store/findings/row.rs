//! A finding as people read it.

use std::net::{IpAddr, Ipv6Addr};

use jiff::Timestamp;
use lapwing_wire::{
    Action, ClockQuality, Direction, DisclosedAddress, Endpoint, Lane, RuleId, Traffic,
};
use rusqlite::Row;

use super::super::rules::{self, RuleText};
use super::super::time::from_milliseconds;
use crate::query::{Cursor, SeverityClass};

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

pub(super) const COLUMNS: &str = "finding.key, sensor.identity, sensor.name, finding.epoch, finding.lane, finding.number,
    first_ms, last_ms, hits, finding.gid, finding.sid, finding.rev, finding.severity, action,
    source, source_disclosure, source_key_epoch, source_port,
    destination, destination_disclosure, destination_key_epoch, destination_port,
    protocol, app_protocol, direction, packets_to_server, bytes_to_server, packets_to_client, bytes_to_client,
    flow_start_ms, facts, policy, made_ms, clock_quality, batch.received_ms, batch.number";
const RULE_START: usize = 36;

pub(in crate::store) fn parse_id(id: &str) -> Option<(Vec<u8>, i64, u8, i64)> {
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

pub(super) fn finding_from_row(row: &Row<'_>) -> rusqlite::Result<FindingRow> {
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
