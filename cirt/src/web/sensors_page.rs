//! Sensors: who they are, whether they are heard, whether their books balance; approval and revocation.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::{CheckedForm, Nothing, SignedIn};
use super::state::WebState;
use crate::api::key_fingerprint;
use crate::fleet::Condition;
use crate::limits::LISTED_HOLES;
use crate::people::Permission;
use crate::store::{EnrolmentState, FleetMember, Inspected, Sensor, SensorTotals, Tenant};

/// Alarms shown.
const ALARMS: usize = 20;

#[derive(Template)]
#[template(path = "sensors.html")]
struct SensorsTemplate {
    frame: Frame,
    lines: Vec<SensorLine>,
    counts: Vec<ConditionCount>,
    alarms: Vec<AlarmLine>,
}

#[derive(Template)]
#[template(path = "sensor.html")]
struct SensorTemplate {
    frame: Frame,
    fingerprint: String,
    line: SensorLine,
    facts: Vec<(String, String)>,
    coverage: Vec<(String, String)>,
    machine: Vec<(String, String)>,
    lanes: Vec<LaneLine>,
    /// Where it may stand, and whether it stands there.
    tenants: Vec<(Tenant, bool)>,
    may_decide: bool,
    can_approve: bool,
    can_revoke: bool,
}

/// One sensor and its books.
struct SensorLine {
    name: String,
    tenant: String,
    /// How it is, in a word; and its class in the stylesheet.
    condition: String,
    condition_class: &'static str,
    /// What causes it.
    cause: String,
    last_contact: String,
    findings: String,
    inspected: String,
    stored: String,
    evicted: String,
    missing: String,
    queued: String,
    /// Whether the books balance, in a word or two, and its class in the stylesheet.
    verdict: String,
    verdict_class: &'static str,
}

struct ConditionCount {
    condition: String,
    class: &'static str,
    count: usize,
}

struct LaneLine {
    epoch: String,
    lane: &'static str,
    produced: String,
    stored: String,
    evicted: String,
    missing: String,
    holes: String,
}

struct AlarmLine {
    at: String,
    sensor: String,
    kind: String,
    detail: String,
}

/// Where a sensor stands; empty is nowhere.
#[derive(Deserialize)]
pub(super) struct PlaceForm {
    #[serde(default)]
    tenant: String,
}

impl SensorLine {
    fn of(member: &FleetMember, frame: &Frame, now: Timestamp) -> Self {
        let texts = frame.texts();
        let totals = member.totals.as_ref();
        let (cause, count) = member.verdict.cause.text();
        let (verdict_class, verdict, missing) = verdict(totals);
        let number = |part: fn(&SensorTotals) -> u64| format::number(totals.map_or(0, part));
        Self {
            name: member.sensor.name.clone(),
            tenant: member
                .sensor
                .tenant
                .clone()
                .unwrap_or_else(|| "–".to_owned()),
            condition: frame.t(&format!("condition-{}", member.verdict.condition.as_str())),
            condition_class: member.verdict.condition.class(),
            cause: frame.n(cause, &count),
            last_contact: member
                .sensor
                .last_contact
                .map_or_else(|| frame.t("never"), |time| format::ago_in(time, now, texts)),
            findings: number(|totals| totals.findings),
            inspected: totals
                .and_then(|totals| totals.inspected)
                .map_or_else(|| "–".to_owned(), inspected_share),
            stored: number(|totals| totals.stored),
            evicted: number(|totals| totals.evicted),
            missing: number(|totals| totals.missing),
            queued: totals
                .and_then(|totals| totals.health.as_ref())
                .map_or_else(
                    || "–".to_owned(),
                    |health| format::number(health.queued_records),
                ),
            verdict: frame.n(verdict, &missing),
            verdict_class,
        }
    }
}

/// Whether the books of a sensor balance: class, message, and the number in it.
fn verdict(totals: Option<&SensorTotals>) -> (&'static str, &'static str, u64) {
    match totals {
        Some(totals) if totals.doubled > 0 => ("bad", "books-doubled", totals.doubled),
        Some(totals) if totals.missing > 0 => ("bad", "books-missing", totals.missing),
        Some(totals) if totals.batches_unreadable + totals.batches_conflicting > 0 => {
            ("attention", "books-alarms", 0)
        }
        Some(totals) if totals.produced > 0 => ("good", "books-balance", 0),
        _ => ("off", "books-nothing", 0),
    }
}

/// The share of the bytes that was inspected, in hundredths of a per cent, rounded down: what is not whole does not look
/// whole.
fn inspected_share(inspected: Inspected) -> String {
    let seen = inspected
        .bytes
        .saturating_sub(inspected.bytes_not_inspected);
    let share = u128::from(seen) * 10_000 / u128::from(inspected.bytes.max(1));
    match inspected.bytes {
        0 => "–".to_owned(),
        _ => format!("{}.{:02} %", share / 100, share % 100),
    }
}

pub(super) async fn list(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    let scope = session.scope();
    let now = Timestamp::now();
    let shared = Arc::clone(&state);
    let (fleet, alarms) = state
        .query(move |store| {
            Ok((
                shared.fleet(store, scope, now)?,
                store.alarms(scope, ALARMS)?,
            ))
        })
        .await?;
    let frame = Frame::of(&state, &session, "sensors");
    let count_of = |condition: Condition| ConditionCount {
        condition: frame.t(&format!("condition-{}", condition.as_str())),
        class: condition.class(),
        count: fleet
            .iter()
            .filter(|member| member.verdict.condition == condition)
            .count(),
    };
    render(&SensorsTemplate {
        lines: fleet
            .iter()
            .map(|member| SensorLine::of(member, &frame, now))
            .collect(),
        counts: Condition::ALL
            .into_iter()
            .map(count_of)
            .filter(|count| count.count > 0)
            .collect(),
        frame,
        alarms: alarms
            .into_iter()
            .map(|alarm| AlarmLine {
                at: format::time(alarm.at),
                sensor: alarm.sensor.unwrap_or_default(),
                kind: alarm.kind,
                detail: alarm.detail,
            })
            .collect(),
    })
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let scope = session.scope();
    let now = Timestamp::now();
    let shared = Arc::clone(&state);
    let (member, tenants) = state
        .query(move |store| {
            let identity = store.sensor(scope, &name)?.identity;
            let member = shared
                .fleet(store, scope, now)?
                .into_iter()
                .find(|member| member.sensor.identity == identity);
            Ok((member, store.tenants(scope)?))
        })
        .await?;
    let member = member.ok_or_else(|| PageError::not_found("There is no such sensor."))?;
    let sensor = &member.sensor;
    let books = member.totals.as_ref();
    let may_decide = session.may(Permission::ManageSensors);
    let frame = Frame::of(&state, &session, "sensors");
    render(&SensorTemplate {
        fingerprint: key_fingerprint(&sensor.public_key),
        line: SensorLine::of(&member, &frame, now),
        facts: facts(sensor, books, &frame),
        coverage: books
            .and_then(|books| books.inspected)
            .map(|inspected| coverage(inspected, &frame))
            .unwrap_or_default(),
        machine: sensor
            .machine
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.replace('_', " "), value.to_owned()))
            .collect(),
        lanes: books.map(lane_lines).unwrap_or_default(),
        tenants: tenants
            .into_iter()
            .map(|tenant| {
                let is_here = sensor.tenant.as_deref() == Some(tenant.name.as_str());
                (tenant, is_here)
            })
            .collect(),
        may_decide,
        can_approve: may_decide && sensor.state == EnrolmentState::Pending,
        can_revoke: may_decide
            && matches!(
                sensor.state,
                EnrolmentState::Pending | EnrolmentState::Active
            ),
        frame,
    })
}

pub(super) async fn approve(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    let target = format!("/sensors/{name}");
    state
        .query(move |store| {
            store.sensor(session.scope(), &name)?;
            store.approve_sensor(&session.user, &name)
        })
        .await?;
    Ok(Redirect::to(&target).into_response())
}

pub(super) async fn revoke(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    let target = format!("/sensors/{name}");
    state
        .query(move |store| {
            store.sensor(session.scope(), &name)?;
            store.revoke_sensor(&session.user, &name)
        })
        .await?;
    Ok(Redirect::to(&target).into_response())
}

pub(super) async fn place(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
    CheckedForm(form): CheckedForm<PlaceForm>,
) -> Result<Response, PageError> {
    if session.tenant.is_some() {
        let message = "Only the national CIRT says where a sensor stands.";
        return Err(PageError::forbidden(message));
    }
    let target = format!("/sensors/{name}");
    state
        .query(move |store| {
            let tenant = Some(form.tenant.as_str()).filter(|tenant| !tenant.is_empty());
            store.place_sensor(&session.user, &name, tenant)
        })
        .await?;
    Ok(Redirect::to(&target).into_response())
}

fn facts(sensor: &Sensor, books: Option<&SensorTotals>, frame: &Frame) -> Vec<(String, String)> {
    let none = || "–".to_owned();
    let moment = |time: Option<Timestamp>| {
        time.map_or_else(none, |time| format!("{} UTC", format::time(time)))
    };
    let mut facts = vec![
        ("sensor-identity", sensor.identity.clone()),
        ("sensor-fingerprint", key_fingerprint(&sensor.public_key)),
        ("sensor-asked", moment(Some(sensor.requested))),
        ("sensor-decided", moment(sensor.decided)),
        (
            "sensor-decided-by",
            sensor.decided_by.clone().unwrap_or_else(none),
        ),
        ("sensor-certificate", moment(sensor.certificate_expires)),
        ("sensor-contact", moment(sensor.last_contact)),
        (
            "sensor-address",
            sensor.last_address.clone().unwrap_or_else(none),
        ),
    ];
    if let Some(books) = books {
        facts.extend([
            ("sensor-batches", format::number(books.batches)),
            ("sensor-batches-again", format::number(books.batch_repeats)),
            (
                "sensor-batches-unreadable",
                format::number(books.batches_unreadable),
            ),
            (
                "sensor-batches-conflicting",
                format::number(books.batches_conflicting),
            ),
            ("sensor-records-again", format::number(books.repeated)),
            ("sensor-findings-told", format::number(books.findings_made)),
            (
                "sensor-findings-kept-back",
                format::number(books.findings_suppressed),
            ),
        ]);
    }
    if let Some(health) = books.and_then(|books| books.health.as_ref()) {
        facts.extend([
            (
                "sensor-heartbeat",
                format!("{} UTC", format::time(health.made)),
            ),
            ("finding-clock", health.clock_quality.clone()),
            ("sensor-software", health.software_version.clone()),
            ("sensor-pack", health.pack_version.clone()),
            (
                "sensor-waiting",
                format!(
                    "{} · {}",
                    format::number(health.queued_records),
                    format::bytes(health.queued_bytes)
                ),
            ),
        ]);
    }
    facts
        .into_iter()
        .map(|(key, value)| (frame.t(key), value))
        .collect()
}

/// What share was inspected, and with which rules.
fn coverage(inspected: Inspected, frame: &Frame) -> Vec<(String, String)> {
    let lines = [
        (
            "coverage-until",
            format!("{} UTC", format::time(inspected.until)),
        ),
        ("coverage-packets", format::number(inspected.packets)),
        (
            "coverage-decoded",
            format::number(inspected.decoded_packets),
        ),
        (
            "coverage-dropped",
            format::number(inspected.dropped_packets),
        ),
        ("coverage-bytes", format::bytes(inspected.bytes)),
        ("coverage-inspected", inspected_share(inspected)),
        ("coverage-rules", format::number(inspected.rules_loaded)),
        (
            "coverage-unsupported",
            format::number(inspected.rules_unsupported),
        ),
        (
            "coverage-vetoed",
            format::number(inspected.rules_suppressed),
        ),
    ];
    lines
        .into_iter()
        .map(|(key, value)| (frame.t(key), value))
        .collect()
}

fn lane_lines(books: &SensorTotals) -> Vec<LaneLine> {
    let line =
        |(epoch, lane, totals): &(String, &'static str, crate::reconciliation::LaneTotals)| {
            let listed = totals
                .holes
                .iter()
                .take(LISTED_HOLES)
                .map(|hole| match hole.count() {
                    1 => hole.first.to_string(),
                    _ => format!("{}–{}", hole.first, hole.last),
                });
            let mut holes = listed.collect::<Vec<_>>().join(", ");
            if totals.holes.len() > LISTED_HOLES {
                holes.push_str(&format!(" and {} more", totals.holes.len() - LISTED_HOLES));
            }
            LaneLine {
                epoch: epoch.clone(),
                lane,
                produced: format::number(totals.produced),
                stored: format::number(totals.stored),
                evicted: format::number(totals.evicted),
                missing: format::number(totals.missing),
                holes,
            }
        };
    books.lanes.iter().map(line).collect()
}
