//! Whatever is marked and agreed how: nothing above a recipient's ceiling leaves on any way, and the register has all of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan as _};
use lapwing_cirt::exchange::{
    Agreement, Kind, PeerKind, Producer, Refusal, Released, Shareable as _, SharedFinding, Tlp,
    Way, csv, eve, idea, intelmq, iodef, misp, release, stix, syslog,
};
use lapwing_cirt::store::Store;
use proptest::prelude::*;

use super::support::{agreement, all_findings, centre, producer};

const FINDINGS: usize = 12;

/// Every way out that a file takes; one that is not here is not tested, so add it.
type Render = fn(&Producer, &Released<SharedFinding>) -> Vec<u8>;
const WAYS: [(Way, Render); 8] = [
    (Way::Csv, |_, released| csv::findings(released).unwrap()),
    (Way::Eve, |_, released| eve::alerts(released).into_bytes()),
    (Way::Idea, |producer, released| {
        idea::events(producer, released).into_bytes()
    }),
    (Way::IntelMq, |producer, released| {
        intelmq::events(producer, released).into_bytes()
    }),
    (Way::Iodef, |producer, released| {
        iodef::document(producer, released, Timestamp::now()).unwrap()
    }),
    (Way::Stix, |producer, released| {
        stix::bundle(producer, released, Timestamp::now()).into_bytes()
    }),
    (Way::Syslog, |producer, released| {
        syslog::framed(&syslog::messages(producer, released))
    }),
    // An event of MISP names its findings by what they saw; here by the events they are in.
    (Way::Misp, |producer, released| {
        let feed = misp::feed(producer, released, None);
        let events: Vec<String> = released
            .items()
            .iter()
            .map(|one| misp::event_of(producer, one))
            .collect();
        assert!(feed.events.keys().all(|uuid| events.contains(uuid)));
        let names: Vec<String> = released
            .items()
            .iter()
            .map(|one| one.name().to_string())
            .collect();
        [
            feed.events.into_values().collect::<String>(),
            names.join(" "),
        ]
        .concat()
        .into_bytes()
    }),
];

#[derive(Clone, Debug)]
struct World {
    kind: PeerKind,
    /// None: nothing is agreed.
    ceiling: Option<Tlp>,
    kinds: BTreeSet<Kind>,
    /// Hours from now at which the agreement begins and ends.
    begins: i64,
    ends: Option<i64>,
    disabled: bool,
    markings: Vec<Option<Tlp>>,
    way: usize,
}

fn world() -> impl Strategy<Value = World> {
    let label = || prop::sample::select(Tlp::ALL.to_vec());
    (
        prop::sample::select(PeerKind::ALL.to_vec()),
        prop::option::weighted(0.9, label()),
        prop::sample::subsequence(Kind::ALL.to_vec(), 0..=4),
        prop_oneof![4 => Just(-2i64), 1 => Just(3)],
        prop_oneof![3 => Just(None), 1 => Just(Some(-1)), 1 => Just(Some(5))],
        prop::bool::weighted(0.1),
        prop::collection::vec(prop::option::weighted(0.8, label()), FINDINGS),
        0..WAYS.len(),
    )
        .prop_map(
            |(kind, ceiling, kinds, begins, ends, disabled, markings, way)| World {
                kind,
                ceiling,
                kinds: kinds.into_iter().collect(),
                begins,
                ends,
                disabled,
                markings,
                way,
            },
        )
}

/// Makes the agreement, if one of this kind can be made.
fn agree(store: &Store, world: &World, now: Timestamp) -> bool {
    let Some(ceiling) = world.ceiling else {
        return false;
    };
    let wanted = Agreement {
        kinds: world.kinds.clone(),
        from: now + world.begins.hours(),
        until: world.ends.map(|hours| now + hours.hours()),
        ..agreement("paper", ceiling)
    };
    let made = store.agree("test", "partner", &wanted).is_ok();
    let must_fail = ceiling == Tlp::Red
        || (ceiling == Tlp::AmberStrict && world.kind != PeerKind::Own)
        || (ceiling > Tlp::Clear && world.kind == PeerKind::Public)
        || world.kinds.is_empty()
        || world.ends.is_some_and(|ends| ends <= world.begins);
    assert_eq!(made, !must_fail, "{world:?}");
    made
}

/// What must be true, said a second time and in other words.
fn may_go(world: &World, agreed: bool, tlp: Tlp) -> bool {
    let allowed_label = match world.ceiling {
        Some(ceiling) => {
            tlp.code()
                <= ceiling
                    .code()
                    .min(if world.kind == PeerKind::Own { 3 } else { 2 })
        }
        None => false,
    };
    let holds = world.begins <= 0 && world.ends.is_none_or(|ends| ends > 0);
    agreed && !world.disabled && holds && allowed_label && world.kinds.contains(&Kind::Finding)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn nothing_above_the_ceiling_leaves_and_all_is_in_the_register(world in world()) {
        let centre = centre(FINDINGS as u64);
        let store = centre.store();
        let producer = producer(&centre);
        store.add_peer("test", &"partner".parse().unwrap(), world.kind, None).unwrap();
        let now = Timestamp::now();
        let agreed = agree(&store, &world, now);
        store.set_peer_disabled("test", "partner", world.disabled).unwrap();
        for (finding, marking) in all_findings(&store, &producer).iter().zip(&world.markings) {
            if let Some(tlp) = marking {
                store.mark("test", finding.subject(), *tlp).unwrap();
            }
        }

        let (way, render) = WAYS[world.way];
        let findings = all_findings(&store, &producer);
        let names: BTreeMap<String, (String, Tlp)> = findings
            .iter()
            .map(|one| (one.name().to_string(), (one.subject().to_owned(), one.tlp())))
            .collect();
        prop_assert_eq!(names.len(), FINDINGS);
        let released = release(&store, "partner", way, now, findings).unwrap();
        let text = String::from_utf8(render(&producer, &released)).unwrap();

        let mut expected = BTreeMap::<(bool, u8), BTreeSet<String>>::new();
        for (name, (subject, tlp)) in &names {
            let may = may_go(&world, agreed, *tlp);
            // The name others know it by stands in every format, of what went and of nothing else.
            prop_assert_eq!(text.contains(name.as_str()), may, "{} as {} by {}", name, tlp, way);
            expected.entry((may, tlp.code())).or_default().insert(subject.clone());
        }
        if world.kind != PeerKind::Own {
            prop_assert!(!text.contains("isp-a"), "a provider is named to a stranger");
            prop_assert!(!text.contains("maria"), "a person is named to a stranger");
        }
        prop_assert!(!text.contains("203.0.113.77"), "a pseudonym is told as an address");

        let mut written = BTreeMap::<(bool, u8), BTreeSet<String>>::new();
        for line in store.sharing_register(Some("partner"), 1_000).unwrap() {
            prop_assert_eq!(&line.way, &way.to_string());
            prop_assert_eq!(line.items, line.subjects.len() as u64);
            prop_assert_eq!(line.agreement.is_some(), agreed);
            written.entry((line.refusal.is_none(), line.tlp.code())).or_default().extend(line.subjects);
        }
        prop_assert_eq!(written, expected);
    }
}

#[test]
fn the_register_is_only_added_to() {
    let centre = centre(1);
    let store = centre.store();
    store
        .add_peer("test", &"partner".parse().unwrap(), PeerKind::Cirt, None)
        .unwrap();
    let findings = all_findings(&store, &producer(&centre));
    let released = release(&store, "partner", Way::Csv, Timestamp::now(), findings).unwrap();
    assert_eq!((released.items().len(), released.refused()), (0, 1));
    for sql in [
        "DELETE FROM sharing_register",
        "UPDATE sharing_register SET refusal = NULL",
    ] {
        let refusal = centre.try_sql(sql).unwrap_err();
        assert!(refusal.contains("the sharing register is not"), "{refusal}");
    }
    let lines = store.sharing_register(None, 10).unwrap();
    assert_eq!(
        lines[0].refusal.as_deref(),
        Some(Refusal::NoAgreement.reason())
    );
    // Nobody is told by another name: an unknown peer is an error, not a silent nothing.
    assert!(
        release(
            &store,
            "nobody",
            Way::Csv,
            Timestamp::now(),
            Vec::<SharedFinding>::new()
        )
        .is_err()
    );
}
