//! Each way in which an outbox was, or could be, found broken, on the system's own files.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::centre::Centre;
use common::{SENSOR, finding, heartbeat, random, sealer};
use lapwing_outbox::segment::{RECORD_HEADER_BYTES, SEALED_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use lapwing_outbox::{
    AckOutcome, Keyslot, OutboxError, OutboxSender, OutboxWriter, SealLimits, Settings, peek,
    status,
};
use lapwing_wire::{BatchNumber, ClockQuality, EvictionReason, Lane, WithdrawnBatch};

fn writer(folder: &Path) -> OutboxWriter {
    OutboxWriter::open(folder, Settings::default()).unwrap()
}

fn sender(folder: &Path) -> OutboxSender {
    OutboxSender::open(folder, Settings::default()).unwrap()
}

fn only_segment(folder: &Path, lane: Lane) -> PathBuf {
    let entries = fs::read_dir(folder.join("records"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut of_lane = entries.filter(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(lane.name())
    });
    let path = of_lane.next().unwrap();
    assert_eq!(of_lane.next(), None);
    path
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Seals and delivers everything.
fn drain(folder: &Path, centre: &mut Centre) {
    drain_with(sender(folder), centre);
}

fn drain_with(mut sender: OutboxSender, centre: &mut Centre) {
    while let Some(number) = sender
        .seal_next(SENSOR, &sealer(), &SealLimits::default(), &mut random(1))
        .unwrap()
    {
        let ack = centre.receive(sender.envelope(SENSOR, number).unwrap());
        sender.acknowledge(&ack, 5).unwrap();
    }
}

fn numbers(centre: &Centre, lane: Lane) -> Vec<u64> {
    centre
        .records
        .range((lane.code(), 0)..(lane.code() + 1, 0))
        .map(|((_, number), _)| *number)
        .collect()
}

#[test]
fn a_torn_tail_is_cut_off_and_its_number_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = writer(folder.path());
    for tag in 0..3 {
        outbox.append(finding(Lane::Low, tag, 10)).unwrap();
    }
    drop(outbox);
    change(&only_segment(folder.path(), Lane::Low), |bytes| {
        bytes.truncate(bytes.len() - 4)
    });
    let mut outbox = writer(folder.path());
    assert_eq!(outbox.repairs().torn_tails, 1);
    assert_eq!(outbox.append(finding(Lane::Low, 9, 10)).unwrap().0, 2);
    let mut centre = Centre::default();
    drain(folder.path(), &mut centre);
    assert_eq!(numbers(&centre, Lane::Low), [0, 1, 2]);
}

#[test]
fn a_rotten_record_is_told_as_damaged_and_the_rest_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = writer(folder.path());
    for tag in 0..4 {
        outbox.append(finding(Lane::Low, tag, 10)).unwrap();
    }
    change(&only_segment(folder.path(), Lane::Low), |bytes| {
        bytes[SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + 3] ^= 0xff;
    });
    let mut centre = Centre::default();
    drain(folder.path(), &mut centre);
    assert_eq!(numbers(&centre, Lane::Low), [1, 2, 3]);
    outbox.tick(10_000).unwrap();
    drain(folder.path(), &mut centre);
    let evicted = centre.evicted(Lane::Low);
    assert_eq!(
        evicted.into_iter().collect::<Vec<_>>(),
        [(0, EvictionReason::Damaged)]
    );
    assert_eq!(status(folder.path()).unwrap().damaged_records, 1);
    // It is told once, also by the next writer.
    drop(outbox);
    drop(writer(folder.path()));
    drain(folder.path(), &mut centre);
    assert_eq!(centre.evictions().len(), 1);
}

#[test]
fn a_rotten_segment_header_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    writer(folder.path())
        .append(finding(Lane::Normal, 1, 10))
        .unwrap();
    change(&only_segment(folder.path(), Lane::Normal), |bytes| {
        bytes[5] ^= 1
    });
    let mut centre = Centre::default();
    drain(folder.path(), &mut centre);
    assert_eq!(numbers(&centre, Lane::Normal), [0]);
}

#[test]
fn an_empty_segment_is_left_by_a_crash_between_making_and_writing() {
    let folder = tempfile::tempdir().unwrap();
    writer(folder.path())
        .append(finding(Lane::Normal, 1, 10))
        .unwrap();
    fs::write(
        folder
            .path()
            .join("records/normal-00000000000000000001.seg"),
        b"",
    )
    .unwrap();
    let mut outbox = writer(folder.path());
    assert_eq!(outbox.append(finding(Lane::Normal, 2, 10)).unwrap().0, 1);
    let mut centre = Centre::default();
    drain(folder.path(), &mut centre);
    assert_eq!(numbers(&centre, Lane::Normal), [0, 1]);
}

#[test]
fn a_removed_segment_is_told_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = writer(folder.path());
    outbox.append(finding(Lane::Normal, 1, 10)).unwrap();
    drop(outbox);
    let mut outbox = writer(folder.path());
    outbox.append(finding(Lane::Normal, 2, 10)).unwrap();
    fs::remove_file(
        folder
            .path()
            .join("records/normal-00000000000000000000.seg"),
    )
    .unwrap();
    let mut centre = Centre::default();
    drain(folder.path(), &mut centre);
    outbox.tick(10_000).unwrap();
    drain(folder.path(), &mut centre);
    assert_eq!(numbers(&centre, Lane::Normal), [1]);
    assert_eq!(
        centre
            .evicted(Lane::Normal)
            .keys()
            .copied()
            .collect::<Vec<_>>(),
        [0]
    );
}

#[test]
fn a_rotten_batch_is_never_sent() {
    let folder = tempfile::tempdir().unwrap();
    writer(folder.path())
        .append(finding(Lane::Normal, 1, 10))
        .unwrap();
    let mut outbox = sender(folder.path());
    let number = outbox
        .seal_next(SENSOR, &sealer(), &SealLimits::default(), &mut random(1))
        .unwrap()
        .unwrap();
    let file = folder.path().join("sealed/00000000000000000000.batch");
    change(&file, |bytes| *bytes.last_mut().unwrap() ^= 1);
    let result = outbox.envelope(SENSOR, number);
    assert!(matches!(result, Err(OutboxError::Damaged { path }) if path == file));
}

#[test]
fn a_rotten_state_stops_rather_than_giving_numbers_twice() {
    for name in ["identity", "writer.state", "sender.state"] {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            max_bytes: 64 * 1024,
            ..Settings::default()
        };
        let mut outbox = OutboxWriter::open(folder.path(), settings.clone()).unwrap();
        for tag in 0..80 {
            outbox.append(finding(Lane::Low, tag, 1500)).unwrap();
        }
        drop(outbox);
        drain(folder.path(), &mut Centre::default());
        let path = folder.path().join(name);
        change(&path, |bytes| bytes[10] ^= 1);
        let result = OutboxWriter::open(folder.path(), settings);
        assert!(
            matches!(&result, Err(OutboxError::Damaged { path: found }) if *found == path),
            "{name}: {result:?}"
        );
    }
}

#[test]
fn an_eviction_of_the_status_lane_survives_its_own_segment() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        max_bytes: 64 * 1024,
        ..Settings::default()
    };
    let mut outbox = OutboxWriter::open(folder.path(), settings).unwrap();
    outbox.append(heartbeat(1)).unwrap();
    outbox.append(heartbeat(2)).unwrap();
    for tag in 0..40 {
        outbox.append(finding(Lane::Critical, tag, 1800)).unwrap();
    }
    let mut centre = Centre::default();
    drain(folder.path(), &mut centre);
    let evicted = centre.evicted(Lane::Status);
    assert_eq!(evicted.get(&0), Some(&EvictionReason::OutboxFull));
    assert_eq!(evicted.get(&1), Some(&EvictionReason::OutboxFull));
}

#[test]
fn there_is_one_writer_and_one_sender() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = writer(folder.path());
    let _sender = sender(folder.path());
    assert!(matches!(
        OutboxWriter::open(folder.path(), Settings::default()),
        Err(OutboxError::InUse { .. })
    ));
    assert!(matches!(
        OutboxSender::open(folder.path(), Settings::default()),
        Err(OutboxError::InUse { .. })
    ));
}

#[test]
fn a_record_without_a_policy_is_refused_and_takes_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = writer(folder.path());
    let mut draft = finding(Lane::Critical, 1, 0);
    draft.policy = None;
    assert!(matches!(
        outbox.append(draft),
        Err(OutboxError::NotAllowed(_))
    ));
    assert_eq!(outbox.append(finding(Lane::Critical, 1, 0)).unwrap().0, 0);
}

fn with_key(key: u8) -> Settings {
    Settings {
        keyslot: Some(Keyslot::new([key; 32])),
        ..Settings::default()
    }
}

/// Every byte of every file in a folder.
fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() {
            all_bytes(&path)
        } else {
            fs::read(path).unwrap()
        });
    }
    all
}

#[test]
fn with_a_keyslot_nothing_is_on_the_disk_in_clear() {
    let is_clear = |settings: Settings| {
        let folder = tempfile::tempdir().unwrap();
        let mut outbox = OutboxWriter::open(folder.path(), settings).unwrap();
        for tag in 0..20 {
            outbox.append(finding(Lane::Normal, tag, 300)).unwrap();
        }
        let all = all_bytes(folder.path());
        assert!(all.len() > 6_000);
        all.windows(20).any(|window| window == [b'x'; 20])
    };
    assert!(is_clear(Settings::default()));
    assert!(!is_clear(with_key(1)));
}

#[test]
fn a_record_that_is_moved_or_renumbered_is_told_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    for tag in 0..4 {
        outbox.append(finding(Lane::Low, tag, 10)).unwrap();
    }
    change(&only_segment(folder.path(), Lane::Low), |bytes| {
        let after = |at: usize| {
            let length = u32::from_le_bytes(*bytes[at + 2..].first_chunk().unwrap());
            at + RECORD_HEADER_BYTES + usize::try_from(length).unwrap()
        };
        let second = after(SEALED_HEADER_BYTES);
        let third = after(second);
        let end = after(third);
        // The third becomes a copy of the second, under the number that is expected there, with a checksum that is right. It has
        // another length, so the fourth moves.
        let mut copy = bytes[second..third].to_vec();
        copy[10..18].copy_from_slice(&2_u64.to_le_bytes());
        let checksum = crc32c::crc32c(&copy[10..]);
        copy[6..10].copy_from_slice(&checksum.to_le_bytes());
        assert_ne!(copy.len(), end - third);
        bytes.splice(third..end, copy);
    });
    let mut centre = Centre::default();
    let open = || OutboxSender::open(folder.path(), with_key(1)).unwrap();
    drain_with(open(), &mut centre);
    outbox.tick(10_000).unwrap();
    drain_with(open(), &mut centre);
    assert_eq!(numbers(&centre, Lane::Low), [0, 1]);
    assert_eq!(
        centre.evicted(Lane::Low).into_iter().collect::<Vec<_>>(),
        [(2, EvictionReason::Damaged), (3, EvictionReason::Damaged)]
    );
}

#[test]
fn a_torn_encrypted_tail_is_cut_off_and_its_number_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    for tag in 0..3 {
        outbox.append(finding(Lane::Low, tag, 10)).unwrap();
    }
    drop(outbox);
    change(&only_segment(folder.path(), Lane::Low), |bytes| {
        bytes.truncate(bytes.len() - 4)
    });
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    assert_eq!(outbox.repairs().torn_tails, 1);
    assert_eq!(outbox.append(finding(Lane::Low, 9, 10)).unwrap().0, 2);
    let mut centre = Centre::default();
    drain_with(
        OutboxSender::open(folder.path(), with_key(1)).unwrap(),
        &mut centre,
    );
    assert_eq!(numbers(&centre, Lane::Low), [0, 1, 2]);
}

#[test]
fn what_waited_in_clear_goes_out_after_a_keyslot_came() {
    let folder = tempfile::tempdir().unwrap();
    writer(folder.path())
        .append(finding(Lane::Normal, 1, 10))
        .unwrap();
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    outbox.append(finding(Lane::Normal, 2, 10)).unwrap();
    let mut centre = Centre::default();
    drain_with(
        OutboxSender::open(folder.path(), with_key(1)).unwrap(),
        &mut centre,
    );
    assert_eq!(numbers(&centre, Lane::Normal), [0, 1]);
}

#[test]
fn a_key_that_is_gone_throws_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    outbox.append(finding(Lane::Normal, 1, 10)).unwrap();
    drop(outbox);
    for settings in [with_key(2), Settings::default()] {
        let opened = OutboxWriter::open(folder.path(), settings.clone());
        assert!(matches!(opened, Err(OutboxError::Locked { .. })));
        let mut sender = OutboxSender::open(folder.path(), settings.clone()).unwrap();
        let sealed = sender.seal_next(SENSOR, &sealer(), &SealLimits::default(), &mut random(1));
        assert!(matches!(sealed, Err(OutboxError::Locked { .. })));
        let peeked = peek(folder.path(), 9, settings.keyslot.as_ref());
        assert!(matches!(peeked, Err(OutboxError::Locked { .. })));
        // The books are right for everybody.
        assert_eq!(status(folder.path()).unwrap().queued_records, 1);
    }
    // The key comes back, and another one takes its place.
    let changed = Settings {
        keyslot: Some(Keyslot::new([2; 32]).formerly([1; 32])),
        ..Settings::default()
    };
    drop(OutboxWriter::open(folder.path(), changed).unwrap());
    let mut centre = Centre::default();
    drain_with(
        OutboxSender::open(folder.path(), with_key(2)).unwrap(),
        &mut centre,
    );
    assert_eq!(numbers(&centre, Lane::Normal), [0]);
}

#[test]
fn a_key_is_destroyed_with_the_last_segment_that_needs_it() {
    const DAY_MILLISECONDS: u64 = 24 * 3_600_000;
    let folder = tempfile::tempdir().unwrap();
    let keys = || fs::read(folder.path().join("keys")).unwrap();
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    outbox.tick(0).unwrap();
    outbox.append(finding(Lane::Normal, 1, 10)).unwrap();
    let first = keys();
    // The file: magic and count, the key's number and wrapping, checksum.
    let wrapped = first[16..16 + 72].to_vec();
    outbox.tick(DAY_MILLISECONDS).unwrap();
    outbox.append(finding(Lane::Low, 2, 10)).unwrap();
    let both = keys();
    assert!(both.len() > first.len());
    drain_with(
        OutboxSender::open(folder.path(), with_key(1)).unwrap(),
        &mut Centre::default(),
    );
    outbox.tick(DAY_MILLISECONDS + 10_000).unwrap();
    let left = keys();
    assert_eq!(left.len(), first.len());
    assert!(!left.windows(72).any(|window| window == wrapped));
    let segments = fs::read_dir(folder.path().join("records")).unwrap();
    assert_eq!(segments.count(), 1, "what was sent is gone with its key");
}

#[test]
fn what_waited_too_long_is_dropped_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    let made = |tag, wall_milliseconds, quality| {
        let mut draft = finding(Lane::Normal, tag, 10);
        draft.time.wall_milliseconds = wall_milliseconds;
        draft.time.quality = quality;
        draft
    };
    for draft in [
        made(0, 1_000, ClockQuality::Unset),
        made(1, 50_000, ClockQuality::Network),
        made(2, 90_000, ClockQuality::FreeRunning),
        made(3, 2_000, ClockQuality::Capture),
        made(4, 150_000, ClockQuality::Network),
    ] {
        outbox.append(draft).unwrap();
    }
    assert_eq!(outbox.evict_older_than(40_000).unwrap(), 0);
    // The first has no time of its own and is older than the second; the fourth is not known to be.
    assert_eq!(outbox.evict_older_than(100_000).unwrap(), 3);
    assert_eq!(outbox.evict_older_than(100_000).unwrap(), 0);
    let mut centre = Centre::default();
    drain_with(
        OutboxSender::open(folder.path(), with_key(1)).unwrap(),
        &mut centre,
    );
    assert_eq!(numbers(&centre, Lane::Normal), [3, 4]);
    let [eviction] = centre.evictions()[..] else {
        panic!("{:?}", centre.evictions());
    };
    assert_eq!((eviction.first.0, eviction.last.0), (0, 2));
    assert_eq!(eviction.reason, EvictionReason::TooOld);
    assert_eq!(eviction.findings_by_severity.iter().sum::<u64>(), 3);
}

/// A batch was sealed and never acknowledged; it held findings, and told of an eviction.
#[test]
fn a_sealed_batch_that_waited_too_long_is_withdrawn_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    let made = |tag, wall_milliseconds| {
        let mut draft = finding(Lane::Normal, tag, 10);
        draft.time.wall_milliseconds = wall_milliseconds;
        draft
    };
    outbox.append(made(0, 10_000)).unwrap();
    outbox.evict_older_than(20_000).unwrap();
    for (tag, time) in [(1, 50_000), (2, 60_000)] {
        outbox.append(made(tag, time)).unwrap();
    }
    let mut sender = OutboxSender::open(folder.path(), with_key(1)).unwrap();
    let seal = |sender: &mut OutboxSender| {
        sender
            .seal_next(SENSOR, &sealer(), &SealLimits::default(), &mut random(1))
            .unwrap()
    };
    assert_eq!(seal(&mut sender).map(|number| number.0), Some(0));
    let envelope = sender.envelope(SENSOR, BatchNumber(0)).unwrap();
    // Another batch behind it is young.
    outbox.append(made(3, 150_000)).unwrap();
    assert_eq!(seal(&mut sender).map(|number| number.0), Some(1));

    assert_eq!(sender.withdraw_older_than(50_000).unwrap(), 0);
    assert_eq!(sender.withdraw_older_than(100_000).unwrap(), 3);
    assert_eq!(sender.withdraw_older_than(100_000).unwrap(), 0);
    assert!(
        !folder
            .path()
            .join("sealed/00000000000000000000.batch")
            .exists()
    );
    let books = status(folder.path()).unwrap();
    assert_eq!((books.evicted_records, books.sealed_records), (4, 1));
    assert_eq!(
        books.produced_records,
        books.sealed_records + books.queued_records + books.evicted_records
    );
    // Not settled before it is told: a centre would take it for lost.
    assert!(books.account.lane(Lane::Normal).settled < 2);

    // The word survives both processes.
    drop((outbox, sender));
    let mut outbox = OutboxWriter::open(folder.path(), with_key(1)).unwrap();
    outbox.tick(10_000).unwrap();
    let mut centre = Centre::default();
    let mut sender = OutboxSender::open(folder.path(), with_key(1)).unwrap();
    let ack = centre.receive(sender.envelope(SENSOR, BatchNumber(1)).unwrap());
    sender.acknowledge(&ack, 5).unwrap();
    drain_with(sender, &mut centre);
    assert_eq!(numbers(&centre, Lane::Normal), [3]);
    let evictions = centre.evictions();
    let of_findings: Vec<_> = evictions
        .iter()
        .filter(|known| known.lane == Lane::Normal)
        .map(|known| (known.first.0, known.last.0, known.count, known.reason))
        .collect();
    // The first was told in the batch that was withdrawn, and is told again.
    assert_eq!(
        of_findings,
        [
            (1, 2, 2, EvictionReason::TooOld),
            (0, 0, 1, EvictionReason::TooOld)
        ]
    );
    let withdrawn = WithdrawnBatch {
        number: BatchNumber(0),
        digest: envelope.digest,
    };
    assert!(
        evictions
            .iter()
            .any(|known| known.withdrawn == Some(withdrawn))
    );
    let books = status(folder.path()).unwrap();
    assert_eq!(books.evicted_records, 4);
    assert_eq!(
        books.produced_records,
        books.acknowledged_records + books.evicted_records
    );
    assert_eq!(books.account.lane(Lane::Normal).settled, 4);
    assert_eq!(books.evicted_by_severity, [0, 3, 0, 0]);
    // An ack that comes late changes nothing.
    let mut sender = OutboxSender::open(folder.path(), with_key(1)).unwrap();
    let late = centre.receive(envelope);
    assert_eq!(
        sender.acknowledge(&late, 9).unwrap(),
        AckOutcome::NotOutstanding
    );
    centre.check_chain();
}
