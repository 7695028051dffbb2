//! The endpoints of the standard (chapters 4 and 5), each for a peer that has logged in.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};
use tower_http::timeout::TimeoutLayer;
use uuid::Uuid;

use super::collection::{Collection, visible};
use super::{API_ROOT, MEDIA_TYPE, STIX_MEDIA_TYPE, query};
use crate::exchange::http_login::{Login, login};
use crate::exchange::limits::{TAXII_FILTER_VALUES, TAXII_PUSH_BYTES};
use crate::exchange::{Peer, Producer, Released, Way, inbound, release};
use crate::limits::HTTP_REQUEST_TIMEOUT;
use crate::store::{ObjectQuery, Store, StoreError, StoredObject, VersionMatch};

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

/// An error message of the standard (section 3.6.1).
#[derive(Debug)]
struct Problem {
    status: StatusCode,
    title: String,
}

impl Problem {
    fn new(status: StatusCode, title: impl Into<String>) -> Self {
        Self {
            status,
            title: title.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, source = ?std::error::Error::source(&error), "a request of a peer failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the centre could not answer; its log says why",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({ "title": self.title, "http_status": self.status.as_u16().to_string() });
        let mut response =
            (self.status, [(CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Basic realm=\"lapwing\", charset=\"UTF-8\"");
            response
                .headers_mut()
                .insert(axum::http::header::WWW_AUTHENTICATE, realm);
        }
        response
    }
}

type Answer = Result<Response, Problem>;

fn answer(status: StatusCode, body: impl ToString) -> Response {
    (status, [(CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}

/// Runs something that may wait for the disk.
async fn blocking<T: Send + 'static>(
    state: &ExchangeState,
    work: impl FnOnce(&Store, &Producer) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let state = state.clone();
    tokio::task::spawn_blocking(move || work(&state.store, &state.producer))
        .await
        .unwrap_or_else(|_| {
            Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request was cut off",
            ))
        })
}

/// Who asks; and whether it takes what we answer.
async fn admit(state: &ExchangeState, headers: &HeaderMap) -> Result<Peer, Problem> {
    let accepts = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("*/*");
    if !accepts.split(',').any(is_ours) {
        return Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            format!("this server speaks {MEDIA_TYPE}"),
        ));
    }
    let given = login(headers);
    blocking(state, move |store, _| {
        let peer = given
            .as_ref()
            .map(|login: &Login| store.peer_by_password(&login.name, &login.password_hash));
        peer.transpose()?.flatten().ok_or_else(|| {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "log in with the name and password that the team gave you",
            )
        })
    })
    .await
}

/// Whether a media type, with or without a version and a weight, allows our answer.
fn is_ours(accepted: &str) -> bool {
    let mut parts = accepted.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let version = parts.find_map(|part| part.strip_prefix("version="));
    matches!(
        kind.as_str(),
        "application/taxii+json" | "application/*" | "*/*"
    ) && version.is_none_or(|version| version.trim_matches('"') == "2.1")
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

fn visible_to(store: &Store, producer: &Producer, peer: &Peer) -> Result<Vec<Collection>, Problem> {
    let (peer, agreement) = store.peer(&peer.name)?;
    Ok(visible(producer, &peer, agreement.as_ref()))
}

/// A collection by its name or its alias.
fn find(store: &Store, producer: &Producer, peer: &Peer, id: &str) -> Result<Collection, Problem> {
    visible_to(store, producer, peer)?
        .into_iter()
        .find(|one| one.alias == id || Uuid::parse_str(id).is_ok_and(|id| id == one.id))
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such collection for you"))
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

/// A page that passed the gate.
struct Page {
    released: Released<StoredObject>,
    /// Place of the last object that was looked at, when there are more behind it.
    next: Option<i64>,
}

/// Fetches a page and lets through what the agreement allows.
async fn page(
    state: &ExchangeState,
    headers: &HeaderMap,
    id: String,
    narrow: impl FnOnce(&str) -> Result<ObjectQuery, Problem> + Send + 'static,
) -> Result<Page, Problem> {
    let peer = admit(state, headers).await?;
    blocking(state, move |store, producer| {
        let collection = find(store, producer, &peer, &id)?;
        if !collection.can_read {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "this collection is only for pushing",
            ));
        }
        let mut asked = narrow(&collection.alias)?;
        let wanted = asked.limit;
        asked.limit = wanted.saturating_add(1);
        let mut objects = store.objects(&asked)?;
        let more = objects.len() > wanted;
        objects.truncate(wanted);
        let next = objects
            .last()
            .filter(|_| more)
            .map(|object| object.added_microseconds);
        let released = release(store, &peer.name, Way::Taxii, Timestamp::now(), objects)?;
        Ok(Page { released, next })
    })
    .await
}

/// The same for one object, which must be there for this peer.
async fn page_of_object(
    state: &ExchangeState,
    headers: &HeaderMap,
    id: String,
    object: String,
    narrow: impl FnOnce(&str) -> Result<ObjectQuery, Problem> + Send + 'static,
) -> Result<Page, Problem> {
    let one = move |alias: &str| {
        let mut asked = narrow(alias)?;
        asked.ids = vec![object];
        Ok(asked)
    };
    let page = page(state, headers, id, one).await?;
    if page.released.items().is_empty() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "there is no such object for you",
        ));
    }
    Ok(page)
}

fn parsed(
    parameters: Vec<(String, String)>,
) -> impl FnOnce(&str) -> Result<ObjectQuery, Problem> + Send + 'static {
    move |alias| {
        query::parse(alias, &parameters)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))
    }
}

/// An answer with the places of its first and last object in its head.
fn placed(page: &Page, body: impl ToString) -> Answer {
    let mut response = answer(StatusCode::OK, body);
    let items = page.released.items();
    for (name, object) in [
        ("x-taxii-date-added-first", items.first()),
        ("x-taxii-date-added-last", items.last()),
    ] {
        let value = object.and_then(|object| {
            HeaderValue::from_str(&query::shown(object.added_microseconds)).ok()
        });
        if let Some(value) = value {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

/// The envelope of section 3.7. The objects stand in it as they are stored: nothing is parsed and written again.
fn envelope(page: &Page) -> Answer {
    let mut text = format!("{{\"more\":{}", page.next.is_some());
    if let Some(next) = page.next {
        text.push_str(&format!(",\"next\":\"{next}\""));
    }
    let bodies: Vec<&str> = page
        .released
        .items()
        .iter()
        .map(|object| object.body.as_str())
        .collect();
    if !bodies.is_empty() {
        text.push_str(&format!(",\"objects\":[{}]", bodies.join(",")));
    }
    text.push('}');
    placed(page, text)
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

async fn push(
    State(state): State<ExchangeState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer {
    let peer = admit(&state, &headers).await?;
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !is_ours(kind) || kind.starts_with('*') {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("this server takes {MEDIA_TYPE}"),
        ));
    }
    let body = body.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a push has at most {TAXII_PUSH_BYTES} bytes"),
        )
    })?;
    let kept = blocking(&state, move |store, producer| {
        let collection = find(store, producer, &peer, &id)?;
        if !collection.can_write {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "this collection is only for reading",
            ));
        }
        let objects = inbound::envelope(&body)
            .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error))?;
        let now = Timestamp::now();
        let outcome = inbound::take(store, producer, &peer, objects, now)?;
        let id = Uuid::from_u128(rand::random()).to_string();
        let status = push_status(&id, now, &outcome);
        store.keep_status(&id, &peer.name, &status.to_string(), now)?;
        Ok(status)
    })
    .await?;
    Ok(answer(StatusCode::ACCEPTED, kept))
}

/// The status resource of a push (section 4.3.1). All is done by the time it is told.
fn push_status(id: &str, now: Timestamp, outcome: &inbound::Outcome) -> Value {
    let detail = |one: &inbound::Taken| {
        let mut detail = json!({ "id": one.id, "version": format!("{:.6}", one.version) });
        if let Some(problem) = &one.problem {
            detail["message"] = problem.as_str().into();
        }
        detail
    };
    let of = |failed: bool| -> Vec<Value> {
        let chosen = outcome
            .objects
            .iter()
            .filter(|one| one.problem.is_some() == failed);
        chosen.take(TAXII_FILTER_VALUES).map(detail).collect()
    };
    let failures = outcome
        .objects
        .iter()
        .filter(|one| one.problem.is_some())
        .count();
    json!({
        "id": id,
        "status": "complete",
        "request_timestamp": format!("{now:.6}"),
        "total_count": outcome.objects.len(),
        "success_count": outcome.objects.len() - failures,
        "successes": of(false),
        "failure_count": failures,
        "failures": of(true),
        "pending_count": 0,
    })
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn media_types_are_told_apart() {
        for good in [
            "application/taxii+json;version=2.1",
            "application/taxii+json",
            "*/*",
            " application/taxii+json; version=\"2.1\"; q=0.9",
        ] {
            assert!(is_ours(good), "{good}");
        }
        for bad in [
            "application/taxii+json;version=2.0",
            "text/html",
            "application/json",
            "",
        ] {
            assert!(!is_ours(bad), "{bad}");
        }
    }
}
