//! What is written is what is read, for every value that the types allow.
#![allow(clippy::unwrap_used)]

mod common;

use common::{centre_key, device_key, identity, random};
use lapwing_wire::*;
use proptest::prelude::*;

/// Records as they come back: by kind, in their order within the kind.
fn by_kind(records: &[Record]) -> Vec<Record> {
    let mut sorted = records.to_vec();
    sorted.sort_by_key(|record| record.body.kind());
    sorted
}

proptest! {
    #[test]
    fn records_round_trip(records in common::any_record::records(30)) {
        let decoded = decode_records(&encode_records(&records)).unwrap();
        prop_assert_eq!(&decoded.records, &by_kind(&records));
        prop_assert_eq!(decoded.skipped.columns, 0);
        prop_assert_eq!(decoded.skipped.fields, 0);
    }

    #[test]
    fn equal_records_have_equal_bytes(records in common::any_record::records(10)) {
        let once = encode_records(&records);
        let again = encode_records(&decode_records(&once).unwrap().records);
        prop_assert_eq!(once, again);
    }

    #[test]
    fn envelopes_round_trip(records in common::any_record::records(20), number: u64, seed: u64) {
        let sealer = Sealer::new(device_key(), centre_key().public_key().unwrap(), CompressionLevel::DEFAULT);
        let sealed = sealer.seal(identity(number), BatchDigest([4; 32]), &records, &mut random(seed)).unwrap();
        let received = ReceivedEnvelope::parse(sealed.bytes.clone()).unwrap();
        prop_assert_eq!(received.digest(), sealed.digest);
        let batch = received.verify(device_key().verifying_key().as_bytes()).unwrap().open(&centre_key()).unwrap();
        prop_assert_eq!(batch.identity, identity(number));
        prop_assert_eq!(batch.previous, BatchDigest([4; 32]));
        prop_assert_eq!(&batch.records, &by_kind(&records));
        let named: u64 = batch.ranges.iter().map(|range| range.count).sum();
        prop_assert_eq!(named, records.len() as u64);
    }
}

#[test]
fn a_finding_without_a_policy_cannot_be_made() {
    let mut record = common::plausible::findings(1, 1).remove(0);
    record.header.policy = None;
    assert_eq!(
        Record::new(record.header, record.body.clone()),
        Err(DecodeError::NoPolicy)
    );
    // Nor can one be smuggled in by its bytes.
    assert_eq!(
        decode_records(&encode_records(&[record])),
        Err(DecodeError::NoPolicy)
    );
}

#[test]
fn a_newer_writers_kinds_columns_and_fields_are_passed_over_and_counted() {
    let mut records = common::plausible::findings(2, 3);
    let unknown = Record {
        body: RecordBody::Unknown(RecordKind(77)),
        ..records[0].clone()
    };
    records.push(unknown.clone());
    let decoded = decode_records(&encode_records(&records)).unwrap();
    assert_eq!(
        decoded.skipped,
        Skipped {
            records: 1,
            columns: 0,
            fields: 0
        }
    );
    assert_eq!(decoded.records[3], unknown);

    // A block of one heartbeat with a field, and a column, from the future.
    let heartbeat = Record {
        header: RecordHeader {
            lane: Lane::Status,
            ..records[0].header
        },
        body: RecordBody::Heartbeat(Heartbeat {
            uptime_seconds: 9,
            ..Heartbeat::default()
        }),
    };
    let mut content = encode_records(std::slice::from_ref(&heartbeat));
    let row = [2, 1, 9];
    let at = content.windows(3).position(|window| window == row).unwrap();
    assert_eq!(
        usize::from(content[2]),
        content.len() - 3,
        "the block's length is one byte"
    );
    // The row grows by a field 99 of two bytes, the block by an empty column 98 after it.
    content.splice(at + 3..at + 3, [99, 2, 1, 1]);
    content[at - 1] += 4;
    content[at - 2] += 4;
    content.extend([98, 0]);
    content[2] += 6;
    let decoded = decode_records(&content).unwrap();
    assert_eq!(decoded.records, [heartbeat]);
    assert_eq!(
        decoded.skipped,
        Skipped {
            records: 0,
            columns: 1,
            fields: 1
        }
    );
}
