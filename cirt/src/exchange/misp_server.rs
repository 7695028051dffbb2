//! The MISP feed over HTTPS, for each peer its own: `/misp/manifest.json`, `/misp/hashes.csv`, `/misp/UUID.json`.
//!
//! Findings of the last days are grouped anew now and then; what a request gives out passes the gate at that moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};

use super::http_login::login;
use super::limits::{EXPORT_FINDINGS, FEED_DAYS, FEED_INDICATORS};
use super::taxii::ExchangeState;
use super::{Way, misp, release, selection};
use crate::query::{FindingFilter, FindingQuery, Scope};
use crate::store::StoreError;

/// How long a selection of findings serves.
const FRESH: Duration = Duration::from_secs(30);

type Selection = Arc<Vec<super::SharedFinding>>;

#[derive(Clone)]
struct FeedState {
    exchange: ExchangeState,
    selected: Arc<Mutex<Option<(Instant, Selection)>>>,
}

/// The routes of the feed.
pub(super) fn router(exchange: ExchangeState) -> Router {
    let state = FeedState {
        exchange,
        selected: Arc::default(),
    };
    Router::new()
        .route("/misp/{file}", get(file))
        .with_state(state)
}

async fn file(
    State(state): State<FeedState>,
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Response {
    let answer = tokio::task::spawn_blocking(move || make(&state, &headers, &file)).await;
    match answer {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            tracing::error!(%error, "the feed could not answer");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn make(state: &FeedState, headers: &HeaderMap, file: &str) -> Result<Response, StoreError> {
    let store = &state.exchange.store;
    let peer = match login(headers) {
        Some(login) => store.peer_by_password(&login.name, &login.password_hash)?,
        None => None,
    };
    let Some(peer) = peer else {
        let realm = [(
            WWW_AUTHENTICATE,
            "Basic realm=\"lapwing\", charset=\"UTF-8\"",
        )];
        return Ok((StatusCode::UNAUTHORIZED, realm).into_response());
    };
    let producer = &state.exchange.producer;
    let selected = selected(state)?;
    let event = file
        .strip_suffix(".json")
        .filter(|name| *name != "manifest");
    // Labels are those of this moment: one that became stricter is heeded at once.
    let markings = store.markings()?;
    let labelled = selected.iter().map(|finding| {
        let marking = markings.of(finding.row());
        (finding, producer.settings.label(marking))
    });
    let findings: Vec<_> = labelled
        .filter(|(finding, label)| {
            event.is_none_or(|event| misp::event_under(producer, finding.row(), *label) == event)
        })
        .map(|(finding, label)| finding.clone().with_label(label))
        .collect();
    if event.is_none() && !matches!(file, "manifest.json" | "hashes.csv") {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    let released = release(store, &peer.name, Way::Misp, Timestamp::now(), findings)?;
    let now = Timestamp::now();
    let mut indicators = store.published_indicators(FEED_INDICATORS)?;
    indicators
        .retain(|one| event.is_none_or(|event| misp::event_of_indicator(producer, one) == event));
    let indicators = release(store, &peer.name, Way::Misp, now, indicators)?;
    let feed = misp::feed(producer, &released, Some(&indicators));
    let (kind, text) = match event {
        Some(event) => ("application/json", feed.events.get(event).cloned()),
        None if file == "hashes.csv" => ("text/csv", Some(feed.hashes)),
        None => ("application/json", Some(feed.manifest)),
    };
    Ok(match text {
        Some(text) => (StatusCode::OK, [(CONTENT_TYPE, kind)], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

/// The findings of the last days, not older than a moment.
fn selected(state: &FeedState) -> Result<Selection, StoreError> {
    let mut kept = state
        .selected
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let fresh = kept.as_ref().filter(|(made, _)| made.elapsed() < FRESH);
    if let Some((_, selection)) = fresh {
        return Ok(Arc::clone(selection));
    }
    let filter = FindingFilter {
        since: Some(Timestamp::now() - SignedDuration::from_hours(24 * FEED_DAYS)),
        ..FindingFilter::default()
    };
    let query = FindingQuery::new(Scope::Nation, filter);
    let ExchangeState { store, producer } = &state.exchange;
    let (findings, _) = selection::findings(store, producer, &query, EXPORT_FINDINGS)?;
    let selection = Arc::new(findings);
    *kept = Some((Instant::now(), Arc::clone(&selection)));
    Ok(selection)
}
