//! What comes in: from a server of others, from odd hands, and past the lists of what is harmless.

use jiff::Timestamp;
use lapwing_cirt::exchange::indicator::IndicatorState;
use lapwing_cirt::exchange::misp_import::{self, Feed};
use lapwing_cirt::exchange::{PeerKind, Tlp, feedback, inbound, pack, taxii};
use lapwing_cirt::store::{ObjectQuery, Source, Store};
use serde_json::{Value, json};

use super::support::{Served, agreement, centre, peer, producer, python, script};

/// More than a page of ours, and than two of the server's.
const OBJECTS: usize = 350;

fn id(kind: &str, number: usize) -> String {
    format!("{kind}--00000000-0000-4000-8000-{number:012}")
}

fn indicator(number: usize, pattern: &str) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id("indicator", number), "name": format!("number {number}"),
        "created": "2026-05-01T12:00:00.000Z", "modified": "2026-05-01T12:00:00.000Z", "pattern": pattern,
        "pattern_type": "stix", "valid_from": "2026-05-01T12:00:00Z",
    })
}

fn states(store: &Store, state: IndicatorState) -> Vec<(String, String)> {
    let found = store.indicators(state, 0, 1_000).unwrap();
    found
        .into_iter()
        .map(|one| (one.wanted.value().to_owned(), one.reason))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_read_from_a_server_of_others() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre(0);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Green);
    let folder = centre.temporary.path();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let objects: Vec<Value> = (0..OBJECTS)
        .map(|number| {
            indicator(
                number,
                &format!("[domain-name:value = 'n{number}.example']"),
            )
        })
        .collect();
    let ready = folder.join("ready");
    let (served, port) = Served::start(
        script(&python, "medallion_serve.py")
            .arg(file("certificate.pem", made.cert.pem()))
            .arg(file("key.pem", made.signing_key.serialize_pem()))
            .arg(file("objects.json", json!(objects).to_string()))
            .arg(&ready),
        &ready,
    );
    let source = Source {
        peer: "partner".to_owned(),
        kind: "taxii".to_owned(),
        address: format!("https://localhost:{port}/taxii2"),
        collection: "everything".to_owned(),
        login: Some(("user".to_owned(), "secret".to_owned())),
        authority: Some(made.cert.pem()),
        ..Source::default()
    };
    store.add_source("test", &source).unwrap();
    let source = store.sources().unwrap().remove(0);
    let (partner, _) = store.peer("partner").unwrap();
    let polled = taxii::client::poll(&store, &producer, &partner, &source)
        .await
        .unwrap();
    assert!(polled.pages >= 4, "{} pages", polled.pages);
    assert_eq!(polled.outcome.indicators.new, OBJECTS as u64);
    assert_eq!(polled.outcome.problems().count(), 0);
    // The next poll begins where this one ended, and finds nothing new.
    let again = taxii::client::poll(&store, &producer, &partner, &source)
        .await
        .unwrap();
    assert_eq!(again.outcome.indicators.new, 0);
    assert!(
        again.outcome.objects.len() < OBJECTS,
        "it asked for everything again"
    );
    let kept = ObjectQuery {
        collection: "from-partner".to_owned(),
        limit: 10_000,
        ..ObjectQuery::default()
    };
    assert_eq!(store.objects(&kept).unwrap().len(), OBJECTS);
    drop(served);
    // A server that is gone is told, and nothing is lost.
    assert!(
        taxii::client::poll(&store, &producer, &partner, &source)
            .await
            .is_err()
    );
}

#[test]
fn one_bad_object_is_told_and_the_rest_is_used() {
    let centre = centre(0);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Green);
    let (partner, _) = store.peer("partner").unwrap();
    let objects = vec![
        indicator(1, "[domain-name:value = 'good.example']"),
        indicator(
            2,
            "[domain-name:value = 'bad.example' AND url:value = 'http://x.example/']",
        ),
        json!({ "type": "indicator", "id": "indicator--not-a-uuid" }),
        json!("no object at all"),
        json!({ "type": "tool", "id": id("indicator", 3) }),
        json!({ "type": "note", "spec_version": "2.1", "id": id("note", 4), "content": "x".repeat(300_000) }),
        json!({ "type": "opinion", "id": id("opinion", 5), "opinion": "wonderful", "object_refs": [id("indicator", 1)] }),
        json!({ "type": "opinion", "id": id("opinion", 6), "opinion": "disagree", "object_refs": [id("indicator", 1)] }),
        json!({ "type": "sighting", "id": id("sighting", 7), "sighting_of_ref": id("indicator", 1), "count": 9 }),
    ];
    let outcome = inbound::take(&store, &producer, &partner, objects, Timestamp::now()).unwrap();
    assert_eq!((outcome.objects.len(), outcome.problems().count()), (9, 6));
    assert_eq!(states(&store, IndicatorState::Waiting).len(), 1);
    assert_eq!(store.feedback(10).unwrap().len(), 2);
    for odd in ["", "[]", "nothing", "{\"objects\": 7}"] {
        assert!(inbound::envelope(odd.as_bytes()).is_err(), "{odd}");
    }
    // Taken back by the peer: no longer looked for.
    let mut revoked = indicator(1, "[domain-name:value = 'good.example']");
    revoked["revoked"] = true.into();
    inbound::take(&store, &producer, &partner, vec![revoked], Timestamp::now()).unwrap();
    assert_eq!(states(&store, IndicatorState::Retired).len(), 1);
}

#[test]
fn what_is_harmless_is_rejected_and_packs_hold_what_the_agreement_allows() {
    let centre = centre(0);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Green);
    let (partner, _) = store.peer("partner").unwrap();
    store
        .set_harmless(
            "test",
            "top",
            &[
                "www.popular.example".to_owned(),
                "shared.example".to_owned(),
            ],
            &["203.0.113.0/24".parse().unwrap()],
        )
        .unwrap();
    store
        .trust("test", "partner", "domain,address,rule", 1)
        .unwrap();
    let rule = "alert dns any any -> any any (msg:\"PARTNER c2\"; dns.query; content:\"c2.example\"; sid:5; rev:1;)";
    let mut of_rule = indicator(9, rule);
    of_rule["pattern_type"] = "suricata".into();
    let patterns = [
        // `domain` matches all beneath: a listed name is beneath this one.
        "[domain-name:value = 'popular.example']",
        "[domain-name:value = 'example']",
        "[domain-name:value = 'evil.shared.example']",
        "[ipv4-addr:value = '203.0.113.9']",
        "[ipv4-addr:value = '192.0.2.9']",
        "[ipv4-addr:value = '198.51.100.9']",
        "[url:value = 'http://shared.example/evil']",
    ];
    let mut objects: Vec<Value> = (0..)
        .zip(patterns)
        .map(|(number, pattern)| indicator(number, pattern))
        .collect();
    objects.push(of_rule);
    let outcome = inbound::take(&store, &producer, &partner, objects, Timestamp::now()).unwrap();
    assert_eq!(outcome.problems().count(), 0);
    assert_eq!(
        states(&store, IndicatorState::Rejected).len(),
        4,
        "{:?}",
        states(&store, IndicatorState::Rejected)
    );
    let approved: Vec<String> = states(&store, IndicatorState::Approved)
        .into_iter()
        .map(|(value, _)| value)
        .collect();
    assert_eq!(approved, ["evil.shared.example", "198.51.100.9", rule]);
    // A URL is no kind that this peer is trusted with.
    assert_eq!(states(&store, IndicatorState::Waiting).len(), 1);

    // A pack goes to sensors at providers: a way out like others. What nobody labelled is AMBER.
    assert_eq!(pack::parts(&store, Timestamp::now()).unwrap().kept_back, 3);
    peer(&store, pack::SENSORS, PeerKind::Provider, Tlp::Green);
    assert_eq!(pack::parts(&store, Timestamp::now()).unwrap().kept_back, 3);
    store
        .agree("test", pack::SENSORS, &agreement("wider", Tlp::Amber))
        .unwrap();
    let parts = pack::parts(&store, Timestamp::now()).unwrap();
    assert_eq!((parts.indicators, parts.kept_back), (3, 0));
    let list = String::from_utf8(parts.list.unwrap().bytes).unwrap();
    assert!(
        list.contains("domain,evil.shared.example,") && list.contains("indicator from partner"),
        "{list}"
    );
    let rules = String::from_utf8(parts.rules.unwrap().bytes).unwrap();
    assert!(
        rules.contains("sid:21000000") && !rules.contains("sid:5;"),
        "{rules}"
    );

    // Wrong: those who said so can read it.
    let number = store.indicators(IndicatorState::Approved, 0, 1).unwrap()[0].number;
    assert_eq!(
        feedback::false_positive(
            &store,
            &producer,
            "test",
            number,
            "shared hosting",
            Timestamp::now()
        )
        .unwrap(),
        1
    );
    let query = ObjectQuery {
        collection: "peer-partner".to_owned(),
        types: vec!["opinion".to_owned()],
        limit: 10,
        ..ObjectQuery::default()
    };
    assert!(
        store.objects(&query).unwrap()[0]
            .body
            .contains("shared hosting")
    );
}

#[tokio::test]
async fn a_feed_of_misp_becomes_indicators() {
    let centre = centre(0);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Green);
    let (partner, _) = store.peer("partner").unwrap();
    let uuid = "11111111-1111-4111-8111-111111111111";
    let attribute = |number: u32, kind: &str, value: &str, to_ids: bool| json!({ "uuid": format!("22222222-2222-4222-8222-{number:012}"), "type": kind, "value": value, "to_ids": to_ids, "category": "Network activity" });
    let event = json!({ "Event": {
        "uuid": uuid, "info": "a botnet", "Tag": [{ "name": "tlp:green" }],
        "Attribute": [
            attribute(1, "domain|ip", "c2.example|198.51.100.7", true),
            attribute(2, "domain", "only-context.example", false),
            attribute(3, "md5", "d41d8cd98f00b204e9800998ecf8427e", true),
        ],
        "Object": [{ "Attribute": [attribute(4, "url", "http://c2.example/gate", true)] }],
    }});
    let folder = centre.temporary.path().join("feed");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(format!("{uuid}.json")), event.to_string()).unwrap();
    let manifest = json!({ uuid: { "timestamp": "7" }, "../../etc/passwd": { "timestamp": "7" }, "33333333-3333-4333-8333-333333333333": {} });
    std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    let feed = Feed::Folder(&folder);
    let now = Timestamp::now();
    let outcome = misp_import::import(&store, &producer, &partner, &feed, now)
        .await
        .unwrap();
    assert_eq!(outcome.indicators.new, 3);
    let problems: Vec<&str> = outcome.problems().map(|(_, problem)| problem).collect();
    assert_eq!(problems.len(), 3, "{problems:?}");
    let waiting = store.indicators(IndicatorState::Waiting, 0, 10).unwrap();
    assert!(
        waiting
            .iter()
            .all(|one| one.tlp == Tlp::Green && one.comment == "a botnet"),
        "{waiting:?}"
    );
    // The same event again is not read again.
    let again = misp_import::import(&store, &producer, &partner, &feed, now)
        .await
        .unwrap();
    assert_eq!(again.indicators.known, 0);
}
