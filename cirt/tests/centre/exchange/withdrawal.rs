//! A label that becomes stricter after something was published.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use lapwing_cirt::exchange::indicator::{IndicatorState, Wanted};
use lapwing_cirt::exchange::{PeerKind, Tlp, feedback, routes, worker};
use lapwing_cirt::store::NewIndicator;
use serde_json::Value;

use super::reader::Reader;
use super::support::{centre_of_today, peer};
use super::ways_out::PUBLISHING;

/// A group's label after it was published: what peers hold is revoked, what lies there alone is gone, and the register says so.
#[tokio::test]
async fn a_stricter_label_takes_back_what_was_published() {
    let centre = centre_of_today(12, PUBLISHING);
    let store = Arc::new(centre.store());
    let producer = Arc::new(super::support::producer(&centre));
    let password = peer(&store, "partner", PeerKind::Cirt, Tlp::Amber);
    peer(&store, "stranger", PeerKind::Cirt, Tlp::Green);
    worker::publish_all(&store, &producer).unwrap();
    let reader = Reader::new(routes(&store, Some(&producer)), "partner", &password);
    let ids = |objects: &[Value], kind: &str, revoked: bool| -> BTreeSet<String> {
        objects
            .iter()
            .filter(|one| one["type"] == kind && (one["revoked"] == true) == revoked)
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = reader.taxii().await;
    assert_eq!(ids(&before, "observed-data", false).len(), 12);
    let events_before = reader.feed().await.len();

    // The group of one rule: its findings are those numbered 1, 5, 9.
    let scope = lapwing_cirt::query::Scope::Nation;
    let groups = store.groups(scope, false, Timestamp::now()).unwrap();
    let group = groups.iter().find(|group| group.sid == 9_000_002).unwrap();
    let strict = lapwing_cirt::store::GroupChange::SetTlp(Tlp::AmberStrict);
    store
        .change_group(scope, "test", group.key, &strict, Timestamp::now())
        .unwrap();

    let after = reader.taxii().await;
    assert_eq!(ids(&after, "observed-data", false).len(), 9);
    let revoked = ids(&after, "observed-data", true);
    assert_eq!(revoked.len(), 3);
    assert!(revoked.is_subset(&ids(&before, "observed-data", false)));
    assert_eq!(ids(&after, "sighting", true).len(), 3);
    // The rule's text, and addresses that nobody else's finding has, are gone.
    assert_eq!(ids(&before, "indicator", false).len(), 3);
    assert_eq!(ids(&after, "indicator", false).len(), 2);
    for address in ["198.51.100.2", "198.51.100.6", "198.51.100.10"] {
        let named = |objects: &[Value]| objects.iter().any(|one| one["value"] == *address);
        assert!(named(&before) && !named(&after), "{address}");
    }
    // What the others share stays.
    assert!(after.iter().any(|one| one["value"] == "192.0.2.10"));
    assert!(reader.feed().await.len() < events_before);

    // Who could read it has a line; who could not has none.
    let told = |peer: &str| -> u64 {
        let lines = store.sharing_register(Some(peer), 1_000).unwrap();
        let taken_back = lines.iter().filter(|line| {
            line.refusal
                .as_deref()
                .is_some_and(|why| why.starts_with("taken back"))
        });
        taken_back.map(|line| line.items).sum()
    };
    assert_eq!((told("partner"), told("stranger")), (6, 0));

    // For our own tools it is there under its new label, under another name.
    worker::publish_all(&store, &producer).unwrap();
    let ours = peer(&store, "ours", PeerKind::Own, Tlp::AmberStrict);
    let own = Reader::new(routes(&store, Some(&producer)), "ours", &ours);
    let all = own.taxii().await;
    let living = ids(&all, "observed-data", false);
    assert_eq!(living.len(), 12);
    assert!(living.is_disjoint(&revoked));
    // A label that becomes less strict changes nothing that was said.
    let clear = lapwing_cirt::store::GroupChange::SetTlp(Tlp::Clear);
    store
        .change_group(
            scope,
            "test",
            group.key,
            &clear,
            Timestamp::now() + 1.second(),
        )
        .unwrap();
    assert_eq!(ids(&own.taxii().await, "observed-data", false), living);

    // Validators take what was revoked.
    let Some(python) = super::support::python("python-exchange") else {
        return;
    };
    let versions: BTreeMap<String, Value> = all
        .into_iter()
        .map(|one| (format!("{}{}", one["id"], one["modified"]), one))
        .collect();
    let bodies: Vec<&Value> = versions.values().collect();
    let bundle = serde_json::json!({
        "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": bodies,
    });
    let path = centre.temporary.path().join("taken-back.json");
    std::fs::write(&path, bundle.to_string()).unwrap();
    let told = super::support::told(
        &super::support::script(&python, "stix_validate.py")
            .arg(&path)
            .output()
            .unwrap(),
    );
    assert_eq!(
        (&told["errors"], &told["warnings"]),
        (&serde_json::json!([]), &serde_json::json!([])),
        "{told:#}"
    );
}

/// What a partner named, was approved and went on to others, is revoked there when it ends or its label becomes stricter.
#[tokio::test]
async fn an_indicator_that_ends_is_taken_back_from_those_who_could_read_it() {
    let centre = centre_of_today(0, "");
    let store = Arc::new(centre.store());
    let producer = Arc::new(super::support::producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Amber);
    let password = peer(&store, "third", PeerKind::Cirt, Tlp::Amber);
    store.trust("test", "partner", "domain", 1).unwrap();
    let name = |number: usize| format!("number {number}");
    let say = |number: usize, tlp: Tlp, revoked: bool| {
        let indicator = NewIndicator {
            name_there: name(number),
            wanted: vec![Wanted::parse("domain", &format!("n{number}.example")).unwrap()],
            comment: String::new(),
            tlp,
            until: None,
            revoked,
        };
        let now = Timestamp::now();
        store
            .take_indicators("partner", &[indicator], &[], now)
            .unwrap();
    };
    for number in 0..5 {
        say(number, Tlp::Green, false);
    }
    worker::publish_all(&store, &producer).unwrap();
    let reader = Reader::new(routes(&store, Some(&producer)), "third", &password);
    let domains = async || -> (Vec<String>, usize) {
        let objects = reader.taxii().await;
        let of_kind = objects.iter().filter(|one| one["type"] == "indicator");
        let (revoked, living): (Vec<&Value>, Vec<&Value>) =
            of_kind.partition(|one| one["revoked"] == true);
        assert!(
            revoked
                .iter()
                .all(|one| !one["pattern"].to_string().contains(".example"))
        );
        let mut living: Vec<String> = living
            .iter()
            .map(|one| {
                one["pattern"]
                    .as_str()
                    .unwrap()
                    .split('\'')
                    .nth(1)
                    .unwrap()
                    .to_owned()
            })
            .collect();
        living.sort();
        (living, revoked.len())
    };
    let all = |numbers: &[usize]| -> Vec<String> {
        numbers
            .iter()
            .map(|number| format!("n{number}.example"))
            .collect()
    };
    assert_eq!(domains().await, (all(&[0, 1, 2, 3, 4]), 0));

    // The partner takes one back, one becomes AMBER, one is wrong; what is said again without a change stays.
    say(0, Tlp::Green, true);
    say(1, Tlp::Amber, false);
    say(3, Tlp::Green, false);
    let wrong = store.indicators(IndicatorState::Approved, 0, 10).unwrap();
    let wrong = wrong
        .iter()
        .find(|one| one.name_there == name(2))
        .unwrap()
        .number;
    feedback::false_positive(
        &store,
        &producer,
        "test",
        wrong,
        "sinkholed",
        Timestamp::now(),
    )
    .unwrap();
    assert_eq!(domains().await, (all(&[3, 4]), 3), "at once");
    worker::publish_all(&store, &producer).unwrap();
    assert_eq!(
        domains().await,
        (all(&[3, 4]), 3),
        "AMBER of others goes no further"
    );
    let lines = store.sharing_register(Some("third"), 100).unwrap();
    let taken_back: u64 = lines
        .iter()
        .filter(|line| {
            line.refusal
                .as_deref()
                .is_some_and(|why| why.starts_with("taken back"))
        })
        .map(|line| line.items)
        .sum();
    assert_eq!(taken_back, 3);
}
