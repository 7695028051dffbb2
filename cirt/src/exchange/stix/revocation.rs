//! Versions that take back what was said before: they say `revoked` and nothing of what it was.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Object;
use super::marking::marking_id;
use super::observable::{time, withdrawn};
use crate::exchange::{Country, Kind, Tlp};

/// What the standard demands of every version and names nobody.
const KEPT: [&str; 5] = ["type", "spec_version", "id", "created_by_ref", "created"];

/// The last version of what was observed data, a sighting or an indicator.
pub(crate) fn revoked(
    before: &Value,
    tlp: Tlp,
    kind: Kind,
    countries: &[Country],
    now: Timestamp,
) -> Object {
    let mut body = json!({
        "modified": time(now),
        "revoked": true,
        "object_marking_refs": [marking_id(tlp)],
    });
    for key in KEPT {
        body[key] = before[key].clone();
    }
    let created = &before["created"];
    match before["type"].as_str() {
        Some("observed-data") => {
            body["first_observed"] = created.clone();
            body["last_observed"] = created.clone();
            body["number_observed"] = 1.into();
            body["object_refs"] = json!([withdrawn()["id"]]);
        }
        Some("indicator") => {
            body["name"] = "withdrawn".into();
            body["description"] = "Withdrawn".into();
            body["indicator_types"] = json!(["unknown"]);
            body["pattern"] = "[software:name = 'withdrawn']".into();
            body["pattern_type"] = "stix".into();
            body["valid_from"] = created.clone();
        }
        // Of what it was a sighting is not said: we stand there ourselves.
        _ => body["sighting_of_ref"] = before["created_by_ref"].clone(),
    }
    Object::new(body, tlp, kind, countries)
}

/// The observable that revoked observed data refers to, because it must refer to one.
pub(crate) fn placeholder() -> Object {
    Object::new(withdrawn(), Tlp::Clear, Kind::Identity, &[])
}
