//! Errors for programs: problem documents (RFC 9457).

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;

/// What went wrong, for programs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    title: &'static str,
    status: u16,
    /// What, where, and what to do.
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            title,
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    pub(super) fn unauthorized() -> Self {
        let detail = "send a token as `Authorization: Bearer …`, or log in at /login";
        Self::new(StatusCode::UNAUTHORIZED, "not logged in", detail)
    }

    pub(super) fn forbidden(detail: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not allowed", detail)
    }

    pub(super) fn too_many_requests() -> Self {
        let detail = "wait a second between requests";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests", detail)
    }

    pub(super) fn bad_request(detail: String) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "the request is not understood",
            detail,
        )
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not here", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Absent { .. } => {
                Self::new(StatusCode::NOT_FOUND, "not here", error.to_string())
            }
            StoreError::Taken { .. } | StoreError::Refused(_) => {
                Self::new(StatusCode::CONFLICT, "not possible", error.to_string())
            }
            StoreError::TooSlow(_) => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "it takes too long",
                error.to_string(),
            ),
            error => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the centre could not answer",
                    "the log of the centre says why",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response =
            (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            response
                .headers_mut()
                .insert(RETRY_AFTER, axum::http::HeaderValue::from_static("1"));
        }
        response
    }
}
