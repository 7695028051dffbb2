//! Requests, responses, and datagrams that are neither.

use lapwing_rules::model::Buffer;
use proptest::prelude::*;

use super::SipParser;
use crate::{
    app_layer::{BufferView, Feed, Parser},
    direction::Direction::{self, ToClient, ToServer},
};

const INVITE: &[u8] = b"INVITE sip:bob@example.org;transport=udp SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\r\nSubject: a\r\n folded one\r\nContent-Length: 4\r\n\r\nv=0\n";
const RINGING: &[u8] = b"SIP/2.0 180 Ringing\r\nTo: <sip:bob@example.org>\r\n\r\n";

fn text(parser: &SipParser, number: u64, buffer: Buffer, direction: Direction) -> Option<String> {
    match parser.transaction(number)?.buffer(buffer, direction, 0) {
        BufferView::Complete(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

#[test]
fn each_message_shows_its_first_line() {
    let mut parser = SipParser::default();
    assert_eq!(parser.feed(ToServer, INVITE), Feed::More);
    assert_eq!(parser.feed(ToClient, RINGING), Feed::More);
    assert_eq!(parser.transactions(), 0..2);
    for (number, buffer, direction, wanted) in [
        (0, Buffer::SipMethod, ToServer, Some("INVITE")),
        (
            0,
            Buffer::SipUri,
            ToServer,
            Some("sip:bob@example.org;transport=udp"),
        ),
        (0, Buffer::SipProtocol, ToServer, Some("SIP/2.0")),
        (0, Buffer::SipProtocol, ToClient, None),
        (
            0,
            Buffer::SipRequestLine,
            ToServer,
            Some("INVITE sip:bob@example.org;transport=udp SIP/2.0"),
        ),
        (1, Buffer::SipStatusCode, ToClient, Some("180")),
        (1, Buffer::SipStatusMessage, ToClient, Some("Ringing")),
        (
            1,
            Buffer::SipResponseLine,
            ToClient,
            Some("SIP/2.0 180 Ringing"),
        ),
        (1, Buffer::SipProtocol, ToClient, Some("SIP/2.0")),
        (1, Buffer::SipMethod, ToServer, None),
    ] {
        assert_eq!(
            text(&parser, number, buffer, direction).as_deref(),
            wanted,
            "{buffer:?}"
        );
    }
}

#[test]
fn flaws_are_told_with_the_newest_message() {
    let mut parser = SipParser::default();
    parser.feed(ToServer, INVITE);
    assert_eq!(parser.feed(ToServer, &INVITE[..60]), Feed::More);
    assert_eq!(parser.transaction(0).unwrap().events(), ["incomplete_data"]);
    assert_eq!(parser.feed(ToServer, b"\0\0\0\0"), Feed::More);
    assert_eq!(
        parser.transaction(0).unwrap().events(),
        ["incomplete_data", "invalid_data"]
    );
    assert_eq!(parser.feed(ToClient, RINGING), Feed::More);
    assert_eq!(
        parser.transactions(),
        0..2,
        "it says nothing of the next one"
    );
}

proptest! {
    #[test]
    fn a_datagram_is_read_alone(mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let mut bytes = INVITE.to_vec();
        for (index, value) in mutations {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let mut alone = SipParser::default();
        alone.feed(ToServer, &bytes);
        let mut behind = SipParser::default();
        behind.feed(ToServer, INVITE);
        behind.feed(ToServer, &bytes);
        prop_assert_eq!(
            text(&alone, 0, Buffer::SipRequestLine, ToServer),
            text(&behind, 1, Buffer::SipRequestLine, ToServer)
        );
    }

    #[test]
    fn every_shorter_datagram_is_incomplete(length in 1usize..140) {
        let mut parser = SipParser::default();
        let end = length.min(INVITE.len() - 6);
        prop_assert_eq!(parser.feed(ToServer, &INVITE[..end]), Feed::More);
        prop_assert!(parser.transactions().is_empty());
    }
}
