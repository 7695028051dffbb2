//! Handshakes by hand (RFC 6143, section 7).

use lapwing_rules::model::AppProtocol;
use proptest::prelude::*;

use crate::{
    app_layer::{
        Feed, Parser, Transport,
        testing::{self, Turn},
    },
    direction::Direction::{ToClient, ToServer},
};

const VERSION_3: &[u8] = b"RFB 003.003\n";
const VERSION_8: &[u8] = b"RFB 003.008\n";
const SERVER_INIT: &[u8] =
    b"\x03\x20\x02\x58\x20\x18\0\x01\0\xff\0\xff\0\xff\x10\x08\0\0\0\0\0\0\0\x04desk";

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Rfb, Transport::Tcp)
}

fn told(turns: &[Turn<'_>]) -> Vec<String> {
    testing::told_of(new(), turns)
}

const VNC: &[Turn<'_>] = &[
    (ToClient, VERSION_8),
    (ToServer, VERSION_8),
    (ToClient, b"\x02\x01\x02"),
    (ToServer, b"\x02"),
    (ToClient, b"challenge......."),
    (ToServer, b"response........"),
    (ToClient, b"\0\0\0\0"),
    (ToServer, b"\x01"),
    (ToClient, SERVER_INIT),
    (ToServer, b"\x05 a message"),
    (ToClient, b"\0 another"),
];

#[test]
fn a_handshake_with_a_password() {
    assert_eq!(
        told(VNC),
        [">RfbSecurityType=2 <RfbSecurityResult=0 <rfb.name=desk"]
    );
    assert_eq!(told(&VNC[..8]), [""], "asked once it is complete");
}

#[test]
fn version_3_leaves_the_choice_to_the_server() {
    assert_eq!(
        told(&[
            (ToClient, VERSION_8),
            (ToServer, VERSION_3),
            (ToClient, b"\0\0\0\x01"),
            (ToServer, b"\x01"),
            (ToClient, SERVER_INIT),
        ]),
        [">RfbSecurityType=1 <rfb.name=desk"]
    );
}

#[test]
fn flaws_are_events() {
    let begin = [(ToClient, VERSION_8), (ToServer, VERSION_8)];
    let then = |turns: &[Turn<'static>]| told(&[&begin[..], turns].concat());
    assert_eq!(
        then(&[(ToServer, b"\x01")]),
        ["!confused_state >RfbSecurityType=0"]
    );
    assert_eq!(
        then(&[(ToClient, b"\x01\x05"), (ToServer, b"\x05")]),
        ["!unimplemented_security_type"]
    );
    assert_eq!(
        then(&[
            (ToClient, b"\x01\x02"),
            (ToServer, b"\x02"),
            (ToClient, &[1; 16]),
            (ToServer, &[2; 16]),
            (ToClient, b"\0\0\0\x07"),
        ]),
        ["!unknown_security_result >RfbSecurityType=2"]
    );
    // A refusal with its reason; then nobody but the server may speak.
    assert_eq!(then(&[(ToClient, b"\0"), (ToClient, b"no")]), [""]);
    assert_eq!(
        then(&[(ToClient, b"\0no"), (ToServer, b"x")]),
        ["!confused_state >RfbSecurityType=0"]
    );
}

#[test]
fn what_is_no_version_and_what_goes_on_behind_a_gap_ends_it() {
    let mut parser = new();
    assert_eq!(parser.feed(ToClient, b"RFB 003:008\n"), Feed::Fail);
    assert!(parser.transactions().is_empty());
    let mut parser = new();
    parser.feed(ToClient, VERSION_8);
    assert_eq!(parser.gap(ToClient, 5), Feed::More);
    assert_eq!(parser.feed(ToServer, VERSION_8), Feed::More);
    assert_eq!(parser.feed(ToClient, b"\x01\x01"), Feed::Fail);
}

#[test]
fn a_name_without_end_is_not_kept() {
    let mut parser = new();
    testing::converse(parser.as_mut(), &VNC[..8], &[usize::MAX]);
    let huge = [&SERVER_INIT[..20], b"\xff\xff\xff\xff"].concat();
    parser.feed(ToClient, &huge);
    for _ in 0..100 {
        parser.feed(ToClient, &[b'n'; 10_000]);
    }
    assert!(parser.held_bytes() < 300 * 1024);
}

proptest! {
    #[test]
    fn cuts_change_nothing(sizes in testing::sizes()) {
        testing::cuts_change_nothing(new, VNC, &[], &sizes)?;
    }

    #[test]
    fn hostile_messages_are_survived(mutations in testing::mutations(), sizes in testing::sizes()) {
        // Who is to speak may depend on the cut where a length is wrong; that nothing breaks does not.
        let mut parser = new();
        for (direction, bytes) in VNC {
            let mut bytes = bytes.to_vec();
            for (index, value) in &mutations {
                let at = index.index(bytes.len());
                bytes[at] = *value;
            }
            testing::converse(parser.as_mut(), &[(*direction, &bytes)], &sizes);
        }
        prop_assert!(testing::told(parser.as_ref()).len() <= 1);
    }
}
