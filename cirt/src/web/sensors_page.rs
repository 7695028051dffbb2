//! Sensors: who they are, whether they are heard, whether their books balance; approval and revocation.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::{CheckedForm, Nothing, SignedIn};
use super::state::WebState;
use crate::api::key_fingerprint;
use crate::limits::LISTED_HOLES;
use crate::people::Permission;
use crate::store::{EnrolmentState, Inspected, Sensor, SensorTotals, Tenant};

/// A sensor that has not been heard for this long is called silent.
const SILENT_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Alarms shown.
const ALARMS: usize = 20;

#[derive(Template)]
#[template(path = "sensors.html")]
struct SensorsTemplate {
    frame: Frame,
    lines: Vec<SensorLine>,
    alarms: Vec<AlarmLine>,
}

#[derive(Template)]
#[template(path = "sensor.html")]
struct SensorTemplate {
    frame: Frame,
    fingerprint: String,
    line: SensorLine,
    facts: Vec<(&'static str, String)>,
    machine: Vec<(String, String)>,
    lanes: Vec<LaneLine>,
    /// Where it may stand, and whether it stands there.
    tenants: Vec<(Tenant, bool)>,
    may_decide: bool,
    can_approve: bool,
    can_revoke: bool,
}

/// One sensor and its books.
pub(super) struct SensorLine {
    pub(super) name: String,
    /// How it is, in a word or two; also the class in the stylesheet.
    pub(super) condition: String,
    pub(super) condition_class: &'static str,
    pub(super) last_contact: String,
    pub(super) produced: String,
    pub(super) stored: String,
    pub(super) evicted: String,
    pub(super) missing: String,
    pub(super) doubled: String,
    pub(super) queued: String,
    pub(super) findings: String,
    /// Whether the books balance, in a word or two, and its class in the stylesheet.
    pub(super) verdict: String,
    pub(super) verdict_class: &'static str,
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
    pub(super) fn of(sensor: &Sensor, totals: Option<&SensorTotals>, now: Timestamp) -> Self {
        let (condition_class, condition) = condition(sensor, totals, now);
        let (verdict_class, verdict) = verdict(totals);
        let number = |part: fn(&SensorTotals) -> u64| {
            totals.map_or_else(|| "0".to_owned(), |totals| format::number(part(totals)))
        };
        Self {
            name: sensor.name.clone(),
            condition,
            condition_class,
            last_contact: sensor
                .last_contact
                .map_or_else(|| "never".to_owned(), |time| format::ago(time, now)),
            produced: number(|totals| totals.produced),
            stored: number(|totals| totals.stored),
            evicted: number(|totals| totals.evicted),
            missing: number(|totals| totals.missing),
            doubled: number(|totals| totals.doubled),
            queued: totals
                .and_then(|totals| totals.health.as_ref())
                .map_or_else(
                    || "–".to_owned(),
                    |health| format::number(health.queued_records),
                ),
            findings: number(|totals| totals.findings),
            verdict,
            verdict_class,
        }
    }
}

/// Whether the books of a sensor balance, and whether anything else is wrong with them.
fn verdict(totals: Option<&SensorTotals>) -> (&'static str, String) {
    match totals {
        Some(totals) if totals.doubled > 0 => {
            ("bad", format!("{} doubled", format::number(totals.doubled)))
        }
        Some(totals) if totals.missing > 0 => {
            ("bad", format!("{} missing", format::number(totals.missing)))
        }
        Some(totals) if totals.batches_unreadable + totals.batches_conflicting > 0 => {
            ("attention", "balance, with alarms".to_owned())
        }
        Some(totals) if totals.produced > 0 => ("good", "balance".to_owned()),
        _ => ("off", "nothing yet".to_owned()),
    }
}

/// Quiet is not the same as blind, and neither is the same as silent.
fn condition(
    sensor: &Sensor,
    totals: Option<&SensorTotals>,
    now: Timestamp,
) -> (&'static str, String) {
    match sensor.state {
        EnrolmentState::Pending => return ("attention", "waits for approval".to_owned()),
        EnrolmentState::Revoked | EnrolmentState::Replaced => {
            return ("off", sensor.state.as_str().to_owned());
        }
        EnrolmentState::Active => {}
    }
    let Some(contact) = sensor.last_contact else {
        return ("attention", "never heard".to_owned());
    };
    if now.duration_since(contact) > SILENT_AFTER {
        return ("bad", "silent".to_owned());
    }
    match totals
        .and_then(|totals| totals.health.as_ref())
        .map(|health| health.state.as_str())
    {
        None => ("good", "in contact".to_owned()),
        Some(state @ ("running" | "starting" | "stopping")) => ("good", state.to_owned()),
        Some(state @ "blind") => ("bad", state.to_owned()),
        Some(state) => ("attention", state.to_owned()),
    }
}

pub(super) async fn list(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Response, PageError> {
    let scope = session.scope();
    let (sensors, totals, alarms) = state
        .query(move |store| {
            Ok((
                store.sensors(scope)?,
                store.sensor_totals(scope)?,
                store.alarms(scope, ALARMS)?,
            ))
        })
        .await?;
    let now = Timestamp::now();
    render(&SensorsTemplate {
        frame: Frame::of(&state, &session, "sensors"),
        lines: sensors
            .iter()
            .map(|sensor| SensorLine::of(sensor, books_of(&totals, sensor), now))
            .collect(),
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
    let (sensor, totals, tenants) = state
        .query(move |store| {
            Ok((
                store.sensor(scope, &name)?,
                store.sensor_totals(scope)?,
                store.tenants(scope)?,
            ))
        })
        .await?;
    let books = books_of(&totals, &sensor);
    let may_decide = session.may(Permission::ManageSensors);
    render(&SensorTemplate {
        frame: Frame::of(&state, &session, "sensors"),
        fingerprint: key_fingerprint(&sensor.public_key),
        line: SensorLine::of(&sensor, books, Timestamp::now()),
        facts: facts(&sensor, books),
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

fn books_of<'a>(totals: &'a [SensorTotals], sensor: &Sensor) -> Option<&'a SensorTotals> {
    totals.iter().find(|totals| totals.sensor == sensor.key)
}

fn facts(sensor: &Sensor, books: Option<&SensorTotals>) -> Vec<(&'static str, String)> {
    let moment = |time: Option<Timestamp>| {
        time.map_or_else(
            || "–".to_owned(),
            |time| format!("{} UTC", format::time(time)),
        )
    };
    let mut facts = vec![
        ("Identity", sensor.identity.clone()),
        ("Key fingerprint", key_fingerprint(&sensor.public_key)),
        ("Enrolment asked for", moment(Some(sensor.requested))),
        ("Decided", moment(sensor.decided)),
        (
            "Decided by",
            sensor.decided_by.clone().unwrap_or_else(|| "–".to_owned()),
        ),
        ("Certificate until", moment(sensor.certificate_expires)),
        ("Last contact", moment(sensor.last_contact)),
        (
            "Last address",
            sensor
                .last_address
                .clone()
                .unwrap_or_else(|| "–".to_owned()),
        ),
    ];
    if let Some(books) = books {
        facts.push(("Batches stored", format::number(books.batches)));
        facts.push((
            "Batches that came again",
            format::number(books.batch_repeats),
        ));
        facts.push((
            "Batches unreadable",
            format::number(books.batches_unreadable),
        ));
        facts.push((
            "Batches in conflict",
            format::number(books.batches_conflicting),
        ));
        facts.push(("Records that came again", format::number(books.repeated)));
        facts.push((
            "Findings its summaries tell of",
            format::number(books.findings_made),
        ));
        facts.push((
            "Kept back by its policy",
            format::number(books.findings_suppressed),
        ));
    }
    if let Some(inspected) = books.and_then(|books| books.inspected) {
        facts.push(("Not inspected", not_inspected(inspected)));
    }
    if let Some(health) = books.and_then(|books| books.health.as_ref()) {
        facts.push((
            "Heartbeat",
            format!(
                "{} UTC, clock {}",
                format::time(health.made),
                health.clock_quality
            ),
        ));
        facts.push(("Software", health.software_version.clone()));
        facts.push(("Rule pack", health.pack_version.clone()));
        facts.push((
            "Waiting at the sensor",
            format!(
                "{} records, {}",
                format::number(health.queued_records),
                format::bytes(health.queued_bytes)
            ),
        ));
    }
    facts
}

/// What the newest summary says, as a share in hundredths of a percent; rounded up, for little must not look like nothing.
fn not_inspected(inspected: Inspected) -> String {
    let share = u128::from(inspected.bytes_not_inspected) * 10_000;
    let share = share.div_ceil(u128::from(inspected.bytes.max(1)));
    format!(
        "{}.{:02} % of {} until {} UTC{}",
        share / 100,
        share % 100,
        format::bytes(inspected.bytes),
        format::time(inspected.until),
        if share == 0 {
            ""
        } else {
            ": bulk of large flows, let pass because it was too slow"
        }
    )
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
