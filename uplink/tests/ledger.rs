//! The ledger: what is written is read again, and whatever is changed in it is found, by this program and by the verifier in Python
//! that shares no code with it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use ed25519_dalek::SigningKey;
use lapwing_uplink::ledger::{Carried, Entry, Ledger, LedgerError, LedgerKey, Lines, Way, verify};
use lapwing_wire::{
    BatchDigest, BatchIdentity, BatchNumber, BootId, ClockQuality, CompressionLevel, ContentKey,
    Epoch, Heartbeat, Lane, PolicyDigest, ReceivedEnvelope, Record, RecordBody, RecordHeader,
    RecordNumber, SealedEnvelope, Sealer, SealingPrivateKey, SensorId, Stamp,
};

fn records(count: u64) -> Vec<Record> {
    let record = |number| {
        let header = RecordHeader {
            lane: Lane::Status,
            number: RecordNumber(number),
            time: Stamp {
                wall_milliseconds: 1_800_000_000_000 + number,
                monotonic_milliseconds: number,
                boot: BootId([1; 16]),
                quality: ClockQuality::Network,
            },
            policy: Some(PolicyDigest([9; 32])),
        };
        Record::new(header, RecordBody::Heartbeat(Heartbeat::default())).unwrap()
    };
    (0..count).map(record).collect()
}

fn seal(ledger: &Ledger, centre: &SealingPrivateKey, batch: u64) -> SealedEnvelope {
    let sealer = Sealer::new(
        SigningKey::from_bytes(&[3; 32]),
        centre.public_key().unwrap(),
        CompressionLevel::DEFAULT,
    )
    .witnessed_by(std::sync::Arc::new(ledger.clone()));
    let identity = BatchIdentity {
        sensor: SensorId([7; 16]),
        epoch: Epoch(42),
        number: BatchNumber(batch),
    };
    let records = records(batch + 1);
    sealer
        .seal(identity, BatchDigest::NONE, &records, &mut rand::rng())
        .unwrap()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A ledger of three connections, two envelopes on each.
fn written(folder: &Path, isp: &LedgerKey, centre: &SealingPrivateKey) -> Vec<SealedEnvelope> {
    let public = LedgerKey::parse_public(&isp.to_texts().unwrap().1).unwrap();
    let ledger = Ledger::open(folder, Some(public)).unwrap();
    let mut envelopes = Vec::new();
    for round in 0..3 {
        let connection = ledger
            .connected(address("192.0.2.1:40000"), address("203.0.113.7:7400"))
            .unwrap();
        let mut bytes = 0;
        for batch in [2 * round, 2 * round + 1] {
            let envelope = seal(&ledger, centre, batch);
            ledger.sent(&envelope, Way::Tls, Some(connection)).unwrap();
            bytes += envelope.bytes.len() as u64;
            envelopes.push(envelope);
        }
        let carried = Carried {
            sent: bytes + 500,
            received: 300,
            proxy: 40,
            said: bytes + 100,
            envelopes: bytes,
        };
        ledger.closed(connection, carried).unwrap();
    }
    envelopes
}

fn lines_file(folder: &Path) -> PathBuf {
    folder.join("000000000001.lines")
}

/// What both verifiers say of a ledger: good or not.
fn both(folder: &Path) -> (bool, bool) {
    let ours = verify(folder, None).unwrap().problems.is_empty();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/verify-ledger.py");
    let theirs = Command::new("python3")
        .arg(script)
        .arg(folder)
        .output()
        .unwrap();
    (ours, theirs.status.success())
}

#[test]
fn what_left_is_entered_and_the_isp_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let (isp, centre) = (
        LedgerKey::generate(),
        SealingPrivateKey::generate(&mut rand::rng()),
    );
    let envelopes = written(folder.path(), &isp, &centre);
    assert_eq!(both(folder.path()), (true, true));
    let report = verify(folder.path(), None).unwrap();
    assert_eq!((report.envelopes_sent, report.connections), (6, 3));
    assert_eq!(report.sent_bytes, report.envelope_bytes + 3 * 500);
    let lines = Lines::read(folder.path()).unwrap().lines;
    for envelope in envelopes {
        let wrapped = lines.iter().find_map(|line| match &line.entry {
            Entry::Sealed { digest, key, .. } if *digest == envelope.digest.to_string() => {
                key.clone()
            }
            _ => None,
        });
        let wrapped = hex::decode(wrapped.unwrap()).unwrap();
        let kept = Ledger::kept_path(
            folder.path(),
            &Epoch(42).to_string(),
            envelope.identity.number.0,
        );
        let received = ReceivedEnvelope::parse(fs::read(kept).unwrap()).unwrap();
        let (key, to) = ContentKey::unwrap(&wrapped, isp.private_key(), received.digest()).unwrap();
        let batch = received.open_with_content_key(&key, &to).unwrap();
        assert_eq!(batch.records, records(envelope.identity.number.0 + 1));
    }
}

/// Whatever is done to the lines is found by both: a byte changed, a line taken away, repeated, or exchanged with its neighbour.
#[test]
fn no_change_goes_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    written(
        folder.path(),
        &LedgerKey::generate(),
        &SealingPrivateKey::generate(&mut rand::rng()),
    );
    let file = lines_file(folder.path());
    let whole = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let mut changed = Vec::new();
    for at in 0..lines.len() {
        let without = [&lines[..at], &lines[at + 1..]].concat();
        changed.push((format!("line {at} dropped"), without.concat()));
        let twice = [&lines[..=at], &lines[at..]].concat();
        changed.push((format!("line {at} repeated"), twice.concat()));
        if at + 1 < lines.len() {
            let mut exchanged = lines.clone();
            exchanged.swap(at, at + 1);
            changed.push((format!("line {at} exchanged"), exchanged.concat()));
        }
        for byte in [3, 70, lines[at].len() / 2, lines[at].len() - 3] {
            let mut bytes = lines[at].as_bytes().to_vec();
            bytes[byte] = if bytes[byte] == b'1' { b'2' } else { b'1' };
            let edited = String::from_utf8(bytes).unwrap();
            let mut all = lines.clone();
            all[at] = &edited;
            changed.push((format!("line {at} byte {byte} edited"), all.concat()));
        }
    }
    assert!(changed.len() > 80);
    for (what, text) in changed {
        fs::write(&file, text).unwrap();
        assert_eq!(both(folder.path()), (false, false), "{what}");
    }
    fs::write(&file, &whole).unwrap();
    assert_eq!(both(folder.path()), (true, true));
}

#[test]
fn a_kept_envelope_that_is_not_the_one_that_left_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let centre = SealingPrivateKey::generate(&mut rand::rng());
    written(folder.path(), &LedgerKey::generate(), &centre);
    let kept = Ledger::kept_path(folder.path(), &Epoch(42).to_string(), 3);
    fs::write(kept, b"something else").unwrap();
    assert_eq!(verify(folder.path(), None).unwrap().problems.len(), 1);
}

#[test]
fn after_a_power_cut_it_goes_on_and_says_what_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path(), None).unwrap();
    ledger
        .connected(address("192.0.2.1:1"), address("203.0.113.7:7400"))
        .unwrap();
    drop(ledger);
    let file = lines_file(folder.path());
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend_from_slice(b"0123 {\"line\":2,");
    fs::write(&file, bytes).unwrap();
    let ledger = Ledger::open(folder.path(), None).unwrap();
    ledger
        .connected(address("192.0.2.1:2"), address("203.0.113.7:7400"))
        .unwrap();
    let lines = Lines::read(folder.path()).unwrap().lines;
    let entries: Vec<_> = lines.into_iter().map(|line| line.entry).collect();
    assert!(matches!(
        entries.as_slice(),
        [
            Entry::Connected { connection: 1, .. },
            Entry::Cut { connection: 1 },
            Entry::Connected { connection: 2, .. }
        ]
    ));
    assert_eq!(verify(folder.path(), None).unwrap().cut, 1);
}

#[test]
fn a_ledger_that_lost_lines_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let centre = SealingPrivateKey::generate(&mut rand::rng());
    written(folder.path(), &LedgerKey::generate(), &centre);
    let file = lines_file(folder.path());
    let whole = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    fs::write(&file, lines[..lines.len() - 2].concat()).unwrap();
    assert!(matches!(
        Ledger::open(folder.path(), None),
        Err(LedgerError::Short { .. })
    ));
    fs::write(&file, whole.replacen("heartbeat", "heartbeet", 1)).unwrap();
    assert!(matches!(
        Ledger::open(folder.path(), None),
        Err(LedgerError::Damaged { .. })
    ));
}

/// A courier writes beside the uplink: neither loses the other's lines.
#[test]
fn two_writers_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let centre = SealingPrivateKey::generate(&mut rand::rng());
    let (one, other) = (
        Ledger::open(folder.path(), None).unwrap(),
        Ledger::open(folder.path(), None).unwrap(),
    );
    for batch in 0..4 {
        let writer = if batch % 2 == 0 { &one } else { &other };
        let envelope = seal(writer, &centre, batch);
        writer.sent(&envelope, Way::Courier, None).unwrap();
    }
    assert_eq!(both(folder.path()), (true, true));
    assert_eq!(verify(folder.path(), None).unwrap().envelopes_sent, 4);
}

#[test]
fn kept_envelopes_go_when_they_are_too_old_and_their_lines_stay() {
    let folder = tempfile::tempdir().unwrap();
    let centre = SealingPrivateKey::generate(&mut rand::rng());
    let envelopes = written(folder.path(), &LedgerKey::generate(), &centre);
    let day = Duration::from_secs(24 * 3600);
    let kept = |batch| Ledger::kept_path(folder.path(), &Epoch(42).to_string(), batch);
    let old = fs::File::options().write(true).open(kept(0)).unwrap();
    old.set_modified(SystemTime::now() - 10 * day).unwrap();
    let ledger = Ledger::open(folder.path(), None).unwrap();
    assert_eq!(ledger.remove_envelopes_after(11 * day).unwrap(), 0);
    assert_eq!(ledger.remove_envelopes_after(9 * day).unwrap(), 1);
    assert!(!kept(0).exists());
    assert_eq!(ledger.remove_envelopes_after(9 * day).unwrap(), 0);
    let left = (0..)
        .take(envelopes.len())
        .filter(|batch| kept(*batch).exists());
    assert_eq!(left.count(), envelopes.len() - 1);
    assert_eq!(both(folder.path()), (true, true));
}
