//! Alerts as JSON with every name spelled out, for scripts that know nothing of EVE.

use std::collections::BTreeMap;

use lapwing_rules::{
    model::{Action, AppProtocol},
    pack::Pack,
};
use serde::Serialize;

use super::{community_id, has_ends, protocol_name, times::eve_time};
use crate::{detect::Alert, direction::Direction};

/// One alert.
#[derive(Debug, Serialize)]
pub(super) struct JsonAlert<'a> {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<&'a str>,
    rule: JsonRule<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<JsonConnection<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Serialize)]
struct JsonRule<'a> {
    generator: u32,
    signature: u32,
    revision: u32,
    message: &'a str,
    class_type: &'a str,
    class_description: &'a str,
    severity: u8,
    action: &'static str,
    references: Vec<String>,
    metadata: Vec<(&'a str, &'a str)>,
}

#[derive(Debug, Serialize)]
struct JsonConnection<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<u64>,
    community_id: String,
    source_address: String,
    source_port: u16,
    destination_address: String,
    destination_port: u16,
    protocol: String,
    application_protocol: Option<&'static str>,
    direction: Option<&'static str>,
    vlans: &'a [u16],
}

pub(super) fn alert<'a>(
    alert: &'a Alert,
    pack: &'a Pack,
    capture: Option<&'a str>,
) -> JsonAlert<'a> {
    let rule = pack.rule(alert.rule_index);
    let mut facts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (kind, value) in &alert.facts {
        facts
            .entry(format!("{kind:?}"))
            .or_default()
            .push(String::from_utf8_lossy(value).into_owned());
    }
    JsonAlert {
        time: eve_time(alert.time),
        capture,
        rule: JsonRule {
            generator: alert.rule.gid,
            signature: alert.rule.sid,
            revision: alert.rule.rev,
            message: rule.as_ref().map_or("", |rule| rule.message()),
            class_type: rule.as_ref().map_or("", |rule| rule.class_type()),
            class_description: rule.as_ref().map_or("", |rule| rule.class_description()),
            severity: alert.severity.0,
            action: match alert.action {
                Action::Alert => "alert",
                Action::Pass => "pass",
                Action::Drop => "drop",
                Action::Reject => "reject",
            },
            references: rule
                .iter()
                .flat_map(|rule| rule.references())
                .map(|(system, target)| format!("{system}{target}"))
                .collect(),
            metadata: rule.iter().flat_map(|rule| rule.metadata()).collect(),
        },
        connection: has_ends(alert).then(|| connection(alert)),
        facts,
    }
}

fn connection(alert: &Alert) -> JsonConnection<'_> {
    JsonConnection {
        flow: alert.flow.map(|flow| flow.0),
        community_id: community_id(&alert.ends, alert.protocol, alert.icmp),
        source_address: alert.ends.source.to_string(),
        source_port: alert.ends.source_port,
        destination_address: alert.ends.destination.to_string(),
        destination_port: alert.ends.destination_port,
        protocol: protocol_name(alert.protocol).into_owned(),
        application_protocol: alert.app_protocol.map(AppProtocol::name),
        direction: alert.direction.map(|direction| match direction {
            Direction::ToServer => "to_server",
            Direction::ToClient => "to_client",
        }),
        vlans: &alert.vlans,
    }
}
