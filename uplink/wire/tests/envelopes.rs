//! What an envelope proves, and what it costs.
#![allow(clippy::unwrap_used)]

mod common;

use common::{centre_key, device_key, identity, random};
use ed25519_dalek::SigningKey;
use lapwing_wire::frame::FRAME_HEADER_BYTES;
use lapwing_wire::*;

fn sealed(records: &[Record]) -> SealedEnvelope {
    let sealer = Sealer::new(
        device_key(),
        centre_key().public_key().unwrap(),
        CompressionLevel::DEFAULT,
    );
    sealer
        .seal(identity(7), BatchDigest::NONE, records, &mut random(1))
        .unwrap()
}

#[test]
fn a_forged_envelope_is_refused_before_it_is_opened() {
    let envelope = sealed(&common::plausible::findings(1, 3));
    let other = SigningKey::from_bytes(&[0x33; 32]);
    let received = ReceivedEnvelope::parse(envelope.bytes).unwrap();
    assert_eq!(
        received.verify(other.verifying_key().as_bytes()),
        Err(EnvelopeError::Forged)
    );
}

#[test]
fn no_byte_can_be_changed() {
    let envelope = sealed(&common::plausible::findings(1, 1));
    for position in 0..envelope.bytes.len() {
        let mut bytes = envelope.bytes.clone();
        bytes[position] ^= 0x10;
        let Ok(received) = ReceivedEnvelope::parse(bytes) else {
            continue;
        };
        assert!(
            received
                .verify(device_key().verifying_key().as_bytes())
                .is_err(),
            "byte {position}"
        );
    }
}

#[test]
fn an_envelope_is_not_opened_with_another_centres_key() {
    let envelope = sealed(&common::plausible::findings(1, 1));
    let verified = ReceivedEnvelope::parse(envelope.bytes)
        .unwrap()
        .verify(device_key().verifying_key().as_bytes())
        .unwrap();
    let other = SealingPrivateKey::from_bytes([0x44; 32]).unwrap();
    let sealed_to = centre_key().public_key().unwrap().key_id();
    assert_eq!(
        verified.open(&other),
        Err(EnvelopeError::OtherRecipient { sealed_to })
    );
}

#[test]
fn content_tells_nothing_without_the_key() {
    let records = common::plausible::findings(1, 1);
    let envelope = sealed(&records);
    let RecordBody::Finding(finding) = &records[0].body else {
        panic!("findings only")
    };
    let host = finding.facts.iter().next().unwrap().value.clone();
    assert!(
        encode_records(&records)
            .windows(host.len())
            .any(|window| window == host)
    );
    assert!(
        !envelope
            .bytes
            .windows(host.len())
            .any(|window| window == host)
    );
}

#[test]
fn a_batch_costs_at_most_220_bytes_beyond_its_content() {
    for count in [10, 100, 1000] {
        let records = common::plausible::findings(5, count);
        let sealer = Sealer::new(
            device_key(),
            centre_key().public_key().unwrap(),
            CompressionLevel::DEFAULT,
        );
        let last = BatchIdentity {
            number: BatchNumber(u64::MAX),
            ..identity(0)
        };
        let envelope = sealer
            .seal(last, BatchDigest([1; 32]), &records, &mut random(3))
            .unwrap();
        let content = common::packed_bytes(&records, 3, common::DICTIONARY);
        let overhead = envelope.bytes.len() + FRAME_HEADER_BYTES - content;
        assert!(
            overhead <= 220,
            "{overhead} bytes around a batch of {count}"
        );
    }
}

#[test]
fn more_records_than_a_batch_may_have_are_an_error() {
    let one = common::plausible::findings(1, 1).remove(0);
    let records: Vec<Record> = (0..=limits::MAX_RECORDS_IN_BATCH as u64)
        .map(|number| Record {
            header: RecordHeader {
                number: RecordNumber(number),
                ..one.header
            },
            ..one.clone()
        })
        .collect();
    let sealer = Sealer::new(
        device_key(),
        centre_key().public_key().unwrap(),
        CompressionLevel::DEFAULT,
    );
    let result = sealer.seal(identity(1), BatchDigest::NONE, &records, &mut random(1));
    assert_eq!(
        result,
        Err(EncodeError::TooManyRecords {
            records: records.len()
        })
    );
}
