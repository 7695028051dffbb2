//! One centre, two shapes: from a file to a server and back, and what several processes over one server may not do twice.

use std::net::{IpAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Barrier;

use jiff::Timestamp;
use lapwing_cirt::enrolment::secret_hash;
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::{Location, Server, Store, UnitsAre};
use lapwing_lake::Place;
use lapwing_wire::{AckState, ReceivedEnvelope, SealedEnvelope};

use crate::database::{Database, OwnServer};
use crate::support::{Device, Sample, TestCentre};

fn batch(centre: &TestCentre, device: &Device, number: u64) -> SealedEnvelope {
    let numbers = number * 10..number * 10 + 10;
    let records: Vec<_> = numbers
        .map(|number| Sample::numbered(number).record())
        .collect();
    device.seal(centre.sealing_key(), number, &records)
}

/// Everything that a person could hold one centre against another by.
fn told(store: &Store) -> String {
    let books = store.sensor_totals(Scope::Nation).unwrap();
    let groups = store
        .groups(Scope::Nation, false, Timestamp::UNIX_EPOCH)
        .unwrap();
    let findings: Vec<_> = store
        .findings_in_order(0, 1_000)
        .unwrap()
        .into_iter()
        .map(|(key, row)| (key, row.id, row.hits, row.last))
        .collect();
    format!(
        "{books:#?} {groups:#?} {findings:#?} {:#?} {:#?} {:#?} {:#?}",
        store.users().unwrap(),
        store.audit_trail(1_000).unwrap(),
        store.verify_audit().unwrap(),
        store.inbox_totals().unwrap(),
    )
}

#[test]
fn a_centre_moves_to_a_server_and_back() {
    let Some(server) = OwnServer::start() else {
        return;
    };
    let database = Database::on(server.address());
    let centre = TestCentre::with(None, None);
    let path = |name: &str| centre.temporary.path().join(name);
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    for number in 0..6 {
        centre.take_sealed(&store, &device, batch(&centre, &device, number));
        if number == 3 {
            // Some findings lie in the table, some are fresh, and one batch waits.
            store.commit_units(UnitsAre::Whatever).unwrap();
        }
    }
    crate::support::accept(&store, &device, batch(&centre, &device, 6));
    let before = told(&store);
    store.backup(&path("copy.db")).unwrap();

    let there = Location::Server(database.server());
    let findings = || Place::folder(&path("there.lake")).unwrap();
    Store::restore(&path("copy.db"), &there, findings()).unwrap();
    let refused = Store::restore(&path("copy.db"), &there, findings()).unwrap_err();
    assert!(
        refused.to_string().contains("holds a centre already"),
        "{refused}"
    );
    let moved = Store::open_at(there, findings()).unwrap();
    assert_eq!(told(&moved), before);
    for sql in [
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'x'",
        "TRUNCATE audit",
    ] {
        let refusal = database.try_sql(sql).unwrap_err();
        assert!(refusal.contains("the audit trail is not"), "{refusal}");
    }

    // It goes on where it was: what waited is loaded, numbers count on, other bytes for a known batch are put aside.
    crate::support::accept(&moved, &device, batch(&centre, &device, 2));
    crate::support::accept(&moved, &device, batch(&centre, &device, 7));
    centre.loader().run(&moved).unwrap();
    moved.commit_units(UnitsAre::Whatever).unwrap();
    moved.add_incident("test", "one more").unwrap();
    let books = moved.sensor_totals(Scope::Nation).unwrap().remove(0);
    assert_eq!(
        (
            books.findings,
            books.stored,
            books.doubled,
            books.missing,
            books.batches_conflicting
        ),
        (80, 80, 0, 0, 1)
    );
    let before = told(&moved);

    // Back, from a copy that is made while batches come in: what is in it is whole.
    std::thread::scope(|scope| {
        let (moved, device, centre) = (&moved, &device, &centre);
        scope.spawn(move || {
            for number in 8..20 {
                crate::support::accept(moved, device, batch(centre, device, number));
            }
        });
        moved.backup(&path("back.db")).unwrap();
    });
    let home = Location::File(path("home.db"));
    let findings = || Place::folder(&path("home.lake")).unwrap();
    Store::restore(&path("back.db"), &home, findings()).unwrap();
    let back = Store::open_at(home, findings()).unwrap();
    let waiting = back.inbox_totals().unwrap().waiting;
    if waiting == 0 {
        assert_eq!(told(&back), before);
    }
    centre.loader().run(&back).unwrap();
    let books = back.sensor_totals(Scope::Nation).unwrap().remove(0);
    assert_eq!(
        (books.findings, books.doubled, books.missing),
        (80 + waiting * 10, 0, 0)
    );
    assert_eq!(back.verify_audit().unwrap().broken_at, None);
    assert_eq!(back.add_incident("test", "another").unwrap(), 2);
}

/// Two processes, each with a connection of its own, as far as the server is concerned.
fn two_processes(server: &OwnServer) -> (TestCentre, [Store; 2]) {
    let centre = TestCentre::with(Some(Database::on(server.address())), None);
    let stores = [centre.store(), centre.store()];
    (centre, stores)
}

#[test]
fn two_processes_that_are_given_the_same_batches_store_each_once() {
    let Some(server) = OwnServer::start() else {
        return;
    };
    let (centre, stores) = two_processes(&server);
    const BATCHES: u64 = 60;
    let device = centre.enrolled_device("isp-a");
    let envelopes: Vec<SealedEnvelope> = (0..BATCHES)
        .map(|number| batch(&centre, &device, number))
        .collect();
    let sensor = stores[0]
        .enrolment(&device.public_key())
        .unwrap()
        .unwrap()
        .sensor;
    // One from the front and one from the back, many at a time: transactions that hold what the other one waits for.
    let start = Barrier::new(12);
    let stored: u64 = std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for worker in 0..12usize {
            let (store, envelopes, device, start) =
                (&stores[worker % 2], &envelopes, &device, &start);
            workers.push(scope.spawn(move || {
                start.wait();
                let mut stored = 0;
                for step in 0..envelopes.len() {
                    let place = if worker % 2 == 0 {
                        step
                    } else {
                        envelopes.len() - 1 - step
                    };
                    let verified = ReceivedEnvelope::parse(envelopes[place].bytes.clone())
                        .unwrap()
                        .verify(&device.public_key())
                        .unwrap();
                    match store
                        .accept_batch(sensor, &verified, Timestamp::now())
                        .unwrap()
                    {
                        AckState::Stored => stored += 1,
                        AckState::AlreadyStored => {}
                        other => panic!("{other:?}"),
                    }
                }
                stored
            }));
        }
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert_eq!(stored, BATCHES);
    // Both load at once as well; each batch counts for one.
    std::thread::scope(|scope| {
        for store in &stores {
            let centre = &centre;
            scope.spawn(move || centre.loader().run(store).unwrap());
        }
    });
    let books = stores[0].sensor_totals(Scope::Nation).unwrap().remove(0);
    assert_eq!(
        (
            books.batches,
            books.batch_repeats,
            books.findings,
            books.doubled,
            books.repeated
        ),
        (BATCHES, BATCHES * 11, BATCHES * 10, 0, 0)
    );
}

#[test]
fn of_two_processes_one_takes_a_voucher_and_one_leads() {
    let Some(server) = OwnServer::start() else {
        return;
    };
    let (centre, stores) = two_processes(&server);
    for round in 0..10 {
        let voucher = centre.voucher(&format!("isp-{round}"), true);
        let start = Barrier::new(2);
        let redeemed: Vec<bool> = std::thread::scope(|scope| {
            let workers: Vec<_> = stores
                .iter()
                .map(|store| {
                    let (voucher, start) = (&voucher, &start);
                    scope.spawn(move || {
                        let device = Device::new();
                        start.wait();
                        let secret = secret_hash(&voucher.secret);
                        store
                            .redeem_voucher(
                                &secret,
                                &device.public_key(),
                                &rand::random(),
                                "",
                                Timestamp::now(),
                            )
                            .unwrap()
                            .is_ok()
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap())
                .collect()
        });
        assert_eq!(
            redeemed.iter().filter(|is_redeemed| **is_redeemed).count(),
            1
        );
    }
    assert_eq!(stores[0].verify_audit().unwrap().broken_at, None);

    let [first, second] = stores;
    assert!(first.leads().unwrap() && first.leads().unwrap());
    assert!(!second.leads().unwrap());
    drop(first);
    let begun = std::time::Instant::now();
    while !second.leads().unwrap() {
        assert!(begun.elapsed().as_secs() < 60, "nobody leads");
    }
    // A server that was away: whoever asks next leads again, and nothing else needs to be done.
    server.kill_and_start();
    while !second.leads().unwrap_or(false) {
        assert!(begun.elapsed().as_secs() < 60, "nobody leads");
    }
    second.record_audit("test", "act", "subject").unwrap();
}

/// An address of this machine that is not the loopback one; none where it has no network.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn a_server_elsewhere_shows_who_it_is_or_is_told_nothing() {
    let Some(server) = OwnServer::start() else {
        return;
    };
    let Some(address) = own_address() else {
        eprintln!("skipped: this machine has no network");
        return;
    };
    let made = rcgen::generate_simple_self_signed(vec![address.to_string()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec![address.to_string()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let right = authority("right.pem", &made.cert.pem());
    let wrong = authority("wrong.pem", &other.cert.pem());
    let empty = authority("empty.pem", "");
    let port = server.listen_at(address, &made.cert.pem(), &made.signing_key.serialize_pem());
    let open = |authority: Option<PathBuf>| {
        let server: Server = format!("postgresql://cirt@{address}:{port}/postgres?sslmode=disable")
            .parse()
            .unwrap();
        let findings = Place::folder(&folder.path().join("findings")).unwrap();
        let store = Store::open_at(Location::Server(server.vouched_for_by(authority)), findings);
        store.map(|store| store.users().unwrap().len())
    };
    for authority in [None, wrong, empty] {
        assert!(open(authority.clone()).is_err(), "{authority:?}");
    }
    assert_eq!(open(right).unwrap(), 0);
}
