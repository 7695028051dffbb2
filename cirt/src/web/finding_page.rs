//! Everything that is known of one finding, and who else saw either end.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use lapwing_wire::{Direction, DisclosedAddress};

use super::error_page::{PageError, render};
use super::format::{self, EndpointText};
use super::frame::Frame;
use super::session::SignedIn;
use super::state::WebState;
use crate::api::{action_name, protocol_name};
use crate::language::Texts;
use crate::people::Permission;
use crate::query::{Scope, percent_encode};
use crate::store::{FindingRow, RuleText, Sighting, Store, StoreError};

/// Facts whose value is a host name that others may have seen.
const HOST_FACTS: [&str; 3] = ["http.host", "tls.sni", "dns.query"];
/// Things of one finding that are looked up at other sensors.
const LOOKED_UP: usize = 4;

#[derive(Template)]
#[template(path = "finding.html")]
struct FindingTemplate {
    frame: Frame,
    title: String,
    severity: &'static str,
    source: EndpointText,
    destination: EndpointText,
    /// Arrow between the ends.
    direction: &'static str,
    finding: FindingRow,
    times: Vec<(String, String)>,
    traffic: Vec<(String, String)>,
    origin: Vec<(String, String)>,
    who_else: Vec<WhoElse>,
    group: Option<i64>,
    /// The suppression that kept it out of the group: number, and why.
    suppression: Option<(i64, String)>,
    /// Where to suppress more of the kind; for those who may.
    suppress_link: Option<String>,
    rule: Option<RuleText>,
    references: Vec<ReferenceLink>,
    others: Vec<(String, String)>,
}

/// A rule's reference; only web addresses become links.
pub(super) struct ReferenceLink {
    pub(super) text: String,
    pub(super) href: Option<String>,
}

/// One thing, and the sensors that saw it.
struct WhoElse {
    value: String,
    link: String,
    sensors: Vec<SightingLine>,
}

struct SightingLine {
    sensor: String,
    tenant: String,
    findings: String,
    first: String,
    last: String,
    is_here: bool,
}

impl WhoElse {
    fn of(value: String, key: &str, sightings: Vec<Sighting>, here: &str) -> Self {
        let line = |sighting: Sighting| SightingLine {
            is_here: sighting.sensor == here,
            sensor: sighting.sensor,
            tenant: sighting.tenant.unwrap_or_else(|| "–".to_owned()),
            findings: format::number(sighting.findings),
            first: format::time(sighting.first),
            last: format::time(sighting.last),
        };
        Self {
            link: format!("/findings?{key}={}", percent_encode(&value)),
            sensors: sightings.into_iter().map(line).collect(),
            value,
        }
    }
}

/// Clear addresses and host names of a finding, each with who saw it.
fn who_else(store: &Store, scope: Scope, finding: &FindingRow) -> Result<Vec<WhoElse>, StoreError> {
    let mut found = Vec::new();
    for end in [finding.source, finding.destination] {
        if let DisclosedAddress::Clear(address) = end.address {
            let sightings = store.who_saw_address(scope, address)?;
            found.push(WhoElse::of(
                address.to_string(),
                "address",
                sightings,
                &finding.sensor,
            ));
        }
    }
    let mut hosts: Vec<&str> = finding
        .facts
        .iter()
        .filter(|(name, _)| HOST_FACTS.contains(&name.as_str()))
        .map(|(_, value)| value.as_str())
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    for host in hosts.into_iter().take(LOOKED_UP) {
        let sightings = store.who_saw_host(scope, host)?;
        found.push(WhoElse::of(
            host.to_owned(),
            "host",
            sightings,
            &finding.sensor,
        ));
    }
    Ok(found)
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let scope = session.scope();
    let sees_work = session.may(Permission::ReadWork);
    let found = state
        .query(move |store| {
            let Some(finding) = store.finding(scope, &id)? else {
                return Ok(None);
            };
            let who_else = who_else(store, scope, &finding)?;
            let group = store.group_of_rule(finding.rule.gid, finding.rule.sid)?;
            let suppression = if sees_work {
                store.suppression_of(&finding)?
            } else {
                None
            };
            Ok(Some((finding, who_else, group, suppression)))
        })
        .await?;
    let (finding, who_else, group, suppression) =
        found.ok_or_else(|| PageError::not_found("There is no such finding."))?;
    let frame = Frame::of(&state, &session, "findings");
    let texts = frame.texts();
    render(&FindingTemplate {
        title: finding.title(),
        severity: finding.severity_class().as_str(),
        source: EndpointText::of(finding.source),
        destination: EndpointText::of(finding.destination),
        direction: match finding.direction {
            Direction::ToServer => "direction-to-server",
            Direction::ToClient => "direction-to-client",
            Direction::Unknown => "direction-unknown",
        },
        times: times(&finding, texts),
        traffic: traffic(&finding, texts),
        origin: origin(&finding, texts),
        rule: finding.text.clone(),
        references: reference_links(finding.text.as_ref()),
        others: other_questions(&finding, texts),
        who_else,
        group,
        suppression,
        suppress_link: session.may(Permission::Triage).then(|| {
            format!(
                "/suppressions?rule={}:{}&sensor={}",
                finding.rule.gid,
                finding.rule.sid,
                percent_encode(&finding.sensor)
            )
        }),
        finding,
        frame,
    })
}

fn times(finding: &FindingRow, texts: &Texts) -> Vec<(String, String)> {
    let mut times = vec![
        (
            "finding-first-packet",
            format::time_milliseconds(finding.first),
        ),
        (
            "finding-last-packet",
            format::time_milliseconds(finding.last),
        ),
    ];
    if let Some(start) = finding.flow_start {
        times.push(("finding-flow-began", format::time_milliseconds(start)));
    }
    times.push(("finding-written", format::time_milliseconds(finding.made)));
    times.push(("finding-clock", finding.clock_quality.name().to_owned()));
    times.push((
        "finding-stored",
        format::time_milliseconds(finding.received),
    ));
    labelled(times, texts)
}

fn traffic(finding: &FindingRow, texts: &Texts) -> Vec<(String, String)> {
    let traffic = finding.traffic;
    let both = |packets: u64, bytes: u64| {
        let packets = texts.fill("packets-count", &[("count", packets.into())]);
        format!("{packets}, {}", format::bytes(bytes))
    };
    let protocol = match &finding.app_protocol {
        Some(app) => format!("{} / {app}", protocol_name(finding.protocol)),
        None => protocol_name(finding.protocol),
    };
    let lines = vec![
        ("finding-alerts", format::number(finding.hits)),
        ("finding-protocol", protocol),
        (
            "direction-to-server",
            both(traffic.packets_to_server, traffic.bytes_to_server),
        ),
        (
            "direction-to-client",
            both(traffic.packets_to_client, traffic.bytes_to_client),
        ),
        ("finding-action", action_name(finding.action).to_owned()),
    ];
    labelled(lines, texts)
}

fn origin(finding: &FindingRow, texts: &Texts) -> Vec<(String, String)> {
    let policy = finding.policy.map_or_else(|| "–".to_owned(), hex::encode);
    let lines = vec![
        ("sensor", finding.sensor.clone()),
        ("finding-batch", finding.batch.to_string()),
        ("finding-record", finding.id.clone()),
        ("finding-policy", policy),
    ];
    labelled(lines, texts)
}

fn labelled(lines: Vec<(&str, String)>, texts: &Texts) -> Vec<(String, String)> {
    lines
        .into_iter()
        .map(|(key, value)| (texts.get(key), value))
        .collect()
}

/// The references of a rule.
pub(super) fn reference_links(rule: Option<&RuleText>) -> Vec<ReferenceLink> {
    let link = |text: &String| {
        let is_link = text.starts_with("https://") || text.starts_with("http://");
        ReferenceLink {
            text: text.clone(),
            href: is_link.then(|| text.clone()),
        }
    };
    rule.iter()
        .flat_map(|rule| &rule.references)
        .map(link)
        .collect()
}

/// What an analyst asks next: label and link.
fn other_questions(finding: &FindingRow, texts: &Texts) -> Vec<(String, String)> {
    let mut others = Vec::new();
    for end in [finding.source, finding.destination] {
        let text = EndpointText::of(end);
        if !text.address.is_empty() {
            others.push((
                texts.fill("go-address", &[("value", text.address.as_str().into())]),
                format!("/findings?address={}", percent_encode(&text.address)),
            ));
        }
    }
    let rule = format!("{}:{}", finding.rule.gid, finding.rule.sid);
    others.push((
        texts.get("go-same-rule"),
        format!("/findings?rule={}", percent_encode(&rule)),
    ));
    others.push((
        texts.get("go-same-sensor"),
        format!("/findings?sensor={}", percent_encode(&finding.sensor)),
    ));
    others
}
