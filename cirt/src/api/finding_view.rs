//! A finding as JSON.

use lapwing_wire::{Action, Direction, DisclosedAddress, Endpoint};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{FindingPage, FindingRow};

/// A page of findings.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingsView {
    pub findings: Vec<FindingView>,
    /// Give this as `after` to get the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A finding. Times are RFC 3339, UTC.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingView {
    pub id: String,
    pub sensor: String,
    pub first: String,
    pub last: String,
    pub hits: u64,
    pub rule: RuleView,
    /// `high`, `medium`, `low` or `info`.
    pub severity: &'static str,
    /// The rule's own number, 1 is gravest.
    pub priority: u8,
    pub action: &'static str,
    pub source: EndpointView,
    pub destination: EndpointView,
    pub protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
    /// `to_server`, `to_client` or `unknown`.
    pub direction: &'static str,
    pub traffic: TrafficView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_start: Option<String>,
    pub facts: Vec<FactView>,
    /// SHA-256 of the provider's policy that let it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// When the sensor wrote it down, by a clock of this quality.
    pub made: String,
    pub clock_quality: &'static str,
    pub received: String,
    pub batch: u64,
}

/// The rule that fired; all but the numbers only when its text was imported.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleView {
    pub gid: u32,
    pub sid: u32,
    pub rev: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

/// One end.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointView {
    #[serde(flatten)]
    pub address: AddressView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// An address, and what it is worth.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressView {
    /// Absent when withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `clear`, `pseudonym` or `withheld`.
    pub disclosure: &'static str,
    /// Which of the provider's keys made the pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_epoch: Option<u32>,
}

/// Packets and bytes each way.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrafficView {
    pub packets_to_server: u64,
    pub bytes_to_server: u64,
    pub packets_to_client: u64,
    pub bytes_to_client: u64,
}

/// One thing that the application layer said.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactView {
    pub name: String,
    pub value: String,
}

impl From<&FindingPage> for FindingsView {
    fn from(page: &FindingPage) -> Self {
        Self {
            findings: page.findings.iter().map(FindingView::from).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

impl From<&FindingRow> for FindingView {
    fn from(row: &FindingRow) -> Self {
        let text = row.text.as_ref();
        Self {
            id: row.id.clone(),
            sensor: row.sensor.clone(),
            first: row.first.to_string(),
            last: row.last.to_string(),
            hits: row.hits,
            rule: RuleView {
                gid: row.rule.gid,
                sid: row.rule.sid,
                rev: row.rule.rev,
                message: text.map(|text| text.message.clone()),
                class_type: text.and_then(|text| text.class_type.clone()),
                category: text.and_then(|text| text.category.clone()),
                references: text.map(|text| text.references.clone()).unwrap_or_default(),
            },
            severity: row.severity_class().as_str(),
            priority: row.severity,
            action: action_name(row.action),
            source: row.source.into(),
            destination: row.destination.into(),
            protocol: protocol_name(row.protocol),
            app_protocol: row.app_protocol.clone(),
            direction: match row.direction {
                Direction::ToServer => "to_server",
                Direction::ToClient => "to_client",
                Direction::Unknown => "unknown",
            },
            traffic: TrafficView {
                packets_to_server: row.traffic.packets_to_server,
                bytes_to_server: row.traffic.bytes_to_server,
                packets_to_client: row.traffic.packets_to_client,
                bytes_to_client: row.traffic.bytes_to_client,
            },
            flow_start: row.flow_start.map(|time| time.to_string()),
            facts: row
                .facts
                .iter()
                .map(|(name, value)| FactView {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
            policy: row.policy.map(hex::encode),
            made: row.made.to_string(),
            clock_quality: row.clock_quality.name(),
            received: row.received.to_string(),
            batch: row.batch,
        }
    }
}

impl From<Endpoint> for EndpointView {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            address: endpoint.address.into(),
            port: endpoint.port,
        }
    }
}

impl From<DisclosedAddress> for AddressView {
    fn from(address: DisclosedAddress) -> Self {
        match address {
            DisclosedAddress::Clear(address) => Self {
                address: Some(address.to_string()),
                disclosure: "clear",
                key_epoch: None,
            },
            DisclosedAddress::Pseudonym { address, key_epoch } => Self {
                address: Some(address.to_string()),
                disclosure: "pseudonym",
                key_epoch: Some(key_epoch),
            },
            DisclosedAddress::Withheld => Self {
                address: None,
                disclosure: "withheld",
                key_epoch: None,
            },
        }
    }
}

/// The word for an action.
pub(crate) const fn action_name(action: Action) -> &'static str {
    match action {
        Action::Alert => "alert",
        Action::Drop => "drop",
        Action::Reject => "reject",
    }
}

/// The name of an IP protocol as EVE JSON writes it, or its number.
#[must_use]
pub fn protocol_name(protocol: u8) -> String {
    match protocol {
        1 => "ICMP".to_owned(),
        2 => "IGMP".to_owned(),
        6 => "TCP".to_owned(),
        17 => "UDP".to_owned(),
        47 => "GRE".to_owned(),
        50 => "ESP".to_owned(),
        58 => "IPv6-ICMP".to_owned(),
        132 => "SCTP".to_owned(),
        other => other.to_string(),
    }
}
