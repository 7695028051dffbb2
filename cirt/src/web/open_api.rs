//! What the API is, for programs that read OpenAPI 3.1. `cirt/openapi.json` is its golden copy.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::{api_alarms, api_groups, api_query, api_routes, api_suppressions, problem};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lapwing centre",
        description = "Findings, sensors and the work on them. Every row is within the caller's tenant.",
        version = "1"
    ),
    paths(
        api_routes::findings,
        api_routes::finding,
        api_routes::summary,
        api_routes::sensors,
        api_routes::sensor,
        api_routes::tenants,
        api_routes::audit,
        api_groups::groups,
        api_groups::group,
        api_groups::change,
        api_groups::events,
        api_groups::cases,
        api_groups::open_case,
        api_groups::sightings,
        api_suppressions::suppressions,
        api_suppressions::suppress,
        api_suppressions::end,
        api_alarms::alarms,
        api_alarms::add_target,
        api_alarms::remove_target,
        api_alarms::test_target,
        api_alarms::add_rule,
        api_alarms::end_rule,
        api_query::complete,
        api_query::sql,
        api_query::stream,
        document,
    ),
    components(schemas(problem::Problem)),
    security(("token" = []))
)]
struct Document;

/// The document, as served and as the golden copy holds it.
#[must_use]
pub fn open_api() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A token of `lapwing-cirt user token` or of the page Account",
        ))
        .build();
    document
        .components
        .get_or_insert_default()
        .security_schemes
        .insert("token".to_owned(), SecurityScheme::Http(token).into());
    document
}

/// This document
#[utoipa::path(get, path = "/api/v1/openapi.json", responses((status = 200, description = "OpenAPI 3.1")))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(open_api())
}
