//! From findings, indicators and what is thought of them to objects.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::marking::marking_id;
use super::observable::{self, time};
use super::{Object, pattern};
use crate::exchange::indicator::{Indicator, Wanted};
use crate::exchange::{Kind, Producer, Shareable as _, SharedFinding, Tlp};
use crate::store::about_indicator;

/// The most that `number_observed` and `count` may say (sections 4.14 and 5.2).
const COUNT_MAX: u64 = 999_999_999;

/// The name of the centre among others.
fn identity_id(producer: &Producer) -> String {
    format!("identity--{}", producer.name("identity", ""))
}

/// Who speaks.
pub(crate) fn identity(producer: &Producer) -> Object {
    let since = time(producer.since);
    let body = json!({
        "type": "identity",
        "spec_version": "2.1",
        "id": identity_id(producer),
        "created": since,
        "modified": since,
        "name": producer.settings.organisation,
        "description": format!("National early-warning network of {}", producer.settings.country),
        "identity_class": "organization",
        "contact_information": producer.settings.contact,
        "object_marking_refs": [marking_id(Tlp::Clear)],
    });
    Object::new(body, Tlp::Clear, Kind::Identity, &[])
}

/// What all our domain objects share.
fn domain_object(
    producer: &Producer,
    kind: &str,
    name: Uuid,
    created: Timestamp,
    tlp: Tlp,
) -> Value {
    json!({
        "type": kind,
        "spec_version": "2.1",
        "id": format!("{kind}--{name}"),
        "created_by_ref": identity_id(producer),
        "created": time(created),
        "modified": time(created),
        "object_marking_refs": [marking_id(tlp)],
    })
}

/// A finding: its observables, the observed data over them, its rule as an indicator, and the sighting that counts.
pub(crate) fn of_finding(producer: &Producer, finding: &SharedFinding) -> Vec<Object> {
    let row = finding.row();
    let (tlp, countries) = (finding.tlp(), finding.countries());
    let count = row.hits.clamp(1, COUNT_MAX);
    let object = |body: Value, kind: Kind| Object::new(body, tlp, kind, countries);
    let mut objects: Vec<Object> = observable::of_finding(finding)
        .into_iter()
        .map(|body| object(body, Kind::Finding))
        .collect();
    let mut observed = None;
    if !objects.is_empty() {
        let references: Vec<&str> = objects.iter().map(Object::id).collect();
        let mut body = domain_object(producer, "observed-data", finding.name(), row.received, tlp);
        body["first_observed"] = time(row.first).into();
        body["last_observed"] = time(row.last).into();
        body["number_observed"] = count.into();
        body["object_refs"] = json!(references);
        let made = object(body, Kind::Finding);
        observed = Some(made.id().to_owned());
        objects.push(made);
    }
    if let Some(rule) = rule(producer, finding) {
        let mut sighting = domain_object(producer, "sighting", finding.name(), row.received, tlp);
        sighting["first_seen"] = time(row.first).into();
        sighting["last_seen"] = time(row.last).into();
        sighting["count"] = count.into();
        sighting["sighting_of_ref"] = rule.id().into();
        sighting["where_sighted_refs"] = json!([identity_id(producer)]);
        if let Some(observed) = observed {
            sighting["observed_data_refs"] = json!([observed]);
        }
        objects.push(rule);
        objects.push(object(sighting, Kind::Finding));
    }
    objects
}

/// The rule of a finding, where its text is known.
fn rule(producer: &Producer, finding: &SharedFinding) -> Option<Object> {
    let row = finding.row();
    let text = row.text.as_ref().filter(|text| !text.body.is_empty())?;
    let what = format!("{}\n{}", row.rule, finding.tlp());
    let name = producer.name("rule", &what);
    let mut body = domain_object(producer, "indicator", name, producer.since, finding.tlp());
    body["name"] = text.message.as_str().into();
    body["description"] = format!(
        "Rule {} of the network's sensors, class {}",
        row.rule,
        finding.classification().kind
    )
    .into();
    body["indicator_types"] = json!(["malicious-activity"]);
    body["pattern"] = text.body.as_str().into();
    body["pattern_type"] = "suricata".into();
    body["pattern_version"] = "7.0".into();
    body["valid_from"] = time(producer.since).into();
    Some(Object::new(
        body,
        finding.tlp(),
        Kind::Finding,
        finding.countries(),
    ))
}

/// Says to a peer that its indicator was seen; none where the peer calls it by no name of STIX.
pub(crate) fn sighting_of(
    producer: &Producer,
    finding: &SharedFinding,
    indicator: &Indicator,
) -> Option<Object> {
    let about = indicator
        .name_there
        .split_once("--")
        .filter(|(kind, _)| *kind == "indicator")?;
    let row = finding.row();
    // As strict as the finding and as what the peer told us, whichever is stricter.
    let tlp = finding.tlp().max(indicator.tlp);
    let name = producer.name("sighting of", &format!("{}\n{}", about.1, finding.name()));
    let mut body = domain_object(producer, "sighting", name, row.received, tlp);
    body["first_seen"] = time(row.first).into();
    body["last_seen"] = time(row.last).into();
    body["count"] = row.hits.clamp(1, COUNT_MAX).into();
    body["sighting_of_ref"] = indicator.name_there.as_str().into();
    body["where_sighted_refs"] = json!([identity_id(producer)]);
    Some(Object::new(body, tlp, Kind::Sighting, finding.countries()))
}

/// Says to a peer that its indicator is a false positive.
pub(crate) fn opinion_of(
    producer: &Producer,
    indicator: &Indicator,
    why: &str,
    now: Timestamp,
) -> Option<Object> {
    let about = indicator
        .name_there
        .split_once("--")
        .filter(|(kind, _)| *kind == "indicator")?;
    let name = producer.name("opinion", about.1);
    let mut body = domain_object(producer, "opinion", name, now, indicator.tlp);
    body["opinion"] = "strongly-disagree".into();
    body["explanation"] = format!("False positive: {why}").into();
    body["authors"] = json!([producer.settings.organisation]);
    body["object_refs"] = json!([indicator.name_there]);
    Some(Object::new(body, indicator.tlp, Kind::Sighting, &[]))
}

/// An indicator of a peer, for others.
pub(crate) fn of_indicator(producer: &Producer, indicator: &Indicator) -> Option<Object> {
    let (kind, pattern) = match &indicator.wanted {
        Wanted::Listed(listed) => ("stix", pattern::write(listed)?),
        Wanted::Rule(text) => ("suricata", text.clone()),
    };
    let what = format!("{}\n{}", indicator.peer, indicator.name_there);
    // What is revoked stays so: under another label it is another object.
    let name = producer.name(
        "indicator",
        &format!("{what}\n{pattern}\n{}", indicator.tlp),
    );
    let mut body = domain_object(
        producer,
        "indicator",
        name,
        indicator.received,
        indicator.tlp,
    );
    body["name"] = format!("{} {}", indicator.wanted.kind(), indicator.number).into();
    body["description"] = if indicator.comment.is_empty() {
        "Told by a partner".into()
    } else {
        indicator.comment.as_str().into()
    };
    body["indicator_types"] = json!(["malicious-activity"]);
    body["pattern"] = pattern.into();
    body["pattern_type"] = kind.into();
    body["valid_from"] = time(indicator.received).into();
    if let Some(until) = indicator.until.filter(|until| *until > indicator.received) {
        body["valid_until"] = time(until).into();
    }
    let object = Object::new(body, indicator.tlp, Kind::Indicator, &[]);
    Some(object.standing_for(about_indicator(indicator.number)))
}
