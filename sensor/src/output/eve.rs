//! EVE JSON, as Suricata writes its alerts.

use std::collections::BTreeMap;

use lapwing_rules::{
    model::{Action, AppProtocol},
    pack::Pack,
};
use serde::Serialize;

use super::{community_id, has_ends, protocol_name, times::eve_time};
use crate::detect::Alert;

/// One line of EVE.
#[derive(Debug, Serialize)]
pub(super) struct EveAlert<'a> {
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_filename: Option<&'a str>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    vlan: &'a [u16],
    #[serde(flatten)]
    ends: Option<EveEnds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    alert: EveRule<'a>,
}

#[derive(Debug, Serialize)]
struct EveEnds {
    src_ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    dest_ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    proto: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    community_id: String,
}

#[derive(Debug, Serialize)]
struct EveRule<'a> {
    action: &'static str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: &'a str,
    category: &'a str,
    severity: u8,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, Vec<&'a str>>,
}

pub(super) fn alert<'a>(
    alert: &'a Alert,
    pack: &'a Pack,
    capture: Option<&'a str>,
) -> EveAlert<'a> {
    let rule = pack.rule(alert.rule_index);
    let mut metadata: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in rule.iter().flat_map(|rule| rule.metadata()) {
        metadata.entry(key).or_default().push(value);
    }
    EveAlert {
        timestamp: eve_time(alert.time),
        flow_id: alert.flow.map(|flow| flow.0),
        pcap_filename: capture,
        event_type: "alert",
        vlan: &alert.vlans,
        ends: has_ends(alert).then(|| ends(alert)),
        app_proto: alert.app_protocol.map(AppProtocol::name),
        direction: alert.direction.map(|direction| match direction {
            crate::direction::Direction::ToServer => "to_server",
            crate::direction::Direction::ToClient => "to_client",
        }),
        alert: EveRule {
            // A sensor only watches: whatever the rule asks for, the packet went on.
            action: match alert.action {
                Action::Alert | Action::Pass | Action::Drop | Action::Reject => "allowed",
            },
            gid: alert.rule.gid,
            signature_id: alert.rule.sid,
            rev: alert.rule.rev,
            signature: rule.as_ref().map_or("", |rule| rule.message()),
            category: rule.as_ref().map_or("", |rule| rule.class_description()),
            severity: alert.severity.0,
            metadata,
        },
    }
}

fn ends(alert: &Alert) -> EveEnds {
    let has_ports = matches!(alert.protocol, 6 | 17 | 132);
    EveEnds {
        src_ip: alert.ends.source.to_string(),
        src_port: has_ports.then_some(alert.ends.source_port),
        dest_ip: alert.ends.destination.to_string(),
        dest_port: has_ports.then_some(alert.ends.destination_port),
        proto: protocol_name(alert.protocol).into_owned(),
        icmp_type: alert.icmp.map(|(kind, _)| kind),
        icmp_code: alert.icmp.map(|(_, code)| code),
        community_id: community_id(&alert.ends, alert.protocol, alert.icmp),
    }
}
