//! Objects of STIX that come in: by push, by polling a peer, from a file.
//!
//! Each is bounded and checked by itself; one that is bad is told and skipped, the rest is used. All are kept in the collection
//! `from-NAME`, so that who said what can be shown. Used are:
//!
//! | object | for |
//! |---|---|
//! | `indicator` | what its pattern names becomes indicators, see [`super::indicator`] |
//! | `sighting`, `opinion` | what the peer says of something we shared |
//!
//! An object without a label of TLP is taken as AMBER: it goes no further than our own people and those they serve.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::indicator::Wanted;
use super::limits::{COMMENT_CHARS, OBJECT_BYTES, OPINION_REFERENCES, TAXII_PUSH_OBJECTS};
use super::taxii::collection::from_peer;
use super::{Kind, Peer, Producer, Tlp, rule, stix};
use crate::store::{Feedback, NewIndicator, Store, StoreError, TakenIndicators};

/// What became of one object.
#[derive(Clone, Debug)]
pub struct Taken {
    pub id: String,
    pub version: Timestamp,
    /// Why it was not used.
    pub problem: Option<String>,
}

/// What became of several.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub objects: Vec<Taken>,
    pub indicators: TakenIndicators,
}

impl Outcome {
    /// Adds what became of more.
    pub fn add(&mut self, other: Self) {
        self.objects.extend(other.objects);
        let (mine, theirs) = (&mut self.indicators, other.indicators);
        mine.new += theirs.new;
        mine.known += theirs.known;
        mine.retired += theirs.retired;
        mine.rejected += theirs.rejected;
        mine.approved += theirs.approved;
        mine.refused += theirs.refused;
    }

    /// Those that were not used, with the reason.
    pub fn problems(&self) -> impl Iterator<Item = (&str, &str)> {
        self.objects
            .iter()
            .filter_map(|one| Some((one.id.as_str(), one.problem.as_deref()?)))
    }
}

/// The objects of an envelope of TAXII or a bundle of STIX.
///
/// # Errors
/// When it is none, in one line.
pub fn envelope(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let mut whole: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("that is no JSON: {error}"))?;
    match whole.get_mut("objects").map(Value::take) {
        Some(Value::Array(objects)) if objects.len() <= TAXII_PUSH_OBJECTS => Ok(objects),
        Some(Value::Array(objects)) => Err(format!(
            "{} objects at once; the limit is {TAXII_PUSH_OBJECTS}",
            objects.len()
        )),
        // An empty envelope has no list.
        None if whole.is_object() => Ok(Vec::new()),
        _ => Err("it holds no list of objects".to_owned()),
    }
}

/// Takes objects from a peer.
///
/// # Errors
/// When the database fails. What is wrong with an object is no error.
pub fn take(
    store: &Store,
    producer: &Producer,
    peer: &Peer,
    objects: Vec<Value>,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    let (mut kept, mut indicators) = (Vec::new(), Vec::new());
    for body in objects {
        let id = text(&body, "id")
            .unwrap_or("without a name")
            .chars()
            .take(COMMENT_CHARS)
            .collect();
        let version = time(&body, "modified")
            .or_else(|| time(&body, "created"))
            .unwrap_or(now);
        let problem = match check(&body) {
            Ok(()) => use_object(store, peer, &body, now, &mut indicators)?.err(),
            Err(problem) => Some(problem),
        };
        if problem.is_none() {
            let label = label(&body);
            kept.push(stix::Object::new(body.clone(), label, kind_of(&body), &[]));
        }
        outcome.objects.push(Taken {
            id,
            version,
            problem,
        });
    }
    store.add_objects(&from_peer(&peer.name), None, &kept, now)?;
    outcome.indicators = store.take_indicators(
        &peer.name,
        &indicators,
        &producer.settings.own_networks,
        now,
    )?;
    Ok(outcome)
}

/// The label of an object.
fn label(body: &Value) -> Tlp {
    stix::marking_of(body).unwrap_or(Tlp::Amber)
}

/// What kind of thing to share an object is.
pub(super) fn kind_of(body: &Value) -> Kind {
    match text(body, "type") {
        Some("indicator") => Kind::Indicator,
        Some("sighting" | "opinion") => Kind::Sighting,
        Some("identity" | "marking-definition") => Kind::Identity,
        _ => Kind::Finding,
    }
}

/// What every object must have.
pub(super) fn check(body: &Value) -> Result<(), String> {
    let kind = text(body, "type").ok_or("it has no type")?;
    let id = text(body, "id").ok_or("it has no id")?;
    let named = id
        .split_once("--")
        .filter(|(before, _)| *before == kind)
        .map(|(_, name)| name);
    if named.is_none_or(|name| Uuid::try_parse(name).is_err()) {
        return Err(format!("its id is not `{kind}--` and a UUID"));
    }
    for key in ["created", "modified"] {
        if body.get(key).is_some() && time(body, key).is_none() {
            return Err(format!("`{key}` is no time"));
        }
    }
    if body.to_string().len() > OBJECT_BYTES {
        return Err(format!("it is longer than {OBJECT_BYTES} bytes"));
    }
    Ok(())
}

/// Does with an object what its type is for; the outer error is of the database, the inner one of the object.
fn use_object(
    store: &Store,
    peer: &Peer,
    body: &Value,
    now: Timestamp,
    indicators: &mut Vec<NewIndicator>,
) -> Result<Result<(), String>, StoreError> {
    match text(body, "type") {
        Some("indicator") => Ok(indicator(body).map(|one| indicators.push(one))),
        Some("sighting") => {
            let Some(about) = text(body, "sighting_of_ref") else {
                return Ok(Err("it does not say what was seen".to_owned()));
            };
            if is_revoked(body) {
                store.forget_feedback(&peer.name, &short(text(body, "id").unwrap_or_default()))?;
                return Ok(Ok(()));
            }
            let count = body.get("count").and_then(Value::as_u64).unwrap_or(1);
            let said = feedback(body, "sighting", about, &count.to_string());
            store.keep_feedback(&peer.name, &said, now)?;
            Ok(Ok(()))
        }
        Some("opinion") => {
            let Some(word) = text(body, "opinion").filter(|word| OPINIONS.contains(word)) else {
                return Ok(Err("it holds none of the five opinions".to_owned()));
            };
            let about = body.get("object_refs").and_then(Value::as_array);
            for object in about
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .take(OPINION_REFERENCES)
            {
                store.keep_feedback(&peer.name, &feedback(body, "opinion", object, word), now)?;
            }
            Ok(Ok(()))
        }
        _ => Ok(Ok(())),
    }
}

fn feedback(body: &Value, kind: &'static str, about: &str, word: &str) -> Feedback {
    Feedback {
        name: short(text(body, "id").unwrap_or_default()),
        about: short(about),
        kind,
        word: word.to_owned(),
        comment: comment(body),
    }
}

/// The vocabulary of section 10.20.
const OPINIONS: [&str; 5] = [
    "strongly-disagree",
    "disagree",
    "neutral",
    "agree",
    "strongly-agree",
];

fn indicator(body: &Value) -> Result<NewIndicator, String> {
    let name_there = text(body, "id").unwrap_or_default().to_owned();
    let revoked = is_revoked(body);
    let is_benign = body
        .get("indicator_types")
        .and_then(Value::as_array)
        .is_some_and(|types| types.iter().any(|one| one == "benign"));
    if is_benign {
        return Err("it names what is benign".to_owned());
    }
    let pattern = text(body, "pattern").ok_or("it has no pattern")?;
    let wanted = match text(body, "pattern_type") {
        _ if revoked => Vec::new(),
        Some("stix") => stix::pattern::read(pattern)?
            .into_iter()
            .map(Wanted::Listed)
            .collect(),
        Some("suricata") => vec![Wanted::Rule(rule::check(pattern)?)],
        other => {
            return Err(format!(
                "patterns of `{}` are not used",
                other.unwrap_or("no type")
            ));
        }
    };
    Ok(NewIndicator {
        name_there,
        wanted,
        comment: comment(body),
        tlp: label(body),
        until: time(body, "valid_until"),
        revoked,
    })
}

/// Whether the peer takes it back.
fn is_revoked(body: &Value) -> bool {
    body.get("revoked").and_then(Value::as_bool) == Some(true)
}

fn comment(body: &Value) -> String {
    let parts = ["name", "description", "explanation"]
        .iter()
        .filter_map(|key| text(body, key));
    let whole: String = parts.collect::<Vec<_>>().join(": ");
    short(&whole)
}

/// In one line, bounded.
fn short(text: &str) -> String {
    let clean = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().take(COMMENT_CHARS).map(clean).collect()
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

fn time(body: &Value, key: &str) -> Option<Timestamp> {
    text(body, key)?.parse().ok()
}
