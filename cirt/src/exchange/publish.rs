//! From new findings to the collections that peers poll, without anybody's doing, where the settings say so.
//!
//! Findings are read in the order in which they were stored. Each becomes its objects in the collection of its label; the hit of an
//! indicator also becomes a sighting in the collection of every peer that named it, and what concerns another country lies in the
//! collection of its team as well. What is marked RED, or AMBER+STRICT, goes into no
//! collection that a peer outside could see; the gate would stop it there as well.

use jiff::Timestamp;
use lapwing_rules::indicator::INDICATOR_GENERATOR;

use super::limits::PUBLISH_FINDINGS;
use super::taxii::collection::{for_peer, of_label};
use super::{Agreement, Peer, PeerKind, Producer, Shareable as _, SharedFinding, Tlp, rule, stix};
use crate::store::{Store, StoreError};

/// Name of the place up to which findings are published.
const CURSOR: &str = "publish";

/// What a round has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    pub findings: usize,
    pub objects: usize,
    /// Of the objects, sightings of indicators of peers.
    pub sightings: usize,
}

/// Publishes what is new; call again while it finds something.
///
/// # Errors
/// When the database fails.
pub fn publish(
    store: &Store,
    producer: &Producer,
    now: Timestamp,
) -> Result<Published, StoreError> {
    let after = store
        .cursor(CURSOR)?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let mut published = Published::default();
    let rows = store.findings_in_order(after, PUBLISH_FINDINGS)?;
    let Some(last) = rows.last().map(|(key, _)| *key) else {
        return Ok(published);
    };
    let markings = store.markings()?;
    let peers = store.peers()?;
    for (_, row) in rows {
        let id = row.id.clone();
        let marking = markings.of(&row);
        let finding = SharedFinding::new(producer, row, marking, |address| {
            store.country_of(address).ok().flatten()
        });
        published.findings += 1;
        published.sightings += sightings(store, producer, &finding, now)?;
        published.objects += hand_off(store, producer, &finding, &peers, now)?;
        if finding.tlp() < Tlp::Red && producer.settings.publishes(finding.row().severity_class()) {
            let mut objects = vec![stix::definition(finding.tlp()), stix::identity(producer)];
            objects.extend(stix::of_finding(producer, &finding));
            published.objects +=
                store.add_objects(&of_label(finding.tlp()), Some(&id), &objects, now)?;
        }
    }
    store.set_cursor(CURSOR, &last.to_string(), now)?;
    published.objects += published.sightings;
    Ok(published)
}

/// Hands a finding to the teams of the countries that its outside ends belong to. That they fetched it stands in the register, which
/// is the receipt. How many objects are new.
fn hand_off(
    store: &Store,
    producer: &Producer,
    finding: &SharedFinding,
    peers: &[(Peer, Option<Agreement>)],
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut new = 0;
    for (peer, agreement) in peers {
        let concerned = peer
            .country
            .is_some_and(|country| finding.countries().contains(&country));
        if peer.kind != PeerKind::Cirt
            || agreement.is_none()
            || !concerned
            || finding.tlp() >= Tlp::AmberStrict
        {
            continue;
        }
        let mut objects = vec![stix::definition(finding.tlp()), stix::identity(producer)];
        objects.extend(stix::of_finding(producer, finding));
        new += store.add_objects(
            &for_peer(&peer.name),
            Some(&finding.row().id),
            &objects,
            now,
        )?;
    }
    Ok(new)
}

/// Publishes approved indicators that may travel on. How many objects are new.
///
/// # Errors
/// When the database fails.
pub fn publish_indicators(
    store: &Store,
    producer: &Producer,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut new = 0;
    loop {
        let indicators = store.unpublished_indicators(PUBLISH_FINDINGS)?;
        if indicators.is_empty() {
            return Ok(new);
        }
        for label in Tlp::ALL {
            let of_this_label = indicators
                .iter()
                .filter(|one| one.tlp == label && label < Tlp::Red);
            let mut objects = vec![stix::definition(label), stix::identity(producer)];
            objects.extend(of_this_label.filter_map(|one| stix::of_indicator(producer, one)));
            if objects.len() > 2 {
                new += store.add_objects(&of_label(label), None, &objects, now)?;
            }
        }
        let numbers: Vec<u32> = indicators.iter().map(|one| one.number).collect();
        store.indicators_published(&numbers)?;
    }
}

/// Tells the peers whose indicator this finding hit. How many sightings are new.
fn sightings(
    store: &Store,
    producer: &Producer,
    finding: &SharedFinding,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let hit = finding.row().rule;
    let number = match hit.gid {
        INDICATOR_GENERATOR => Some(hit.sid),
        _ => rule::number_of(hit.sid),
    };
    let Some(number) = number else { return Ok(0) };
    let mut new = 0;
    for indicator in store.indicators_like(number)? {
        let Some(sighting) = stix::sighting_of(producer, finding, &indicator) else {
            continue;
        };
        let objects = [
            stix::identity(producer),
            stix::definition(sighting.tlp()),
            sighting,
        ];
        let added = store.add_objects(
            &for_peer(&indicator.peer),
            Some(&finding.row().id),
            &objects,
            now,
        )?;
        new += added.min(1);
    }
    Ok(new)
}
