//! What a signed document proves, and each way in which it can fail to.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use lapwing_trust::{Check, Document, Draft, PublicKey, Role, TrustError};
use proptest::prelude::*;

type Content = BTreeMap<String, u64>;

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(number: u8) -> PublicKey {
    PublicKey::from_bytes(key(number).verifying_key().as_bytes()).unwrap()
}

fn role(keys: &[u8], threshold: usize) -> Role {
    Role::new(
        "policy",
        keys.iter().map(|number| public(*number)),
        threshold,
    )
    .unwrap()
}

fn content() -> Content {
    Content::from([
        ("budget_bytes".to_owned(), 5_000_000),
        ("rung".to_owned(), 2),
    ])
}

fn document(signers: &[u8]) -> Document {
    let draft = Draft {
        kind: "policy",
        version: 7,
        issued_seconds: 1000,
        expires_seconds: 2000,
        content: content(),
    };
    let mut document = draft.into_document().unwrap();
    for signer in signers {
        document.sign(&key(*signer)).unwrap();
    }
    document
}

fn check(role: &Role) -> Check<'_> {
    Check {
        kind: "policy",
        role,
        version_floor: 7,
        now_seconds: 1500,
        tolerance_seconds: 0,
    }
}

#[test]
fn a_signed_document_is_read() {
    let bytes = document(&[1]).to_bytes().unwrap();
    let verified = Document::parse(&bytes)
        .unwrap()
        .verify(&check(&role(&[1], 1)))
        .unwrap();
    assert_eq!(verified.content::<Content>().unwrap(), content());
    assert_eq!(
        (
            verified.version,
            verified.issued_seconds,
            verified.expires_seconds
        ),
        (7, 1000, 2000)
    );
}

#[test]
fn the_threshold_counts_different_keys_of_the_role() {
    let two_of_three = role(&[1, 2, 3], 2);
    let too_few = |signers: &[u8]| {
        let result = document(signers).verify(&check(&two_of_three));
        assert!(
            matches!(
                result,
                Err(TrustError::TooFewSignatures {
                    valid: 0..=1,
                    threshold: 2,
                    ..
                })
            ),
            "{result:?}"
        );
    };
    too_few(&[]);
    too_few(&[1]);
    too_few(&[1, 1]);
    too_few(&[1, 9]);
    assert!(document(&[3, 1]).verify(&check(&two_of_three)).is_ok());
    assert!(document(&[9, 3, 1]).verify(&check(&two_of_three)).is_ok());
}

#[test]
fn a_signature_repeated_in_the_file_counts_once() {
    let mut twice: serde_json::Value =
        serde_json::from_slice(&document(&[1]).to_bytes().unwrap()).unwrap();
    let signatures = twice["signatures"].as_array_mut().unwrap();
    signatures.push(signatures[0].clone());
    let twice = twice.to_string();
    let result = Document::parse(twice.as_bytes())
        .unwrap()
        .verify(&check(&role(&[1, 2], 2)));
    assert!(
        matches!(result, Err(TrustError::TooFewSignatures { valid: 1, .. })),
        "{result:?}"
    );
}

#[test]
fn other_kinds_older_versions_and_ended_documents_are_refused() {
    let role = role(&[1], 1);
    let refused = |check: Check<'_>| document(&[1]).verify(&check).unwrap_err();
    assert!(matches!(
        refused(Check {
            kind: "pack",
            ..check(&role)
        }),
        TrustError::WrongKind { .. }
    ));
    assert!(matches!(
        refused(Check {
            version_floor: 8,
            ..check(&role)
        }),
        TrustError::Rollback {
            version: 7,
            floor: 8
        }
    ));
    assert!(matches!(
        refused(Check {
            now_seconds: 2001,
            ..check(&role)
        }),
        TrustError::Expired { .. }
    ));
    // A clock that may be an hour wrong gets an hour.
    assert!(
        document(&[1])
            .verify(&Check {
                now_seconds: 2001,
                tolerance_seconds: 3600,
                ..check(&role)
            })
            .is_ok()
    );
}

#[test]
fn a_role_needs_a_threshold_it_can_meet() {
    for (keys, threshold) in [(&[1, 2][..], 0), (&[1, 2], 3), (&[1, 1], 1), (&[], 1)] {
        let result = Role::new("root", keys.iter().map(|number| public(*number)), threshold);
        assert!(
            matches!(result, Err(TrustError::BadRole { .. })),
            "{keys:?} {threshold}"
        );
    }
}

#[test]
fn keys_are_written_and_read_as_hex() {
    assert_eq!(
        public(4).to_string().parse::<PublicKey>().unwrap(),
        public(4)
    );
    assert!(matches!("00".parse::<PublicKey>(), Err(TrustError::BadKey)));
    // A point of small order would verify anything.
    let weak = format!("01{}", "00".repeat(31));
    assert!(matches!(weak.parse::<PublicKey>(), Err(TrustError::BadKey)));
}

proptest! {
    #[test]
    fn no_changed_byte_yields_another_content(at in any::<prop::sample::Index>(), value: u8) {
        let mut bytes = document(&[1]).to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let verified = Document::parse(&bytes).and_then(|document| document.verify(&check(&role(&[1], 1))));
        if let Ok(verified) = verified {
            prop_assert_eq!(verified.content::<Content>().unwrap(), content());
        }
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Document::parse(&bytes).is_err());
    }
}
