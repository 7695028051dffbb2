//! From outbox to centre over links and centres that misbehave: everything arrives once.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Authority, Behaviour, Centre, Edge};

/// A centre and an enrolled edge with findings waiting.
fn enrolled(behaviour: Behaviour, findings: u64) -> (Centre, Edge) {
    let authority = Authority::new();
    let centre = Centre::start(
        &authority,
        Behaviour {
            first_certificate_ends_in: behaviour.first_certificate_ends_in,
            ..Behaviour::default()
        },
    );
    let mut edge = Edge::new();
    edge.enrol(centre.voucher(), |_, _| ()).unwrap();
    let centre = centre.stop()(behaviour);
    edge.produce(findings);
    (centre, edge)
}

fn everything_arrives(centre: &Centre, edge: &Edge) {
    let running = edge.start();
    edge.wait_until_empty();
    running.stop().unwrap();
    assert_eq!(centre.stored().tags, edge.produced());
}

#[test]
fn an_outage_is_caught_up() {
    let (centre, mut edge) = enrolled(Behaviour::default(), 35);
    let running = edge.start();
    edge.wait_until_empty();
    let start_again = centre.stop();
    edge.produce(120);
    let centre = start_again(Behaviour::default());
    edge.wait_until_empty();
    edge.produce(1);
    edge.wait_until_empty();
    running.stop().unwrap();
    assert_eq!(centre.stored().tags, edge.produced());
}

#[test]
fn connections_cut_in_the_middle_of_a_frame_resume() {
    // The first connection is the enrolment's. Hello, then within one envelope after another.
    let cuts = vec![usize::MAX, 0, 5, 40, 700, 2_000, 2_500, 3_333, 5_000];
    let (centre, edge) = enrolled(
        Behaviour {
            cut_after_bytes: cuts.clone(),
            ..Behaviour::default()
        },
        400,
    );
    everything_arrives(&centre, &edge);
    assert!(centre.stored().connections >= cuts.len());
}

#[test]
fn acks_that_come_twice_change_nothing() {
    let (centre, edge) = enrolled(
        Behaviour {
            acks_twice: true,
            ..Behaviour::default()
        },
        60,
    );
    everything_arrives(&centre, &edge);
    assert_eq!(centre.stored().seen.len(), 6);
}

#[test]
fn an_ack_for_other_bytes_lets_go_of_nothing() {
    let (centre, edge) = enrolled(
        Behaviour {
            wrong_ack_first: true,
            ..Behaviour::default()
        },
        30,
    );
    everything_arrives(&centre, &edge);
}

#[test]
fn a_busy_centre_gets_the_same_batches_later() {
    let (centre, edge) = enrolled(
        Behaviour {
            busy_first: true,
            ..Behaviour::default()
        },
        20,
    );
    everything_arrives(&centre, &edge);
    assert!(centre.stored().seen.values().all(|times| *times >= 2));
}

#[test]
fn a_slow_collector_gets_everything() {
    let (centre, edge) = enrolled(
        Behaviour {
            reads_slowly: Some(97),
            ..Behaviour::default()
        },
        60,
    );
    everything_arrives(&centre, &edge);
}

#[test]
fn another_authority_gets_nothing_and_nothing_is_lost() {
    let (centre, edge) = enrolled(Behaviour::default(), 10);
    let impostor = Centre::start(&Authority::new(), Behaviour::default());
    let mut misled = edge.settings.clone();
    misled.centres = vec![impostor.address.to_string()];
    let (stopper, shutdown) = lapwing_uplink::shutdown();
    let running = std::thread::spawn(move || lapwing_uplink::run(misled, shutdown));
    impostor.wait_until("three attempts", |stored| stored.connections >= 3);
    stopper.stop();
    running.join().unwrap().unwrap();
    assert_eq!(impostor.stored().sensor_sessions, 0);
    assert!(impostor.stored().seen.is_empty());
    everything_arrives(&centre, &edge);
}

#[test]
fn a_certificate_of_another_authority_is_turned_away() {
    let (centre, edge) = enrolled(Behaviour::default(), 10);
    // The same address, another authority's client certificate: enrolled elsewhere, misled here.
    let elsewhere = Centre::start(&Authority::new(), Behaviour::default());
    let mut stranger = Edge::new();
    stranger.enrol(elsewhere.voucher(), |_, _| ()).unwrap();
    stranger.produce(5);
    let path = stranger.settings.identity_folder.join("enrolment.json");
    let ours =
        std::fs::read_to_string(edge.settings.identity_folder.join("enrolment.json")).unwrap();
    let theirs = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, with_ca_and_address_of(&theirs, &ours)).unwrap();
    let running = stranger.start();
    let before = centre.stored().connections;
    centre.wait_until("three attempts", |stored| stored.connections >= before + 3);
    running.stop().unwrap();
    assert_eq!(centre.stored().sensor_sessions, 0);
    everything_arrives(&centre, &edge);
}

fn with_ca_and_address_of(theirs: &str, ours: &str) -> String {
    let value = |text: &str, name: &str| {
        serde_json::from_str::<serde_json::Value>(text).unwrap()[name].clone()
    };
    let mut changed: serde_json::Value = serde_json::from_str(theirs).unwrap();
    for name in ["ca_sha256", "addresses"] {
        changed[name] = value(ours, name);
    }
    changed.to_string()
}

#[test]
fn a_certificate_in_its_last_third_is_renewed_on_the_same_link() {
    let ends_in = Some(Duration::from_secs(3600));
    let (centre, edge) = enrolled(
        Behaviour {
            first_certificate_ends_in: ends_in,
            ..Behaviour::default()
        },
        25,
    );
    let before = lapwing_uplink::Identity::load(&edge.settings.identity_folder).unwrap();
    everything_arrives(&centre, &edge);
    centre.wait_until("a renewal", |stored| stored.renewals == 1);
    let after = lapwing_uplink::Identity::load(&edge.settings.identity_folder).unwrap();
    assert_eq!(after.sensor, before.sensor);
    assert!(after.certificate_ends_seconds() > before.certificate_ends_seconds() + 80_000);
}
