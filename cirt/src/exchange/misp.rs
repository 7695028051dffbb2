//! MISP core format, as a feed: `manifest.json`, `hashes.csv` and one file an event, for a plain folder or any web server.
//!
//! An event is what one rule found on one day under one label. Attributes are the outside ends, names and URLs, each once, with first
//! and last time and the number of alerts in the comment; nothing is marked for automatic detection, because a name in a finding is
//! what was met, not always what is bad. Approved indicators that may go on are events of their own, a day and label one, and are for
//! detection. Labels and RSIT classes are tags of MISP's taxonomies, RSIT also a cluster of its galaxy.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::classification::{self, Classification};
use super::indicator::{Indicator, Wanted};
use super::{Producer, Released, Shareable as _, SharedFinding, Tlp};
use crate::store::FindingRow;

/// UUID of MISP's galaxy of RSIT.
const GALAXY: &str = "97eb5924-b784-437a-9110-6ed07d587fc4";

/// A feed, file by file.
#[derive(Debug)]
pub struct Feed {
    /// `manifest.json`.
    pub manifest: String,
    /// `hashes.csv`: MD5 of each attribute's value, and its event.
    pub hashes: String,
    /// UUID and contents of each event's file.
    pub events: BTreeMap<String, String>,
}

/// The event that a finding is in.
#[must_use]
pub fn event_of(producer: &Producer, finding: &SharedFinding) -> String {
    event_under(producer, finding.row(), finding.tlp())
}

/// The event that a finding is in under a label.
pub(super) fn event_under(producer: &Producer, row: &FindingRow, tlp: Tlp) -> String {
    producer
        .name(
            "misp event",
            &format!("{}\n{}\n{tlp}", row.rule, day(row.last)),
        )
        .to_string()
}

/// The event that an indicator is in: those that came on one day under one label.
#[must_use]
pub fn event_of_indicator(producer: &Producer, indicator: &Indicator) -> String {
    producer
        .name(
            "misp indicators",
            &format!("{}\n{}", day(indicator.received), indicator.tlp),
        )
        .to_string()
}

/// The feed of released findings and indicators.
#[must_use]
pub fn feed(
    producer: &Producer,
    released: &Released<SharedFinding>,
    indicators: Option<&Released<Indicator>>,
) -> Feed {
    let mut grouped: BTreeMap<String, Vec<&SharedFinding>> = BTreeMap::new();
    for finding in released.items() {
        grouped
            .entry(event_of(producer, finding))
            .or_default()
            .push(finding);
    }
    let mut listed: BTreeMap<String, Vec<&Indicator>> = BTreeMap::new();
    for indicator in indicators.into_iter().flat_map(Released::items) {
        listed
            .entry(event_of_indicator(producer, indicator))
            .or_default()
            .push(indicator);
    }
    let of_findings = grouped
        .into_iter()
        .map(|(uuid, findings)| (event(producer, &uuid, &findings), uuid));
    let of_indicators = listed
        .into_iter()
        .map(|(uuid, indicators)| (indicator_event(producer, &uuid, &indicators), uuid));
    let mut feed = Feed {
        manifest: String::new(),
        hashes: String::new(),
        events: BTreeMap::new(),
    };
    let mut manifest = serde_json::Map::new();
    for (event, uuid) in of_findings.chain(of_indicators) {
        let Some(event) = event else { continue };
        for attribute in event["Event"]["Attribute"].as_array().into_iter().flatten() {
            let value = attribute["value"].as_str().unwrap_or_default();
            feed.hashes.push_str(&format!(
                "{},{uuid}\n",
                hex::encode(Md5::digest(value.as_bytes()))
            ));
        }
        let inside = &event["Event"];
        let entry = json!({
            "Orgc": inside["Orgc"],
            "Tag": inside["Tag"],
            "info": inside["info"],
            "date": inside["date"],
            "analysis": inside["analysis"],
            "threat_level_id": inside["threat_level_id"],
            "timestamp": inside["timestamp"],
        });
        manifest.insert(uuid.clone(), entry);
        feed.events.insert(uuid, event.to_string());
    }
    feed.manifest = Value::Object(manifest).to_string();
    feed
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// What is known of one value.
struct Seen {
    category: &'static str,
    first: Timestamp,
    last: Timestamp,
    hits: u64,
}

fn event(producer: &Producer, uuid: &str, findings: &[&SharedFinding]) -> Option<Value> {
    let first = findings.first()?;
    let row = first.row();
    let newest = findings
        .iter()
        .map(|finding| finding.row().received)
        .max()?;
    let mut values: BTreeMap<(&'static str, String), Seen> = BTreeMap::new();
    for finding in findings {
        for (kind, category, value) in attributes(finding) {
            let row = finding.row();
            let seen = values.entry((kind, value)).or_insert(Seen {
                category,
                first: row.first,
                last: row.last,
                hits: 0,
            });
            seen.first = seen.first.min(row.first);
            seen.last = seen.last.max(row.last);
            seen.hits = seen.hits.saturating_add(row.hits);
        }
    }
    let timestamp = newest.as_second().to_string();
    let attributes: Vec<Value> = values
        .into_iter()
        .map(|((kind, value), seen)| {
            json!({
                "uuid": producer.name("misp attribute", &format!("{uuid}\n{kind}\n{value}")).to_string(),
                "type": kind,
                "category": seen.category,
                "value": value,
                "to_ids": false,
                "distribution": "5",
                "timestamp": timestamp,
                "comment": format!("{} alerts from {:.0} to {:.0}", seen.hits, seen.first, seen.last),
            })
        })
        .collect();
    Some(assembled(
        producer,
        &Head {
            uuid,
            info: row.title(),
            date: day(row.last),
            severity: row.severity,
            timestamp,
            tlp: first.tlp(),
            class: first.classification(),
        },
        attributes,
    ))
}

/// What partners told us to look for and may go on, for detection there as well.
fn indicator_event(producer: &Producer, uuid: &str, indicators: &[&Indicator]) -> Option<Value> {
    let first = indicators.first()?;
    let newest = indicators.iter().map(|one| one.received).max()?;
    let timestamp = newest.as_second().to_string();
    let attributes = indicators
        .iter()
        .filter_map(|indicator| {
            let (kind, category) = attribute_kind(&indicator.wanted)?;
            let value = indicator.wanted.value();
            Some(json!({
                "uuid": producer.name("misp attribute", &format!("{uuid}\n{kind}\n{value}")).to_string(),
                "type": kind,
                "category": category,
                "value": value,
                "to_ids": true,
                "distribution": "5",
                "timestamp": timestamp,
                "comment": indicator.comment,
            }))
        })
        .collect();
    Some(assembled(
        producer,
        &Head {
            uuid,
            info: format!("Indicators of {}", day(first.received)),
            date: day(first.received),
            severity: first.severity,
            timestamp,
            tlp: first.tlp,
            class: classification::of_indicator(),
        },
        attributes,
    ))
}

/// Type and category of an indicator; none where MISP has no type for it.
fn attribute_kind(wanted: &Wanted) -> Option<(&'static str, &'static str)> {
    const NETWORK: &str = "Network activity";
    Some(match wanted.kind() {
        "address" => ("ip-dst", NETWORK),
        "domain" => ("domain", NETWORK),
        "host" => ("hostname", NETWORK),
        "url" => ("url", NETWORK),
        "ja3" => ("ja3-fingerprint-md5", NETWORK),
        "sha1" => ("x509-fingerprint-sha1", NETWORK),
        "sha256" => ("x509-fingerprint-sha256", NETWORK),
        "rule" => ("snort", NETWORK),
        _ => return None,
    })
}

/// What an event says of itself.
struct Head<'a> {
    uuid: &'a str,
    info: String,
    date: String,
    severity: u8,
    timestamp: String,
    tlp: Tlp,
    class: Classification,
}

fn assembled(producer: &Producer, head: &Head<'_>, attributes: Vec<Value>) -> Value {
    let (galaxy, cluster) = head.class.galaxy;
    let cluster_tag = format!("misp-galaxy:rsit=\"{galaxy}\"");
    let tags = [
        format!("tlp:{}", head.tlp.name()),
        format!("rsit:{}=\"{}\"", head.class.class, head.class.kind),
        cluster_tag.clone(),
    ];
    json!({ "Event": {
        "uuid": head.uuid,
        "info": head.info,
        "date": head.date,
        "threat_level_id": match head.severity { 1 => "1", 2 => "2", 3 => "3", _ => "4" },
        "analysis": "2",
        "distribution": distribution(head.tlp),
        "published": true,
        "timestamp": head.timestamp,
        "publish_timestamp": head.timestamp,
        "Orgc": {
            "name": producer.settings.organisation,
            "uuid": producer.name("identity", "").to_string(),
        },
        "Tag": tags.map(|name| json!({ "name": name })),
        "Attribute": attributes,
        "Galaxy": [{
            "uuid": GALAXY,
            "name": "Reference Security Incident Classification Taxonomy",
            "type": "rsit",
            "description": "Reference Security Incident Classification Taxonomy",
            "version": "1",
            "GalaxyCluster": [{
                "uuid": cluster,
                "type": "rsit",
                "value": galaxy,
                "tag_name": cluster_tag,
                "description": galaxy,
            }],
        }],
    }})
}

/// How far a MISP passes it on by itself: the recipient's organisation, except for what everybody or the community may have.
const fn distribution(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "3",
        Tlp::Green => "1",
        Tlp::Amber | Tlp::AmberStrict | Tlp::Red => "0",
    }
}

/// Type, category and value of what a finding tells.
fn attributes(finding: &SharedFinding) -> Vec<(&'static str, &'static str, String)> {
    const NETWORK: &str = "Network activity";
    let mut found = vec![("text", "Other", finding.row().title())];
    let outside: Vec<IpAddr> = finding.outside().collect();
    for address in outside {
        let kind = if finding.source() == Some(address) {
            "ip-src"
        } else {
            "ip-dst"
        };
        found.push((kind, NETWORK, address.to_string()));
    }
    let host = finding.fact("http.host");
    for (kind, category, value) in [
        (
            "domain",
            NETWORK,
            finding
                .fact("dns.query")
                .map(|name| name.trim_end_matches('.')),
        ),
        ("hostname", NETWORK, finding.fact("tls.sni")),
        ("hostname", NETWORK, host),
        ("ja3-fingerprint-md5", NETWORK, finding.fact("ja3.hash")),
        ("sha256", "Payload delivery", finding.fact("filesha256")),
    ] {
        if let Some(value) = value.filter(|value| is_plain(value)) {
            found.push((kind, category, value.to_owned()));
        }
    }
    if let (Some(host), Some(target)) = (host, finding.fact("http.uri"))
        && is_plain(host)
        && is_plain(target)
        && target.starts_with('/')
    {
        found.push(("url", NETWORK, format!("http://{host}{target}")));
    }
    found
}

/// Whether a stranger's text may stand as a value: visible, in one word.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
