//! `/api/v1`: what is kept out of the inbox and the alarms.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use jiff::Timestamp;

use super::problem::Problem;
use super::session::SignedIn;
use super::state::WebState;
use crate::api::{SuppressionBody, SuppressionsView};

/// Suppressions, and how many findings each took
#[utoipa::path(get, path = "/api/v1/suppressions",
    responses((status = 200, body = SuppressionsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn suppressions(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Json<SuppressionsView>, Problem> {
    let now = Timestamp::now();
    let suppressions = state
        .query(move |store| store.suppressions(session.scope(), now))
        .await?;
    Ok(Json(SuppressionsView::of(suppressions, now)))
}

/// Begins to suppress; who sees one tenant suppresses at that tenant only
#[utoipa::path(post, path = "/api/v1/suppressions", request_body = SuppressionBody,
    responses((status = 200, body = SuppressionsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn suppress(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    body: Result<Json<SuppressionBody>, JsonRejection>,
) -> Result<Json<SuppressionsView>, Problem> {
    let Json(body) = body.map_err(|error| Problem::bad_request(error.body_text()))?;
    let new = body.read().map_err(Problem::bad_request)?;
    let now = Timestamp::now();
    let suppressions = state
        .query(move |store| {
            store.suppress(session.scope(), &session.user, &new, now)?;
            store.suppressions(session.scope(), now)
        })
        .await?;
    Ok(Json(SuppressionsView::of(suppressions, now)))
}

/// Ends a suppression before its time
#[utoipa::path(post, path = "/api/v1/suppressions/{key}/end", params(("key" = i64, Path, description = "As in the list")),
    responses((status = 200, body = SuppressionsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn end(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(key): Path<i64>,
) -> Result<Json<SuppressionsView>, Problem> {
    let now = Timestamp::now();
    let suppressions = state
        .query(move |store| {
            store.end_suppression(session.scope(), &session.user, key, now)?;
            store.suppressions(session.scope(), now)
        })
        .await?;
    Ok(Json(SuppressionsView::of(suppressions, now)))
}
