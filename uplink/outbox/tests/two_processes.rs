//! A writer in a process of its own, killed with SIGKILL again and again, while this process
//! seals and delivers. Nothing that `append` returned for is lost, nothing comes twice.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::centre::Centre;
use common::{SENSOR, finding, random, sealer};
use lapwing_outbox::{Keyslot, OutboxSender, OutboxWriter, SealLimits, Settings, status};
use lapwing_wire::{Lane, RecordBody};
use rand::RngExt;

const CHILD: &str = "LAPWING_OUTBOX_TEST_WRITER";
const FIRST_TAG: &str = "LAPWING_OUTBOX_TEST_FIRST_TAG";
fn settings() -> Settings {
    Settings {
        max_bytes: 4 * 1024 * 1024,
        commit_after_bytes: 16 * 1024,
        commit_after_milliseconds: 100,
        keyslot: Some(Keyslot::new([5; 32])),
    }
}

/// What the child does: append for ever, and say what was appended.
fn append_for_ever(folder: &Path) {
    let mut tag: u64 = std::env::var(FIRST_TAG).unwrap().parse().unwrap();
    let mut outbox = OutboxWriter::open(folder, settings()).unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        let lane = if tag.is_multiple_of(10) {
            Lane::Critical
        } else {
            Lane::Normal
        };
        let number = outbox
            .append(finding(lane, tag, usize::try_from(tag % 700).unwrap()))
            .unwrap();
        writeln!(out, "appended {} {number} {tag}", lane.code()).unwrap();
        out.flush().unwrap();
        outbox.tick(tag).unwrap();
        tag += 1;
    }
}

fn start_writer(folder: &Path, first_tag: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill_9_of_the_writer_loses_nothing",
            "--nocapture",
        ])
        .env(CHILD, folder)
        .env(FIRST_TAG, first_tag.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn kill_9_of_the_writer_loses_nothing() {
    if let Some(folder) = std::env::var_os(CHILD) {
        append_for_ever(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut rng = random(99);
    let (mut centre, mut appended, mut next_tag) = (Centre::default(), Vec::new(), 1);
    for _ in 0..12 {
        let mut child = start_writer(folder.path(), next_tag);
        let lives_for = rng.random_range(1..120);
        // A sender that is dropped in the middle is as good as killed: it holds no buffers.
        let mut sender = OutboxSender::open(folder.path(), settings()).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines {
            // The writer is killed while it runs; lines that it could still write are read.
            let line = line.unwrap();
            let Some((_, rest)) = line.split_once("appended ") else {
                continue;
            };
            let values: Vec<u64> = rest
                .split(' ')
                .filter_map(|value| value.parse().ok())
                .collect();
            let [lane, number, tag] = values[..] else {
                continue;
            };
            appended.push(((u8::try_from(lane).unwrap(), number), tag));
            next_tag = tag + 1;
            if appended.len().is_multiple_of(lives_for) {
                child.kill().unwrap();
            }
            if appended.len().is_multiple_of(7) {
                deliver(&mut sender, &mut centre, rng.random_bool(0.7));
            }
        }
        child.wait().unwrap();
        // One that was appended may not have been told: its tag is not used again.
        next_tag += 1;
    }
    drop(OutboxWriter::open(folder.path(), settings()).unwrap());
    let mut sender = OutboxSender::open(folder.path(), settings()).unwrap();
    while deliver(&mut sender, &mut centre, true) {}

    assert!(appended.len() > 100);
    for (place, tag) in &appended {
        let RecordBody::Finding(finding) = &centre.records[place] else {
            panic!("findings only")
        };
        assert_eq!(finding.count, *tag, "{place:?}");
    }
    let status = status(folder.path()).unwrap();
    assert_eq!(status.produced_records, centre.records.len() as u64);
    assert_eq!(status.acknowledged_records, status.produced_records);
    assert_eq!(
        (
            status.queued_records,
            status.sealed_records,
            status.evicted_records
        ),
        (0, 0, 0)
    );
}

/// Seals what there is, and delivers what is sealed; whether there was anything.
fn deliver(sender: &mut OutboxSender, centre: &mut Centre, ack_arrives: bool) -> bool {
    let limits = SealLimits {
        max_records: 20,
        ..SealLimits::default()
    };
    sender
        .seal_next(SENSOR, &sealer(), &limits, &mut rand::rng())
        .unwrap();
    let outstanding: Vec<_> = sender.outstanding().collect();
    for number in &outstanding {
        let ack = centre.receive(sender.envelope(SENSOR, *number).unwrap());
        if ack_arrives {
            sender.acknowledge(&ack, 1).unwrap();
        }
    }
    !outstanding.is_empty()
}
