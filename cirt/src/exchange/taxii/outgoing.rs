//! Pushing to servers of peers: what a peer may read here is put into a collection there that we may write.
//!
//! Each of our collections that the peer sees is read on from where the last push ended, passes the gate, and goes out in portions that
//! the server takes. What the server will not have is told and passed over, alone; the rest goes. A push that broke off begins again
//! with the portion that was not confirmed: the same object twice is one object.

use jiff::Timestamp;
use serde_json::Value;

use super::MEDIA_TYPE;
use super::client::{PollError, api_root, find_collection};
use super::collection::{for_peer, visible};
use crate::exchange::https::{Client, HttpsError};
use crate::exchange::limits::{POLL_PAGE_BYTES, PUSH_BYTES, PUSH_OBJECTS};
use crate::exchange::{Producer, Shareable as _, Way, release};
use crate::query::percent_encode;
use crate::store::{ObjectQuery, Source, Store, StoredObject, VersionMatch};

/// What a push did.
#[derive(Clone, Debug, Default)]
pub struct Pushed {
    /// Taken by the server.
    pub objects: usize,
    /// Names of those that it would not have, with what it said.
    pub problems: Vec<(String, String)>,
}

/// Pushes to a peer what is new for it.
///
/// # Errors
/// When the server cannot be reached or answers nonsense; what was confirmed before stays so.
pub async fn push(
    store: &Store,
    producer: &Producer,
    source: &Source,
) -> Result<Pushed, PollError> {
    let (peer, agreement) = store.peer(&source.peer)?;
    let client = Client::of(source, MEDIA_TYPE)?;
    let root = api_root(&client, &source.address).await?;
    let collection = find_collection(&client, &root, &source.collection, "can_write").await?;
    let address = format!("{root}collections/{}/objects/", percent_encode(&collection));
    let mut pushed = Pushed::default();
    let readable = visible(producer, &peer, agreement.as_ref());
    for ours in readable.iter().filter(|ours| ours.can_read) {
        let cursor = format!("push {} {}", source.key, ours.alias);
        loop {
            let after = store.cursor(&cursor)?.and_then(|text| text.parse().ok());
            let asked = ObjectQuery {
                collection: ours.alias.clone(),
                after_microseconds: after,
                versions: vec![VersionMatch::All],
                limit: PUSH_OBJECTS,
                ..ObjectQuery::default()
            };
            let objects = store.objects(&asked)?;
            let Some(last) = objects.last().map(|object| object.added_microseconds) else {
                break;
            };
            let now = Timestamp::now();
            let released = release(store, &peer.name, Way::TaxiiPush, now, objects)?;
            let taken = send(&client, &address, released.items(), &mut pushed).await?;
            if ours.alias == for_peer(&peer.name) {
                store.note_receipts(&taken, &Way::TaxiiPush.to_string(), Timestamp::now())?;
            }
            pushed.objects += taken.len();
            store.set_cursor(&cursor, &last.to_string(), Timestamp::now())?;
        }
    }
    Ok(pushed)
}

/// Sends objects in portions; those that the server refuses in company are offered alone. The places of what it took.
async fn send(
    client: &Client,
    address: &str,
    objects: &[StoredObject],
    pushed: &mut Pushed,
) -> Result<Vec<i64>, PollError> {
    let mut taken = Vec::new();
    let mut waiting: Vec<&[StoredObject]> = portions(objects);
    // The last is sent next, so that order stays.
    waiting.reverse();
    while let Some(portion) = waiting.pop() {
        let bodies: Vec<&str> = portion.iter().map(|object| object.body.as_str()).collect();
        let body = format!("{{\"objects\":[{}]}}", bodies.join(","));
        match client
            .post(address, MEDIA_TYPE, body.into_bytes(), POLL_PAGE_BYTES)
            .await
        {
            Ok(answer) => {
                let status: Value = serde_json::from_slice(&answer.body)
                    .map_err(|_| PollError::Answer("the status of a push".to_owned()))?;
                let failed = failures(&status);
                let is_taken =
                    |object: &&StoredObject| !failed.iter().any(|(id, _)| id == object.subject());
                taken.extend(
                    portion
                        .iter()
                        .filter(is_taken)
                        .map(|object| object.added_microseconds),
                );
                pushed.problems.extend(failed);
            }
            Err(HttpsError::Status(_, 413 | 422)) if portion.len() > 1 => {
                let (before, behind) = portion.split_at(portion.len() / 2);
                waiting.extend([behind, before]);
            }
            Err(error @ HttpsError::Status(_, 413 | 422)) => {
                let names = portion.iter().map(|object| object.id.clone());
                pushed
                    .problems
                    .extend(names.map(|name| (name, error.to_string())));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(taken)
}

/// Portions of a size that servers take.
fn portions(objects: &[StoredObject]) -> Vec<&[StoredObject]> {
    let mut portions = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (place, object) in objects.iter().enumerate() {
        if bytes > 0 && bytes + object.body.len() > PUSH_BYTES {
            portions.extend(objects.get(begin..place));
            (begin, bytes) = (place, 0);
        }
        bytes += object.body.len();
    }
    portions.extend(objects.get(begin..).filter(|rest| !rest.is_empty()));
    portions
}

/// What a status resource (section 4.3.1) says was not taken.
fn failures(status: &Value) -> Vec<(String, String)> {
    let listed = status.get("failures").and_then(Value::as_array);
    let text = |one: &Value, key: &str| {
        one.get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    listed
        .into_iter()
        .flatten()
        .map(|one| (text(one, "id"), text(one, "message")))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn failures_are_read_from_any_status() {
        assert!(failures(&json!({})).is_empty());
        assert!(failures(&json!({ "failures": "all" })).is_empty());
        let one = json!({ "failures": [{ "id": "tool--1", "message": "no tools" }, 7] });
        assert_eq!(
            failures(&one)[0],
            ("tool--1".to_owned(), "no tools".to_owned())
        );
    }
}
