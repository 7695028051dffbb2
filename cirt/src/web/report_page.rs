//! Reports on a page, and as a document of their own that prints.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::chart::Chart;
use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::inbox_page::title;
use super::session::SignedIn;
use super::state::WebState;
use super::static_files::STYLE;
use crate::fleet::Condition;
use crate::language::Language;
use crate::query::{Scope, SeverityClass};
use crate::report::{Period, Report, Stretch, median};
use crate::store::Tenant;
use crate::triage::suggested_class;

/// Groups and rules listed.
const LISTED: usize = 15;

/// What the URL says.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ReportQuery {
    /// `weekly` (also empty) or `monthly`.
    #[serde(default)]
    period: String,
    /// Day after the last one; empty is today.
    #[serde(default)]
    end: String,
    /// Name of a tenant; empty is all that the scope holds.
    #[serde(default)]
    tenant: String,
}

#[derive(Template)]
#[template(path = "report_page.html")]
struct ReportPage {
    frame: Frame,
    query: ReportQuery,
    tenants: Vec<Tenant>,
    body: Body,
}

#[derive(Template)]
#[template(path = "report_document.html")]
struct ReportDocument {
    frame: Frame,
    style: &'static str,
    body: Body,
}

/// What both show.
struct Body {
    title: String,
    subject: String,
    stretch: String,
    made: String,
    tiles: Vec<(String, String)>,
    chart: Option<Chart>,
    classes: Vec<(String, String)>,
    tenants: Vec<(String, String)>,
    groups: Vec<GroupRow>,
    rules: Vec<(String, String, String)>,
    work: Vec<(String, String, String)>,
    coverage: Vec<(String, String)>,
    fleet: Vec<(String, String)>,
}

struct GroupRow {
    title: String,
    tier: String,
    state: &'static str,
    findings: String,
    sensors: u64,
    class: String,
}

impl Body {
    fn of(report: &Report, subject: String, period: Period, frame: &Frame, now: Timestamp) -> Self {
        let activity = &report.activity;
        let mut tiles = vec![
            (frame.t("nav-findings"), format::number(activity.findings)),
            (frame.t("fact-alerts"), format::number(activity.hits)),
        ];
        for (class, count) in SeverityClass::ALL.into_iter().zip(activity.by_severity) {
            tiles.push((frame.severity(class.as_str()), format::number(count)));
        }
        let trend = report
            .trend_percent()
            .map_or_else(|| "–".to_owned(), |percent| format!("{percent:+} %"));
        tiles.push((frame.t("report-trend"), trend));
        let mut classes = BTreeMap::<String, u64>::new();
        for group in &report.groups {
            let class = if group.class.is_empty() {
                suggested_class(group.class_type.as_deref())
            } else {
                group.class.clone()
            };
            *classes.entry(class).or_default() += 1;
        }
        let mut tenants = BTreeMap::<String, u64>::new();
        for sensor in &activity.sensors {
            let tenant = sensor.tenant.clone().unwrap_or_else(|| "–".to_owned());
            *tenants.entry(tenant).or_default() += sensor.findings;
        }
        let took =
            |times: &[SignedDuration]| median(times).map_or_else(|| "–".to_owned(), duration);
        let work = &report.work;
        let steps = [
            ("report-detect", &work.detect),
            ("report-notify", &work.notify),
            ("report-remediate", &work.remediate),
        ];
        let coverage = report.coverage;
        let seen = coverage.bytes.saturating_sub(coverage.bytes_not_inspected);
        let share = u128::from(seen) * 10_000 / u128::from(coverage.bytes.max(1));
        let books = |part: fn(&crate::store::SensorTotals) -> u64| {
            let totals = report
                .fleet
                .iter()
                .filter_map(|member| member.totals.as_ref());
            format::number(totals.map(part).sum())
        };
        Self {
            title: frame.t(match period {
                Period::Weekly => "report-weekly",
                Period::Monthly => "report-monthly",
            }),
            subject,
            stretch: format!(
                "{} – {}",
                report.stretch.first,
                report.stretch.end.yesterday().unwrap_or(report.stretch.end)
            ),
            made: format!("{} UTC", format::time(now)),
            tiles,
            chart: Chart::of(&activity.bars, activity.bar_seconds),
            classes: classes
                .into_iter()
                .map(|(class, count)| (class, format::number(count)))
                .collect(),
            tenants: tenants
                .into_iter()
                .map(|(tenant, count)| (tenant, format::number(count)))
                .collect(),
            groups: report
                .groups
                .iter()
                .take(LISTED)
                .map(|group| GroupRow {
                    title: title(group),
                    tier: frame.t(&format!("tier-{}", group.rank.tier.as_str())),
                    state: group.state.as_str(),
                    findings: format::number(group.findings),
                    sensors: group.sensors,
                    class: group.class.clone(),
                })
                .collect(),
            rules: activity
                .rules
                .iter()
                .take(LISTED)
                .map(|rule| {
                    let message = rule
                        .message
                        .clone()
                        .unwrap_or_else(|| rule.rule.to_string());
                    (
                        message,
                        format::number(rule.findings),
                        format::number(rule.sensors),
                    )
                })
                .collect(),
            work: steps
                .into_iter()
                .map(|(key, times)| (frame.t(key), took(times), times.len().to_string()))
                .collect(),
            coverage: vec![
                (frame.t("fact-sensors"), format::number(coverage.sensors)),
                (frame.t("coverage-bytes"), format::bytes(coverage.bytes)),
                (
                    frame.t("coverage-inspected"),
                    match coverage.bytes {
                        0 => "–".to_owned(),
                        _ => format!("{}.{:02} %", share / 100, share % 100),
                    },
                ),
                (
                    frame.t("sensor-findings-kept-back"),
                    format::number(coverage.suppressed),
                ),
                (frame.t("books-lost"), books(|totals| totals.missing)),
                (frame.t("books-evicted"), books(|totals| totals.evicted)),
            ],
            fleet: Condition::ALL
                .into_iter()
                .map(|condition| {
                    let count = report
                        .fleet
                        .iter()
                        .filter(|member| member.verdict.condition == condition)
                        .count();
                    (condition, count)
                })
                .filter(|(_, count)| *count > 0)
                .map(|(condition, count)| {
                    (
                        frame.t(&format!("condition-{}", condition.as_str())),
                        count.to_string(),
                    )
                })
                .collect(),
        }
    }
}

/// `2 d 4 h`, `3 h 12 min`, `45 s`.
fn duration(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A scope narrowed to a tenant that it holds.
fn narrowed(scope: Scope, tenant: &str, tenants: &[Tenant]) -> Option<Scope> {
    if tenant.is_empty() {
        return Some(scope);
    }
    let tenant = tenants.iter().find(|known| known.name == tenant)?;
    Some(Scope::Tenant(tenant.key))
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<ReportQuery>,
) -> Result<Response, PageError> {
    let now = Timestamp::now();
    let today = now.to_zoned(TimeZone::UTC).date();
    let bad = |what: &str| PageError::bad_request(format!("{what}: say 2026-05-01"));
    let end: Date = match query.end.trim() {
        "" => today.tomorrow().map_err(|_| bad("end"))?,
        text => text.parse().map_err(|_| bad("end"))?,
    };
    let period = if query.period == "monthly" {
        Period::Monthly
    } else {
        Period::Weekly
    };
    let stretch = Stretch::ending(period, end).map_err(|_| bad("end"))?;
    let scope = session.scope();
    let tenants = state.query(move |store| store.tenants(scope)).await?;
    let narrow = narrowed(scope, &query.tenant, &tenants)
        .ok_or_else(|| PageError::not_found("There is no such provider or sector."))?;
    let report = state
        .query(move |store| Report::build(store, narrow, stretch, now))
        .await?;
    let frame = Frame::of(&state, &session, "reports");
    let subject = tenants
        .iter()
        .find(|tenant| narrow.tenant() == Some(tenant.key))
        .map_or_else(|| frame.t("scope-nation"), |tenant| tenant.title.clone());
    render(&ReportPage {
        body: Body::of(&report, subject, period, &frame, now),
        frame,
        query,
        tenants,
    })
}

/// A report as one HTML file with everything in it: to be printed, mailed, or made a PDF.
///
/// # Errors
/// When the template fails, which would be a defect.
pub fn report_document(
    centre: &str,
    report: &Report,
    subject: Option<&str>,
    period: Period,
    language: Language,
    now: Timestamp,
) -> Result<String, askama::Error> {
    let frame = Frame::anonymous(centre, language);
    let subject = subject.map_or_else(|| frame.t("scope-nation"), str::to_owned);
    ReportDocument {
        body: Body::of(report, subject, period, &frame, now),
        frame,
        style: STYLE,
    }
    .render()
}
