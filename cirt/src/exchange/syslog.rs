//! Syslog: RFC 5424 messages, over TLS in the frames of RFC 5425.

use jiff::Timestamp;

use super::{Producer, Released, Shareable as _, SharedFinding};
use crate::query::SeverityClass;

/// Facility local4.
const FACILITY: u8 = 20;
/// The enterprise number for documentation (RFC 5612): structured data of ours has no number of its own yet.
const STRUCTURED_DATA: &str = "lapwing@32473";

/// Findings as messages, without frames.
#[must_use]
pub fn messages(producer: &Producer, released: &Released<SharedFinding>) -> Vec<String> {
    released
        .items()
        .iter()
        .map(|finding| message(producer, finding))
        .collect()
}

/// Messages as they cross a connection: each after its length (RFC 5425, section 4.3).
#[must_use]
pub fn framed(messages: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        bytes.extend_from_slice(format!("{} ", message.len()).as_bytes());
        bytes.extend_from_slice(message.as_bytes());
    }
    bytes
}

fn message(producer: &Producer, finding: &SharedFinding) -> String {
    let row = finding.row();
    let severity = match row.severity_class() {
        SeverityClass::High => 2,
        SeverityClass::Medium => 4,
        SeverityClass::Low => 5,
        SeverityClass::Info => 6,
    };
    let mut parameters = String::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            parameters.push_str(&format!(" {name}=\"{}\"", escaped(&value)));
        }
    };
    let address = |address: std::net::IpAddr| address.to_string();
    let port = |port: u16| port.to_string();
    add("id", Some(finding.name().to_string()));
    add("tlp", Some(finding.tlp().name().to_owned()));
    add("rule", Some(row.rule.to_string()));
    add("class", Some(finding.classification().kind.to_owned()));
    add("src", finding.source().map(address));
    add("spt", row.source.port.map(port));
    add("dst", finding.destination().map(address));
    add("dpt", row.destination.port.map(port));
    add("proto", Some(crate::api::protocol_name(row.protocol)));
    add("app", row.app_protocol.clone());
    add("hits", Some(row.hits.to_string()));
    add("first", Some(row.first.to_string()));
    add("sensor", Some(finding.sensor().to_owned()));
    for (name, value) in &row.facts {
        add(&name.replace('.', "_"), Some(value.clone()));
    }
    format!(
        "<{}>1 {:.6} {} lapwing-cirt - finding [{STRUCTURED_DATA}{parameters}] {}",
        FACILITY * 8 + severity,
        row.last,
        host(producer),
        row.title()
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect::<String>()
    )
}

/// Says that findings were passed over, because a server could not be reached for too long.
#[must_use]
pub fn skipped(producer: &Producer, count: u64, now: Timestamp) -> String {
    const WARNING: u8 = 4;
    format!(
        "<{}>1 {now:.6} {} lapwing-cirt - skipped [{STRUCTURED_DATA} count=\"{count}\"] {count} findings were too old when this server could be reached again",
        FACILITY * 8 + WARNING,
        host(producer),
    )
}

/// The organisation, as a name of a host may be written.
fn host(producer: &Producer) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '-'
        }
    };
    let organisation = producer.settings.organisation.chars();
    organisation.map(plain).take(255).collect()
}

/// A value of a parameter (RFC 5424, section 6.3.3).
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(if letter.is_control() { ' ' } else { letter });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_quotes() {
        assert_eq!(escaped("a\"]\\b\n"), "a\\\"\\]\\\\b ");
        assert_eq!(
            framed(&["abc".to_owned(), "é".to_owned()]),
            "3 abc2 é".as_bytes()
        );
    }
}
