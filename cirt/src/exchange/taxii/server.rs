//! The endpoints of the standard (chapters 4 and 5), each for a peer that has logged in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use tower_http::timeout::TimeoutLayer;

use super::answer::{Answer, Problem, admit, answer, blocking};
use super::collection::Collection;
use super::page::{envelope, find, page, page_of_object, parsed, placed, visible_to};
use super::push::push;
use super::{API_ROOT, MEDIA_TYPE, STIX_MEDIA_TYPE, query};
use crate::exchange::Producer;
use crate::exchange::limits::TAXII_PUSH_BYTES;
use crate::limits::HTTP_REQUEST_TIMEOUT;
use crate::store::{Store, VersionMatch};

/// What the endpoints share.
#[derive(Clone)]
pub struct ExchangeState {
    pub store: Arc<Store>,
    pub producer: Arc<Producer>,
}

type Parameters = Query<Vec<(String, String)>>;

/// The routes of the server.
pub fn router(state: ExchangeState) -> Router {
    Router::new()
        .route("/taxii2/", get(discovery))
        .route("/taxii2/lapwing/", get(api_root))
        .route("/taxii2/lapwing/status/{id}/", get(status))
        .route("/taxii2/lapwing/collections/", get(collections))
        .route("/taxii2/lapwing/collections/{id}/", get(collection))
        .route("/taxii2/lapwing/collections/{id}/manifest/", get(manifest))
        .route(
            "/taxii2/lapwing/collections/{id}/objects/",
            get(objects).post(push),
        )
        .route(
            "/taxii2/lapwing/collections/{id}/objects/{object}/",
            get(object).delete(refuse_deletion),
        )
        .route(
            "/taxii2/lapwing/collections/{id}/objects/{object}/versions/",
            get(versions),
        )
        .with_state(state)
        .layer(DefaultBodyLimit::max(TAXII_PUSH_BYTES))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            HTTP_REQUEST_TIMEOUT,
        ))
}

async fn discovery(State(state): State<ExchangeState>, headers: HeaderMap) -> Answer {
    admit(&state, &headers).await?;
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let root = format!("https://{host}{API_ROOT}");
    let settings = &state.producer.settings;
    let body = json!({
        "title": settings.organisation,
        "description": "Findings of a national early-warning network",
        "contact": settings.contact,
        "default": root,
        "api_roots": [root],
    });
    Ok(answer(StatusCode::OK, body))
}

async fn api_root(State(state): State<ExchangeState>, headers: HeaderMap) -> Answer {
    admit(&state, &headers).await?;
    let body = json!({
        "title": state.producer.settings.organisation,
        "versions": [MEDIA_TYPE],
        "max_content_length": TAXII_PUSH_BYTES,
    });
    Ok(answer(StatusCode::OK, body))
}

async fn status(
    State(state): State<ExchangeState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    let peer = admit(&state, &headers).await?;
    let kept = blocking(&state, move |store, _| {
        Ok(store.status_of_push(&id, &peer.name)?)
    })
    .await?;
    let text =
        kept.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such status"))?;
    Ok(answer(StatusCode::OK, text))
}

async fn collections(State(state): State<ExchangeState>, headers: HeaderMap) -> Answer {
    let peer = admit(&state, &headers).await?;
    let seen = blocking(&state, move |store, producer| {
        visible_to(store, producer, &peer)
    })
    .await?;
    let resources: Vec<Value> = seen.iter().map(Collection::resource).collect();
    Ok(answer(StatusCode::OK, json!({ "collections": resources })))
}

async fn collection(
    State(state): State<ExchangeState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    let peer = admit(&state, &headers).await?;
    let found = blocking(&state, move |store, producer| {
        find(store, producer, &peer, &id)
    })
    .await?;
    Ok(answer(StatusCode::OK, found.resource()))
}

async fn objects(
    State(state): State<ExchangeState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(parameters): Parameters,
) -> Answer {
    envelope(&page(&state, &headers, id, parsed(parameters)).await?)
}

async fn object(
    State(state): State<ExchangeState>,
    headers: HeaderMap,
    Path((id, object)): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Answer {
    let page = page_of_object(&state, &headers, id, object, parsed(parameters)).await?;
    envelope(&page)
}

async fn manifest(
    State(state): State<ExchangeState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(parameters): Parameters,
) -> Answer {
    let page = page(&state, &headers, id, parsed(parameters)).await?;
    let records: Vec<Value> = page
        .released
        .items()
        .iter()
        .map(|object| {
            json!({
                "id": object.id,
                "date_added": query::shown(object.added_microseconds),
                "version": query::shown(object.version_microseconds),
                "media_type": STIX_MEDIA_TYPE,
            })
        })
        .collect();
    let mut body = json!({ "more": page.next.is_some() });
    if let Some(next) = page.next {
        body["next"] = next.to_string().into();
    }
    if !records.is_empty() {
        body["objects"] = records.into();
    }
    placed(&page, body)
}

async fn versions(
    State(state): State<ExchangeState>,
    headers: HeaderMap,
    Path((id, object)): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Answer {
    let parse = parsed(parameters);
    let all = move |alias: &str| {
        let mut asked = parse(alias)?;
        asked.versions = vec![VersionMatch::All];
        Ok(asked)
    };
    let page = page_of_object(&state, &headers, id, object, all).await?;
    let mut versions: Vec<i64> = page
        .released
        .items()
        .iter()
        .map(|object| object.version_microseconds)
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    let versions: Vec<String> = versions.into_iter().map(query::shown).collect();
    placed(
        &page,
        json!({ "more": page.next.is_some(), "versions": versions }),
    )
}

async fn refuse_deletion(State(state): State<ExchangeState>, headers: HeaderMap) -> Answer {
    admit(&state, &headers).await?;
    Err(Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "objects are not deleted; push a version that is revoked",
    ))
}
