//! The overview: how much, what, where, when, how the fleet is, and whether the books balance.

use std::collections::BTreeMap;
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
use crate::fleet::Condition;
use crate::query::{FindingQuery, RawFilter, SeverityClass};
use crate::store::{Activity, FleetMember};

/// Days shown when nobody says since when: whole ones, which are quickest to sum.
const DAYS_SHOWN: i64 = 7;

#[derive(Template)]
#[template(path = "summary.html")]
struct SummaryTemplate {
    frame: Frame,
    form: FilterForm,
    mistake: Option<String>,
    tiles: Vec<Tile>,
    fleet: Vec<FleetCount>,
    chart: Option<Chart>,
    rules: Vec<RuleLine>,
    shares: Vec<ShareList>,
}

/// Bars of one kind.
struct ShareList {
    /// Its title's message.
    key: &'static str,
    lines: Vec<Share>,
}

struct Tile {
    label: String,
    value: String,
    class: &'static str,
}

/// How many sensors are in a condition.
struct FleetCount {
    condition: String,
    class: &'static str,
    count: u64,
}

struct RuleLine {
    severity: &'static str,
    title: String,
    rule: String,
    link: String,
    findings: String,
    hits: String,
    sensors: String,
    last: String,
}

/// One bar of a list: a name and its share of the greatest.
struct Share {
    name: String,
    link: Option<String>,
    findings: String,
    /// Hundredths of the greatest.
    width: u64,
}

/// Sums by name as bars, the greatest first.
fn shares(sums: BTreeMap<String, u64>, link_of: impl Fn(&str) -> Option<String>) -> Vec<Share> {
    let mut sorted: Vec<(String, u64)> = sums.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let greatest = sorted.first().map_or(1, |(_, count)| (*count).max(1));
    sorted
        .into_iter()
        .take(12)
        .map(|(name, count)| Share {
            link: link_of(&name),
            findings: format::number(count),
            width: count.saturating_mul(100) / greatest,
            name,
        })
        .collect()
}

fn add(sums: &mut BTreeMap<String, u64>, name: &str, count: u64) {
    *sums.entry(name.to_owned()).or_default() += count;
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(raw): Query<RawFilter>,
) -> Result<Response, PageError> {
    let now = Timestamp::now();
    let (mut filter, mistake) = match raw.check(now) {
        Ok(filter) => (filter, None),
        Err(error) => (Default::default(), Some(error.to_string())),
    };
    if filter.since.is_none() && filter.until.is_none() {
        let day = now.as_second().div_euclid(86_400) - DAYS_SHOWN + 1;
        filter.since = Timestamp::from_second(day * 86_400).ok();
    }
    let scope = session.scope();
    let query = FindingQuery::new(scope, filter);
    let shared = Arc::clone(&state);
    let (activity, fleet, tenants) = state
        .query(move |store| {
            Ok((
                store.activity(&query)?,
                shared.fleet(store, scope, now)?,
                store.tenants(scope)?,
            ))
        })
        .await?;
    let frame = Frame::of(&state, &session, "summary");
    let texts = frame.texts();
    let mut by_tenant = BTreeMap::new();
    let mut by_sensor = BTreeMap::new();
    for sensor in &activity.sensors {
        let tenant = sensor.tenant.as_deref().unwrap_or("–");
        add(&mut by_tenant, tenant, sensor.findings);
        add(&mut by_sensor, &sensor.sensor, sensor.findings);
    }
    let mut by_category = BTreeMap::new();
    for rule in &activity.rules {
        add(
            &mut by_category,
            rule.category.as_deref().unwrap_or("–"),
            rule.findings,
        );
    }
    let sensor_link = |name: &str| {
        Some(link(
            "/findings",
            &raw.with("sensor", name).to_query_string(),
        ))
    };
    let tenant_link = |title: &str| {
        let tenant = tenants.iter().find(|tenant| tenant.title == title)?;
        Some(link(
            "/findings",
            &raw.with("tenant", &tenant.name).to_query_string(),
        ))
    };
    render(&SummaryTemplate {
        mistake,
        tiles: tiles(&activity, &fleet, &frame),
        fleet: fleet_counts(&fleet, &frame),
        chart: Chart::of(&activity.bars, activity.bar_seconds),
        rules: activity
            .rules
            .iter()
            .map(|rule| RuleLine {
                severity: SeverityClass::of(rule.severity).as_str(),
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
                last: format::ago_in(rule.last, now, texts),
            })
            .collect(),
        shares: vec![
            ShareList {
                key: "summary-by-provider",
                lines: shares(by_tenant, tenant_link),
            },
            ShareList {
                key: "summary-by-category",
                lines: shares(by_category, |_| None),
            },
            ShareList {
                key: "summary-by-sensor",
                lines: shares(by_sensor, sensor_link),
            },
        ],
        form: FilterForm::of(
            "/summary",
            &raw,
            fleet
                .iter()
                .map(|member| member.sensor.name.clone())
                .collect(),
            tenants.clone(),
            texts,
        ),
        frame,
    })
}

fn tiles(activity: &Activity, fleet: &[FleetMember], frame: &Frame) -> Vec<Tile> {
    let books = |part: fn(&crate::store::SensorTotals) -> u64| {
        fleet
            .iter()
            .filter_map(|member| member.totals.as_ref())
            .fold(0u64, |sum, totals| sum.saturating_add(part(totals)))
    };
    let mut tiles = vec![
        Tile {
            label: frame.t("nav-findings"),
            value: format::number(activity.findings),
            class: "",
        },
        Tile {
            label: frame.t("fact-alerts"),
            value: format::number(activity.hits),
            class: "",
        },
    ];
    for (class, count) in SeverityClass::ALL.into_iter().zip(activity.by_severity) {
        if count > 0 {
            tiles.push(Tile {
                label: frame.severity(class.as_str()),
                value: format::number(count),
                class: class.as_str(),
            });
        }
    }
    for (key, count) in [
        ("summary-missing", books(|totals| totals.missing)),
        ("summary-doubled", books(|totals| totals.doubled)),
    ] {
        tiles.push(Tile {
            label: frame.t(key),
            value: format::number(count),
            class: if count == 0 { "good" } else { "bad" },
        });
    }
    tiles
}

fn fleet_counts(fleet: &[FleetMember], frame: &Frame) -> Vec<FleetCount> {
    Condition::ALL
        .into_iter()
        .filter_map(|condition| {
            let count = fleet
                .iter()
                .filter(|member| member.verdict.condition == condition)
                .count();
            (count > 0).then(|| FleetCount {
                condition: frame.t(&format!("condition-{}", condition.as_str())),
                class: condition.class(),
                count: count as u64,
            })
        })
        .collect()
}
