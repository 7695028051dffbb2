//! Messages by hand (RFC 5905, section 7.3).

use lapwing_rules::model::AppProtocol;
use proptest::prelude::*;

use super::is_message;
use crate::{
    app_layer::{Transport, testing},
    direction::Direction::{ToClient, ToServer},
};

/// A header of a version and mode, and what stands behind it.
fn message(version: u8, mode: u8, behind: &[u8]) -> Vec<u8> {
    let mut bytes = vec![version << 3 | mode];
    bytes.resize(48, 0);
    bytes.extend_from_slice(behind);
    bytes
}

#[test]
fn each_message_that_asks_is_a_transaction() {
    let turns = [
        (ToServer, &message(4, 3, b"")[..]),
        (ToClient, &message(4, 4, b"")),
        (ToServer, &message(3, 1, b"anything")),
        (ToClient, &message(4, 5, b"")),
        (ToServer, b"nothing of the kind"),
        (ToServer, &message(4, 3, &[7; 20])),
    ];
    let parser = testing::parser(AppProtocol::Ntp, Transport::Udp);
    assert_eq!(testing::told_of(parser, &turns), ["", "", ""]);
}

#[test]
fn behind_version_4_stand_fields_and_a_digest_or_nothing() {
    let field = |length: u8| [&[0, 1, 0, length][..], &[0; 28]].concat();
    assert!(is_message(&message(3, 3, b"x")) && is_message(&message(4, 3, b"")));
    assert!(is_message(&message(4, 3, &[0; 20])));
    assert!(!is_message(&message(4, 3, &[0; 19])));
    assert!(is_message(&message(4, 3, &field(8))));
    assert!(!is_message(&message(4, 3, &field(9))));
    assert!(!is_message(&message(2, 3, b"")) && !is_message(&message(4, 3, b"")[..47]));
}

proptest! {
    #[test]
    fn rubbish_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut parser = testing::parser(AppProtocol::Ntp, Transport::Udp);
        parser.feed(ToServer, &bytes);
        prop_assert!(parser.transactions().end <= 1);
    }
}
