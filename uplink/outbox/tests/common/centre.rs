//! What a centre would hold: records by their numbers, and what it was told was evicted.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use lapwing_wire::*;

pub(crate) fn key() -> SealingPrivateKey {
    SealingPrivateKey::from_bytes([2; 32]).unwrap()
}

#[derive(Debug, Default)]
pub(crate) struct Centre {
    digests: BTreeMap<BatchNumber, BatchDigest>,
    previous: BTreeMap<BatchNumber, BatchDigest>,
    /// What each record said, by lane code and number.
    pub(crate) records: BTreeMap<(u8, u64), RecordBody>,
}

impl Centre {
    /// Stores an envelope once; the ack.
    pub(crate) fn receive(&mut self, envelope: SealedEnvelope) -> Ack {
        let public = SigningKey::from_bytes(&[1; 32]).verifying_key();
        let received = ReceivedEnvelope::parse(envelope.bytes).unwrap();
        let batch = received
            .verify(public.as_bytes())
            .unwrap()
            .open(&key())
            .unwrap();
        let (identity, digest) = (batch.identity, batch.digest);
        self.previous.insert(identity.number, batch.previous);
        if let Some(known) = self.digests.insert(identity.number, digest) {
            assert_eq!(known, digest, "batch {identity} came with two contents");
            return Ack {
                identity,
                digest,
                state: AckState::AlreadyStored,
            };
        }
        if let Some((before, known)) = self.digests.range(..identity.number).next_back()
            && before.0 + 1 == identity.number.0
        {
            assert_eq!(batch.previous, *known, "the chain is broken at {identity}");
        }
        for record in batch.records {
            let place = (record.header.lane.code(), record.header.number.0);
            let known = self.records.insert(place, record.body);
            assert!(known.is_none(), "record {place:?} came twice");
        }
        Ack {
            identity,
            digest,
            state: AckState::Stored,
        }
    }

    /// The evictions it was told of. One that was told again counts once.
    pub(crate) fn evictions(&self) -> Vec<Eviction> {
        let mut evictions = Vec::new();
        for body in self.records.values() {
            if let RecordBody::Eviction(eviction) = body
                && !evictions.contains(eviction)
            {
                evictions.push(*eviction);
            }
        }
        evictions
    }

    /// Numbers of a lane that were in batches which were withdrawn.
    pub(crate) fn withdrawn_of(&self, lane: Lane) -> BTreeSet<u64> {
        let evictions = self.evictions().into_iter();
        let withdrawn = evictions.filter(|known| known.lane == lane && known.withdrawn.is_some());
        withdrawn
            .flat_map(|known| known.first.0..=known.last.0)
            .collect()
    }

    /// The chain from batch to batch has no gap that was not told.
    pub(crate) fn check_chain(&self) {
        let mut known = self.digests.clone();
        for batch in self.evictions().iter().filter_map(|known| known.withdrawn) {
            known.insert(batch.number, batch.digest);
        }
        let last = known.keys().last().map_or(0, |last| last.0 + 1);
        for number in 0..last {
            let before = number.checked_sub(1).map(BatchNumber);
            let before = before.map_or(BatchDigest::NONE, |before| known[&before]);
            if let Some(previous) = self.previous.get(&BatchNumber(number)) {
                assert_eq!(*previous, before, "the chain is broken at batch {number}");
            }
        }
    }

    /// The evicted numbers of a lane; each must have been told once.
    pub(crate) fn evicted(&self, lane: Lane) -> BTreeMap<u64, EvictionReason> {
        let mut evicted = BTreeMap::new();
        for eviction in self
            .evictions()
            .into_iter()
            .filter(|eviction| eviction.lane == lane)
        {
            let range = eviction.first.0..=eviction.last.0;
            assert_eq!(eviction.count, eviction.last.0 - eviction.first.0 + 1);
            for number in range {
                assert!(
                    evicted.insert(number, eviction.reason).is_none(),
                    "{lane} {number} evicted twice"
                );
            }
        }
        evicted
    }
}
