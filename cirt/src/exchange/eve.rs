//! EVE JSON, Suricata's own output: one `alert` event a line, for EveBox, Scirius and SIEMs that read it.
//!
//! What the format does not know stands under `lapwing`: how often, since when, and how far it may travel.

use serde_json::{Map, Value, json};

use super::finding::json_lines;
use super::{Released, Shareable as _, SharedFinding};

/// Findings as alerts, one a line.
#[must_use]
pub fn alerts(released: &Released<SharedFinding>) -> String {
    json_lines(released, alert)
}

fn alert(finding: &SharedFinding) -> Value {
    let row = finding.row();
    let text = row.text.as_ref();
    let mut event = json!({
        "timestamp": time(row.last),
        "event_type": "alert",
        "host": finding.sensor(),
        "proto": crate::api::protocol_name(row.protocol),
        "alert": {
            "action": crate::api::action_name(row.action),
            "gid": row.rule.gid,
            "signature_id": row.rule.sid,
            "rev": row.rule.rev,
            "signature": row.title(),
            "category": text.and_then(|text| text.category.clone()).unwrap_or_default(),
            "severity": row.severity,
        },
        "flow": {
            "pkts_toserver": row.traffic.packets_to_server,
            "pkts_toclient": row.traffic.packets_to_client,
            "bytes_toserver": row.traffic.bytes_to_server,
            "bytes_toclient": row.traffic.bytes_to_client,
            "start": time(row.flow_start.unwrap_or(row.first)),
        },
        "lapwing": {
            "id": finding.name().to_string(),
            "tlp": finding.tlp().name(),
            "first": time(row.first),
            "hits": row.hits,
            "classification": finding.classification().kind,
        },
    });
    for (key, address) in [
        ("src_ip", finding.source()),
        ("dest_ip", finding.destination()),
    ] {
        if let Some(address) = address {
            event[key] = address.to_string().into();
        }
    }
    for (key, port) in [
        ("src_port", row.source.port),
        ("dest_port", row.destination.port),
    ] {
        if let Some(port) = port {
            event[key] = port.into();
        }
    }
    if let Some(protocol) = &row.app_protocol {
        event["app_proto"] = protocol.as_str().into();
    }
    for (section, names) in SECTIONS {
        let found: Map<String, Value> = names
            .iter()
            .filter_map(|(fact, key)| Some(((*key).to_owned(), finding.fact(fact)?.into())))
            .collect();
        if !found.is_empty() {
            event[*section] = Value::Object(found);
        }
    }
    event
}

/// Where facts stand in the format.
const SECTIONS: &[(&str, &[(&str, &str)])] = &[
    (
        "http",
        &[
            ("http.host", "hostname"),
            ("http.uri", "url"),
            ("http.method", "http_method"),
            ("http.user_agent", "http_user_agent"),
            ("http.stat_code", "status"),
            ("http.content_type", "http_content_type"),
        ],
    ),
    (
        "dns",
        &[
            ("dns.query", "rrname"),
            ("dns.rrtype", "rrtype"),
            ("dns.rcode", "rcode"),
        ],
    ),
    (
        "tls",
        &[
            ("tls.sni", "sni"),
            ("tls.cert_subject", "subject"),
            ("tls.cert_issuer", "issuerdn"),
            ("tls.cert_fingerprint", "fingerprint"),
            ("tls.version", "version"),
            ("ja4.hash", "ja4"),
        ],
    ),
];

/// Microseconds and the offset without a colon, as Suricata writes times.
fn time(time: jiff::Timestamp) -> String {
    format!("{time:.6}").replace('Z', "+0000")
}
