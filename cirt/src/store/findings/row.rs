//! A finding as people read it.

use std::net::{IpAddr, Ipv6Addr};

use super::super::database::{OptionalRow as _, Transaction};
use jiff::Timestamp;
use lapwing_lake::{End, Finding};
use lapwing_wire::{
    Action, ClockQuality, Direction, DisclosedAddress, Endpoint, Lane, RuleId, Traffic,
};

use super::super::StoreError;
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

pub(super) fn parse_id(id: &str) -> Option<(Vec<u8>, i64, u8, i64)> {
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

/// Rows of the table as people read them: with the sensor's name and the rule's text.
pub(super) fn finding_rows(
    transaction: &Transaction<'_>,
    found: Vec<Finding>,
) -> Result<Vec<FindingRow>, StoreError> {
    let mut names = transaction.prepare("SELECT name FROM sensor WHERE key = ?1")?;
    let sql = format!(
        "SELECT {} FROM rule WHERE gid = ?1 AND sid = ?2 AND rev = ?3",
        rules::COLUMNS
    );
    let mut texts = transaction.prepare(&sql)?;
    let mut rows = Vec::with_capacity(found.len());
    for finding in found {
        let name: String = names.query_row([finding.sensor_key], |row| row.get(0))?;
        let rule = [finding.gid, finding.sid, finding.rev];
        let text = texts
            .query_row(rule, |row| rules::rule_from_row(row, 0, rule))
            .optional()?
            .flatten();
        rows.push(finding_row(finding, name, text));
    }
    Ok(rows)
}

fn finding_row(finding: Finding, sensor: String, text: Option<RuleText>) -> FindingRow {
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    FindingRow {
        id: format!(
            "{}-{:016x}-{}-{}",
            hex::encode(finding.sensor),
            finding.epoch.cast_unsigned(),
            Lane::from_code(finding.lane).map_or("unknown", Lane::name),
            finding.number
        ),
        sensor,
        first: from_milliseconds(finding.first_ms),
        last: from_milliseconds(finding.last_ms),
        hits: count(finding.hits),
        rule: RuleId {
            gid: finding.gid,
            sid: finding.sid,
            rev: finding.rev,
        },
        text,
        severity: finding.severity,
        action: Action::from_code(finding.action),
        source: endpoint(&finding.source),
        destination: endpoint(&finding.destination),
        protocol: finding.protocol,
        app_protocol: finding.app_protocol,
        direction: Direction::from_code(finding.direction),
        traffic: Traffic {
            packets_to_server: count(finding.packets_to_server),
            bytes_to_server: count(finding.bytes_to_server),
            packets_to_client: count(finding.packets_to_client),
            bytes_to_client: count(finding.bytes_to_client),
        },
        flow_start: finding.flow_start_ms.map(from_milliseconds),
        facts: serde_json::from_str(&finding.facts).unwrap_or_default(),
        policy: finding.policy,
        made: from_milliseconds(finding.made_ms),
        clock_quality: ClockQuality::from_code(finding.clock_quality),
        received: from_milliseconds(finding.received_ms),
        batch: finding.batch.cast_unsigned(),
        cursor: Cursor {
            last_milliseconds: finding.last_ms,
            key: finding.key,
        },
    }
}

fn endpoint(end: &End) -> Endpoint {
    let address = end.address.map(|bytes| {
        let address = Ipv6Addr::from(bytes);
        address
            .to_ipv4_mapped()
            .map_or(IpAddr::V6(address), IpAddr::V4)
    });
    let address = match (address, end.disclosure) {
        (Some(address), 0) => DisclosedAddress::Clear(address),
        (Some(address), _) => DisclosedAddress::Pseudonym {
            address,
            key_epoch: end.key_epoch.unwrap_or_default(),
        },
        (None, _) => DisclosedAddress::Withheld,
    };
    Endpoint {
        address,
        port: end.port,
    }
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
