//! The store against a set: whatever comes, however often, in whatever order, each record counts once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lapwing_cirt::query::{FindingQuery, Scope};
use lapwing_cirt::store::Store;
use lapwing_wire::{
    AckState, Eviction, EvictionReason, Lane, ReceivedEnvelope, Record, RecordBody, RecordNumber,
    SealedEnvelope,
};
use proptest::prelude::*;

use crate::support::{Device, Sample, TestCentre, header};

/// What happens to the store.
#[derive(Clone, Debug)]
enum Step {
    /// Batch number and the records in it. A number used before means: the batch sealed then comes again.
    Arrive {
        batch: u64,
        records: Vec<u64>,
    },
    /// Other bytes under the number of a batch that may have come.
    Conflict {
        batch: u64,
    },
    Load,
    Restart,
    Rebuild,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0u64..12, prop::collection::btree_set(0u64..30, 1..6))
            .prop_map(|(batch, records)| Step::Arrive { batch, records: records.into_iter().collect() }),
        2 => (0u64..12).prop_map(|batch| Step::Conflict { batch }),
        3 => Just(Step::Load),
        1 => Just(Step::Restart),
        1 => Just(Step::Rebuild),
    ];
    prop::collection::vec(step, 1..30)
}

fn records(numbers: &[u64]) -> Vec<Record> {
    numbers
        .iter()
        .map(|number| Sample::numbered(*number).record())
        .collect()
}

fn accept(store: &Store, device: &Device, envelope: &SealedEnvelope) -> AckState {
    let enrolment = store.enrolment(&device.public_key()).unwrap().unwrap();
    let verified = ReceivedEnvelope::parse(envelope.bytes.clone())
        .unwrap()
        .verify(&device.public_key())
        .unwrap();
    store
        .accept_batch(enrolment.sensor, &verified, Timestamp::now())
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn each_record_counts_once(steps in steps()) {
        let centre = TestCentre::new();
        let device = centre.enrolled_device("isp-a");
        let loader = centre.loader();
        let mut store = centre.store();
        let mut sealed = BTreeMap::<u64, SealedEnvelope>::new();
        let mut expected = BTreeSet::<u64>::new();
        let mut repeats = 0;
        let mut conflicts = 0;

        for step in steps {
            match step {
                Step::Arrive { batch, records: numbers } => match sealed.get(&batch) {
                    Some(envelope) => {
                        prop_assert_eq!(accept(&store, &device, envelope), AckState::AlreadyStored);
                        repeats += 1;
                    }
                    None => {
                        let envelope = device.seal(centre.sealing_key(), batch, &records(&numbers));
                        prop_assert_eq!(accept(&store, &device, &envelope), AckState::Stored);
                        sealed.insert(batch, envelope);
                        expected.extend(numbers);
                    }
                },
                Step::Conflict { batch } => {
                    if sealed.contains_key(&batch) {
                        let envelope = device.seal(centre.sealing_key(), batch, &records(&[99]));
                        prop_assert_eq!(accept(&store, &device, &envelope), AckState::Quarantined);
                        conflicts += 1;
                    }
                }
                Step::Load => { loader.run(&store).unwrap(); }
                Step::Restart => { store = centre.store(); }
                Step::Rebuild => { store.reset_derived("test").unwrap(); }
            }
        }
        loader.run(&store).unwrap();

        let totals = store.sensor_totals(Scope::Nation).unwrap().remove(0);
        let produced = expected.last().map_or(0, |highest| highest + 1);
        prop_assert_eq!(totals.stored, expected.len() as u64);
        prop_assert_eq!(totals.findings, expected.len() as u64);
        prop_assert_eq!(totals.produced, produced);
        prop_assert_eq!(totals.missing, produced - expected.len() as u64);
        prop_assert_eq!(totals.doubled, 0);
        prop_assert_eq!(totals.batches, sealed.len() as u64);
        prop_assert_eq!((totals.batch_repeats, totals.batches_conflicting), (repeats, conflicts));
        let page = store.findings(&FindingQuery::all(Scope::Nation), None, 1_000).unwrap();
        let numbers: BTreeSet<u64> =
            page.findings.iter().map(|finding| finding.id.rsplit('-').next().unwrap().parse().unwrap()).collect();
        prop_assert_eq!(numbers, expected);
    }
}

#[test]
fn what_was_evicted_is_told_and_not_missing() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let eviction = Eviction {
        lane: Lane::Normal,
        first: RecordNumber(1),
        last: RecordNumber(4),
        count: 3,
        findings_by_severity: [0, 3, 0, 0],
        reason: EvictionReason::OutboxFull,
        withdrawn: None,
    };
    let told = Record::new(
        header(Lane::Status, 0, 1_000),
        RecordBody::Eviction(eviction),
    )
    .unwrap();
    let mut batch = records(&[0, 2, 7]);
    batch.push(told);
    accept(
        &store,
        &device,
        &device.seal(centre.sealing_key(), 0, &batch),
    );
    centre.loader().run(&store).unwrap();

    let totals = store.sensor_totals(Scope::Nation).unwrap().remove(0);
    // Normal lane: 0, 2 and 7 stored; 1, 3 and 4 evicted; 5 and 6 missing. Status lane: 0 stored.
    assert_eq!(
        (
            totals.produced,
            totals.stored,
            totals.evicted,
            totals.missing
        ),
        (9, 4, 3, 2)
    );
    assert_eq!(totals.doubled, 0);
}

#[test]
fn a_copy_of_the_database_is_whole() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    accept(
        &store,
        &device,
        &device.seal(centre.sealing_key(), 0, &records(&[0, 1])),
    );
    centre.loader().run(&store).unwrap();
    let target = centre.temporary.path().join("copy.db");
    store.backup(&target).unwrap();
    assert!(store.backup(&target).is_err(), "a copy is not overwritten");
    let copy = Store::open(&target).unwrap();
    assert_eq!(copy.sensor_totals(Scope::Nation).unwrap()[0].findings, 2);
}
