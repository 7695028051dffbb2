//! The ways out that keep something: collections that peers poll, the served feed, mails, packs, statistics, syslog. Whatever is marked
//! and agreed how, and however often labels change after things were published: nobody gets what is above its ceiling, and the register
//! says what went.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use lapwing_cirt::exchange::indicator::IndicatorState;
use lapwing_cirt::exchange::notify::{Notice, compose};
use lapwing_cirt::exchange::{
    Agreement, Kind, PeerKind, Producer, Shareable as _, SharedFinding, Tlp, Way, pack, release,
    routes, statistics, syslog, worker,
};
use lapwing_cirt::store::{Contact, NewIndicator, RegisterLine, Store};
use proptest::prelude::*;
use serde_json::Value;

use super::reader::Reader;
use super::support::{agreement, all_findings, centre_of_today, peer};

const FINDINGS: usize = 12;
/// Everything is published by itself.
pub(crate) const PUBLISHING: &str =
    "publish = \"high,medium,low,info\"\nstatistics_tlp = \"green\"\n";

#[derive(Clone, Debug)]
struct World {
    kind: PeerKind,
    ceiling: Tlp,
    kinds: BTreeSet<Kind>,
    smallest_count: u64,
    /// Labels before publishing.
    before: Vec<Option<Tlp>>,
    /// And after it; none where nothing changes.
    after: Vec<Option<Tlp>>,
    indicators: Vec<Tlp>,
}

fn world() -> impl Strategy<Value = World> {
    let label = || prop::sample::select(Tlp::ALL.to_vec());
    let labels = |weight| prop::collection::vec(prop::option::weighted(weight, label()), FINDINGS);
    let kinds = vec![
        (PeerKind::Cirt, Tlp::Clear),
        (PeerKind::Cirt, Tlp::Green),
        (PeerKind::Cirt, Tlp::Amber),
        (PeerKind::Provider, Tlp::Green),
        (PeerKind::Provider, Tlp::Amber),
        (PeerKind::Own, Tlp::AmberStrict),
        (PeerKind::Public, Tlp::Clear),
    ];
    (
        prop::sample::select(kinds),
        prop::sample::subsequence(Kind::ALL.to_vec(), 1..=5),
        0..8u64,
        labels(0.8),
        labels(0.4),
        prop::collection::vec(label(), 4),
    )
        .prop_map(
            |(peer, kinds, smallest_count, before, after, indicators)| World {
                kind: peer.0,
                ceiling: peer.1,
                kinds: kinds.into_iter().collect(),
                smallest_count,
                before,
                after,
                indicators,
            },
        )
}

impl World {
    fn may_have(&self, kind: Kind, tlp: Tlp) -> bool {
        let highest = if self.kind == PeerKind::Own {
            Tlp::AmberStrict
        } else {
            Tlp::Amber
        };
        tlp <= self.ceiling && tlp <= highest && self.kinds.contains(&kind)
    }
}

/// The label that an object or an event names.
fn label_of(object: &Value) -> Option<Tlp> {
    let tags = object["Event"]["Tag"].as_array();
    let tag = tags.and_then(|tags| {
        tags.iter()
            .filter_map(|tag| tag["name"].as_str())
            .find(|name| name.starts_with("tlp:"))
    });
    tag.map(|name| name.parse().unwrap())
        .or_else(|| lapwing_cirt::exchange::stix::marking_of(object))
}

fn sent(lines: &[RegisterLine]) -> BTreeSet<(String, u8, String)> {
    lines
        .iter()
        .filter(|line| line.refusal.is_none())
        .flat_map(|line| {
            line.subjects
                .iter()
                .map(|one| (line.way.clone(), line.tlp.code(), one.clone()))
        })
        .collect()
}

/// Marks findings; what has no label keeps the one it has.
fn mark(store: &Store, producer: &Producer, labels: &[Option<Tlp>]) {
    let mut findings = all_findings(store, producer);
    findings.sort_by(|one, other| one.subject().cmp(other.subject()));
    for (finding, label) in findings.iter().zip(labels) {
        if let Some(tlp) = label {
            store.mark("test", finding.subject(), *tlp).unwrap();
        }
    }
}

async fn check(world: World) {
    let centre = centre_of_today(FINDINGS as u64, PUBLISHING);
    let store = Arc::new(centre.store());
    let producer = Arc::new(super::support::producer(&centre));
    let password = peer(&store, "partner", world.kind, world.ceiling);
    let wanted = Agreement {
        kinds: world.kinds.clone(),
        smallest_count: world.smallest_count,
        ..agreement("random", world.ceiling)
    };
    store.agree("test", "partner", &wanted).unwrap();
    peer(&store, "friend", PeerKind::Own, Tlp::AmberStrict);
    peer(
        &store,
        pack::SENSORS,
        PeerKind::Provider,
        world.ceiling.min(Tlp::Amber),
    );
    store.trust("test", "friend", "domain", 1).unwrap();
    let indicators: Vec<NewIndicator> = (0..)
        .zip(&world.indicators)
        .map(|(number, tlp)| NewIndicator {
            name_there: format!("number {number}"),
            wanted: vec![
                lapwing_cirt::exchange::indicator::Wanted::parse(
                    "domain",
                    &format!("listed-{number}.example"),
                )
                .unwrap(),
            ],
            comment: String::new(),
            tlp: *tlp,
            until: None,
            revoked: false,
        })
        .collect();
    store
        .take_indicators("friend", &indicators, &[], Timestamp::now())
        .unwrap();
    mark(&store, &producer, &world.before);
    let first = all_findings(&store, &producer);
    worker::publish_all(&store, &producer).unwrap();

    let reader = Reader::new(routes(&store, Some(&producer)), "partner", &password);
    reader.taxii().await;
    reader.feed().await;
    mark(&store, &producer, &world.after);
    let findings = all_findings(&store, &producer);
    let names = |objects: &[Value]| -> BTreeSet<String> {
        let living = objects
            .iter()
            .filter(|one| one["type"] == "observed-data" && one["revoked"] != true);
        living
            .map(|one| one["first_observed"].to_string() + &one["object_refs"].to_string())
            .collect()
    };
    // At once, before anything is published anew, and after it.
    let at_once = reader.taxii().await;
    worker::publish_all(&store, &producer).unwrap();
    let objects = reader.taxii().await;
    let events = reader.feed().await;
    for object in at_once.iter().chain(&objects).chain(&events) {
        if object["type"] == "marking-definition"
            || object["type"] == "identity"
            || object["type"] == "software"
        {
            continue;
        }
        let tlp = label_of(object).unwrap();
        let of_indicators = object["Event"]["info"]
            .as_str()
            .is_some_and(|info| info.starts_with("Indicators of"));
        let kind = if object["pattern_type"] == "stix" || of_indicators {
            Kind::Indicator
        } else {
            Kind::Finding
        };
        assert!(world.may_have(kind, tlp), "{tlp}: {object:#}");
    }
    assert!(names(&at_once).is_subset(&names(&objects)));
    // Exactly what may be had lies there: as many observations as findings, each end that is in one alone nowhere else. A label that
    // became less strict does not publish anew.
    let before: BTreeMap<&str, Tlp> = first.iter().map(|one| (one.subject(), one.tlp())).collect();
    let lies_there =
        |one: &SharedFinding| world.may_have(Kind::Finding, one.tlp().max(before[one.subject()]));
    let is_told = |one: &SharedFinding| world.may_have(Kind::Finding, one.tlp());
    let may = findings.iter().filter(|one| is_told(one)).count();
    let seen = objects
        .iter()
        .filter(|one| one["type"] == "observed-data" && one["revoked"] != true)
        .map(|one| one["id"].as_str().unwrap())
        .collect::<BTreeSet<_>>();
    assert_eq!(
        seen.len(),
        findings.iter().filter(|one| lies_there(one)).count(),
        "{world:?}"
    );
    let text = |values: &[Value]| values.iter().map(Value::to_string).collect::<String>();
    for finding in &findings {
        let Some(address) = finding.destination() else {
            continue;
        };
        let quoted = format!("\"{address}\"");
        let of_address = || {
            findings
                .iter()
                .filter(|other| other.destination() == Some(address))
        };
        assert_eq!(
            text(&objects).contains(&quoted),
            of_address().any(lies_there),
            "{address}"
        );
        assert_eq!(
            text(&events).contains(&quoted),
            of_address().any(is_told),
            "{address}"
        );
    }
    assert!(!text(&objects).contains("isp-a") || world.kind == PeerKind::Own);

    // Syslog and mail.
    let now = Timestamp::now();
    let released = release(&store, "partner", Way::Syslog, now, findings.clone()).unwrap();
    assert_eq!(syslog::messages(&producer, &released).len(), may);
    let contact = Contact {
        peer: "partner".to_owned(),
        email: "abuse@partner.example".to_owned(),
        language: "en".to_owned(),
        ..Contact::default()
    };
    let released = release(&store, "partner", Way::Mail, now, findings.clone()).unwrap();
    let mail = compose(&Notice {
        producer: &producer,
        contact: &contact,
        released: &released,
        relapsed: &[],
        message_id: "1@cirt.example",
    })
    .unwrap();
    let mail = String::from_utf8(mail.formatted()).unwrap();
    // The CSV, and a XARF report for each finding.
    assert_eq!(
        mail.matches("Content-Disposition: attachment").count(),
        1 + may
    );

    // Statistics: nothing over fewer systems than agreed, and nothing of what is stricter than AMBER.
    let rows = statistics::count(&producer, &findings);
    let counted: u64 = rows.iter().map(|row| row.findings).sum();
    assert_eq!(
        counted,
        findings
            .iter()
            .filter(|one| one.tlp() <= Tlp::Amber)
            .count() as u64
    );
    let released = release(&store, "partner", Way::Statistics, now, rows.clone()).unwrap();
    for row in &rows {
        let goes = released.items().contains(row);
        assert_eq!(
            goes,
            world.may_have(Kind::Statistic, Tlp::Green) && row.systems >= world.smallest_count
        );
    }

    // Packs.
    let shipped = pack::parts(&store, now).unwrap();
    let approved = store.indicators(IndicatorState::Approved, 0, 100).unwrap();
    let fit = approved
        .iter()
        .filter(|one| one.tlp <= world.ceiling.min(Tlp::Amber))
        .count();
    assert_eq!(
        (shipped.indicators, shipped.kept_back),
        (fit, approved.len() - fit)
    );

    // All of it stands in the register, and nothing there went that may not.
    let lines = store.sharing_register(Some("partner"), 100_000).unwrap();
    for line in lines.iter().filter(|line| line.refusal.is_none()) {
        assert!(line.tlp <= world.ceiling && line.tlp < Tlp::Red, "{line:?}");
        assert_eq!(line.items, line.subjects.len() as u64);
    }
    let sent = sent(&lines);
    for object in &objects {
        let id = object["id"].as_str().unwrap().to_owned();
        let is_there = |tlp: &Tlp| sent.contains(&("taxii".to_owned(), tlp.code(), id.clone()));
        assert!(Tlp::ALL.iter().any(is_there), "{id}");
    }
    for way in ["mail", "syslog"] {
        let of_way = sent.iter().filter(|(one, ..)| one == way).count();
        assert_eq!(of_way, may, "{way}");
    }
    let refused = |way: &str| -> u64 {
        let of_way = lines
            .iter()
            .filter(|line| line.way == way && line.refusal.is_some());
        of_way.map(|line| line.items).sum()
    };
    assert_eq!(refused("syslog"), (FINDINGS - may) as u64);
    assert_eq!(refused("mail"), (FINDINGS - may) as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn nothing_above_the_ceiling_is_to_be_had_and_all_is_in_the_register(world in world()) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(check(world));
    }
}
