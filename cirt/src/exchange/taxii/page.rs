//! A page of a collection: fetched, held against the agreement, and written down.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use uuid::Uuid;

use super::answer::{Answer, Problem, admit, answer, blocking};
use super::collection::{Collection, for_peer, visible};
use super::{ExchangeState, query};
use crate::exchange::{Peer, Producer, Released, Way, release};
use crate::store::{ObjectQuery, Store, StoredObject};

pub(super) fn visible_to(
    store: &Store,
    producer: &Producer,
    peer: &Peer,
) -> Result<Vec<Collection>, Problem> {
    let (peer, agreement) = store.peer(&peer.name)?;
    Ok(visible(producer, &peer, agreement.as_ref()))
}

/// A collection by its name or its alias.
pub(super) fn find(
    store: &Store,
    producer: &Producer,
    peer: &Peer,
    id: &str,
) -> Result<Collection, Problem> {
    visible_to(store, producer, peer)?
        .into_iter()
        .find(|one| one.alias == id || Uuid::parse_str(id).is_ok_and(|id| id == one.id))
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such collection for you"))
}

/// A page that passed the gate.
pub(super) struct Page {
    pub(super) released: Released<StoredObject>,
    /// Place of the last object that was looked at, when there are more behind it.
    pub(super) next: Option<i64>,
}

/// Fetches a page and lets through what the agreement allows.
pub(super) async fn page(
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
        let now = Timestamp::now();
        let released = release(store, &peer.name, Way::Taxii, now, objects)?;
        if collection.alias == for_peer(&peer.name) {
            let taken: Vec<i64> = released
                .items()
                .iter()
                .map(|object| object.added_microseconds)
                .collect();
            store.note_receipts(&taken, &Way::Taxii.to_string(), now)?;
        }
        Ok(Page { released, next })
    })
    .await
}

/// The same for one object, which must be there for this peer.
pub(super) async fn page_of_object(
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

pub(super) fn parsed(
    parameters: Vec<(String, String)>,
) -> impl FnOnce(&str) -> Result<ObjectQuery, Problem> + Send + 'static {
    move |alias| {
        query::parse(alias, &parameters)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error))
    }
}

/// An answer with the places of its first and last object in its head.
pub(super) fn placed(page: &Page, body: impl ToString) -> Answer {
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
pub(super) fn envelope(page: &Page) -> Answer {
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
