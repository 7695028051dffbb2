//! Everything that is known of one finding.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use lapwing_wire::Direction;

use super::error_page::{PageError, render};
use super::format::{self, EndpointText};
use super::frame::Frame;
use super::session::SignedIn;
use super::state::WebState;
use crate::api::{action_name, protocol_name};
use crate::query::percent_encode;
use crate::store::{FindingRow, RuleText};

#[derive(Template)]
#[template(path = "finding.html")]
struct FindingTemplate {
    frame: Frame,
    title: String,
    severity: &'static str,
    severity_label: &'static str,
    source: EndpointText,
    destination: EndpointText,
    /// Arrow between the ends.
    direction: &'static str,
    finding: FindingRow,
    /// Name and value.
    times: Vec<(&'static str, String)>,
    traffic: Vec<(&'static str, String)>,
    origin: Vec<(&'static str, String)>,
    rule: Option<RuleText>,
    references: Vec<ReferenceLink>,
    others: Vec<(String, String)>,
}

/// A rule's reference; only web addresses become links.
struct ReferenceLink {
    text: String,
    href: Option<String>,
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let finding = state
        .query({
            let scope = session.scope();
            move |store| store.finding(scope, &id)
        })
        .await?;
    let finding = finding.ok_or_else(|| PageError::not_found("There is no such finding."))?;
    let class = finding.severity_class();
    let traffic = finding.traffic;
    let both = |packets: u64, bytes: u64| {
        format!(
            "{} packets, {}",
            format::number(packets),
            format::bytes(bytes)
        )
    };
    let protocol = match &finding.app_protocol {
        Some(app) => format!("{} / {app}", protocol_name(finding.protocol)),
        None => protocol_name(finding.protocol),
    };
    let mut times = vec![
        ("First packet", format::time_milliseconds(finding.first)),
        ("Last packet", format::time_milliseconds(finding.last)),
    ];
    if let Some(start) = finding.flow_start {
        times.push(("Flow began", format::time_milliseconds(start)));
    }
    times.push((
        "Written by the sensor",
        format::time_milliseconds(finding.made),
    ));
    times.push(("Sensor's clock", finding.clock_quality.name().to_owned()));
    times.push(("Stored here", format::time_milliseconds(finding.received)));
    render(&FindingTemplate {
        frame: Frame::of(&state, &session, "findings"),
        title: finding.title(),
        severity: class.as_str(),
        severity_label: format::severity_label(class),
        source: EndpointText::of(finding.source),
        destination: EndpointText::of(finding.destination),
        direction: match finding.direction {
            Direction::ToServer => "to server",
            Direction::ToClient => "to client",
            Direction::Unknown => "no flow",
        },
        times,
        traffic: vec![
            ("Alerts in this finding", format::number(finding.hits)),
            ("Protocol", protocol),
            (
                "To server",
                both(traffic.packets_to_server, traffic.bytes_to_server),
            ),
            (
                "To client",
                both(traffic.packets_to_client, traffic.bytes_to_client),
            ),
            ("Rule's action", action_name(finding.action).to_owned()),
        ],
        origin: vec![
            ("Sensor", finding.sensor.clone()),
            ("Batch", finding.batch.to_string()),
            ("Record", finding.id.clone()),
            (
                "Policy",
                finding
                    .policy
                    .map_or_else(|| "none".to_owned(), hex::encode),
            ),
        ],
        rule: finding.text.clone(),
        references: finding
            .text
            .iter()
            .flat_map(|text| &text.references)
            .map(|text| reference(text))
            .collect(),
        others: other_questions(&finding),
        finding,
    })
}

fn reference(text: &str) -> ReferenceLink {
    let is_link = text.starts_with("https://") || text.starts_with("http://");
    ReferenceLink {
        text: text.to_owned(),
        href: is_link.then(|| text.to_owned()),
    }
}

/// What an analyst asks next: label and link.
fn other_questions(finding: &FindingRow) -> Vec<(String, String)> {
    let mut others = Vec::new();
    let ends = [
        ("source", finding.source),
        ("destination", finding.destination),
    ];
    for (name, end) in ends {
        let text = EndpointText::of(end);
        if !text.address.is_empty() {
            others.push((
                format!("Everything with this {name}"),
                format!("/findings?address={}", percent_encode(&text.address)),
            ));
        }
    }
    let rule = format!("{}:{}", finding.rule.gid, finding.rule.sid);
    others.push((
        "Who else saw this rule fire".to_owned(),
        format!("/summary?rule={}", percent_encode(&rule)),
    ));
    others.push((
        "Everything from this sensor".to_owned(),
        format!("/findings?sensor={}", percent_encode(&finding.sensor)),
    ));
    others
}
