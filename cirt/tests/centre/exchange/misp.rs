//! MISP by its own libraries: our feed over HTTPS, their feed over HTTPS, and our STIX as an event.

use jiff::Timestamp;
use lapwing_cirt::exchange::indicator::{IndicatorState, Wanted};
use lapwing_cirt::exchange::worker::{self, Done};
use lapwing_cirt::exchange::{PeerKind, Shareable as _, Tlp, Way, release, stix};
use lapwing_cirt::store::{NewIndicator, Source};
use serde_json::json;

use super::support::{
    Served, all_findings, centre, centre_of_today, peer, producer, python, root_certificate,
    script, told,
};

#[test]
fn misp_stix_converts_our_bundle_without_errors() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre(20);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Amber);
    let now = Timestamp::now();
    let findings = all_findings(&store, &producer);
    let released = release(&store, "partner", Way::Stix, now, findings).unwrap();
    let path = centre.temporary.path().join("bundle.json");
    std::fs::write(&path, stix::bundle(&producer, &released, now)).unwrap();
    let told = told(
        &script(&python, "misp_stix_check.py")
            .arg(&path)
            .output()
            .unwrap(),
    );
    assert_eq!(told["errors"], json!([]), "{told:#}");
    let made = told["objects"].as_u64().unwrap() + told["attributes"].as_u64().unwrap();
    assert!(made >= 20, "{told:#}");
    // What refers to something that is not there is an error: the converter looks.
    let mut bundle: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let objects = bundle["objects"].as_array_mut().unwrap();
    objects.retain(|object| object["type"] != "ipv4-addr");
    std::fs::write(&path, bundle.to_string()).unwrap();
    let told = super::support::told(
        &script(&python, "misp_stix_check.py")
            .arg(&path)
            .output()
            .unwrap(),
    );
    assert_ne!(told["errors"], json!([]), "the converter is blind");
}

#[tokio::test(flavor = "multi_thread")]
async fn pymisp_loads_the_feed_that_we_serve() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre_of_today(10, "");
    let store = centre.store();
    let password = peer(&store, "partner", PeerKind::Cirt, Tlp::Amber);
    let red = all_findings(&store, &producer(&centre));
    store.mark("test", red[0].subject(), Tlp::Red).unwrap();
    // Indicators of a partner that may go on, and one that may not.
    peer(&store, "friend", PeerKind::Cirt, Tlp::Green);
    let all = "address,domain,host,url,ja3,sha1,sha256,rule";
    store.trust("test", "friend", all, 1).unwrap();
    let indicators: Vec<NewIndicator> = [
        ("domain", "c2.example", Tlp::Green),
        ("address", "198.51.100.77", Tlp::Green),
        ("url", "http://c2.example/gate.php", Tlp::Green),
        ("ja3", "e7d705a3286e19ea42f587b344ee6865", Tlp::Clear),
        (
            "sha1",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            Tlp::Green,
        ),
        ("domain", "amber-of-another.example", Tlp::Amber),
    ]
    .map(|(kind, value, tlp)| NewIndicator {
        name_there: value.to_owned(),
        wanted: vec![Wanted::parse(kind, value).unwrap()],
        comment: "a botnet".to_owned(),
        tlp,
        until: None,
        revoked: false,
    })
    .into();
    let now = Timestamp::now();
    store
        .take_indicators("friend", &indicators, &[], now)
        .unwrap();
    worker::publish_all(&store, &producer(&centre)).unwrap();
    let running = centre.start().await;
    let address = format!("https://localhost:{}/misp/", running.web.port());
    let mut command = script(&python, "misp_check.py");
    command
        .arg(address)
        .arg(root_certificate(&centre))
        .args(["partner", &password]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let told = told(&output);
    assert_eq!(told["problems"], json!([]), "{told:#}");
    // Four of findings, one of GREEN and one of CLEAR indicators; for detection are the indicators alone.
    assert_eq!(told["events"], 6, "{told:#}");
    assert_eq!(told["for_detection"], 5, "{told:#}");
    assert!(told["attributes"].as_u64().unwrap() >= 8, "{told:#}");
    assert!(!told["tags"].as_array().unwrap().contains(&json!("tlp:red")));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_theirs_is_polled_over_https() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre(0);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "neighbour", PeerKind::Cirt, Tlp::Green);
    let (made, certificate, key) = super::support::self_signed(&centre);
    let ready = centre.temporary.path().join("feed-ready");
    let feed = centre.temporary.path().join("feed");
    let (_served, port) = Served::start(
        script(&python, "misp_feed_serve.py").args([&certificate, &key, &feed, &ready]),
        &ready,
    );
    let mut source = Source {
        peer: "neighbour".to_owned(),
        kind: "misp".to_owned(),
        address: format!("https://localhost:{port}/"),
        login: Some(("user".to_owned(), "wrong".to_owned())),
        authority: Some(made),
        ..Source::default()
    };
    store.add_source("test", &source).unwrap();
    let poll = async || worker::poll_all(&store, &producer).await.remove(0).1;
    let failure = poll().await.unwrap_err();
    assert!(failure.contains("401"), "{failure}");
    assert!(store.sources().unwrap()[0].failure.is_some());

    source.login = Some(("user".to_owned(), "secret".to_owned()));
    store.add_source("test", &source).unwrap();
    let Done::Polled(outcome) = poll().await.unwrap() else {
        panic!("a feed is polled");
    };
    assert_eq!(outcome.problems().count(), 0, "{outcome:?}");
    assert_eq!(
        (outcome.indicators.new, outcome.indicators.rejected),
        (6, 1)
    );
    let mut waiting: Vec<(String, Tlp)> = store
        .indicators(IndicatorState::Waiting, 0, 100)
        .unwrap()
        .into_iter()
        .map(|one| (one.wanted.value().to_owned(), one.tlp))
        .collect();
    waiting.sort();
    let values: Vec<(&str, Tlp)> = waiting
        .iter()
        .map(|(value, tlp)| (value.as_str(), *tlp))
        .collect();
    assert_eq!(
        values,
        [
            ("198.51.100.77", Tlp::Green),
            ("c2-0.example", Tlp::Green),
            ("e7d705a3286e19ea42f587b344ee6865", Tlp::Amber),
            ("http://c2-0.example/gate.php", Tlp::Green),
            ("mail.c2-1.example", Tlp::Amber),
        ]
    );
    // What was read is not read again.
    let Done::Polled(again) = poll().await.unwrap() else {
        panic!("a feed is polled");
    };
    assert_eq!((again.objects.len(), again.indicators.new), (0, 0));
}
