//! The format, byte by byte: what released programs wrote must be read for ever. Run with
//! `UPDATE_GOLDEN=1` to write the files anew, and review the difference.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{centre_key, device_key, identity, random};
use lapwing_wire::*;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// The committed bytes, after comparing them with those written now.
fn golden(name: &str, written: &[u8]) -> Vec<u8> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file(name), written).unwrap();
    }
    let committed = fs::read(file(name)).unwrap();
    assert!(
        committed == written,
        "{name}: this program writes other bytes"
    );
    committed
}

fn records() -> Vec<Record> {
    let mut records = common::plausible::findings(42, 12);
    let header = RecordHeader {
        lane: Lane::Status,
        number: RecordNumber(3),
        ..records[0].header
    };
    let queue = Queue {
        records: 12,
        bytes: 3400,
        oldest_milliseconds: 1_790_000_000_000,
        evicted_records: 5,
    };
    let top = TopEntry {
        value: "1:2010137:2".to_owned(),
        count: 7,
    };
    records.push(
        Record::new(
            header,
            RecordBody::Summary(Summary {
                start_milliseconds: 1_790_000_000_000,
                end_milliseconds: 1_790_003_600_000,
                packets: 1_000_000,
                bytes: 700_000_000,
                decoded_packets: 999_000,
                kernel_drops: 11,
                interface_drops: 2,
                flows: 41_000,
                bytes_not_inspected: 0,
                rules_loaded: 30_000,
                rules_unsupported: 12,
                rules_suppressed: 3,
                alerts: 90,
                findings_by_severity: [1, 4, 7, 0],
                findings_suppressed: 2,
                queue,
                counters: vec![Counter {
                    name: "stream_gap".to_owned(),
                    value: 8,
                }],
                top_lists: vec![TopList {
                    subject: TopSubject::Rules,
                    entries: vec![top],
                }],
            }),
        )
        .unwrap(),
    );
    records.push(
        Record::new(
            RecordHeader {
                number: RecordNumber(4),
                policy: None,
                ..header
            },
            RecordBody::Heartbeat(Heartbeat {
                state: SensorState::Running,
                uptime_seconds: 86_400,
                software_version: "0.1.0".to_owned(),
                pack_version: "2026-09-21".to_owned(),
                pack: Some(PackDigest([0xaa; 32])),
                policy: Some(PolicyDigest([0xd1; 32])),
                packets: 5000,
                dropped_packets: 1,
                queue,
                account: Account::default(),
            }),
        )
        .unwrap(),
    );
    records.push(
        Record::new(
            RecordHeader {
                number: RecordNumber(5),
                ..header
            },
            RecordBody::Eviction(Eviction {
                lane: Lane::Low,
                first: RecordNumber(100),
                last: RecordNumber(199),
                count: 90,
                findings_by_severity: [0, 0, 40, 50],
                reason: EvictionReason::OutboxFull,
                withdrawn: None,
            }),
        )
        .unwrap(),
    );
    records
}

/// Records in the order of a batch: by kind.
fn in_batch_order(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| record.body.kind());
    records
}

#[test]
fn records_version_1() {
    let committed = golden("records_1.bin", &encode_records(&records()));
    assert_eq!(
        decode_records(&committed).unwrap().records,
        in_batch_order(records())
    );
}

/// As the first program wrote it, compressed without a dictionary.
#[test]
fn envelope_version_1() {
    read_envelope("envelope_1.bin");
}

/// Compressed with the first dictionary.
#[test]
fn envelope_version_1_with_dictionary_1() {
    let name = "envelope_1_dictionary_1.bin";
    // What seals draws random numbers, so the bytes are only read, never compared.
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let sealer = Sealer::new(
            device_key(),
            centre_key().public_key().unwrap(),
            CompressionLevel::DEFAULT,
        );
        let sealed = sealer
            .seal(
                identity(300),
                BatchDigest([0xab; 32]),
                &records(),
                &mut random(1),
            )
            .unwrap();
        fs::write(file(name), sealed.bytes).unwrap();
    }
    read_envelope(name);
}

fn read_envelope(name: &str) {
    let received = ReceivedEnvelope::parse(fs::read(file(name)).unwrap()).unwrap();
    let batch = received
        .verify(device_key().verifying_key().as_bytes())
        .unwrap()
        .open(&centre_key())
        .unwrap();
    assert_eq!(
        (batch.identity, batch.previous),
        (identity(300), BatchDigest([0xab; 32]))
    );
    assert_eq!(batch.records, in_batch_order(records()));
    assert_eq!(batch.ranges.len(), 2);
}

#[test]
fn every_message_of_version_1() {
    let sealing_key = centre_key().public_key().unwrap();
    let messages = [
        Message::Hello(Hello {
            oldest_version: 1,
            newest_version: 1,
            software: "lapwing 0.1.0".to_owned(),
        }),
        Message::HelloAnswer(HelloAnswer {
            version: 1,
            software: "lapwing-cirt 0.1.0".to_owned(),
            wall_milliseconds: 1_790_000_000_000,
            window: 8,
        }),
        Message::Envelope(b"bytes of an envelope".to_vec()),
        Message::Ack(Ack {
            identity: identity(9),
            digest: BatchDigest([1; 32]),
            state: AckState::Stored,
        }),
        Message::Ack(Ack {
            identity: identity(9),
            digest: BatchDigest([1; 32]),
            state: AckState::AlreadyStored,
        }),
        Message::Ack(Ack {
            identity: identity(9),
            digest: BatchDigest([1; 32]),
            state: AckState::Quarantined,
        }),
        Message::Busy(Busy {
            identity: identity(9),
            retry_after_seconds: 60,
        }),
        Message::Error(SessionError {
            code: ErrorCode::Revoked,
            text: "revoked on 2026-09-21".to_owned(),
        }),
        Message::EnrolRequest(EnrolRequest {
            claim: VoucherClaim::Secret([2; 16]),
            certificate_request: vec![0x30; 200],
            device_public_key: [3; 32],
            sensor_name: "north-1".to_owned(),
            machine_facts: vec![MachineFact {
                name: "architecture".to_owned(),
                value: "aarch64".to_owned(),
            }],
        }),
        Message::EnrolPending(EnrolPending {
            retry_after_seconds: 30,
        }),
        Message::EnrolApproval(EnrolApproval {
            sensor: SensorId([0x5e; 16]),
            certificate: vec![0x30; 300],
            issuing_chain: vec![vec![0x30; 250]],
            sealing_key,
            certificate_lifetime_seconds: 604_800,
            proof: None,
        }),
        Message::EnrolRefused(EnrolRefused {
            reason: "the voucher was used before".to_owned(),
        }),
        Message::RenewRequest(RenewRequest {
            certificate_request: vec![0x30; 200],
        }),
        Message::RenewApproval(RenewApproval {
            certificate: vec![0x30; 300],
            issuing_chain: vec![vec![0x30; 250]],
            sealing_key,
            certificate_lifetime_seconds: 604_800,
        }),
        Message::RenewRefused(RenewRefused {
            reason: "revoked".to_owned(),
        }),
    ];
    let mut written = Vec::new();
    for message in &messages {
        message.write(&mut written).unwrap();
    }
    let committed = golden("messages_1.bin", &written);
    let mut decoder = frame::FrameDecoder::default();
    decoder.push(&committed);
    let mut read = Vec::new();
    while let Some(frame) = decoder.next_frame().unwrap() {
        read.push(Message::read(frame).unwrap());
    }
    assert_eq!(read, messages);
}

#[test]
fn voucher_version_1() {
    let voucher = Voucher {
        addresses: vec!["cirt.example:7400".to_owned(), "192.0.2.7:7400".to_owned()],
        ca_digest: [0xca; 32],
        secret: [0x5e; 16],
    };
    let committed = golden("voucher_1.txt", voucher.encode().unwrap().as_bytes());
    assert_eq!(
        Voucher::decode(std::str::from_utf8(&committed).unwrap()).unwrap(),
        voucher
    );
}

/// What version 2 of the session added, and forms of older messages that it may use.
#[test]
fn messages_of_the_second_version_stay_readable() {
    let path = RepositoryPath::new("metadata/timestamp.json").unwrap();
    let key = VoucherKey::of(&[2; 16]);
    let messages = vec![
        Message::FileRequest(FileRequest {
            path: path.clone(),
            offset: 70_000,
        }),
        Message::FilePart(FilePart {
            path: path.clone(),
            offset: 70_000,
            total_bytes: 70_003,
            bytes: vec![7; 3],
        }),
        Message::FileAbsent(FileAbsent { path }),
        Message::ControlRequest(ControlRequest {
            known_milliseconds: 1_790_000_000_000,
        }),
        Message::ControlAnswer(ControlAnswer {
            answer: vec![1, 2, 3],
        }),
        Message::AskForLess(AskForLess {
            rung_max: 1,
            lightest: Lane::Normal,
            until_milliseconds: 1_790_000_000_000,
        }),
        Message::Revocation(Revocation {
            reason: "stolen".to_owned(),
        }),
        Message::EnrolRequest(EnrolRequest {
            claim: key.claim(&[3; 32], &[4; 32]),
            certificate_request: vec![0x30; 20],
            device_public_key: [4; 32],
            sensor_name: String::new(),
            machine_facts: Vec::new(),
        }),
    ];
    let mut written = Vec::new();
    for message in &messages {
        message.write(&mut written).unwrap();
    }
    let committed = golden("messages_2.bin", &written);
    assert_eq!(answer::read_messages(&committed).unwrap(), messages);
}

/// A signed answer, its signature made up: who checks it is `lapwing-uplink`.
#[test]
fn signed_answers_stay_readable() {
    let messages = vec![Message::Revocation(Revocation {
        reason: "stolen".to_owned(),
    })];
    let sign = |_: &[u8]| Ok::<_, DecodeError>(vec![9; 70]);
    let chain = [vec![0x30; 30], vec![0x31; 20]];
    let written = SignedAnswer::write(
        SensorId([7; 16]),
        1_790_000_000_000,
        &chain,
        &messages,
        sign,
    );
    let committed = golden("answer_1.bin", &written.unwrap());
    let answer = SignedAnswer::parse(&committed).unwrap();
    assert_eq!(answer.signature(), [9; 70]);
    assert_eq!((answer.messages, answer.chain.len()), (messages, 2));
}
