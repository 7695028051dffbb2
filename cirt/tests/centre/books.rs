//! The books of a sensor: whatever happens between the two ends, every record is in one column, and a person
//! is told of what cannot be in order.

use jiff::Timestamp;
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::{SensorTotals, Store, Way};
use lapwing_wire::{
    Account, AckState, BatchDigest, BatchNumber, Epoch, Eviction, EvictionReason, Heartbeat, Lane,
    LaneAccount, ReceivedEnvelope, Record, RecordBody, RecordNumber, SealedEnvelope,
    WithdrawnBatch,
};

use crate::support::{Device, Sample, TestCentre, header};

/// A heartbeat with the books of the normal lane.
fn heartbeat(number: u64, [settled, next_to_seal, next]: [u64; 3], is_held: bool) -> Record {
    let mut account = Account {
        suppressed_findings: 40,
        ..Account::default()
    };
    *account.lane_mut(Lane::Normal).unwrap() = LaneAccount {
        settled,
        next_to_seal,
        next,
        is_held,
    };
    *account.lane_mut(Lane::Status).unwrap() = LaneAccount {
        settled: number,
        next_to_seal: number,
        next: number,
        is_held: false,
    };
    Record::new(
        header(Lane::Status, number, 1_790_000_000_000),
        RecordBody::Heartbeat(Heartbeat {
            account,
            ..Heartbeat::default()
        }),
    )
    .unwrap()
}

fn findings(numbers: std::ops::Range<u64>) -> Vec<Record> {
    numbers
        .map(|number| Sample::numbered(number).record())
        .collect()
}

fn books(store: &Store) -> SensorTotals {
    let mut all = store.sensor_totals(Scope::Nation).unwrap();
    assert_eq!(all.len(), 1, "one sensor, never two");
    let books = all.remove(0);
    assert_eq!(
        books.produced,
        books.stored + books.evicted + books.held + books.in_flight + books.gone
    );
    assert_eq!(books.doubled, 0);
    books
}

fn accept(store: &Store, way: Way, device: &Device, envelope: &SealedEnvelope) -> AckState {
    let enrolment = store.enrolment(&device.public_key()).unwrap().unwrap();
    let verified = ReceivedEnvelope::parse(envelope.bytes.clone())
        .unwrap()
        .verify(&device.public_key())
        .unwrap();
    store
        .accept_batch_by(way, enrolment.sensor, &verified, Timestamp::now())
        .unwrap()
}

fn alarms(store: &Store, kind: &str) -> usize {
    let alarms = store.alarms(Scope::Nation, 100).unwrap();
    alarms.iter().filter(|alarm| alarm.kind == kind).count()
}

#[test]
fn what_is_held_and_what_is_on_its_way_are_told_apart() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let mut records = findings(0..10);
    // Ten are here; ten more are sealed and on their way; 25 wait for budget.
    records.push(heartbeat(0, [10, 20, 45], true));
    centre.take(&store, &device, 0, &records);
    let told = books(&store);
    assert_eq!(
        (told.produced, told.stored, told.in_flight, told.held),
        (46, 11, 10, 25)
    );
    assert_eq!((told.suppressed, told.gone), (40, 0));
    // The later batch overtakes the earlier one.
    centre.take(&store, &device, 2, &findings(20..25));
    let told = books(&store);
    assert_eq!((told.stored, told.in_flight, told.held), (16, 10, 20));
    centre.take(&store, &device, 1, &findings(10..20));
    let told = books(&store);
    assert_eq!((told.stored, told.in_flight, told.held), (26, 0, 20));
}

#[test]
fn duplicates_and_overlaps_count_once() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let batch = device.seal(centre.sealing_key(), 0, &findings(0..6));
    assert_eq!(accept(&store, Way::Link, &device, &batch), AckState::Stored);
    assert_eq!(
        accept(&store, Way::Courier, &device, &batch),
        AckState::AlreadyStored
    );
    centre.loader().run(&store).unwrap();
    centre.take(&store, &device, 1, &findings(4..8));
    let told = books(&store);
    assert_eq!((told.produced, told.stored, told.repeated), (8, 8, 2));
}

#[test]
fn a_restored_old_backup_shows_what_is_gone_and_takes_it_back_from_a_stick() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    centre.take(&store, &device, 0, &findings(0..5));
    let backup = tempfile::tempdir().unwrap();
    let copy = backup.path().join("copy.db");
    store.backup(&copy).unwrap();
    // Acknowledged after the backup, and lost with the disk.
    let lost = device.seal(centre.sealing_key(), 1, &findings(5..12));
    assert_eq!(accept(&store, Way::Link, &device, &lost), AckState::Stored);
    drop(store);
    centre.restore(&copy);

    let store = centre.store();
    let mut records = findings(12..14);
    records.push(heartbeat(0, [12, 14, 14], false));
    centre.take(&store, &device, 2, &records);
    let told = books(&store);
    assert_eq!((told.gone, told.in_flight, told.stored), (7, 0, 8));
    // A courier had carried the same batch: it is not lost after all.
    assert_eq!(
        accept(&store, Way::Courier, &device, &lost),
        AckState::Stored
    );
    centre.loader().run(&store).unwrap();
    let told = books(&store);
    assert_eq!((told.gone, told.stored), (0, 15));
}

#[test]
fn a_cloned_sensor_is_noticed_with_one_outbox_and_with_two() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    centre.take(&store, &device, 0, &findings(0..5));
    // The copy of the card goes on with the same outbox, and makes another batch 1 than the original.
    let own = device.seal(centre.sealing_key(), 1, &findings(5..7));
    let other = device.seal(centre.sealing_key(), 1, &findings(5..9));
    assert_eq!(accept(&store, Way::Link, &device, &own), AckState::Stored);
    assert_eq!(
        accept(&store, Way::Link, &device, &other),
        AckState::Quarantined
    );
    assert_eq!(alarms(&store, "conflicting batch"), 1);
    centre.loader().run(&store).unwrap();
    assert_eq!(books(&store).batches_conflicting, 1);
    // The copy had its outbox removed and began a new one; then the original goes on.
    let mut copy = device.clone();
    copy.epoch = Epoch(8);
    centre.take(&store, &copy, 0, &findings(0..3));
    assert_eq!(
        alarms(&store, "two outboxes"),
        0,
        "a re-flashed card begins like this"
    );
    centre.take(&store, &device, 2, &findings(7..8));
    assert_eq!(alarms(&store, "two outboxes"), 1);
    let told = books(&store);
    assert_eq!((told.stored, told.lanes.len()), (11, 2));
}

#[test]
fn an_old_outbox_on_a_stick_is_no_clone() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let late = device.seal(centre.sealing_key(), 1, &findings(5..7));
    centre.take(&store, &device, 0, &findings(0..5));
    let mut flashed = device.clone();
    flashed.epoch = Epoch(8);
    centre.take(&store, &flashed, 0, &findings(0..3));
    assert_eq!(
        accept(&store, Way::Courier, &device, &late),
        AckState::Stored
    );
    assert_eq!(alarms(&store, "two outboxes"), 0);
}

#[test]
fn a_reflashed_board_is_the_same_sensor_and_its_old_key_is_worth_nothing() {
    let centre = TestCentre::new();
    let old = centre.enrolled_device("isp-a");
    let store = centre.store();
    centre.take(&store, &old, 0, &findings(0..5));
    // The same site, so the same name; a new key is born with the new card.
    let mut new = centre.enrolled_device("isp-a");
    new.epoch = Epoch(9);
    assert_eq!(new.sensor, old.sensor);
    centre.take(&store, &new, 0, &findings(0..4));
    let told = books(&store);
    assert_eq!((told.stored, told.lanes.len(), told.repeated), (9, 2, 0));
    let state = |device: &Device| {
        store
            .enrolment(&device.public_key())
            .unwrap()
            .unwrap()
            .state
    };
    assert_eq!(state(&old).as_str(), "replaced");
    assert_eq!(state(&new).as_str(), "active");
}

/// The eviction that a sensor tells of the second batch, which waited too long there.
fn withdrawal(number: u64, batch: &SealedEnvelope) -> Record {
    let body = RecordBody::Eviction(Eviction {
        lane: Lane::Normal,
        first: RecordNumber(5),
        last: RecordNumber(7),
        count: 3,
        findings_by_severity: [0, 2, 1, 0],
        reason: EvictionReason::TooOld,
        withdrawn: Some(WithdrawnBatch {
            number: batch.identity.number,
            digest: batch.digest,
        }),
    });
    Record::new(header(Lane::Status, number, 1_790_000_000_000), body).unwrap()
}

#[test]
fn a_batch_that_waited_too_long_leaves_no_gap_that_is_not_explained() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let key = centre.sealing_key();
    let first = device.seal(key, 0, &findings(0..5));
    let withdrawn = device.seal_behind(key, first.digest, 1, &findings(5..8));
    let mut records = findings(8..10);
    records.push(withdrawal(0, &withdrawn));
    records.push(heartbeat(1, [8, 10, 10], false));
    let third = device.seal_behind(key, withdrawn.digest, 2, &records);
    let take = |envelope: &SealedEnvelope| {
        accept(&store, Way::Link, &device, envelope);
        centre.loader().run(&store).unwrap();
    };
    take(&first);
    take(&third);
    let told = books(&store);
    assert_eq!((told.produced, told.stored, told.evicted), (12, 9, 3));
    assert_eq!((told.gone, told.in_flight), (0, 0));
    assert_eq!((told.batches_withdrawn, told.batches_missing), (1, 0));
    let [dropped] = &told.dropped[..] else {
        panic!("{:?}", told.dropped);
    };
    assert_eq!((dropped.records, dropped.findings), (3, 3));
    assert_eq!(dropped.reason, EvictionReason::TooOld.name());
    // The next batch that comes names another past than the one that was told.
    let other = device.seal(key, 77, &findings(0..1)).digest;
    take(&device.seal_behind(key, other, 3, &findings(10..11)));
    assert_eq!(alarms(&store, "broken chain"), 1);
    take(&device.seal_behind(key, BatchDigest([1; 32]), 5, &findings(11..12)));
    assert_eq!(
        alarms(&store, "broken chain"),
        1,
        "the one before is not known"
    );
    assert_eq!(books(&store).batches_missing, 1);
    // The withdrawn batch had left on a stick all the same: it is here, and not evicted after all.
    accept(&store, Way::Courier, &device, &withdrawn);
    centre.loader().run(&store).unwrap();
    let told = books(&store);
    assert_eq!(
        (told.stored, told.evicted, told.batches_withdrawn),
        (14, 0, 0)
    );
    assert_eq!(withdrawn.identity.number, BatchNumber(1));
    assert_eq!(alarms(&store, "broken chain"), 1);
}

#[test]
fn a_chain_that_is_broken_is_seen_in_any_order_of_arrival() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let key = centre.sealing_key();
    let own = device.seal(key, 0, &findings(0..2));
    let copy = device.seal(key, 0, &findings(0..3));
    let behind_copy = device.seal_behind(key, copy.digest, 1, &findings(3..5));
    for envelope in [&behind_copy, &own] {
        accept(&store, Way::Link, &device, envelope);
        centre.loader().run(&store).unwrap();
    }
    assert_eq!(alarms(&store, "broken chain"), 1);
}
