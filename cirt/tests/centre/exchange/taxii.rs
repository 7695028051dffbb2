//! The TAXII server, polled by clients of others over real HTTPS.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;

use jiff::Timestamp;
use lapwing_cirt::exchange::taxii::collection::of_label;
use lapwing_cirt::exchange::{PeerKind, Tlp, stix};
use serde_json::{Value, json};

use super::support::{centre, peer, python, root_certificate, script, told};

const BEFORE: u64 = 20_000;
const MEANWHILE: u64 = 2_000;

/// An object of its own for each number.
fn object(number: u64) -> stix::Object {
    stix::Object::checked(
        json!({
            "type": "identity",
            "spec_version": "2.1",
            "id": format!("identity--00000000-0000-4000-8000-{number:012}"),
            "created": "2026-05-01T12:00:00.000Z",
            "modified": "2026-05-01T12:00:00.000Z",
            "name": format!("number {number}"),
        }),
        Tlp::Green,
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_others_poll_each_object_once_while_more_are_added() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre(0);
    let store = Arc::new(centre.store());
    let password = peer(&store, "partner", PeerKind::Cirt, Tlp::Green);
    let green = of_label(Tlp::Green);
    let objects: Vec<_> = (0..BEFORE).map(object).collect();
    assert_eq!(
        store
            .add_objects(&green, None, &objects, Timestamp::now())
            .unwrap() as u64,
        BEFORE
    );
    let running = centre.start().await;
    let stop = centre.temporary.path().join("stop");
    let polls: Vec<_> = ["taxii2-client", "cytaxii2"]
        .into_iter()
        .map(|client| {
            script(&python, "taxii_poll.py")
                .arg(client)
                .arg(root_certificate(&centre))
                .arg(format!("https://localhost:{}/taxii2/", running.web.port()))
                .args(["partner", &password, &green])
                .arg(&stop)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    // Added in small portions from two sides at once, while the clients poll.
    let adding: Vec<_> = (0..2)
        .map(|side| {
            let (store, green) = (Arc::clone(&store), green.clone());
            tokio::task::spawn_blocking(move || {
                for portion in 0..MEANWHILE / 2 / 10 {
                    let first = BEFORE + side * MEANWHILE / 2 + portion * 10;
                    let objects: Vec<_> = (first..first + 10).map(object).collect();
                    store
                        .add_objects(&green, None, &objects, Timestamp::now())
                        .unwrap();
                }
            })
        })
        .collect();
    for task in adding {
        task.await.unwrap();
    }
    std::fs::write(&stop, "").unwrap();
    for poll in polls {
        let output = tokio::task::spawn_blocking(move || poll.wait_with_output().unwrap())
            .await
            .unwrap();
        let told = told(&output);
        let ids: Vec<&str> = told["ids"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let different: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(
            ids.len() as u64,
            BEFORE + MEANWHILE,
            "polled twice or not at all"
        );
        assert_eq!(different.len(), ids.len());
        assert!(told["pages"].as_u64().unwrap() >= 44);
    }
    // Every page stands in the register, to the unit: two clients read everything.
    let sent: u64 = store
        .sharing_register(Some("partner"), 100_000)
        .unwrap()
        .iter()
        .map(|line| line.items)
        .sum();
    assert!(sent >= 2 * (BEFORE + MEANWHILE), "{sent}");
    running.stop().await;
}
