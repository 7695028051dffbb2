//! Connections by hand (MS-RDPBCGR, section 4.1).

use lapwing_rules::model::AppProtocol;
use proptest::prelude::*;

use crate::{
    app_layer::{
        FactKind, Feed, Parser, Transport,
        testing::{self, Turn, element},
    },
    direction::Direction::{ToClient, ToServer},
};

const REQUEST: &[u8] =
    b"\x03\0\0\x2d\x28\xe0\0\0\0\0\0Cookie: mstshash=visitor\r\n\x01\0\x08\0\x03\0\0\0";
const CONFIRM_PLAIN: &[u8] = b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0";
const CONFIRM_TLS: &[u8] = b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x01\0\0\0";
const CONFERENCE_REQUEST: &[u8] = b"\x03\0\0\x0b\x02\xf0\x80\x7f\x65\x01\0";
const CONFERENCE_RESPONSE: &[u8] = b"\x03\0\0\x0b\x02\xf0\x80\x7f\x66\x01\0";

const PLAIN: &[Turn<'_>] = &[
    (ToServer, REQUEST),
    (ToClient, CONFIRM_PLAIN),
    (ToServer, CONFERENCE_REQUEST),
    (ToClient, CONFERENCE_RESPONSE),
    (
        ToServer,
        b"\x03\0\0\x08\x02\xf0\x80\x04ciphertext of its own",
    ),
    (ToClient, b"whatever"),
];

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Rdp, Transport::Tcp)
}

fn name(common_name: &[u8]) -> Vec<u8> {
    let attribute = element(
        0x30,
        &[b"\x06\x03\x55\x04\x03", &element(0x0c, &[common_name])],
    );
    element(0x30, &[&element(0x31, &[&attribute])])
}

/// A certificate that a server made for itself.
fn certificate() -> Vec<u8> {
    let algorithm = element(
        0x30,
        &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\0"],
    );
    let time = element(0x17, &[b"250101000000Z"]);
    let key = element(0x30, &[&algorithm, b"\x03\x02\0\x01"]);
    let to_be_signed = element(
        0x30,
        &[
            b"\x02\x01\x05",
            &algorithm,
            &name(b"desk.example"),
            &element(0x30, &[&time, &time]),
            &name(b"desk.example"),
            &key,
        ],
    );
    element(0x30, &[&to_be_signed, &algorithm, b"\x03\x02\0\x01"])
}

fn with_length(width: usize, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[4 - width..], bytes].concat()
}

/// A record with a server's certificate message.
fn certificate_record() -> Vec<u8> {
    let list = with_length(3, &with_length(3, &certificate()));
    let message = [&[11][..], &with_length(3, &list)].concat();
    [&[22, 3, 3][..], &with_length(2, &message)].concat()
}

#[test]
fn the_steps_before_its_own_encryption_are_transactions() {
    assert_eq!(testing::told_of(new(), PLAIN).len(), 4);
    assert_eq!(testing::told_of(new(), &PLAIN[..2]).len(), 2);
}

#[test]
fn in_tls_the_certificate_is_the_last_step() {
    let record = certificate_record();
    let turns = [
        (ToServer, REQUEST),
        (ToClient, CONFIRM_TLS),
        (ToServer, b"\x16\x03\x01\0\x04\x01\0\0\0"),
        (ToClient, b"\x16\x03\x03\0\x04\x02\0\0\0"),
        (ToClient, &record),
        (ToServer, b"\x17\x03\x03 is not read any more"),
    ];
    let mut parser = new();
    testing::converse(parser.as_mut(), &turns, &[usize::MAX]);
    assert_eq!(parser.transactions(), 0..3);
    let mut facts = Vec::new();
    parser.transaction(2).unwrap().facts(&mut facts);
    let subject = (FactKind::TlsSubject, b"CN=desk.example".to_vec());
    assert!(facts.contains(&subject), "{facts:?}");
    assert_eq!(facts.len(), 3);
}

#[test]
fn what_is_neither_is_given_up() {
    for wrong in [
        &b"\x04\0\0\x08"[..],
        b"\x03\0\0\x03",
        b"\x16\x02",
        b"\x16\x03\x01\xff\xff",
    ] {
        assert_eq!(new().feed(ToServer, wrong), Feed::Fail);
    }
    let mut parser = new();
    assert_eq!(parser.feed(ToServer, b"\x03\0\xff\xff"), Feed::More);
    assert!(parser.transactions().is_empty());
}

proptest! {
    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        testing::cuts_change_nothing(new, PLAIN, &mutations, &sizes)?;
    }

    #[test]
    fn cuts_of_tls_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        let record = certificate_record();
        let turns = [(ToServer, REQUEST), (ToClient, CONFIRM_TLS), (ToClient, &record[..])];
        testing::cuts_change_nothing(new, &turns, &mutations, &sizes)?;
    }
}
