//! Observables (chapter 6 of the standard): addresses, names, URLs and traffic, named by what they are.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::marking::marking_id;
use crate::exchange::{Shareable as _, SharedFinding, Tlp};

/// The name space of observables (section 2.9).
const NAME_SPACE: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// What names traffic.
const TRAFFIC_NAMING: [&str; 7] = [
    "start",
    "end",
    "src_ref",
    "dst_ref",
    "src_port",
    "dst_port",
    "protocols",
];

/// A time as STIX writes it.
pub(super) fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// An observable; the properties that `naming` lists make its name, in canonical JSON (RFC 8785).
fn observable(kind: &str, tlp: Tlp, naming: &[&str], properties: Value) -> Value {
    // Maps of this JSON library are sorted by key and strings are escaped as little as can be: canonical for what stands here.
    let mut named = Map::new();
    for key in naming {
        if let Some(value) = properties.get(key) {
            named.insert((*key).to_owned(), value.clone());
        }
    }
    let name = Uuid::new_v5(&NAME_SPACE, Value::Object(named).to_string().as_bytes());
    let mut object = properties;
    object["type"] = kind.into();
    object["spec_version"] = "2.1".into();
    object["id"] = format!("{kind}--{name}").into();
    object["object_marking_refs"] = json!([marking_id(tlp)]);
    object
}

/// An address.
fn address(address: IpAddr, tlp: Tlp) -> Value {
    let kind = if address.is_ipv4() {
        "ipv4-addr"
    } else {
        "ipv6-addr"
    };
    observable(
        kind,
        tlp,
        &["value"],
        json!({ "value": address.to_string() }),
    )
}

/// Stands for what is no longer said.
pub(super) fn withdrawn() -> Value {
    observable(
        "software",
        Tlp::Clear,
        &["name"],
        json!({ "name": "withdrawn" }),
    )
}

/// What was seen in a finding: its traffic and what goes with it. Empty when a provider keeps both ends to itself and nothing else is known.
pub(super) fn of_finding(finding: &SharedFinding) -> Vec<Value> {
    let row = finding.row();
    let tlp = finding.tlp();
    let mut objects = Vec::new();
    let mut reference = |found: Option<IpAddr>| {
        let object = address(found?, tlp);
        let id = object["id"].clone();
        if !objects.contains(&object) {
            objects.push(object);
        }
        Some(id)
    };
    let (source, destination) = (
        reference(finding.source()),
        reference(finding.destination()),
    );
    if source.is_some() || destination.is_some() {
        let is_ipv6 = finding
            .source()
            .or(finding.destination())
            .is_some_and(|address| address.is_ipv6());
        let mut protocols = vec![if is_ipv6 { "ipv6" } else { "ipv4" }.to_owned()];
        protocols.push(crate::api::protocol_name(row.protocol).to_ascii_lowercase());
        protocols.extend(row.app_protocol.clone());
        let mut traffic = json!({
            "start": time(row.flow_start.unwrap_or(row.first).min(row.first)),
            "end": time(row.last),
            "is_active": false,
            "protocols": protocols,
            "src_byte_count": row.traffic.bytes_to_server,
            "dst_byte_count": row.traffic.bytes_to_client,
            "src_packets": row.traffic.packets_to_server,
            "dst_packets": row.traffic.packets_to_client,
        });
        for (key, value) in [
            ("src_ref", source),
            ("dst_ref", destination),
            ("src_port", row.source.port.map(Value::from)),
            ("dst_port", row.destination.port.map(Value::from)),
        ] {
            if let Some(value) = value {
                traffic[key] = value;
            }
        }
        objects.push(observable("network-traffic", tlp, &TRAFFIC_NAMING, traffic));
    }
    for name in ["dns.query", "tls.sni", "http.host"] {
        let value = finding
            .fact(name)
            .map(|value| value.trim_end_matches('.').to_ascii_lowercase());
        if let Some(value) = value.filter(|value| is_domain(value)) {
            let object = observable("domain-name", tlp, &["value"], json!({ "value": value }));
            if !objects.contains(&object) {
                objects.push(object);
            }
        }
    }
    objects
}

/// Whether a text that a stranger sent may be told as a name: letters, digits, dashes and dots, no address.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(label)
        && text.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_standard() {
        // What the library `stix2` 3.0.2 calls them.
        let object = address("192.0.2.1".parse().unwrap(), Tlp::Clear);
        assert_eq!(
            object["id"],
            "ipv4-addr--8dded90c-40c0-545a-8027-5b212bb37e8e"
        );
        let object = address("2001:db8::1".parse().unwrap(), Tlp::Amber);
        assert_eq!(
            object["id"],
            "ipv6-addr--6469e3a9-b053-5e34-a025-9396ae051d26"
        );
        let object = observable(
            "domain-name",
            Tlp::Clear,
            &["value"],
            json!({ "value": "malware.example" }),
        );
        assert_eq!(
            object["id"],
            "domain-name--c10790ec-f39e-557c-92dc-a26522348d50"
        );
        let address = "ipv4-addr--8dded90c-40c0-545a-8027-5b212bb37e8e";
        let traffic = json!({
            "start": "2026-05-01T12:00:00.125Z", "end": "2026-05-01T12:00:01.125Z", "src_ref": address, "dst_ref": address,
            "src_port": 40_000, "dst_port": 80, "protocols": ["ipv4", "tcp"], "is_active": false,
        });
        let object = observable("network-traffic", Tlp::Clear, &TRAFFIC_NAMING, traffic);
        assert_eq!(
            object["id"],
            "network-traffic--663de7ea-5b97-59a2-a38e-2f544cc8c566"
        );
    }

    #[test]
    fn only_names_are_told_as_names() {
        for good in ["www.example.org", "_dmarc.example"] {
            assert!(is_domain(good), "{good}");
        }
        for bad in [
            "localhost",
            "192.0.2.1",
            "a b.example",
            "x..example",
            "\\x00.example",
            "",
        ] {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
