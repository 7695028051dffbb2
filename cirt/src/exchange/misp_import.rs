//! A MISP feed that comes in, from a folder or over HTTPS: its attributes for detection become indicators.
//!
//! | type of an attribute | indicator |
//! |---|---|
//! | `ip-src`, `ip-dst`, also with `\|port` | address |
//! | `domain`, `domain\|ip` | domain (and address) |
//! | `hostname`, also with `\|port` | host |
//! | `url` | url |
//! | `ja3-fingerprint-md5` | ja3 |
//! | `x509-fingerprint-sha1`, `x509-fingerprint-sha256` | sha1, sha256 |
//! | `snort` | rule |
//!
//! Events that were read before are read again only when their time changed. A bad event or attribute is told and skipped.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::https::{Client, HttpsError};
use super::inbound::{Outcome, Taken};
use super::indicator::Wanted;
use super::limits::{COMMENT_CHARS, FEED_ATTRIBUTES, FEED_EVENTS, FEED_FILE_BYTES};
use super::{Peer, Producer, Tlp};
use crate::store::{NewIndicator, Source, Store, StoreError};

/// Why a feed cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("cannot read {0}")]
    Read(String, #[source] std::io::Error),
    #[error(transparent)]
    Https(#[from] HttpsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} is no manifest of a MISP feed")]
    Manifest(String),
}

/// The sums of a feed's files, as `sha256sum` writes them; beside it its signature, in `.asc`. MISP itself knows neither.
pub const FEED_SUMS: &str = "SHA256SUMS";

/// Where a feed is.
pub enum Feed<'a> {
    Folder(&'a Path),
    Server(Client, &'a str),
}

impl<'a> Feed<'a> {
    /// The feed of a server.
    ///
    /// # Errors
    /// When its login or authority cannot be used.
    pub fn of(source: &'a Source) -> Result<Self, HttpsError> {
        let client = Client::of(source, "application/json")?;
        Ok(Self::Server(client, source.address.trim_end_matches('/')))
    }

    async fn file(&self, name: &str) -> Result<Vec<u8>, FeedError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let read = || {
                    let length = std::fs::metadata(&path)?.len();
                    if length > FEED_FILE_BYTES as u64 {
                        return Err(std::io::Error::other(format!(
                            "longer than {FEED_FILE_BYTES} bytes"
                        )));
                    }
                    std::fs::read(&path)
                };
                read().map_err(|error| FeedError::Read(path.display().to_string(), error))
            }
            Self::Server(client, address) => Ok(client
                .get(&format!("{address}/{name}"), FEED_FILE_BYTES)
                .await?
                .body
                .to_vec()),
        }
    }
}

/// Reads what is new in a feed.
///
/// # Errors
/// When the manifest cannot be read or the database fails. What is wrong with an event is no error.
pub async fn import(
    store: &Store,
    producer: &Producer,
    peer: &Peer,
    feed: &Feed<'_>,
    now: Timestamp,
) -> Result<Outcome, FeedError> {
    let manifest: Value = serde_json::from_slice(&feed.file("manifest.json").await?)
        .map_err(|_| FeedError::Manifest("manifest.json".to_owned()))?;
    let entries = manifest
        .as_object()
        .ok_or_else(|| FeedError::Manifest("manifest.json".to_owned()))?;
    let mut outcome = Outcome::default();
    for (uuid, entry) in entries.iter().take(FEED_EVENTS) {
        let told = |problem: String| Taken {
            id: uuid.chars().take(COMMENT_CHARS).collect(),
            version: now,
            problem: Some(problem),
        };
        // The name becomes a path: only a UUID may.
        if Uuid::try_parse(uuid).is_err() {
            outcome
                .objects
                .push(told("the event's name is no UUID".to_owned()));
            continue;
        }
        let cursor = format!("misp {} {uuid}", peer.name);
        let version = text(entry, "timestamp");
        if version.is_some() && store.cursor(&cursor)? == version {
            continue;
        }
        let event = match feed.file(&format!("{uuid}.json")).await {
            Ok(bytes) => serde_json::from_slice::<Value>(&bytes).ok(),
            Err(error) => {
                outcome.objects.push(told(error.to_string()));
                continue;
            }
        };
        let Some(event) = event.as_ref().and_then(|whole| whole.get("Event")) else {
            outcome
                .objects
                .push(told("the file holds no event".to_owned()));
            continue;
        };
        let mut taken = Outcome::default();
        let indicators = indicators(event, now, &mut taken);
        taken.indicators = store.take_indicators(
            &peer.name,
            &indicators,
            &producer.settings.own_networks,
            now,
        )?;
        outcome.add(taken);
        if let Some(version) = version {
            store.set_cursor(&cursor, &version, now)?;
        }
    }
    Ok(outcome)
}

/// The attributes of an event, also those in its objects, that are for detection.
fn indicators(event: &Value, now: Timestamp, outcome: &mut Outcome) -> Vec<NewIndicator> {
    let lists = event
        .get("Object")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let whole = std::iter::once(event).chain(lists);
    let attributes = whole
        .filter_map(|part| part.get("Attribute")?.as_array())
        .flatten();
    let label_of_event = label(event);
    let mut found = Vec::new();
    for attribute in attributes.take(FEED_ATTRIBUTES) {
        let is_wanted = attribute.get("to_ids").and_then(Value::as_bool) == Some(true);
        let id = text(attribute, "uuid").unwrap_or_default();
        if !is_wanted || Uuid::try_parse(&id).is_err() {
            continue;
        }
        let problem = match wanted(attribute) {
            Ok(wanted) => {
                found.push(NewIndicator {
                    name_there: id.clone(),
                    wanted,
                    comment: comment(event, attribute),
                    tlp: label(attribute).or(label_of_event).unwrap_or(Tlp::Amber),
                    until: None,
                    revoked: attribute.get("deleted").and_then(Value::as_bool) == Some(true),
                });
                None
            }
            Err(problem) => Some(problem),
        };
        outcome.objects.push(Taken {
            id,
            version: now,
            problem,
        });
    }
    found
}

/// What an attribute names.
fn wanted(attribute: &Value) -> Result<Vec<Wanted>, String> {
    let kind = text(attribute, "type").unwrap_or_default();
    let value = text(attribute, "value").unwrap_or_default();
    let first = value.split('|').next().unwrap_or_default();
    let one = |kind: &str, value: &str| Ok(vec![Wanted::parse(kind, value)?]);
    match kind.as_str() {
        "ip-src" | "ip-dst" | "ip-src|port" | "ip-dst|port" => one("address", first),
        "domain" => one("domain", &value),
        "domain|ip" => {
            let address = value.split('|').nth(1).unwrap_or_default();
            Ok(vec![
                Wanted::parse("domain", first)?,
                Wanted::parse("address", address)?,
            ])
        }
        "hostname" | "hostname|port" => one("host", first),
        "url" => one("url", &value),
        "ja3-fingerprint-md5" => one("ja3", &value),
        "x509-fingerprint-sha1" => one("sha1", &value),
        "x509-fingerprint-sha256" => one("sha256", &value),
        "snort" => one("rule", &value),
        other => Err(format!("sensors do not look for `{other}`")),
    }
}

/// The strictest label among the tags.
fn label(tagged: &Value) -> Option<Tlp> {
    let tags = tagged.get("Tag")?.as_array()?;
    let names = tags.iter().filter_map(|tag| tag.get("name")?.as_str());
    names
        .filter(|name| name.to_ascii_lowercase().starts_with("tlp:"))
        .filter_map(|name| name.parse().ok())
        .max()
}

fn comment(event: &Value, attribute: &Value) -> String {
    let parts = [text(event, "info"), text(attribute, "comment")];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    let whole = parts.collect::<Vec<_>>().join(": ");
    whole
        .chars()
        .take(COMMENT_CHARS)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

/// Text, also where a number stands: feeds write times both ways.
fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
