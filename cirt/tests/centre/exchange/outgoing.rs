//! What goes to partners by our doing: findings to the country that they concern, pushes to servers of others, statistics.

use jiff::Timestamp;
use lapwing_cirt::exchange::taxii::outgoing::push;
use lapwing_cirt::exchange::{
    Agreement, Kind, PeerKind, Producer, Shareable as _, Tlp, Way, release, statistics, taxii,
    worker,
};
use lapwing_cirt::store::{ObjectQuery, Source, Store};

use super::support::{
    Served, agreement, all_findings, centre, centre_with, peer, producer, python, root_certificate,
    script, self_signed,
};

/// A team of another country, with an agreement.
fn neighbour(store: &Store, name: &str, country: &str) -> String {
    store
        .add_peer(
            "test",
            &name.parse().unwrap(),
            PeerKind::Cirt,
            Some(country.parse().unwrap()),
        )
        .unwrap();
    store
        .agree(
            "test",
            name,
            &agreement(&format!("paper-{name}"), Tlp::Amber),
        )
        .unwrap();
    let password = lapwing_cirt::secrets::random_token();
    let hash = lapwing_cirt::secrets::token_hash(&password);
    store.set_peer_password("test", name, &hash).unwrap();
    password
}

/// Half of the findings' outside ends are of NB, the IPv6 ones of NC.
fn registries(store: &Store) {
    let network = |first: &str, last: &str, country: &str| {
        (
            first.parse().unwrap(),
            last.parse().unwrap(),
            country.parse().unwrap(),
        )
    };
    store
        .set_countries(
            "test",
            &[
                network("198.51.100.0", "198.51.100.5", "NB"),
                network(
                    "2001:db8:ffff::",
                    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                    "NC",
                ),
            ],
        )
        .unwrap();
}

fn concerned(store: &Store, producer: &Producer, country: &str) -> Vec<String> {
    let findings = all_findings(store, producer);
    let mut found: Vec<String> = findings
        .iter()
        .filter(|one| {
            one.countries()
                .iter()
                .any(|known| known.as_str() == country)
        })
        .map(|one| one.subject().to_owned())
        .collect();
    found.sort();
    found
}

fn handed(store: &Store, name: &str) -> Vec<String> {
    let mut found: Vec<String> = store
        .receipts(name, 100)
        .unwrap()
        .into_iter()
        .map(|one| one.finding)
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_concerns_another_country_is_handed_over_against_a_receipt() {
    let centre = centre(10);
    let (store, ours) = (centre.store(), producer(&centre));
    let password = neighbour(&store, "team-nb", "NB");
    neighbour(&store, "team-nc", "NC");
    store
        .add_peer(
            "test",
            &"team-nd".parse().unwrap(),
            PeerKind::Cirt,
            Some("NB".parse().unwrap()),
        )
        .unwrap();
    registries(&store);
    let strict = concerned(&store, &ours, "NB").remove(0);
    store.mark("test", &strict, Tlp::AmberStrict).unwrap();
    worker::publish_all(&store, &ours).unwrap();
    let mut expected = concerned(&store, &ours, "NB");
    expected.retain(|one| *one != strict);
    assert!(expected.len() >= 2);
    assert_eq!(
        handed(&store, "team-nb"),
        expected,
        "AMBER+STRICT stays, the rest goes"
    );
    assert_eq!(handed(&store, "team-nc"), concerned(&store, &ours, "NC"));
    assert!(
        handed(&store, "team-nd").is_empty(),
        "there is no agreement"
    );
    assert!(
        store
            .receipts("team-nb", 100)
            .unwrap()
            .iter()
            .all(|one| one.received.is_none())
    );

    // Their centre polls ours.
    let theirs = super::support::centre(0);
    let (their_store, they) = (theirs.store(), producer(&theirs));
    peer(&their_store, "examplia", PeerKind::Cirt, Tlp::Amber);
    let running = centre.start().await;
    let source = Source {
        peer: "examplia".to_owned(),
        kind: "taxii".to_owned(),
        address: format!("https://localhost:{}/taxii2/", running.web.port()),
        collection: "peer-team-nb".to_owned(),
        login: Some(("team-nb".to_owned(), password)),
        authority: Some(std::fs::read_to_string(root_certificate(&centre)).unwrap()),
        ..Source::default()
    };
    their_store.add_source("test", &source).unwrap();
    let polled = worker::poll_all(&their_store, &they).await.remove(0).1;
    assert!(polled.is_ok(), "{polled:?}");
    let receipts = store.receipts("team-nb", 100).unwrap();
    assert_eq!(receipts.len(), expected.len());
    let kept = their_store
        .objects(&ObjectQuery {
            collection: "from-examplia".to_owned(),
            types: vec!["observed-data".to_owned()],
            limit: 100,
            ..ObjectQuery::default()
        })
        .unwrap();
    for receipt in &receipts {
        let (_, way) = receipt.received.as_ref().expect("it was taken");
        assert_eq!(way, "taxii");
        assert!(
            kept.iter().any(|object| object.id == receipt.object),
            "{receipt:?}"
        );
    }
    assert!(
        store
            .receipts("team-nc", 100)
            .unwrap()
            .iter()
            .all(|one| one.received.is_none())
    );
    running.stop().await;
}

fn target(address: String, collection: &str, login: (&str, &str), authority: String) -> Source {
    Source {
        peer: "partner".to_owned(),
        kind: "taxii-push".to_owned(),
        address,
        collection: collection.to_owned(),
        login: Some((login.0.to_owned(), login.1.to_owned())),
        authority: Some(authority),
        ..Source::default()
    }
}

fn pushed_items(store: &Store, sent: bool) -> u64 {
    let lines = store.sharing_register(Some("partner"), 1_000).unwrap();
    let of_way = lines
        .iter()
        .filter(|line| line.way == "taxii-push" && line.refusal.is_none() == sent);
    of_way.map(|line| line.items).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_may_have_is_pushed_to_its_collection() {
    let centre = centre_with(12, "publish = \"high,medium,low\"\n");
    let (store, ours) = (centre.store(), producer(&centre));
    store
        .add_peer(
            "test",
            &"partner".parse().unwrap(),
            PeerKind::Cirt,
            Some("NB".parse().unwrap()),
        )
        .unwrap();
    store
        .agree("test", "partner", &agreement("paper", Tlp::Amber))
        .unwrap();
    registries(&store);
    let findings = all_findings(&store, &ours);
    store
        .mark("test", findings[0].subject(), Tlp::AmberStrict)
        .unwrap();
    worker::publish_all(&store, &ours).unwrap();

    let theirs = super::support::centre(0);
    let their_store = theirs.store();
    let password = peer(&their_store, "examplia", PeerKind::Cirt, Tlp::Amber);
    let running = theirs.start().await;
    let address = format!("https://localhost:{}/taxii2/", running.web.port());
    let authority = std::fs::read_to_string(root_certificate(&theirs)).unwrap();
    let source = target(address, "from-examplia", ("examplia", &password), authority);
    store.add_source("test", &source).unwrap();
    let source = store.sources().unwrap().remove(0);
    let pushed = push(&store, &ours, &source).await.unwrap();
    assert!(pushed.problems.is_empty(), "{pushed:?}");
    let all = ObjectQuery {
        collection: "from-examplia".to_owned(),
        limit: 10_000,
        ..ObjectQuery::default()
    };
    let kept = their_store.objects(&all).unwrap();
    let observed = kept
        .iter()
        .filter(|one| one.id.starts_with("observed-data--"))
        .count();
    assert_eq!(observed, 11, "all but what is AMBER+STRICT");
    assert_eq!(pushed_items(&store, true), pushed.objects as u64);
    let receipts = store.receipts("partner", 100).unwrap();
    assert!(!receipts.is_empty());
    assert!(receipts.iter().all(|one| {
        one.received
            .as_ref()
            .is_some_and(|(_, way)| way == "taxii-push")
    }));
    // Nothing new, nothing pushed.
    assert_eq!(push(&store, &ours, &source).await.unwrap().objects, 0);
    // What is taken back is told there as well.
    store.mark("test", findings[1].subject(), Tlp::Red).unwrap();
    assert!(push(&store, &ours, &source).await.unwrap().objects > 0);
    let kept = their_store.objects(&all).unwrap();
    assert!(kept.iter().any(|one| one.body.contains("\"revoked\":true")));
    running.stop().await;
    // A server that is gone is told; nothing counts as pushed.
    store.mark("test", findings[2].subject(), Tlp::Red).unwrap();
    assert!(push(&store, &ours, &source).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_others_takes_our_push() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre_with(6, "publish = \"high,medium,low\"\n");
    let (store, ours) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Amber);
    worker::publish_all(&store, &ours).unwrap();
    let (authority, certificate, key) = self_signed(&centre);
    let folder = centre.temporary.path();
    let ready = folder.join("ready");
    std::fs::write(folder.join("objects.json"), "[]").unwrap();
    let objects = folder.join("objects.json");
    let (_served, port) = Served::start(
        script(&python, "medallion_serve.py").args([&certificate, &key, &objects, &ready]),
        &ready,
    );
    let address = format!("https://localhost:{port}/taxii2");
    let source = target(
        address.clone(),
        "everything",
        ("user", "secret"),
        authority.clone(),
    );
    store.add_source("test", &source).unwrap();
    let pushing = store.sources().unwrap().remove(0);
    let pushed = push(&store, &ours, &pushing).await.unwrap();
    assert!(pushed.problems.is_empty(), "{pushed:?}");
    // Read back, all of it is there.
    let (partner, _) = store.peer("partner").unwrap();
    let polling = Source {
        kind: "taxii".to_owned(),
        ..source
    };
    store.add_source("test", &polling).unwrap();
    let polling = store.sources().unwrap().remove(1);
    let polled = taxii::client::poll(&store, &ours, &partner, &polling)
        .await
        .unwrap();
    let mut came: Vec<String> = polled
        .outcome
        .objects
        .iter()
        .map(|one| one.id.clone())
        .collect();
    came.sort();
    came.dedup();
    assert_eq!(
        came.len(),
        pushed.objects,
        "{:?}",
        polled.outcome.problems().collect::<Vec<_>>()
    );
}

#[test]
fn statistics_name_nobody_and_nothing_small() {
    let centre = centre_with(40, "statistics_tlp = \"green\"\n");
    let (store, ours) = (centre.store(), producer(&centre));
    store
        .add_peer("test", &"region".parse().unwrap(), PeerKind::Cirt, None)
        .unwrap();
    let findings = all_findings(&store, &ours);
    let rows = statistics::count(&ours, &findings);
    assert_eq!(rows.iter().map(|row| row.findings).sum::<u64>(), 40);
    // Ends: one address in clear, one pseudonym, one of IPv6; those that are withheld count as nobody.
    assert!(
        rows.iter().all(|row| (1..=3).contains(&row.systems)),
        "{rows:?}"
    );
    let agree = |reference: &str, smallest_count: u64, ceiling: Tlp| {
        let wanted = Agreement {
            smallest_count,
            kinds: [Kind::Statistic].into(),
            ..agreement(reference, ceiling)
        };
        store.agree("test", "region", &wanted).unwrap();
    };
    let now = Timestamp::now();
    let released = || {
        let rows = statistics::count(&ours, &findings);
        release(&store, "region", Way::Statistics, now, rows).unwrap()
    };
    for (reference, smallest_count) in [("one", 1), ("two", 2), ("three", 3), ("four", 4)] {
        agree(reference, smallest_count, Tlp::Green);
        let expected = rows
            .iter()
            .filter(|row| row.systems >= smallest_count)
            .count();
        assert_eq!(released().items().len(), expected, "from {smallest_count}");
    }
    assert!(released().items().is_empty());
    let entry = &store.sharing_register(Some("region"), 1).unwrap()[0];
    assert_eq!(
        (entry.way.as_str(), entry.refusal.as_deref()),
        ("statistics", Some("counts fewer than agreed"))
    );
    agree("one-again", 1, Tlp::Green);
    let text = String::from_utf8(statistics::csv(&ours, &released()).unwrap()).unwrap();
    assert!(
        text.starts_with("day,country,class,type,systems,findings,alerts,tlp\n2026-05-01,EX,"),
        "{text}"
    );
    for secret in ["192.0.2.10", "203.0.113.77", "isp-a", "198.51.100."] {
        assert!(!text.contains(secret), "{text}");
    }
    // The label of a count is one of the settings, and has a ceiling like any other.
    agree("clear-only", 1, Tlp::Clear);
    assert!(released().items().is_empty());
}
