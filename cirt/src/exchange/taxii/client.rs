//! Polling the servers of peers, also odd ones.
//!
//! A poll asks for what was added after the place reached before, page by page, and takes each page before it asks for the next. Where
//! the server gives `next`, that is followed; where it only says that there is more, the place of the page's last object is. A server that
//! repeats itself is left; one that gives no places is asked from a little before the last poll on. Taking the same object again
//! changes nothing, so a poll that broke off begins again where the last whole one ended, and asks one second back: servers exist that
//! give a whole push one time.

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::MEDIA_TYPE;
use crate::exchange::https::{Client, HttpsError};
use crate::exchange::limits::{POLL_PAGE_BYTES, POLL_PAGE_OBJECTS, POLL_PAGES};
use crate::exchange::{Peer, Producer, inbound};
use crate::query::percent_encode;
use crate::store::{Source, Store, StoreError};

/// How far before the place reached a poll begins.
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);
/// The same where the server gives no places, and its clock may differ from ours.
const CLOCK_OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// Why a poll ended early.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    #[error(transparent)]
    Https(#[from] HttpsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} is no JSON that was agreed on")]
    Answer(String),
    #[error("the server has no collection {0:?} that we may use so")]
    Collection(String),
    #[error("the server repeats itself after {0} pages")]
    Repeats(usize),
}

/// What a poll brought.
#[derive(Clone, Debug, Default)]
pub struct Polled {
    pub pages: usize,
    pub outcome: inbound::Outcome,
}

/// Polls a collection of a peer and takes what is new.
///
/// # Errors
/// When the server cannot be reached or answers nonsense; what came before is taken.
pub async fn poll(
    store: &Store,
    producer: &Producer,
    peer: &Peer,
    source: &Source,
) -> Result<Polled, PollError> {
    let client = Client::of(source, MEDIA_TYPE)?;
    let root = api_root(&client, &source.address).await?;
    let collection = find_collection(&client, &root, &source.collection, "can_read").await?;
    let objects = format!(
        "{root}collections/{}/objects/?limit={POLL_PAGE_OBJECTS}",
        percent_encode(&collection)
    );

    let begun = Timestamp::now();
    let cursor = format!("taxii {}", source.key);
    let reached: Option<Timestamp> = store.cursor(&cursor)?.and_then(|text| text.parse().ok());
    let mut after = reached.map(|place| place - OVERLAP);
    let mut next: Option<String> = None;
    let mut last = reached;
    let mut polled = Polled::default();
    let mut before = None;
    loop {
        let mut address = objects.clone();
        if let Some(after) = after {
            address.push_str(&format!(
                "&added_after={}",
                percent_encode(&format!("{after:.6}"))
            ));
        }
        if let Some(next) = &next {
            address.push_str(&format!("&next={}", percent_encode(next)));
        }
        let answer = client.get(&address, POLL_PAGE_BYTES).await?;
        let page: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| PollError::Answer("a page".to_owned()))?;
        let objects = inbound::envelope(&answer.body)
            .map_err(|_| PollError::Answer("a page of objects".to_owned()))?;
        let taken = inbound::take(store, producer, peer, objects, Timestamp::now())?;
        polled.outcome.add(taken);
        polled.pages += 1;
        let place = place(&answer.headers);
        last = last.max(place);
        if page.get("more").and_then(Value::as_bool) != Some(true) {
            break;
        }
        next = page.get("next").and_then(Value::as_str).map(str::to_owned);
        // Some servers keep one word for all pages, so a server that stands still is known by its answers.
        let digest = Sha256::digest(&answer.body);
        let moves = before.replace(digest) != Some(digest);
        let goes_on = moves
            && match (&next, place) {
                (Some(_), _) => true,
                // Without `next` only the place of the last object leads on.
                (None, Some(place)) => after.replace(place).is_none_or(|earlier| place > earlier),
                (None, None) => false,
            };
        if !goes_on || polled.pages >= POLL_PAGES {
            return Err(PollError::Repeats(polled.pages));
        }
    }
    let reached = last.unwrap_or(begun - CLOCK_OVERLAP);
    store.set_cursor(&cursor, &reached.to_string(), Timestamp::now())?;
    Ok(polled)
}

/// The API root at an address, which may also be that of the discovery.
pub(super) async fn api_root(client: &Client, address: &str) -> Result<String, PollError> {
    let address = with_slash(address);
    let answer = client.get(&address, POLL_PAGE_BYTES).await?;
    let found: Value =
        serde_json::from_slice(&answer.body).map_err(|_| PollError::Answer(address.clone()))?;
    let roots = found.get("api_roots").and_then(Value::as_array);
    let first = roots
        .and_then(|roots| roots.first())
        .and_then(Value::as_str);
    match found.get("default").and_then(Value::as_str).or(first) {
        None => Ok(address),
        Some(root) if root.starts_with("https://") => Ok(with_slash(root)),
        // Relative to the server.
        Some(root) => {
            let end = address
                .match_indices('/')
                .nth(2)
                .map_or(address.len(), |(at, _)| at);
            let server = address.get(..end).unwrap_or(&address);
            Ok(with_slash(&format!(
                "{server}/{}",
                root.trim_start_matches('/')
            )))
        }
    }
}

/// The id of the collection with this id, alias or title, unless the server says that we have not this right to it.
pub(super) async fn find_collection(
    client: &Client,
    root: &str,
    wanted: &str,
    right: &'static str,
) -> Result<String, PollError> {
    let answer = client
        .get(&format!("{root}collections/"), POLL_PAGE_BYTES)
        .await?;
    let found: Value = serde_json::from_slice(&answer.body)
        .map_err(|_| PollError::Answer("the list of collections".to_owned()))?;
    let is_wanted = |one: &&Value| {
        let named = ["id", "alias", "title"]
            .iter()
            .any(|key| one.get(*key).is_some_and(|text| text == wanted));
        named && one.get(right).and_then(Value::as_bool) != Some(false)
    };
    let found = found.get("collections").and_then(Value::as_array);
    let one = found.and_then(|collections| collections.iter().find(is_wanted));
    one.and_then(|one| one.get("id"))
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| PollError::Collection(wanted.to_owned()))
}

fn with_slash(address: &str) -> String {
    if address.ends_with('/') {
        address.to_owned()
    } else {
        format!("{address}/")
    }
}

/// Where the last object of a page stands.
fn place(headers: &HeaderMap) -> Option<Timestamp> {
    headers
        .get("x-taxii-date-added-last")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}
