//! What is kept out of the inbox and the alarms, why, until when, and how much of it there was.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::error_page::{PageError, render};
use super::format;
use super::frame::Frame;
use super::session::{CheckedForm, Nothing, SignedIn};
use super::state::WebState;
use crate::limits::{REASON_CHARS, SUPPRESSION_DAYS, SUPPRESSION_DAYS_MAX};
use crate::people::Permission;
use crate::store::{
    GroupChange, GroupState, NewSuppression, Session, Store, StoreError, Suppression, Tenant,
};

#[derive(Template)]
#[template(path = "suppressions.html")]
struct SuppressionsTemplate {
    frame: Frame,
    /// Findings of this week, of all of them.
    week: u64,
    lines: Vec<SuppressionLine>,
    may_triage: bool,
    /// What the form begins with.
    form: WantedQuery,
    sensors: Vec<String>,
    tenants: Vec<Tenant>,
    usual_days: u32,
    most_days: u32,
    reason_chars: usize,
}

struct SuppressionLine {
    key: i64,
    /// `holds`, `expired` or `ended`.
    state: &'static str,
    rule: Option<(String, String)>,
    sensor: Option<String>,
    tenant: Option<String>,
    network: Option<String>,
    reason: String,
    created: String,
    created_by: String,
    until: String,
    ended_by: Option<String>,
    week_findings: String,
    findings: String,
    may_end: bool,
}

impl SuppressionLine {
    fn of(suppression: Suppression, may_triage: bool, now: Timestamp) -> Self {
        let holds = suppression.holds(now);
        let state = suppression.state(now);
        let (ended, ended_by) = suppression.ended.unzip();
        Self {
            key: suppression.key,
            state,
            rule: suppression.rule.map(|(gid, sid)| {
                let number = format!("{gid}:{sid}");
                let message = suppression.message.unwrap_or_else(|| number.clone());
                (number, message)
            }),
            sensor: suppression.sensor,
            tenant: suppression.tenant,
            network: suppression.network.map(|network| network.to_string()),
            reason: suppression.reason,
            created: format::time(suppression.created),
            created_by: suppression.created_by,
            until: format::time(ended.unwrap_or(suppression.expires)),
            ended_by,
            week_findings: format::number(suppression.week_findings),
            findings: format::number(suppression.findings),
            may_end: may_triage && holds && suppression.is_own,
        }
    }
}

/// What a link from a group or a finding fills into the form.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct WantedQuery {
    #[serde(default)]
    rule: String,
    #[serde(default)]
    sensor: String,
    #[serde(default)]
    network: String,
}

pub(super) async fn show(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(form): Query<WantedQuery>,
) -> Result<Response, PageError> {
    let now = Timestamp::now();
    let scope = session.scope();
    let may_triage = session.may(Permission::Triage);
    let (suppressions, week, sensors, tenants) = state
        .query(move |store| {
            Ok((
                store.suppressions(scope, now)?,
                store.suppressed_this_week(scope, None, now)?,
                store.sensors(scope)?,
                store.tenants(scope)?,
            ))
        })
        .await?;
    render(&SuppressionsTemplate {
        frame: Frame::of(&state, &session, "inbox"),
        week,
        lines: suppressions
            .into_iter()
            .map(|suppression| SuppressionLine::of(suppression, may_triage, now))
            .collect(),
        may_triage,
        form,
        sensors: sensors.into_iter().map(|sensor| sensor.name).collect(),
        tenants,
        usual_days: SUPPRESSION_DAYS,
        most_days: SUPPRESSION_DAYS_MAX,
        reason_chars: REASON_CHARS,
    })
}

/// The form; what is empty is any.
#[derive(Deserialize)]
pub(super) struct SuppressForm {
    #[serde(default)]
    rule: String,
    #[serde(default)]
    sensor: String,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    network: String,
    reason: String,
    days: String,
    /// Whether the rule's group is closed with it.
    #[serde(default)]
    close: String,
}

pub(super) async fn add(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    CheckedForm(form): CheckedForm<SuppressForm>,
) -> Result<Response, PageError> {
    let named = [
        form.rule.as_str(),
        form.sensor.as_str(),
        form.tenant.as_str(),
        form.network.as_str(),
    ];
    let new =
        NewSuppression::read(named, &form.reason, &form.days).map_err(PageError::bad_request)?;
    let closes = !form.close.is_empty();
    state
        .query(move |store| {
            let now = Timestamp::now();
            let key = store.suppress(session.scope(), &session.user, &new, now)?;
            if let (true, Some(rule)) = (closes, new.rule) {
                close_group(
                    store,
                    &session,
                    rule,
                    &format!("suppressed: #{key} {}", new.reason),
                    now,
                )?;
            }
            Ok(())
        })
        .await?;
    Ok(Redirect::to("/suppressions").into_response())
}

/// Closes the group of a rule, where there is one in sight that is not closed.
fn close_group(
    store: &Store,
    session: &Session,
    (gid, sid): (u32, u32),
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let scope = session.scope();
    let Some(key) = store.group_of_rule(gid, sid)? else {
        return Ok(());
    };
    let group = store.group(scope, key, now)?;
    if group.is_some_and(|group| group.state != GroupState::Closed) {
        let change = GroupChange::Close(why.to_owned());
        store.change_group(scope, &session.user, key, &change, now)?;
    }
    Ok(())
}

pub(super) async fn end(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
    CheckedForm(Nothing {}): CheckedForm<Nothing>,
) -> Result<Response, PageError> {
    state
        .query(move |store| {
            store.end_suppression(session.scope(), &session.user, key, Timestamp::now())
        })
        .await?;
    Ok(Redirect::to("/suppressions").into_response())
}
