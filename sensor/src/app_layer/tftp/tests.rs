//! Requests by hand (RFC 1350, section 5).

use lapwing_rules::model::AppProtocol;
use proptest::prelude::*;

use super::request;
use crate::{
    app_layer::{FactKind, Transport, testing},
    direction::Direction::{ToClient, ToServer},
};

#[test]
fn each_request_is_a_transaction_that_names_its_file() {
    let mut parser = testing::parser(AppProtocol::Tftp, Transport::Udp);
    let turns = [
        (
            ToServer,
            &b"\0\x01boot/kernel\0Octet\0blksize\x001408\0"[..],
        ),
        (ToClient, b"\0\x03\0\x01data"),
        (ToServer, b"\0\x02running-config\0netascii\0"),
        (ToServer, b"\0\x05\0\x01no\0octet\0"),
    ];
    testing::converse(parser.as_mut(), &turns, &[usize::MAX]);
    let mut facts = Vec::new();
    for number in parser.transactions() {
        parser.transaction(number).unwrap().facts(&mut facts);
    }
    let named = |name: &[u8]| (FactKind::FileName, name.to_vec());
    assert_eq!(facts, [named(b"boot/kernel"), named(b"running-config")]);
}

#[test]
fn what_is_no_request_is_none() {
    assert!(request(b"\0\x01a\0mail\0").is_some());
    for wrong in [
        &b""[..],
        b"\0",
        b"\0\x01",
        b"\0\x01a",
        b"\0\x01a\0",
        b"\0\x01a\0octet",
        b"\0\x01a\0binary\0",
        b"\0\x03a\0octet\0",
        b"\x01\x01a\0octet\0",
    ] {
        assert!(request(wrong).is_none(), "{}", wrong.escape_ascii());
    }
}

#[test]
fn a_long_name_is_cut() {
    let long = [&b"\0\x01"[..], &[b'n'; 60_000], b"\0octet\0"].concat();
    let mut parser = testing::parser(AppProtocol::Tftp, Transport::Udp);
    parser.feed(ToServer, &long);
    assert!(parser.held_bytes() < 8 * 1024);
}

proptest! {
    #[test]
    fn rubbish_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut parser = testing::parser(AppProtocol::Tftp, Transport::Udp);
        parser.feed(ToServer, &[&[0, 1], &bytes[..]].concat());
        prop_assert!(parser.transactions().end <= 1);
    }
}
