//! Which path is answered by what, and what one must be allowed to ask it: the one table of both.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Redirect;
use axum::routing::{MethodRouter, get, post};
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use super::error_page::PageError;
use super::session::{Gate, GateKind, pass};
use super::state::WebState;
use super::{
    account_page, alarms_page, api_alarms, api_groups, api_query, api_routes, api_suppressions,
    audit_page, cases_page, finding_page, findings_page, group_page, inbox_page, login_page,
    open_api, report_page, rules_page, security_headers, sensors_page, sql_page, static_files,
    summary_page, suppressions_page, users_page,
};
use crate::limits::{HTTP_BODY_BYTES, HTTP_REQUEST_TIMEOUT};
use crate::people::Permission as May;

/// The methods of one path.
type Methods = MethodRouter<Arc<WebState>>;

/// Pages, with what one must be allowed; none: whoever is logged in.
fn pages() -> Vec<(&'static str, Option<May>, Methods)> {
    vec![
        ("/logout", None, post(login_page::logout)),
        ("/account", None, get(account_page::show)),
        (
            "/account/language",
            None,
            post(account_page::choose_language),
        ),
        (
            "/account/second-factor",
            None,
            post(account_page::set_second_factor),
        ),
        ("/account/tokens", None, post(account_page::add_token)),
        (
            "/account/tokens/{key}/revoke",
            None,
            post(account_page::revoke_token),
        ),
        (
            "/findings",
            Some(May::ReadFindings),
            get(findings_page::show),
        ),
        (
            "/findings.csv",
            Some(May::ReadFindings),
            get(findings_page::csv),
        ),
        (
            "/findings/{id}",
            Some(May::ReadFindings),
            get(finding_page::show),
        ),
        ("/sql", Some(May::AskSql), get(sql_page::show)),
        ("/sql.csv", Some(May::AskSql), get(sql_page::csv)),
        (
            "/rules",
            Some(May::EditRules),
            get(rules_page::show).post(rules_page::act),
        ),
        ("/reports", Some(May::ReadFindings), get(report_page::show)),
        ("/inbox", Some(May::ReadFindings), get(inbox_page::show)),
        ("/inbox/act", Some(May::Triage), post(inbox_page::act)),
        (
            "/groups/{key}",
            Some(May::ReadFindings),
            get(group_page::show),
        ),
        ("/groups/{key}", Some(May::Triage), post(group_page::act)),
        ("/cases", Some(May::ReadWork), get(cases_page::show)),
        ("/cases", Some(May::Triage), post(cases_page::add)),
        (
            "/cases/{key}/close",
            Some(May::Triage),
            post(cases_page::close),
        ),
        (
            "/suppressions",
            Some(May::ReadWork),
            get(suppressions_page::show),
        ),
        (
            "/suppressions",
            Some(May::Triage),
            post(suppressions_page::add),
        ),
        (
            "/suppressions/{key}/end",
            Some(May::Triage),
            post(suppressions_page::end),
        ),
        ("/views", None, post(cases_page::save_view)),
        ("/views/{key}/forget", None, post(cases_page::forget_view)),
        ("/summary", Some(May::ReadFindings), get(summary_page::show)),
        ("/sensors", Some(May::ReadSensors), get(sensors_page::list)),
        (
            "/sensors/{name}",
            Some(May::ReadSensors),
            get(sensors_page::show),
        ),
        (
            "/sensors/{name}/approve",
            Some(May::ManageSensors),
            post(sensors_page::approve),
        ),
        (
            "/sensors/{name}/revoke",
            Some(May::ManageSensors),
            post(sensors_page::revoke),
        ),
        (
            "/sensors/{name}/place",
            Some(May::ManageSensors),
            post(sensors_page::place),
        ),
        (
            "/users",
            Some(May::ManageUsers),
            get(users_page::show).post(users_page::add),
        ),
        (
            "/users/{name}/disable",
            Some(May::ManageUsers),
            post(users_page::disable),
        ),
        (
            "/users/{name}/reset",
            Some(May::ManageUsers),
            post(users_page::reset),
        ),
        (
            "/tenants",
            Some(May::ManageUsers),
            post(users_page::add_tenant),
        ),
        ("/audit", Some(May::ReadAudit), get(audit_page::show)),
        ("/alarms", Some(May::ManageAlarms), get(alarms_page::show)),
        (
            "/alarms/targets",
            Some(May::ManageAlarms),
            post(alarms_page::add_target),
        ),
        (
            "/alarms/targets/{name}",
            Some(May::ManageAlarms),
            post(alarms_page::act_on_target),
        ),
        (
            "/alarms/rules",
            Some(May::ManageAlarms),
            post(alarms_page::add_rule),
        ),
        (
            "/alarms/rules/{key}/end",
            Some(May::ManageAlarms),
            post(alarms_page::end_rule),
        ),
    ]
}

/// The API, with the scope that each call needs. `openapi.json` says the same; a test compares them.
fn api() -> Vec<(&'static str, Option<May>, Methods)> {
    vec![
        (
            "/api/v1/findings",
            Some(May::ReadFindings),
            get(api_routes::findings),
        ),
        (
            "/api/v1/findings/{id}",
            Some(May::ReadFindings),
            get(api_routes::finding),
        ),
        (
            "/api/v1/summary",
            Some(May::ReadFindings),
            get(api_routes::summary),
        ),
        (
            "/api/v1/sensors",
            Some(May::ReadSensors),
            get(api_routes::sensors),
        ),
        (
            "/api/v1/sensors/{name}",
            Some(May::ReadSensors),
            get(api_routes::sensor),
        ),
        (
            "/api/v1/tenants",
            Some(May::ReadFindings),
            get(api_routes::tenants),
        ),
        (
            "/api/v1/audit",
            Some(May::ReadAudit),
            get(api_routes::audit),
        ),
        (
            "/api/v1/groups",
            Some(May::ReadFindings),
            get(api_groups::groups),
        ),
        (
            "/api/v1/groups/{key}",
            Some(May::ReadFindings),
            get(api_groups::group),
        ),
        (
            "/api/v1/groups/{key}",
            Some(May::Triage),
            post(api_groups::change),
        ),
        (
            "/api/v1/groups/{key}/events",
            Some(May::ReadWork),
            get(api_groups::events),
        ),
        ("/api/v1/cases", Some(May::ReadWork), get(api_groups::cases)),
        (
            "/api/v1/cases",
            Some(May::Triage),
            post(api_groups::open_case),
        ),
        (
            "/api/v1/suppressions",
            Some(May::ReadWork),
            get(api_suppressions::suppressions),
        ),
        (
            "/api/v1/suppressions",
            Some(May::Triage),
            post(api_suppressions::suppress),
        ),
        (
            "/api/v1/suppressions/{key}/end",
            Some(May::Triage),
            post(api_suppressions::end),
        ),
        (
            "/api/v1/sightings",
            Some(May::ReadFindings),
            get(api_groups::sightings),
        ),
        (
            "/api/v1/complete",
            Some(May::ReadFindings),
            get(api_query::complete),
        ),
        (
            "/api/v1/alarms",
            Some(May::ManageAlarms),
            get(api_alarms::alarms),
        ),
        (
            "/api/v1/alarms/targets",
            Some(May::ManageAlarms),
            post(api_alarms::add_target),
        ),
        (
            "/api/v1/alarms/targets/{name}/remove",
            Some(May::ManageAlarms),
            post(api_alarms::remove_target),
        ),
        (
            "/api/v1/alarms/targets/{name}/test",
            Some(May::ManageAlarms),
            post(api_alarms::test_target),
        ),
        (
            "/api/v1/alarms/rules",
            Some(May::ManageAlarms),
            post(api_alarms::add_rule),
        ),
        (
            "/api/v1/alarms/rules/{key}/end",
            Some(May::ManageAlarms),
            post(api_alarms::end_rule),
        ),
        ("/api/v1/sql", Some(May::AskSql), post(api_query::sql)),
        (
            "/api/v1/stream",
            Some(May::ReadFindings),
            get(api_query::stream),
        ),
        ("/api/v1/openapi.json", None, get(open_api::document)),
    ]
}

/// Path and needed permission of every route of the API, for tests.
#[must_use]
pub fn api_paths() -> Vec<(&'static str, Option<May>)> {
    api()
        .into_iter()
        .map(|(path, may, _)| (path, may))
        .collect()
}

/// All routes. The caller adds the client's address to each request.
pub fn router(state: Arc<WebState>) -> Router {
    let mut routes = Router::new()
        .route("/", get(|| async { Redirect::to("/inbox") }))
        .route("/login", get(login_page::show).post(login_page::submit))
        .route("/static/lapwing.css", get(static_files::style))
        .route("/static/lapwing.js", get(static_files::script))
        .route("/static/lapwing.svg", get(static_files::icon))
        .fallback(|| async { PageError::not_found("There is no page at this address.") });
    for (kind, table) in [(GateKind::Page, pages()), (GateKind::Api, api())] {
        for (path, permission, methods) in table {
            let gate = Gate {
                state: Arc::clone(&state),
                permission,
                kind,
            };
            routes = routes.route(path, methods.route_layer(from_fn_with_state(gate, pass)));
        }
    }
    routes
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
