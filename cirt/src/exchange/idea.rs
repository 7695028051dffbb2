//! IDEA0 (CESNET): one JSON object a line, as Warden and Mentat take them.

use serde_json::{Value, json};

use super::finding::json_lines;
use super::{Producer, Released, Shareable as _, SharedFinding};

/// Findings as events, one a line.
#[must_use]
pub fn events(producer: &Producer, released: &Released<SharedFinding>) -> String {
    json_lines(released, |finding| event(producer, finding))
}

fn event(producer: &Producer, finding: &SharedFinding) -> Value {
    let row = finding.row();
    let protocols: Vec<String> =
        std::iter::once(crate::api::protocol_name(row.protocol).to_ascii_lowercase())
            .chain(row.app_protocol.clone())
            .collect();
    let end = |address: Option<std::net::IpAddr>, port: Option<u16>| {
        let mut end = json!({ "Proto": protocols });
        match address {
            Some(address) => {
                end[if address.is_ipv4() { "IP4" } else { "IP6" }] = json!([address.to_string()]);
            }
            // Somebody is there whom the provider does not name.
            None => end["Anonymised"] = true.into(),
        }
        if let Some(port) = port {
            end["Port"] = json!([port]);
        }
        end
    };
    let mut event = json!({
        "Format": "IDEA0",
        "ID": finding.name().to_string(),
        "DetectTime": row.last.to_string(),
        "EventTime": row.first.to_string(),
        "CeaseTime": row.last.to_string(),
        "CreateTime": row.received.to_string(),
        "Category": [finding.classification().idea],
        "Confidence": 0.9,
        "ConnCount": row.hits,
        "Description": row.title(),
        "Note": finding.tlp().label(),
        "Source": [end(finding.source(), row.source.port)],
        "Target": [end(finding.destination(), row.destination.port)],
        "Node": [{
            "Name": node(producer, finding.sensor()),
            "Type": ["Flow", "Signature", "Content"],
            "SW": ["Lapwing"],
        }],
    });
    if let Some(reference) = row
        .text
        .as_ref()
        .map(|text| &text.references)
        .filter(|list| !list.is_empty())
    {
        event["Ref"] = json!(reference);
    }
    event
}

/// A name of parts that are letters, digits and underscores, from the country on.
fn node(producer: &Producer, sensor: &str) -> String {
    let clean = |text: &str| -> String {
        text.chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .collect()
    };
    format!(
        "{}.lapwing.{}",
        clean(producer.settings.country.as_str()),
        clean(sensor)
    )
}
