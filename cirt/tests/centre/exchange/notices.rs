//! Who is responsible, and whether it helped: look-ups by network and AS number, silence that counts, relapse, mails that come back.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use lapwing_cirt::exchange::{PeerKind, Tlp, notify};
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::{Contact, NoticeRow, Store};
use lapwing_wire::{DisclosedAddress, Endpoint};

use super::support::{centre, peer, producer};
use crate::support::{Sample, clear};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

fn contact(store: &Store, name: &str, scopes: &[&str]) {
    peer(store, name, PeerKind::Provider, Tlp::Amber);
    let contact = Contact {
        peer: name.to_owned(),
        email: format!("abuse@{name}.example"),
        language: "en".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Contact::default()
    };
    store.set_contact("test", &contact).unwrap();
    store.approve_contact("test", name).unwrap();
}

fn end(address: &str) -> Endpoint {
    Endpoint {
        address: clear(address),
        port: None,
    }
}

#[test]
fn the_nearest_network_answers_then_the_as_number_then_the_sensor() {
    let centre = centre(0);
    let store = centre.store();
    contact(&store, "carrier", &["AS64500"]);
    contact(&store, "customer", &["AS64501"]);
    contact(&store, "bank", &["192.0.2.64/26"]);
    contact(&store, "branch", &["192.0.2.80/28", "2001:db8:5::/48"]);
    contact(&store, "host", &["sensor:isp-a"]);
    let prefix = |text: &str| text.parse().unwrap();
    store
        .set_as_numbers(
            "test",
            &[
                (prefix("192.0.2.0/24"), 64_500),
                (prefix("192.0.2.128/25"), 64_501),
                (prefix("203.0.113.0/24"), 64_999),
                (prefix("2001:db8::/32"), 64_500),
            ],
        )
        .unwrap();
    let who = |address: &str| store.responsible(&end(address), "isp-a").unwrap();
    for (address, name) in [
        ("192.0.2.1", Some("carrier")),
        ("192.0.2.63", Some("carrier")),
        ("192.0.2.64", Some("bank")),
        ("192.0.2.80", Some("branch")),
        ("192.0.2.95", Some("branch")),
        ("192.0.2.96", Some("bank")),
        ("192.0.2.127", Some("bank")),
        ("192.0.2.128", Some("customer")),
        ("192.0.2.255", Some("customer")),
        // Nobody on file answers for this AS number, and for that address there is none.
        ("203.0.113.5", None),
        ("198.51.100.1", None),
        ("2001:db8:5::1", Some("branch")),
        ("2001:db8:6::1", Some("carrier")),
    ] {
        assert_eq!(who(address).as_deref(), name, "{address}");
    }
    let hidden = Endpoint {
        address: DisclosedAddress::Withheld,
        port: None,
    };
    assert_eq!(
        store.responsible(&hidden, "isp-a").unwrap().as_deref(),
        Some("host")
    );
    assert_eq!(store.responsible(&hidden, "isp-b").unwrap(), None);
    // A new dump takes the place of the old.
    store
        .set_as_numbers("test", &[(prefix("192.0.2.0/24"), 64_501)])
        .unwrap();
    assert_eq!(who("192.0.2.1").as_deref(), Some("customer"));
}

#[test]
fn countries_are_those_of_the_registries() {
    let centre = centre(0);
    let store = centre.store();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let network = |first: &str, last: &str, country: &str| {
        (address(first), address(last), country.parse().unwrap())
    };
    store
        .set_countries(
            "test",
            &[
                // Registries count addresses: 768 of them are no prefix.
                network("198.51.100.0", "198.51.102.255", "NB"),
                network("203.0.113.0", "203.0.113.255", "NC"),
                network(
                    "2001:db8:8000::",
                    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                    "NC",
                ),
            ],
        )
        .unwrap();
    for (text, country) in [
        ("198.51.99.255", None),
        ("198.51.100.0", Some("NB")),
        ("198.51.102.255", Some("NB")),
        ("198.51.103.0", None),
        ("203.0.113.255", Some("NC")),
        ("203.0.114.0", None),
        ("2001:db8:7fff::1", None),
        ("2001:db8:8000::1", Some("NC")),
    ] {
        let found = store.country_of(address(text)).unwrap();
        assert_eq!(found.as_ref().map(|one| one.as_str()), country, "{text}");
    }
}

fn notice(store: &Store) -> NoticeRow {
    let mut notices = store.notices(10).unwrap();
    assert_eq!(notices.len(), 1);
    notices.remove(0)
}

#[test]
fn silence_of_a_living_sensor_is_remediation_and_what_comes_back_has_relapsed() {
    let centre = centre(0);
    let (store, producer) = (centre.store(), producer(&centre));
    contact(&store, "isp", &["192.0.2.0/24"]);
    let device = centre.enrolled_device_named("isp-b", [0x22; 16]);
    let key = store.sensor(Scope::Nation, "isp-b").unwrap().key;
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut batch = 0;
    let mut seen = |when: &'static str| {
        let sample = Sample {
            time: when,
            ..Sample::numbered(batch)
        };
        centre.take(&store, &device, batch, &[sample.record()]);
        batch += 1;
        notify::gather(&store, &producer, Timestamp::now()).unwrap();
    };
    let tell = |now: &str| {
        let due = store
            .due_findings("isp", time(now), time(now) - WEEK)
            .unwrap();
        let ids: Vec<String> = due.iter().map(|(id, _)| id.clone()).collect();
        store
            .mail_sent(
                "isp",
                &format!("{now}@cirt.example"),
                &ids,
                ids.len(),
                time(now),
            )
            .unwrap();
        due
    };
    let close = |now: &str| store.close_fixed(WEEK, time(now)).unwrap();

    seen("2026-05-01T12:00:00Z");
    assert_eq!(notice(&store).state, "open");
    // What nobody was told of is not fixed by silence.
    store
        .note_contact(key, "192.0.2.1", time("2026-05-20T00:00:00Z"))
        .unwrap();
    assert_eq!(close("2026-05-20T00:00:00Z"), 0);
    assert_eq!(tell("2026-05-01T13:00:00Z").len(), 1);
    assert_eq!(notice(&store).state, "told");

    // Six days are no week; and a week is only one if the sensor was there at its end.
    assert_eq!(close("2026-05-07T12:00:00Z"), 0);
    store
        .note_contact(key, "192.0.2.1", time("2026-05-08T11:59:59Z"))
        .unwrap();
    assert_eq!(close("2026-05-09T00:00:00Z"), 0);
    store
        .note_contact(key, "192.0.2.1", time("2026-05-08T12:00:00Z"))
        .unwrap();
    assert_eq!(close("2026-05-09T00:00:00Z"), 1);
    assert_eq!(notice(&store).state, "fixed");
    assert!(
        tell("2026-05-09T13:00:00Z").is_empty(),
        "what is fixed needs no mail"
    );

    // What happened before and only arrives now is no relapse; what happens after is.
    seen("2026-05-02T08:00:00Z");
    assert_eq!(
        (notice(&store).state.as_str(), notice(&store).relapses),
        ("fixed", 0)
    );
    seen("2026-05-10T08:00:00Z");
    let back = notice(&store);
    assert_eq!(
        (back.state.as_str(), back.relapses, back.findings),
        ("relapsed", 1, 3)
    );
    let due = tell("2026-05-10T13:00:00Z");
    assert!(
        !due.is_empty() && due.iter().all(|(_, is_back)| *is_back),
        "{due:?}"
    );
    assert_eq!(notice(&store).state, "told");

    // What goes on is told again only after a week.
    seen("2026-05-11T08:00:00Z");
    assert!(tell("2026-05-13T13:00:00Z").is_empty());
    assert_eq!(tell("2026-05-17T13:00:00Z").len(), 1);
    assert_eq!((notice(&store).mails, notice(&store).relapses), (3, 1));
}

#[test]
fn a_mail_that_came_back_stops_mails_until_a_person_agrees_again() {
    let centre = centre(5);
    let (store, producer) = (centre.store(), producer(&centre));
    contact(&store, "isp", &["192.0.2.0/24", "sensor:isp-a"]);
    let now = Timestamp::now();
    notify::gather(&store, &producer, now).unwrap();
    let due = store.due_findings("isp", now, now).unwrap();
    let ids: Vec<String> = due.into_iter().map(|(id, _)| id).collect();
    store
        .mail_sent("isp", "7@cirt.example", &ids, ids.len(), now)
        .unwrap();
    let returned = "From: MAILER-DAEMON@mail.isp.example\r\nMessage-ID: <own@mail.isp.example>\r\n\r\n--x\r\n\
        Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.isp.example\r\n\r\n\
        Final-Recipient: rfc822; abuse@isp.example\r\nAction: ACTION\r\nStatus: 5.1.1\r\n\r\n--x\r\n\
        Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <7@cirt.example>\r\n--x--\r\n";
    // One that says that it is late changes nothing.
    assert_eq!(
        notify::read_bounce(&returned.replace("ACTION", "delayed")),
        None
    );
    let bounce = notify::read_bounce(&returned.replace("ACTION", "failed")).unwrap();
    assert_eq!(
        store
            .mail_bounced(&bounce.message_id, &bounce.status, now)
            .unwrap(),
        "isp"
    );
    let state = || {
        let contact = store.contacts().unwrap().remove(0);
        (contact.approved.is_some(), contact.bounced.is_some())
    };
    assert_eq!(state(), (true, true));
    // The address stays shut, also when it is set again; a person opens it.
    let same = store.contacts().unwrap().remove(0);
    store.set_contact("test", &same).unwrap();
    assert_eq!(state(), (true, true));
    store.approve_contact("test", "isp").unwrap();
    assert_eq!(state(), (true, false));
    // A new address is a new first contact.
    let other = Contact {
        email: "noc@isp.example".to_owned(),
        ..same
    };
    store.set_contact("test", &other).unwrap();
    assert_eq!(state(), (false, false));
    assert!(
        store
            .mail_bounced("unknown@cirt.example", "5.1.1", now)
            .is_err()
    );
}
