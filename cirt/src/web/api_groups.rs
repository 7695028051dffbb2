//! `/api/v1`: groups, the work on them, cases, and who saw what.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use super::session::SignedIn;
use super::state::WebState;
use crate::api::{CasesView, ChangeBody, EventsView, GroupView, GroupsView, SightingsView};
use crate::store::GroupChange;

/// Which groups.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GroupsQuery {
    /// `true` for the closed ones
    #[serde(default)]
    closed: bool,
}

/// Groups of findings, in the order people should look at them
#[utoipa::path(get, path = "/api/v1/groups", params(GroupsQuery),
    responses((status = 200, body = GroupsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn groups(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<GroupsQuery>,
) -> Result<Json<GroupsView>, Problem> {
    let scope = session.scope();
    let groups = state
        .query(move |store| store.groups(scope, query.closed, Timestamp::now()))
        .await?;
    Ok(Json(GroupsView {
        groups: groups
            .iter()
            .map(|group| GroupView::of(group, &[], &session))
            .collect(),
    }))
}

/// One group, and where it was seen
#[utoipa::path(get, path = "/api/v1/groups/{key}", params(("key" = i64, Path, description = "As in the list")),
    responses((status = 200, body = GroupView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn group(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
) -> Result<Json<GroupView>, Problem> {
    let scope = session.scope();
    let (group, places) = state
        .query(move |store| {
            Ok((
                store.group(scope, key, Timestamp::now())?,
                store.group_places(scope, key)?,
            ))
        })
        .await?;
    let group = group.ok_or_else(|| Problem::not_found("there is no such group"))?;
    Ok(Json(GroupView::of(&group, &places, &session)))
}

/// Does something with a group
#[utoipa::path(post, path = "/api/v1/groups/{key}", params(("key" = i64, Path, description = "As in the list")),
    request_body = ChangeBody,
    responses((status = 200, body = GroupView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn change(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
    body: Result<Json<ChangeBody>, JsonRejection>,
) -> Result<Json<GroupView>, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let change = GroupChange::try_from(body).map_err(Problem::bad_request)?;
    let scope = session.scope();
    let actor = session.user.clone();
    let group = state
        .query(move |store| {
            let now = Timestamp::now();
            store.change_group(scope, &actor, key, &change, now)?;
            store.group(scope, key, now)
        })
        .await?
        .ok_or_else(|| Problem::not_found("there is no such group"))?;
    Ok(Json(GroupView::of(&group, &[], &session)))
}

/// What became of a group
#[utoipa::path(get, path = "/api/v1/groups/{key}/events", params(("key" = i64, Path, description = "As in the list")),
    responses((status = 200, body = EventsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn events(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
) -> Result<Json<EventsView>, Problem> {
    let scope = session.scope();
    let events = state
        .query(move |store| {
            let visible = store.group(scope, key, Timestamp::now())?.is_some();
            Ok(if visible {
                Some(store.group_events(key)?)
            } else {
                None
            })
        })
        .await?
        .ok_or_else(|| Problem::not_found("there is no such group"))?;
    Ok(Json(EventsView::of(events)))
}

/// Cases, open ones first
#[utoipa::path(get, path = "/api/v1/cases",
    responses((status = 200, body = CasesView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn cases(
    State(state): State<Arc<WebState>>,
    SignedIn(_): SignedIn,
) -> Result<Json<CasesView>, Problem> {
    let incidents = state.query(|store| store.incidents()).await?;
    Ok(Json(CasesView::of(incidents)))
}

/// A new case.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CaseBody {
    title: String,
}

/// Opens a case
#[utoipa::path(post, path = "/api/v1/cases", request_body = CaseBody,
    responses((status = 200, body = CasesView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn open_case(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    body: Result<Json<CaseBody>, JsonRejection>,
) -> Result<Json<CasesView>, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let incidents = state
        .query(move |store| {
            store.add_incident(&session.user, &body.title)?;
            store.incidents()
        })
        .await?;
    Ok(Json(CasesView::of(incidents)))
}

/// What was seen: one of both.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SightingsQuery {
    /// An IP address
    address: Option<String>,
    /// A host name
    host: Option<String>,
}

/// Who else saw an address or a host
#[utoipa::path(get, path = "/api/v1/sightings", params(SightingsQuery),
    responses((status = 200, body = SightingsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn sightings(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<SightingsQuery>,
) -> Result<Json<SightingsView>, Problem> {
    let scope = session.scope();
    let sightings = match (query.address, query.host) {
        (Some(address), None) => {
            let address = address
                .parse()
                .map_err(|_| Problem::bad_request(format!("address: {address:?} is none")))?;
            state
                .query(move |store| store.who_saw_address(scope, address))
                .await?
        }
        (None, Some(host)) => {
            state
                .query(move |store| store.who_saw_host(scope, &host))
                .await?
        }
        _ => {
            let detail = "say address=… or host=…, one of both".to_owned();
            return Err(Problem::bad_request(detail));
        }
    };
    Ok(Json(SightingsView::of(sightings)))
}
