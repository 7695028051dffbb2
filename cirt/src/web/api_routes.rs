//! `/api/v1`: the same data as JSON. Errors are problem documents (RFC 9457).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::session::SignedInApi;
use super::state::WebState;
use crate::api::{FindingsView, SensorsView, SummaryView};
use crate::limits::{API_ROWS, PAGE_ROWS};
use crate::query::{Cursor, RawFilter};
use crate::store::StoreError;

/// An error for programs.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

impl Problem {
    pub(super) fn unauthorized() -> Self {
        let detail = "log in at /login and send the session cookie".to_owned();
        Self {
            status: StatusCode::UNAUTHORIZED,
            title: "not logged in",
            detail,
        }
    }

    fn bad_request(detail: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "the request is not understood",
            detail,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, source = ?std::error::Error::source(&error), "request failed");
        let detail = "the log of the centre says why".to_owned();
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            title: "the centre could not answer",
            detail,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body =
            json!({ "title": self.title, "status": self.status.as_u16(), "detail": self.detail });
        (
            self.status,
            [(CONTENT_TYPE, "application/problem+json")],
            body.to_string(),
        )
            .into_response()
    }
}

/// Query of `/api/v1/findings`. Numbers come as text because the filter is flattened into it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct FindingsQuery {
    #[serde(flatten)]
    filter: RawFilter,
    after: Option<String>,
    limit: Option<String>,
}

pub(super) async fn findings(
    State(state): State<Arc<WebState>>,
    _: SignedInApi,
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
    let page = state
        .query(move |store| store.findings(&filter, after, limit))
        .await?;
    Ok(Json(FindingsView::from(&page)))
}

pub(super) async fn summary(
    State(state): State<Arc<WebState>>,
    _: SignedInApi,
    Query(raw): Query<RawFilter>,
) -> Result<Json<SummaryView>, Problem> {
    let filter = raw
        .check(Timestamp::now())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let (activity, totals) = state
        .query(move |store| Ok((store.activity(&filter)?, store.sensor_totals()?)))
        .await?;
    Ok(Json(SummaryView::of(&activity, &totals)))
}

pub(super) async fn sensors(
    State(state): State<Arc<WebState>>,
    _: SignedInApi,
) -> Result<Json<SensorsView>, Problem> {
    let (sensors, totals) = state
        .query(|store| Ok((store.sensors()?, store.sensor_totals()?)))
        .await?;
    Ok(Json(SensorsView::of(&sensors, &totals)))
}
