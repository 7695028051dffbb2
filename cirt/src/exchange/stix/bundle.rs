//! A bundle: everything of a release in one document, with a report over it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Object, definition, identity, of_finding};
use crate::exchange::stix::marking::marking_id;
use crate::exchange::stix::observable::time;
use crate::exchange::{Kind, Producer, Released, Shareable as _, SharedFinding, Tlp};

/// The bundle of released findings, as text.
#[must_use]
pub fn bundle(producer: &Producer, released: &Released<SharedFinding>, now: Timestamp) -> String {
    let mut objects: BTreeMap<String, Object> = BTreeMap::new();
    for object in released
        .items()
        .iter()
        .flat_map(|finding| of_finding(producer, finding))
    {
        // The same address in findings of different labels: the stricter label holds in this document.
        let place = objects
            .entry(object.id().to_owned())
            .or_insert_with(|| object.clone());
        if place.tlp() < object.tlp() {
            *place = object;
        }
    }
    let report = report(producer, released, &objects, now);
    let mut labels: Vec<Tlp> = objects
        .values()
        .map(Object::tlp)
        .chain([released.tlp(), Tlp::Clear])
        .collect();
    labels.sort_unstable();
    labels.dedup();
    let mut bodies: Vec<Value> = labels
        .into_iter()
        .map(|tlp| definition(tlp).body().clone())
        .collect();
    bodies.push(identity(producer).body().clone());
    bodies.extend(objects.into_values().map(|object| object.body().clone()));
    bodies.push(report.body().clone());
    let name = producer.name("bundle", report.id());
    json!({ "type": "bundle", "id": format!("bundle--{name}"), "objects": bodies }).to_string()
}

fn report(
    producer: &Producer,
    released: &Released<SharedFinding>,
    objects: &BTreeMap<String, Object>,
    now: Timestamp,
) -> Object {
    let references: Vec<&str> = objects.keys().map(String::as_str).collect();
    let name = producer.name("report", &references.join("\n"));
    let count = released.items().len();
    let body = json!({
        "type": "report",
        "spec_version": "2.1",
        "id": format!("report--{name}"),
        "created_by_ref": identity(producer).id(),
        "created": time(now),
        "modified": time(now),
        "name": format!("{count} findings for {}", released.peer().name),
        "description": format!("What the sensors of {} found", producer.settings.organisation),
        "report_types": ["observed-data"],
        "published": time(now),
        "object_refs": references,
        "object_marking_refs": [marking_id(released.tlp())],
    });
    Object::new(body, released.tlp(), Kind::Finding, &[])
}
