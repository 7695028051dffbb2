//! XARF version 4 (specification 4.2.0): one report a finding, for abuse desks that read them by machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lapwing_wire::DisclosedAddress;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::exchange::{Producer, Released, SharedFinding};

const VERSION: &str = "4.2.0";

/// A report for each finding that has a source to report.
#[must_use]
pub fn reports(producer: &Producer, released: &Released<SharedFinding>) -> Vec<Value> {
    released
        .items()
        .iter()
        .map(|finding| report(producer, finding))
        .collect()
}

fn report(producer: &Producer, finding: &SharedFinding) -> Value {
    let row = finding.row();
    let (category, kind) = finding.classification().xarf;
    let settings = &producer.settings;
    let domain = settings.contact.rsplit('@').next().unwrap_or_default();
    let party =
        json!({ "org": settings.organisation, "contact": settings.contact, "domain": domain });
    let protocol = match row.protocol {
        6 => "tcp",
        17 => "udp",
        1 | 58 => "icmp",
        132 => "sctp",
        _ => "tcp",
    };
    let evidence = format!(
        "{} rule {} {} hits from {} to {}",
        row.title(),
        row.rule,
        row.hits,
        row.first,
        row.last
    );
    let mut report = json!({
        "xarf_version": VERSION,
        "report_id": finding.name().to_string(),
        "timestamp": row.last.to_string(),
        "reporter": party,
        "sender": party,
        "source_identifier": source(finding),
        "category": category,
        "type": kind,
        "evidence_source": "ids_detection",
        "description": row.title(),
        "confidence": 0.9,
        "tags": [format!("rsit:{}", finding.classification().kind)],
        "evidence": [{
            "content_type": "text/plain",
            "description": "What the sensor's rule saw",
            "payload": STANDARD.encode(&evidence),
            "hash": format!("sha256:{}", hex::encode(Sha256::digest(evidence.as_bytes()))),
            "size": evidence.len(),
        }],
    });
    if let Some(port) = row.source.port.filter(|port| *port > 0) {
        report["source_port"] = port.into();
    }
    match category {
        "connection" => {
            report["protocol"] = protocol.into();
            report["first_seen"] = row.first.to_string().into();
            report["last_seen"] = row.last.to_string().into();
            if let Some(address) = finding.destination() {
                report["destination_ip"] = address.to_string().into();
            }
            if kind == "vulnerability_scan" {
                report["scan_type"] = "vulnerability_scan".into();
                report["scanner_signature"] = row.rule.to_string().into();
            } else if let Some(port) = row.destination.port.filter(|port| *port > 0) {
                report["destination_port"] = port.into();
            }
        }
        "infrastructure" if kind == "botnet" => report["compromise_evidence"] = evidence.into(),
        "infrastructure" => report["compromise_method"] = "unknown".into(),
        "content" => {
            let host = finding
                .fact("http.host")
                .or_else(|| finding.fact("tls.sni"))
                .unwrap_or("unknown.invalid");
            report["url"] = format!("http://{host}/").into();
        }
        "vulnerability" => {
            report["service"] = row.app_protocol.as_deref().unwrap_or("unknown").into();
        }
        _ => report["threat_type"] = finding.classification().kind.into(),
    }
    report
}

/// The source, or what stands for it where the provider's own policy keeps it back: only the provider can resolve that.
fn source(finding: &SharedFinding) -> String {
    match finding.row().source.address {
        DisclosedAddress::Clear(address) => address.to_string(),
        DisclosedAddress::Pseudonym { address, key_epoch } => {
            format!("pseudonym:{key_epoch}:{address}")
        }
        DisclosedAddress::Withheld => "withheld".to_owned(),
    }
}
