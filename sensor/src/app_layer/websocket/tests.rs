//! Frames by hand (RFC 6455, section 5.7; RFC 7692, section 7.2.3).

use lapwing_rules::model::AppProtocol;
use proptest::prelude::*;

use crate::{
    app_layer::{
        Parser, Transport, limits,
        testing::{self, Turn},
    },
    direction::Direction::{ToClient, ToServer},
};

/// "Hello" compressed, without the end that is left out.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\0";
/// The same once more, as a reference to the first.
const HELLO_AGAIN: &[u8] = b"\xf2\0\x11\0\0";

const TURNS: &[Turn<'_>] = &[
    (ToServer, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
    (ToClient, b"\x01\x03Hel\x89\x04ping\x80\x02lo"),
    (ToClient, b"\x82\x7e\0\x04long"),
    (ToServer, b"\x88\x80\0\0\0\0"),
];

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Websocket, Transport::Tcp)
}

#[test]
fn each_frame_is_a_transaction_and_the_last_has_the_message() {
    let told = testing::told_of(new(), TURNS);
    assert_eq!(
        told[..4],
        [
            ">WebsocketFlags=128 >WebsocketOpcode=1 >WebsocketMask=939139389 >websocket.payload=Hello",
            "<WebsocketFlags=0 <WebsocketOpcode=1 <websocket.payload=Hel",
            "<WebsocketFlags=128 <WebsocketOpcode=9 <websocket.payload=ping",
            "<WebsocketFlags=128 <WebsocketOpcode=0 <websocket.payload=Hello",
        ]
    );
    assert_eq!(
        told[4],
        "<WebsocketFlags=128 <WebsocketOpcode=2 <websocket.payload=long"
    );
    assert_eq!(
        told[5],
        ">WebsocketFlags=128 >WebsocketOpcode=8 >WebsocketMask=0 >websocket.payload="
    );
}

#[test]
fn compressed_messages_are_read_and_may_refer_to_earlier_ones() {
    let frame = |payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0xc1, length][..], payload].concat()
    };
    let parts = [&[0x41, 3][..], &HELLO[..3], &[0x80, 4], &HELLO[3..]].concat();
    let turns = [
        (ToClient, &frame(HELLO)[..]),
        (ToClient, &frame(HELLO_AGAIN)),
        (ToClient, &parts),
        (ToClient, &frame(b"\xff\xff\xff")),
        (ToClient, &frame(HELLO)),
    ];
    let payloads: Vec<String> = testing::told_of(new(), &turns)
        .iter()
        .map(|line| line.rsplit_once('=').unwrap().1.to_owned())
        .collect();
    assert_eq!(payloads[..2], ["Hello", "Hello"]);
    assert_eq!(payloads[3], "Hello");
    // What makes no sense is shown as it is, and so is all that comes behind it.
    assert_eq!(payloads[4], "\\xff\\xff\\xff");
    assert_eq!(payloads[5], "\\xf2H\\xcd\\xc9\\xc9\\x07\\x00");
}

#[test]
fn long_frames_and_messages_are_cut_and_it_is_told() {
    let long = [&b"\x82\x7f\0\0\0\0\0\x01\x11\x70"[..], &[b'x'; 70_000]].concat();
    let part = [&b"\x02\x7e\xff\xff"[..], &[b'y'; 65_535]].concat();
    let mut parser = new();
    let turns = [
        (ToClient, &long[..]),
        (ToClient, &part),
        (ToClient, b"\x80\x01z"),
        (ToClient, b"\x81\x01a"),
    ];
    testing::converse(parser.as_mut(), &turns, &[1_000]);
    let told = testing::told(parser.as_ref());
    assert!(told[0].starts_with("!skip_end_of_payload"));
    assert!(told[1].starts_with('<') && told[2].starts_with("!reassembly_limit_reached"));
    assert!(told[3].ends_with("=a"), "{}", told[3]);
    assert!(parser.held_bytes() < 8 * limits::WEBSOCKET_PAYLOAD_BYTES_MAX);
}

#[test]
fn a_message_that_bursts_is_cut_and_the_next_is_still_read() {
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&[b'0'; 200_000]).unwrap();
    encoder.flush().unwrap();
    let first = encoder.get_ref().len();
    encoder.write_all(b"the next one").unwrap();
    encoder.flush().unwrap();
    let all = encoder.get_ref().clone();
    let frame = |payload: &[u8]| {
        let payload = &payload[..payload.len() - 4];
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[0xc2, 126][..], &length, payload].concat()
    };
    let (one, next) = (frame(&all[..first]), frame(&all[first..]));
    let told = testing::told_of(new(), &[(ToServer, &one), (ToServer, &next)]);
    assert!(told[0].len() > limits::WEBSOCKET_PAYLOAD_BYTES_MAX && told[0].len() < 70_000);
    assert!(told[1].ends_with("=the next one"), "{}", told[1]);
}

proptest! {
    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        testing::cuts_change_nothing(new, TURNS, &mutations, &sizes)?;
    }
}
