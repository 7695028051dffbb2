//! Servers of peers that do odd things: each is told in one line, what came before is used, and nothing runs on.

use lapwing_cirt::exchange::indicator::IndicatorState;
use lapwing_cirt::exchange::worker::{self, Done};
use lapwing_cirt::exchange::{PeerKind, Tlp};
use lapwing_cirt::store::Source;

use super::support::{Served, centre, peer, producer, python, script, self_signed};

#[tokio::test(flavor = "multi_thread")]
async fn odd_servers_are_survived() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre(0);
    let (store, ours) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Green);
    let (authority, certificate, key) = self_signed(&centre);
    let ready = centre.temporary.path().join("ready");
    let (_served, port) = Served::start(
        script(&python, "odd_taxii_serve.py").args([&certificate, &key, &ready]),
        &ready,
    );
    let address = format!("https://localhost:{port}/taxii2");
    // A collection, how many of its indicators are used, and what is said where it fails.
    let odd = [
        ("repeats", 1, Some("repeats itself")),
        ("no-next", 4, None),
        ("no-places", 4, None),
        ("huge", 0, Some("longer than")),
        ("nonsense", 0, Some("no JSON")),
        ("fails", 0, Some("500")),
        ("breaks-off", 0, Some("breaks off")),
        ("deep", 0, Some("no JSON")),
        ("elsewhere", 0, Some("302")),
        ("bad-object", 1, None),
        ("absent", 0, Some("no collection")),
    ];
    for (collection, ..) in odd {
        let source = Source {
            peer: "partner".to_owned(),
            kind: "taxii".to_owned(),
            address: address.clone(),
            collection: collection.to_owned(),
            authority: Some(authority.clone()),
            ..Source::default()
        };
        store.add_source("test", &source).unwrap();
    }
    // One that fails does not keep the others from being asked.
    let results = worker::poll_all(&store, &ours).await;
    assert_eq!(results.len(), odd.len());
    let kept = store.indicators(IndicatorState::Waiting, 0, 1_000).unwrap();
    for ((source, result), (place, (collection, used, failure))) in
        results.iter().zip(odd.iter().enumerate())
    {
        assert_eq!(source.collection, *collection);
        let first = place * 100;
        let names: Vec<String> = (first..first + 100)
            .map(|number| format!("n{number}.example"))
            .collect();
        let of_it = kept
            .iter()
            .filter(|one| names.iter().any(|name| name == one.wanted.value()));
        assert_eq!(of_it.count(), *used, "{collection}");
        match (result, failure) {
            (Ok(Done::Polled(outcome)), None) => {
                let problems = outcome.problems().count();
                assert_eq!(
                    problems,
                    if *collection == "bad-object" { 5 } else { 0 },
                    "{outcome:?}"
                );
            }
            (Err(said), Some(wanted)) => {
                assert!(
                    said.contains(wanted) && !said.contains('\n'),
                    "{collection}: {said}"
                );
            }
            other => panic!("{collection}: {other:?}"),
        }
    }
    // What failed stands with its server.
    let failed = store
        .sources()
        .unwrap()
        .iter()
        .filter(|one| one.failure.is_some())
        .count();
    assert_eq!(
        failed,
        odd.iter()
            .filter(|(_, _, failure)| failure.is_some())
            .count()
    );
}
