//! Nothing that arrives makes a decoder panic, loop or allocate without bound.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use lapwing_wire::{
    DecodeError, DisclosedAddress, Endpoint, FactKind, Facts, RecordBody, decode_records,
    encode_records, fuzz_entry,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_entry(&bytes);
    }

    #[test]
    fn well_formed_content_with_a_few_bytes_changed(
        records in common::any_record::records(8),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode_records(&records);
        prop_assume!(!bytes.is_empty());
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        fuzz_entry(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        fuzz_entry(&bytes);
    }
}

/// Inputs worth keeping: each was found to reach a place of its own.
#[test]
fn the_corpus_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut inputs = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for end in 0..=bytes.len() {
            fuzz_entry(&bytes[..end]);
        }
        inputs += 1;
    }
    assert!(inputs >= 4, "the corpus is there");
}

/// A value that all rows share is written once, so a few bytes could become many: the caps
/// hold for what comes out.
#[test]
fn shared_values_cannot_be_multiplied_without_bound() {
    let mut record = common::plausible::findings(1, 1).remove(0);
    let RecordBody::Finding(finding) = &mut record.body else {
        panic!("findings only")
    };
    finding.source = Endpoint {
        address: DisclosedAddress::Withheld,
        port: None,
    };
    finding.destination = finding.source;
    finding.facts = Facts::default();
    for _ in 0..2 {
        finding.facts.push(FactKind::HttpUri, &[b'a'; 1024]);
    }
    let content = encode_records(&[record]);
    let claiming = |rows: [u8; 3]| [&content[..1], &rows, &content[2..]].concat();

    let most = decode_records(&claiming([0x80, 0x80, 0x01]));
    assert!(
        matches!(
            most,
            Err(DecodeError::OverCap {
                what: "bytes of facts in a batch",
                ..
            })
        ),
        "{most:?}"
    );
    let more = decode_records(&claiming([0x81, 0x80, 0x01]));
    assert!(matches!(
        more,
        Err(DecodeError::OverCap {
            what: "records in a batch",
            ..
        })
    ));
}
