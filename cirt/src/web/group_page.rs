//! One group: why it matters, where it was seen, what was done, what to do.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::finding_page::{ReferenceLink, reference_links};
use super::findings_page::FindingLine;
use super::format;
use super::frame::Frame;
use super::inbox_page::{GroupLine, reason_text};
use super::session::{CheckedForm, SignedIn};
use super::state::WebState;
use crate::people::Permission;
use crate::query::{FindingFilter, FindingQuery, RuleFilter};
use crate::store::{Group, GroupChange, GroupEvent, GroupState, Incident, RuleText, Sighting};
use crate::triage::{CLASSES, Tlp, suggested_class};

/// Findings shown on the page.
const NEWEST: usize = 8;

#[derive(Template)]
#[template(path = "group.html")]
struct GroupTemplate {
    frame: Frame,
    line: GroupLine,
    reasons: Vec<String>,
    facts: Vec<(String, String)>,
    places: Vec<PlaceLine>,
    days: Vec<DayBar>,
    findings: Vec<FindingLine>,
    findings_link: String,
    /// Findings of the rule that suppressions took this week, and where they stand; for those who may see them.
    suppressed: Option<u64>,
    rule: Option<RuleText>,
    references: Vec<ReferenceLink>,
    playbook: Option<String>,
    events: Vec<EventLine>,
    may_triage: bool,
    sees_work: bool,
    is_closed: bool,
    users: Vec<String>,
    classes: Vec<(&'static str, bool)>,
    tlps: Vec<(Tlp, bool)>,
    /// Open cases, and whether the group is in it.
    incidents: Vec<(Incident, bool)>,
}

struct PlaceLine {
    sensor: String,
    tenant: String,
    findings: String,
    hits: String,
    first: String,
    last: String,
}

/// One day of the small chart; the drawing is 30 wide and 10 high.
struct DayBar {
    title: String,
    x: i64,
    y: String,
    height: String,
}

struct EventLine {
    at: String,
    actor: String,
    kind: String,
    what: String,
    detail: String,
}

impl PlaceLine {
    fn of(place: Sighting) -> Self {
        Self {
            sensor: place.sensor,
            tenant: place.tenant.unwrap_or_else(|| "–".to_owned()),
            findings: format::number(place.findings),
            hits: format::number(place.hits),
            first: format::time(place.first),
            last: format::time(place.last),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn day_bars(days: &std::collections::BTreeMap<i64, u64>, newest: i64) -> Vec<DayBar> {
    let peak = days.values().copied().max().unwrap_or(1).max(1);
    days.iter()
        .map(|(day, findings)| {
            let height = (*findings as f64 / peak as f64 * 10.0).max(0.4);
            let date = Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or_default();
            DayBar {
                title: format!("{}: {}", format::date(date), format::number(*findings)),
                x: day - newest + 29,
                y: format!("{:.2}", 10.0 - height),
                height: format!("{height:.2}"),
            }
        })
        .collect()
}

/// The newest day of a group.
fn newest_day(group: &Group) -> i64 {
    group.last.as_second().div_euclid(86_400)
}

/// The article for a class: what to do first.
fn playbook_key(class: &str) -> &'static str {
    match class.split_once(':') {
        Some(("malicious-code", _)) => "playbook-infected",
        Some(("information-gathering", _)) => "playbook-scan",
        Some(("intrusion-attempts", "brute-force")) => "playbook-brute-force",
        Some(("intrusion-attempts" | "intrusions", _)) => "playbook-exploit",
        Some(("availability", _)) => "playbook-denial",
        _ => "playbook-other",
    }
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
) -> Result<Response, PageError> {
    let now = Timestamp::now();
    let scope = session.scope();
    let (may_triage, sees_work) = (
        session.may(Permission::Triage),
        session.may(Permission::ReadWork),
    );
    let found = state
        .query(move |store| {
            let Some(group) = store.group(scope, key, now)? else {
                return Ok(None);
            };
            let filter = FindingFilter {
                rule: Some(RuleFilter::Generator {
                    gid: group.gid,
                    sid: group.sid,
                }),
                ..FindingFilter::default()
            };
            let query = FindingQuery::new(scope, filter);
            let page = store.findings(&query, None, NEWEST)?;
            Ok(Some((
                store.group_places(scope, key)?,
                store.group_days(scope, &group)?,
                page.findings,
                store.rule_text(group.gid, group.sid)?,
                if sees_work {
                    let rule = Some((group.gid, group.sid));
                    Some(store.suppressed_this_week(scope, rule, now)?)
                } else {
                    None
                },
                if sees_work {
                    store.group_events(key)?
                } else {
                    Vec::new()
                },
                if may_triage {
                    store.user_names()?
                } else {
                    Vec::new()
                },
                if may_triage {
                    store.incidents()?
                } else {
                    Vec::new()
                },
                group,
            )))
        })
        .await?;
    let Some((places, days, findings, rule, suppressed, events, users, incidents, group)) = found
    else {
        return Err(PageError::not_found("There is no such group."));
    };
    let frame = Frame::of(&state, &session, "inbox");
    let texts = frame.texts();
    let class = if group.class.is_empty() {
        suggested_class(group.class_type.as_deref())
    } else {
        group.class.clone()
    };
    let time = |moment: Option<Timestamp>| moment.map_or_else(|| "–".to_owned(), format::time);
    let facts = [
        ("fact-findings", format::number(group.findings)),
        ("fact-alerts", format::number(group.hits)),
        ("fact-sensors", format::number(group.sensors)),
        ("fact-providers", format::number(group.tenants)),
        ("fact-first", format::time(group.first)),
        ("fact-last", format::time(group.last)),
        ("fact-stored", format::time(group.created)),
        ("fact-notified", time(group.notified)),
        ("fact-closed", time(group.closed)),
    ];
    render(&GroupTemplate {
        line: GroupLine::of(&group, texts, &session, now),
        reasons: group
            .rank
            .reasons
            .iter()
            .map(|reason| reason_text(*reason, texts))
            .collect(),
        facts: facts
            .into_iter()
            .map(|(key, value)| (texts.get(key), value))
            .collect(),
        places: places.into_iter().map(PlaceLine::of).collect(),
        days: day_bars(&days, newest_day(&group)),
        findings: findings.iter().map(FindingLine::of).collect(),
        findings_link: format!("/findings?rule={}:{}", group.gid, group.sid),
        suppressed,
        references: reference_links(rule.as_ref()),
        rule,
        playbook: Some(texts.get(playbook_key(&class))),
        events: events
            .into_iter()
            .map(|event| event_line(event, &frame))
            .collect(),
        may_triage,
        sees_work,
        is_closed: group.state == GroupState::Closed,
        users,
        classes: CLASSES
            .into_iter()
            .map(|known| (known, known == class.as_str()))
            .collect(),
        tlps: Tlp::ALL
            .into_iter()
            .map(|tlp| (tlp, tlp == group.tlp))
            .collect(),
        incidents: incidents
            .into_iter()
            .filter(|incident| incident.closed.is_none())
            .map(|incident| {
                let is_here = group.incident == Some(incident.key);
                (incident, is_here)
            })
            .collect(),
        frame,
    })
}

fn event_line(event: GroupEvent, frame: &Frame) -> EventLine {
    EventLine {
        at: format::time(event.at),
        what: frame.t(&format!("event-{}", event.kind)),
        actor: event.actor,
        kind: event.kind,
        detail: event.detail,
    }
}

/// One act on a group.
#[derive(Deserialize)]
pub(super) struct ActForm {
    action: String,
    #[serde(default)]
    value: String,
}

pub(super) async fn act(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
    CheckedForm(form): CheckedForm<ActForm>,
) -> Result<Response, PageError> {
    let value = form.value;
    let change = match form.action.as_str() {
        "take" => GroupChange::Assign(Some(session.user.clone())),
        "assign" => GroupChange::Assign(Some(value).filter(|name| !name.is_empty())),
        "comment" => GroupChange::Comment(value),
        "classify" => GroupChange::Classify(value),
        "tlp" => GroupChange::SetTlp(value.parse().map_err(PageError::bad_request)?),
        "notified" => GroupChange::Notified(value),
        "close" => GroupChange::Close(value),
        "reopen" => GroupChange::Reopen,
        "merge" => GroupChange::Merge(value.parse().ok()),
        _ => {
            let message = "The form names no action.".to_owned();
            return Err(PageError::bad_request(message));
        }
    };
    let scope = session.scope();
    state
        .query(move |store| {
            store.change_group(scope, &session.user, key, &change, Timestamp::now())
        })
        .await?;
    Ok(Redirect::to(&format!("/groups/{key}")).into_response())
}
