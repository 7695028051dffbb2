//! Which path is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::Redirect;
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use super::error_page::PageError;
use super::state::WebState;
use super::{
    api_routes, finding_page, findings_page, login_page, security_headers, sensors_page,
    static_files, summary_page,
};
use crate::limits::{HTTP_BODY_BYTES, HTTP_REQUEST_TIMEOUT};

/// All routes. The caller adds the client's address to each request.
pub fn router(state: Arc<WebState>) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/findings") }))
        .route("/login", get(login_page::show).post(login_page::submit))
        .route("/logout", post(login_page::logout))
        .route("/findings", get(findings_page::show))
        .route("/findings.csv", get(findings_page::csv))
        .route("/findings/{id}", get(finding_page::show))
        .route("/sensors", get(sensors_page::list))
        .route("/sensors/{name}", get(sensors_page::show))
        .route("/sensors/{name}/approve", post(sensors_page::approve))
        .route("/sensors/{name}/revoke", post(sensors_page::revoke))
        .route("/summary", get(summary_page::show))
        .route("/api/v1/findings", get(api_routes::findings))
        .route("/api/v1/summary", get(api_routes::summary))
        .route("/api/v1/sensors", get(api_routes::sensors))
        .route("/static/lapwing.css", get(static_files::style))
        .route("/static/lapwing.svg", get(static_files::icon))
        .fallback(|| async { PageError::not_found("There is no page at this address.") })
        .with_state(state)
        .layer(map_response(security_headers::add))
        // Cookies are SameSite=Strict, so no other site can make a page with secrets be compressed beside its guesses.
        .layer(CompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(HTTP_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            HTTP_REQUEST_TIMEOUT,
        ))
}
