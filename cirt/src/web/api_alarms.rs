//! `/api/v1`: whom alarms are told to, of what, and what became of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use jiff::Timestamp;

use super::problem::Problem;
use super::session::SignedIn;
use super::state::WebState;
use crate::alarms::watch;
use crate::api::{AlarmRuleBody, AlarmTargetBody, AlarmTargetView, AlarmsView};
use crate::limits::ALARM_MESSAGES_LISTED;

/// Targets and rules of alarms, and the newest messages
#[utoipa::path(get, path = "/api/v1/alarms",
    responses((status = 200, body = AlarmsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn alarms(
    State(state): State<Arc<WebState>>,
    SignedIn(_): SignedIn,
) -> Result<Json<AlarmsView>, Problem> {
    answer(&state).await
}

async fn answer(state: &WebState) -> Result<Json<AlarmsView>, Problem> {
    let view = state
        .query(|store| {
            Ok(AlarmsView::of(
                &store.alarm_targets()?,
                store.alarm_rules()?,
                store.alarm_messages(ALARM_MESSAGES_LISTED)?,
            ))
        })
        .await?;
    Ok(Json(view))
}

/// Adds a target; the answer holds the secret of a webhook, once
#[utoipa::path(post, path = "/api/v1/alarms/targets", request_body = AlarmTargetBody,
    responses((status = 200, body = AlarmTargetView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn add_target(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    body: Result<Json<AlarmTargetBody>, JsonRejection>,
) -> Result<Json<AlarmTargetView>, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let new = body.check().map_err(Problem::bad_request)?;
    let secret = new.secret.clone();
    let name = new.name.clone();
    let target = state
        .query(move |store| {
            store.add_alarm_target(&session.user, &new, Timestamp::now())?;
            store.alarm_target(name.as_str())
        })
        .await?;
    Ok(Json(AlarmTargetView {
        secret,
        ..AlarmTargetView::of(&target)
    }))
}

/// Removes a target, its rules, and what waits for it
#[utoipa::path(post, path = "/api/v1/alarms/targets/{name}/remove", params(("name" = String, Path, description = "As in the list")),
    responses((status = 200, body = AlarmsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn remove_target(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
) -> Result<Json<AlarmsView>, Problem> {
    state
        .query(move |store| store.remove_alarm_target(&session.user, &name, Timestamp::now()))
        .await?;
    answer(&state).await
}

/// Sends a target a message that says nothing but that messages arrive
#[utoipa::path(post, path = "/api/v1/alarms/targets/{name}/test", params(("name" = String, Path, description = "As in the list")),
    responses((status = 200, body = AlarmsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn test_target(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
) -> Result<Json<AlarmsView>, Problem> {
    let teller = state.teller();
    state
        .query(move |store| teller.queue_test(store, &session.user, &name, Timestamp::now()))
        .await?;
    answer(&state).await
}

/// Adds a rule; it tells of what comes from now on
#[utoipa::path(post, path = "/api/v1/alarms/rules", request_body = AlarmRuleBody,
    responses((status = 200, body = AlarmsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn add_rule(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    body: Result<Json<AlarmRuleBody>, JsonRejection>,
) -> Result<Json<AlarmsView>, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let (kind, words) = body.check().map_err(Problem::bad_request)?;
    let folder = state.teller().folder;
    state
        .query(move |store| {
            let target = store.alarm_target(&body.target)?;
            let rule = watch::NewRule {
                target: &target,
                kind,
                words: &words,
                tenant: body.tenant.as_deref(),
            };
            watch::add_rule(store, &folder, &session.user, &rule, Timestamp::now())
        })
        .await?;
    answer(&state).await
}

/// Ends a rule
#[utoipa::path(post, path = "/api/v1/alarms/rules/{key}/end", params(("key" = i64, Path, description = "As in the list")),
    responses((status = 200, body = AlarmsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn end_rule(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
) -> Result<Json<AlarmsView>, Problem> {
    state
        .query(move |store| store.end_alarm_rule(&session.user, key, Timestamp::now()))
        .await?;
    answer(&state).await
}
