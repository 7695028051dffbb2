//! Events of IntelMQ (Data Format, as of 3.5): one JSON object a line.

use serde_json::{Map, Value, json};

use super::finding::json_lines;
use super::{Producer, Released, Shareable as _, SharedFinding, Tlp};

/// Findings as events, one a line.
#[must_use]
pub fn events(producer: &Producer, released: &Released<SharedFinding>) -> String {
    json_lines(released, |finding| event(producer, finding))
}

fn event(producer: &Producer, finding: &SharedFinding) -> Value {
    let row = finding.row();
    let mut event = Map::new();
    let mut set = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            event.insert(key.to_owned(), value.into());
        }
    };
    let text = |address: std::net::IpAddr| address.to_string();
    set("time.source", Some(row.last.to_string()));
    set("time.observation", Some(row.received.to_string()));
    set("feed.name", Some("Lapwing".to_owned()));
    set(
        "feed.provider",
        Some(producer.settings.organisation.clone()),
    );
    set(
        "classification.taxonomy",
        Some(finding.classification().class.to_owned()),
    );
    set(
        "classification.type",
        Some(finding.classification().kind.to_owned()),
    );
    set(
        "classification.identifier",
        Some(format!("{}-{}", row.rule.gid, row.rule.sid)),
    );
    set("event_description.text", Some(row.title()));
    set("source.ip", finding.source().map(text));
    set("destination.ip", finding.destination().map(text));
    set(
        "protocol.transport",
        transport(row.protocol).map(str::to_owned),
    );
    set("protocol.application", row.app_protocol.clone());
    set(
        "malware.hash.sha256",
        finding.fact("filesha256").map(str::to_owned),
    );
    set("tlp", Some(label(finding.tlp()).to_owned()));
    for (key, port) in [
        ("source.port", row.source.port),
        ("destination.port", row.destination.port),
    ] {
        // The format knows no port 0.
        if let Some(port) = port.filter(|port| *port > 0) {
            event.insert(key.to_owned(), port.into());
        }
    }
    let facts: Map<String, Value> = row
        .facts
        .iter()
        .map(|(name, value)| (name.replace('.', "_"), value.as_str().into()))
        .collect();
    event.insert(
        "extra".to_owned(),
        json!({
            "lapwing_id": finding.name().to_string(),
            "first": row.first.to_string(),
            "hits": row.hits,
            "sensor": finding.sensor(),
            "tlp_2": finding.tlp().label(),
            "facts": facts,
        }),
    );
    event.insert("__type".to_owned(), "Event".into());
    Value::Object(event)
}

/// The labels that the format knows are those of version 1: CLEAR was WHITE, and AMBER+STRICT is told stricter rather than laxer.
const fn label(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "WHITE",
        Tlp::Green => "GREEN",
        Tlp::Amber => "AMBER",
        Tlp::AmberStrict | Tlp::Red => "RED",
    }
}

const fn transport(protocol: u8) -> Option<&'static str> {
    match protocol {
        1 => Some("icmp"),
        6 => Some("tcp"),
        17 => Some("udp"),
        58 => Some("ipv6-icmp"),
        132 => Some("sctp"),
        _ => None,
    }
}
