//! `/api/v1`: the same data as JSON. Errors are problem documents (RFC 9457).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use super::session::SignedIn;
use super::state::WebState;
use crate::api::{
    AuditView, FindingView, FindingsView, SensorView, SensorsView, SummaryView, TenantsView,
};
use crate::limits::{API_ROWS, PAGE_ROWS};
use crate::query::{Cursor, FindingQuery, RawFilter};

/// Query of `/api/v1/findings`. Numbers come as text because the filter is flattened into it.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FindingsQuery {
    #[serde(flatten)]
    #[param(ignore)]
    filter: RawFilter,
    /// Where the page before ended: its `next`
    after: Option<String>,
    /// How many at most, 1 to 1000
    limit: Option<String>,
}

/// Findings, newest first
#[utoipa::path(get, path = "/api/v1/findings", params(RawFilter, FindingsQuery),
    responses((status = 200, body = FindingsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn findings(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(query): Query<FindingsQuery>,
) -> Result<Json<FindingsView>, Problem> {
    let filter = query
        .filter
        .check(Timestamp::now())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let after: Option<Cursor> = query
        .after
        .map(|text| text.parse())
        .transpose()
        .map_err(Problem::bad_request)?;
    let limit = match query.limit.map(|text| text.parse::<usize>()) {
        None => PAGE_ROWS,
        Some(Ok(limit)) if (1..=API_ROWS).contains(&limit) => limit,
        Some(_) => return Err(Problem::bad_request(format!("limit: say 1 to {API_ROWS}"))),
    };
    let query = FindingQuery::new(session.scope(), filter);
    let page = state
        .query(move |store| store.findings(&query, after, limit))
        .await?;
    Ok(Json(FindingsView::from(&page)))
}

/// One finding
#[utoipa::path(get, path = "/api/v1/findings/{id}", params(("id" = String, Path, description = "As in a list")),
    responses((status = 200, body = FindingView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn finding(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(id): Path<String>,
) -> Result<Json<FindingView>, Problem> {
    let finding = state
        .query(move |store| store.finding(session.scope(), &id))
        .await?
        .ok_or_else(|| Problem::not_found("there is no such finding"))?;
    Ok(Json(FindingView::from(&finding)))
}

/// Sums over findings, and the books of the sensors
#[utoipa::path(get, path = "/api/v1/summary", params(RawFilter),
    responses((status = 200, body = SummaryView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn summary(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Query(raw): Query<RawFilter>,
) -> Result<Json<SummaryView>, Problem> {
    let filter = raw
        .check(Timestamp::now())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let scope = session.scope();
    let query = FindingQuery::new(scope, filter);
    let (activity, totals) = state
        .query(move |store| Ok((store.activity(&query)?, store.sensor_totals(scope)?)))
        .await?;
    Ok(Json(SummaryView::of(&activity, &totals)))
}

/// Sensors, their state and their books
#[utoipa::path(get, path = "/api/v1/sensors",
    responses((status = 200, body = SensorsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn sensors(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Json<SensorsView>, Problem> {
    let scope = session.scope();
    let (sensors, totals) = state
        .query(move |store| Ok((store.sensors(scope)?, store.sensor_totals(scope)?)))
        .await?;
    Ok(Json(SensorsView::of(&sensors, &totals)))
}

/// One sensor
#[utoipa::path(get, path = "/api/v1/sensors/{name}", params(("name" = String, Path, description = "Name or identity")),
    responses((status = 200, body = SensorView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn sensor(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
) -> Result<Json<SensorView>, Problem> {
    let scope = session.scope();
    let (sensor, totals) = state
        .query(move |store| Ok((store.sensor(scope, &name)?, store.sensor_totals(scope)?)))
        .await?;
    Ok(Json(SensorView::of(&sensor, &totals)))
}

/// Providers and sectors
#[utoipa::path(get, path = "/api/v1/tenants",
    responses((status = 200, body = TenantsView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn tenants(
    State(state): State<Arc<WebState>>,
    SignedIn(session): SignedIn,
) -> Result<Json<TenantsView>, Problem> {
    let tenants = state
        .query(move |store| store.tenants(session.scope()))
        .await?;
    Ok(Json(TenantsView::of(&tenants)))
}

/// The newest lines of the audit trail
#[utoipa::path(get, path = "/api/v1/audit",
    responses((status = 200, body = AuditView), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn audit(
    State(state): State<Arc<WebState>>,
    SignedIn(_): SignedIn,
) -> Result<Json<AuditView>, Problem> {
    let lines = state
        .query(move |store| store.audit_trail(API_ROWS))
        .await?;
    Ok(Json(AuditView::of(&lines)))
}
