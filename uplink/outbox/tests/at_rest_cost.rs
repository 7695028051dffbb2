//! What encryption of the outbox costs: bytes on the disk, held here, and processor time, only told (`--no-capture`).
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::fs;
use std::time::Instant;

use common::{SENSOR, finding, random, sealer};
use lapwing_outbox::{Keyslot, OutboxSender, OutboxWriter, SealLimits, Settings, status};
use lapwing_wire::Lane;

const RECORDS: u64 = 5_000;

/// Bytes of all segments, and what appending and sealing took.
fn cost(keyslot: Option<Keyslot>) -> (u64, f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        keyslot,
        ..Settings::default()
    };
    let mut outbox = OutboxWriter::open(folder.path(), settings.clone()).unwrap();
    let begin = Instant::now();
    for tag in 1..=RECORDS {
        outbox.append(finding(Lane::Normal, tag, 60)).unwrap();
    }
    let appending = begin.elapsed().as_secs_f64();
    let bytes = status(folder.path()).unwrap().queued_bytes;
    let mut sender = OutboxSender::open(folder.path(), settings).unwrap();
    let begin = Instant::now();
    let limits = SealLimits {
        max_outstanding: usize::MAX,
        ..SealLimits::default()
    };
    while sender
        .seal_next(SENSOR, &sealer(), &limits, &mut random(1))
        .unwrap()
        .is_some()
    {}
    let sealing = begin.elapsed().as_secs_f64();
    assert_eq!(status(folder.path()).unwrap().queued_records, 0);
    fs::remove_dir_all(folder.path()).unwrap();
    (bytes, appending, sealing)
}

#[test]
fn a_record_costs_seventeen_bytes_more() {
    let (clear, appending, sealing) = cost(None);
    let (sealed, appending_sealed, sealing_sealed) = cost(Some(Keyslot::new([1; 32])));
    let more = sealed - clear;
    let a_record = |seconds: f64| seconds * 1e6 / RECORDS as f64;
    eprintln!(
        "{:.1} bytes a record in clear, {:.1} encrypted; appending {:.1} and {:.1} microseconds a record, sealing {:.1} and {:.1}",
        clear as f64 / RECORDS as f64,
        sealed as f64 / RECORDS as f64,
        a_record(appending),
        a_record(appending_sealed),
        a_record(sealing),
        a_record(sealing_sealed)
    );
    // A tag and the severity that moved inside; 76 bytes a segment of 256 KiB on top.
    assert!((17 * RECORDS..18 * RECORDS).contains(&more), "{more}");
}
