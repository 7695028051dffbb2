//! IODEF version 2 (RFC 7970, ITU-T X.1541): one document, an incident for each finding.

use std::io;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Producer, Released, Shareable as _, SharedFinding, Tlp};
use crate::query::SeverityClass;

const NAME_SPACE: &str = "urn:ietf:params:xml:ns:iodef-2.0";

/// Findings as a document.
///
/// # Errors
/// Never for memory; the type says so because the writer could write elsewhere.
pub fn document(
    producer: &Producer,
    released: &Released<SharedFinding>,
    now: Timestamp,
) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("IODEF-Document")
        .with_attributes([
            ("version", "2.00"),
            ("xml:lang", "en"),
            ("xmlns", NAME_SPACE),
        ])
        .write_inner_content(|writer| {
            released
                .items()
                .iter()
                .try_for_each(|finding| incident(writer, producer, finding, now))
        })?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

type Sink = Writer<Vec<u8>>;

fn incident(
    writer: &mut Sink,
    producer: &Producer,
    finding: &SharedFinding,
    now: Timestamp,
) -> io::Result<()> {
    let row = finding.row();
    let (restriction, extension) = restriction(finding.tlp());
    let mut element = writer
        .create_element("Incident")
        .with_attributes([("purpose", "reporting"), ("restriction", restriction)]);
    if let Some(extension) = extension {
        element = element.with_attribute(("ext-restriction", extension));
    }
    element.write_inner_content(|writer| {
        writer
            .create_element("IncidentID")
            .with_attribute(("name", clean(&producer.settings.organisation).as_str()))
            .write_text_content(BytesText::new(&finding.name().to_string()))?;
        leaf(writer, "DetectTime", &row.received.to_string())?;
        leaf(writer, "StartTime", &row.first.to_string())?;
        leaf(writer, "EndTime", &row.last.to_string())?;
        leaf(writer, "GenerationTime", &now.to_string())?;
        leaf(writer, "Description", &row.title())?;
        writer
            .create_element("Discovery")
            .with_attribute(("source", "nidps"))
            .write_inner_content(|writer| {
                leaf(
                    writer,
                    "Description",
                    &format!("Rule {} at {}", row.rule, finding.sensor()),
                )
            })?;
        writer
            .create_element("Assessment")
            .with_attribute(("occurrence", "actual"))
            .write_inner_content(|writer| {
                leaf(writer, "IncidentCategory", finding.classification().kind)?;
                let severity = match row.severity_class() {
                    SeverityClass::High => "high",
                    SeverityClass::Medium => "medium",
                    SeverityClass::Low | SeverityClass::Info => "low",
                };
                writer
                    .create_element("SystemImpact")
                    .with_attributes([
                        ("severity", severity),
                        ("type", impact(finding.classification().class)),
                    ])
                    .write_empty()?;
                writer
                    .create_element("Counter")
                    .with_attributes([("type", "counter"), ("unit", "alert")])
                    .write_text_content(BytesText::new(&row.hits.to_string()))?;
                Ok(())
            })?;
        references(writer, finding)?;
        writer
            .create_element("Contact")
            .with_attributes([("role", "creator"), ("type", "organization")])
            .write_inner_content(|writer| {
                leaf(writer, "ContactName", &producer.settings.organisation)?;
                writer
                    .create_element("Email")
                    .write_inner_content(|writer| {
                        leaf(writer, "EmailTo", &producer.settings.contact)
                    })
                    .map(drop)
            })?;
        flow(writer, finding)
    })?;
    Ok(())
}

fn references(writer: &mut Sink, finding: &SharedFinding) -> io::Result<()> {
    let known = finding
        .row()
        .text
        .as_ref()
        .map(|text| text.references.as_slice())
        .unwrap_or_default();
    let urls: Vec<&String> = known
        .iter()
        .filter(|reference| reference.starts_with("http"))
        .collect();
    if urls.is_empty() {
        return Ok(());
    }
    writer
        .create_element("Method")
        .write_inner_content(|writer| {
            urls.into_iter().try_for_each(|url| {
                writer
                    .create_element("Reference")
                    .write_inner_content(|writer| leaf(writer, "URL", url))
                    .map(drop)
            })
        })?;
    Ok(())
}

/// The two ends, as far as they are in clear.
fn flow(writer: &mut Sink, finding: &SharedFinding) -> io::Result<()> {
    let row = finding.row();
    let ends = [
        ("source", finding.source(), row.source.port),
        ("target", finding.destination(), row.destination.port),
    ];
    if ends.iter().all(|(_, address, _)| address.is_none()) {
        return Ok(());
    }
    writer
        .create_element("EventData")
        .write_inner_content(|writer| {
            writer
                .create_element("Flow")
                .write_inner_content(|writer| {
                    for (category, address, port) in ends {
                        let Some(address) = address else { continue };
                        writer
                            .create_element("System")
                            .with_attribute(("category", category))
                            .write_inner_content(|writer| {
                                writer
                                    .create_element("Node")
                                    .write_inner_content(|writer| {
                                        let kind = if address.is_ipv4() {
                                            "ipv4-addr"
                                        } else {
                                            "ipv6-addr"
                                        };
                                        writer
                                            .create_element("Address")
                                            .with_attribute(("category", kind))
                                            .write_text_content(BytesText::new(
                                                &address.to_string(),
                                            ))
                                            .map(drop)
                                    })?;
                                let Some(port) = port else { return Ok(()) };
                                writer
                                    .create_element("Service")
                                    .with_attribute((
                                        "ip-protocol",
                                        row.protocol.to_string().as_str(),
                                    ))
                                    .write_inner_content(|writer| {
                                        leaf(writer, "Port", &port.to_string())
                                    })
                                    .map(drop)
                            })?;
                    }
                    Ok(())
                })
                .map(drop)
        })?;
    Ok(())
}

fn leaf(writer: &mut Sink, name: &str, text: &str) -> io::Result<()> {
    writer
        .create_element(name)
        .write_text_content(BytesText::new(&clean(text)))?;
    Ok(())
}

/// Text without what XML 1.0 has no form for.
fn clean(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') {
                ' '
            } else {
                letter
            }
        })
        .collect()
}

/// The document's own words are those of TLP 1; the fifth label is an extension.
const fn restriction(tlp: Tlp) -> (&'static str, Option<&'static str>) {
    match tlp {
        Tlp::Clear => ("white", None),
        Tlp::Green => ("green", None),
        Tlp::Amber => ("amber", None),
        Tlp::AmberStrict => ("ext-value", Some("amber+strict")),
        Tlp::Red => ("red", None),
    }
}

/// The impact on the system, from the class of RSIT.
fn impact(class: &str) -> &'static str {
    match class {
        "malicious-code" | "intrusions" => "takeover-system",
        "availability" => "availability-service",
        "fraud" => "breach-credential",
        "information-content-security" => "breach-privacy",
        _ => "unknown",
    }
}
