//! The summary: how much, what, where, when, and whether the books balance.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;

use super::chart::Chart;
use super::error_page::{PageError, render};
use super::findings_page::{FilterForm, link};
use super::format;
use super::frame::Frame;
use super::session::SignedIn;
use super::state::WebState;
use crate::query::{FindingQuery, RawFilter, SeverityClass};

#[derive(Template)]
#[template(path = "summary.html")]
struct SummaryTemplate {
    frame: Frame,
    form: FilterForm,
    mistake: Option<String>,
    tiles: Vec<Tile>,
    chart: Option<Chart>,
    rules: Vec<RuleLine>,
    sensors: Vec<SensorShare>,
}

/// One figure.
struct Tile {
    label: &'static str,
    value: String,
    class: &'static str,
}

struct RuleLine {
    severity: &'static str,
    severity_label: &'static str,
    title: String,
    rule: String,
    link: String,
    findings: String,
    hits: String,
    sensors: String,
    last: String,
}

struct SensorShare {
    name: String,
    link: String,
    findings: String,
    hits: String,
    last: String,
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(raw): Query<RawFilter>,
) -> Result<Response, PageError> {
    let (filter, mistake) = match raw.check(Timestamp::now()) {
        Ok(filter) => (filter, None),
        Err(error) => (Default::default(), Some(error.to_string())),
    };
    let scope = session.scope();
    let query = FindingQuery::new(scope, filter);
    let (activity, totals, names) = state
        .query(move |store| {
            let names = store
                .sensors(scope)?
                .into_iter()
                .map(|sensor| sensor.name)
                .collect::<Vec<_>>();
            Ok((store.activity(&query)?, store.sensor_totals(scope)?, names))
        })
        .await?;
    let now = Timestamp::now();
    let missing: u64 = totals.iter().map(|totals| totals.missing).sum();
    let doubled: u64 = totals.iter().map(|totals| totals.doubled).sum();
    let mut tiles = vec![
        Tile {
            label: "findings",
            value: format::number(activity.findings),
            class: "",
        },
        Tile {
            label: "alerts",
            value: format::number(activity.hits),
            class: "",
        },
    ];
    for (class, count) in SeverityClass::ALL.into_iter().zip(activity.by_severity) {
        if count > 0 {
            tiles.push(Tile {
                label: class.as_str(),
                value: format::number(count),
                class: class.as_str(),
            });
        }
    }
    let balance = |count: u64| if count == 0 { "good" } else { "bad" };
    tiles.push(Tile {
        label: "records missing",
        value: format::number(missing),
        class: balance(missing),
    });
    tiles.push(Tile {
        label: "records doubled",
        value: format::number(doubled),
        class: balance(doubled),
    });
    render(&SummaryTemplate {
        frame: Frame::of(&state, &session, "summary"),
        mistake,
        tiles,
        chart: Chart::of(&activity.bars, activity.bar_seconds),
        rules: activity
            .rules
            .iter()
            .map(|rule| {
                let class = SeverityClass::of(rule.severity);
                RuleLine {
                    severity: class.as_str(),
                    severity_label: format::severity_label(class),
                    title: rule
                        .message
                        .clone()
                        .unwrap_or_else(|| rule.rule.to_string()),
                    rule: rule.rule.to_string(),
                    link: link(
                        "/findings",
                        &raw.with("rule", &rule.rule.to_string()).to_query_string(),
                    ),
                    findings: format::number(rule.findings),
                    hits: format::number(rule.hits),
                    sensors: format::number(rule.sensors),
                    last: format::ago(rule.last, now),
                }
            })
            .collect(),
        sensors: activity
            .sensors
            .iter()
            .map(|sensor| SensorShare {
                name: sensor.sensor.clone(),
                link: link(
                    "/findings",
                    &raw.with("sensor", &sensor.sensor).to_query_string(),
                ),
                findings: format::number(sensor.findings),
                hits: format::number(sensor.hits),
                last: format::ago(sensor.last, now),
            })
            .collect(),
        form: FilterForm::of("/summary", &raw, names),
    })
}
