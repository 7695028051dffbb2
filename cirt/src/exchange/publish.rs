//! From new findings to the collections that peers poll, without anybody's doing, where the settings say so.
//!
//! Findings are read in the order in which they were stored. Each becomes its objects in the collection of its label; the hit of an
//! indicator also becomes a sighting in the collection of every peer that named it, and what concerns another country lies in the
//! collection of its team as well. What got a stricter label after it was published was taken back with it, and is published anew
//! under that label. What is marked RED, or AMBER+STRICT, goes into no
//! collection that a peer outside could see; the gate would stop it there as well.

use jiff::Timestamp;
use lapwing_rules::indicator::INDICATOR_GENERATOR;

use super::limits::{PUBLISH_FINDINGS, PUBLISH_INDICATORS};
use super::taxii::collection::{for_peer, of_label};
use super::{Agreement, Peer, PeerKind, Producer, Shareable as _, SharedFinding, Tlp, rule, stix};
use crate::query::Scope;
use crate::store::{FindingRow, Markings, Store, StoreError};

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
    let relabelled = store.relabelled(PUBLISH_FINDINGS)?;
    let rows = store.findings_in_order(after, PUBLISH_FINDINGS)?;
    let mut round = Round {
        store,
        producer,
        markings: store.markings()?,
        peers: store.peers()?,
        now,
        published: Published::default(),
    };
    for id in relabelled {
        let mut label = Tlp::Red;
        if let Some(row) = store.finding(Scope::Nation, &id)? {
            let mut finding = round.finding(row);
            finding.rename_by_label(producer);
            round.publish(&finding)?;
            label = finding.tlp();
        }
        store.published_anew(&id, label)?;
    }
    let last = rows.last().map(|(key, _)| *key);
    for (_, row) in rows {
        let finding = round.finding(row);
        round.publish(&finding)?;
    }
    if let Some(last) = last {
        store.set_cursor(CURSOR, &last.to_string(), now)?;
    }
    Ok(round.published)
}

/// What one round works with.
struct Round<'a> {
    store: &'a Store,
    producer: &'a Producer,
    markings: Markings,
    peers: Vec<(Peer, Option<Agreement>)>,
    now: Timestamp,
    published: Published,
}

impl Round<'_> {
    fn finding(&self, row: FindingRow) -> SharedFinding {
        let marking = self.markings.of(&row);
        SharedFinding::new(self.producer, row, marking, |address| {
            self.store.country_of(address).ok().flatten()
        })
    }

    /// Puts what a finding is into every collection that it belongs to.
    fn publish(&mut self, finding: &SharedFinding) -> Result<(), StoreError> {
        let (store, producer, now) = (self.store, self.producer, self.now);
        let sightings = sightings(store, producer, finding, now)?;
        self.published.findings += 1;
        self.published.sightings += sightings;
        self.published.objects += sightings;
        self.published.objects += hand_off(store, producer, finding, &self.peers, now)?;
        if finding.tlp() < Tlp::Red && producer.settings.publishes(finding.row().severity_class()) {
            let mut objects = vec![stix::definition(finding.tlp()), stix::identity(producer)];
            objects.extend(stix::of_finding(producer, finding));
            self.published.objects +=
                store.add_objects(&of_label(finding.tlp()), Some(finding.row()), &objects, now)?;
        }
        Ok(())
    }
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
        new += store.add_objects(&for_peer(&peer.name), Some(finding.row()), &objects, now)?;
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
    store.retire_expired_indicators(now)?;
    let (mut new, mut after) = (0, 0);
    loop {
        let indicators = store.unpublished_indicators(after, PUBLISH_INDICATORS)?;
        let Some(last) = indicators.last().map(|one| one.number) else {
            return Ok(new);
        };
        after = last;
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
            Some(finding.row()),
            &objects,
            now,
        )?;
        new += added.min(1);
    }
    Ok(new)
}
