//! Messages by hand (MQTT 3.1.1 and 5.0, section 3).

use lapwing_rules::model::{AppProtocol, Frame, FrameSet};
use proptest::prelude::*;

use crate::{
    app_layer::{
        Parser, Transport, limits,
        testing::{self, Turn},
    },
    direction::Direction::{self, ToClient, ToServer},
};

fn new() -> Box<dyn Parser> {
    testing::parser(AppProtocol::Mqtt, Transport::Tcp)
}

/// A string behind its length.
fn string(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// A message with its fixed header.
fn message(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let rest = parts.concat();
    let mut bytes = vec![first];
    let mut left = rest.len();
    loop {
        let low = u8::try_from(left & 0x7f).unwrap();
        left >>= 7;
        bytes.push(if left > 0 { low | 0x80 } else { low });
        if left == 0 {
            break;
        }
    }
    bytes.extend(rest);
    bytes
}

fn connect() -> Vec<u8> {
    message(0x10, &[&string("MQTT"), b"\x04\x02\0\x3c", &string("tool")])
}

const ACCEPTED: &[u8] = b"\x20\x02\0\0";

/// What is told of a conversation behind CONNECT and its answer.
fn told_behind_connect(turns: &[Turn<'_>]) -> Vec<String> {
    let connect = connect();
    let all = [&[(ToServer, &connect[..]), (ToClient, ACCEPTED)], turns].concat();
    testing::told_of(new(), &all).split_off(1)
}

#[test]
fn connecting_tells_who_and_how() {
    let connect = message(
        0x10,
        &[
            &string("MQTT"),
            b"\x05\xe6\0\x3c",
            b"\x05\x11\0\0\0\x0a",
            &string("tool"),
            b"\x00",
            &string("gone"),
            &string("bye"),
            &string("user"),
            &string("secret"),
        ],
    );
    let turns = [(ToServer, &connect[..]), (ToClient, b"\x20\x03\x01\x86\0")];
    assert_eq!(
        testing::told_of(new(), &turns),
        [
            ">MqttType=1,2 >MqttFlags=0,0 >MqttQos=0,0 >MqttProtocolVersion=5 >MqttReasonCode=134 \
             >MqttConnectFlags=230 >mqtt.connect.clientid=tool >mqtt.connect.username=user \
             >mqtt.connect.password=secret >mqtt.connect.willtopic=gone >mqtt.connect.willmessage=bye"
        ]
    );
}

#[test]
fn an_exchange_is_told_when_it_is_whole() {
    let publish = message(0x34, &[&string("a/b"), b"\0\x07", b"hello"]);
    let mut turns = vec![
        (ToServer, &publish[..]),
        (ToClient, &b"\x50\x02\0\x07"[..]),
        (ToServer, b"\x62\x02\0\x07"),
    ];
    assert_eq!(
        told_behind_connect(&turns),
        [">mqtt.publish.topic=a/b >mqtt.publish.message=hello"],
        "what has nothing to be looked for sees it before"
    );
    turns.push((ToClient, b"\x70\x02\0\x07"));
    assert_eq!(
        told_behind_connect(&turns),
        [
            ">MqttType=3,5,6,7 >MqttFlags=0,0,0,0 >MqttQos=2,0,1,0 >MqttProtocolVersion=4 \
             >mqtt.publish.topic=a/b >mqtt.publish.message=hello"
        ]
    );
}

#[test]
fn topics_stand_each_by_itself() {
    let subscribe = message(
        0x82,
        &[b"\0\x03", &string("a"), b"\0", &string("b"), b"\x01"],
    );
    let leave = message(0xa2, &[b"\0\x04", &string("c"), &string("d")]);
    let turns = [
        (ToServer, &subscribe[..]),
        (ToClient, b"\x90\x04\0\x03\0\x80"),
        (ToServer, &leave),
        (ToClient, b"\xb0\x02\0\x04"),
    ];
    assert_eq!(
        told_behind_connect(&turns),
        [
            ">MqttType=8,9 >MqttFlags=0,0 >MqttQos=1,0 >MqttProtocolVersion=4 >MqttReasonCode=0,128 \
             >mqtt.subscribe.topic=a >mqtt.subscribe.topic=b",
            ">MqttType=10,11 >MqttFlags=0,0 >MqttQos=1,0 >MqttProtocolVersion=4 \
             >mqtt.unsubscribe.topic=c >mqtt.unsubscribe.topic=d",
        ]
    );
}

#[test]
fn what_does_not_fit_is_an_event() {
    let connect = connect();
    let events = |turns: &[Turn<'_>]| -> Vec<String> {
        let told = testing::told_of(new(), turns);
        told.iter()
            .flat_map(|line| line.split(' '))
            .filter_map(|word| word.strip_prefix('!'))
            .map(str::to_owned)
            .collect()
    };
    let publish = message(0x30, &[&string("a"), b"b"]);
    assert_eq!(events(&[(ToClient, ACCEPTED)]), ["missing_connect"]);
    assert_eq!(events(&[(ToServer, &publish)]), ["unintroduced_message"]);
    let connected: [Turn<'_>; 2] = [(ToServer, &connect), (ToClient, ACCEPTED)];
    let behind: [(Turn<'_>, &str); 8] = [
        ((ToServer, &connect), "double_connect"),
        ((ToServer, b"\x36\x05\0\x01a\0\x01"), "invalid_qos_level"),
        ((ToClient, b"\x40\x02\0\x01"), "missing_publish"),
        ((ToClient, b"\x90\x03\0\x01\0"), "missing_subscribe"),
        ((ToClient, b"\xb0\x02\0\x01"), "missing_unsubscribe"),
        ((ToServer, b"\0\0"), "unassigned_msg_type"),
        ((ToServer, b"\x30\x01\0"), "malformed_traffic"),
        ((ToServer, b"\x30\xff\xff\xff\xff"), "malformed_traffic"),
    ];
    for (turn, event) in behind {
        assert_eq!(events(&[&connected[..], &[turn]].concat()), [event]);
    }
}

#[test]
fn a_connection_that_leaves_too_much_open_is_told() {
    let subscribe = message(0x82, &[b"\0\x03", &string("a"), b"\0"]);
    let connect = connect();
    let mut turns: Vec<Turn<'_>> = vec![(ToServer, &connect[..]), (ToClient, ACCEPTED)];
    turns.extend([(ToServer, &subscribe[..]); limits::MQTT_OPEN_TRANSACTIONS_MAX]);
    let is_told = |turns: &[Turn<'_>]| {
        let told = testing::told_of(new(), turns);
        told.iter().any(|line| line.contains("too_many"))
    };
    assert!(!is_told(&turns));
    turns.push((ToServer, &subscribe));
    assert!(is_told(&turns));
}

#[test]
fn a_long_message_is_passed_over() {
    // 2,000,000 bytes, of which four come at once.
    let turns = [
        (ToServer, &b"\x30\x80\x89\x7a\0\x01ab"[..]),
        (ToServer, &vec![b'x'; 2_000_000 - 4]),
        (ToServer, b"\xc0\0"),
    ];
    assert_eq!(
        told_behind_connect(&turns),
        [
            "<MqttType=3",
            ">MqttType=12 >MqttFlags=0 >MqttQos=0 >MqttProtocolVersion=4"
        ]
    );
}

/// CONNECT, PUBLISH, and PINGREQ, which has no more than its header.
const CLIENT: &[u8] = b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04tool\x30\x07\0\x03a/bhi\xc0\0";

/// Every frame with its bytes, as rules would see them.
fn frames(bytes: &[u8], sizes: &[usize]) -> Vec<(Frame, Vec<u8>)> {
    let mut wanted = FrameSet::default();
    for frame in [Frame::MqttPdu, Frame::MqttHeader, Frame::MqttData] {
        wanted.insert(frame);
    }
    let mut parser = new();
    parser.frames_mut().unwrap().want(wanted);
    let (mut seen, mut rest) = (Vec::new(), bytes);
    let mut sizes = sizes.iter().copied().cycle();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
        parser.frames_mut().unwrap().fed(ToServer, now);
        parser.feed(ToServer, now);
        let log = parser.frames_mut().unwrap();
        seen.extend(
            log.pieces(ToServer, false)
                .map(|piece| (piece.frame, piece.bytes.to_vec())),
        );
        log.inspected(ToServer, false);
        rest = later;
    }
    seen.sort();
    seen
}

#[test]
fn messages_are_frames() {
    let seen = frames(CLIENT, &[usize::MAX]);
    let expected: [(Frame, &[u8]); 8] = [
        (Frame::MqttPdu, &CLIENT[..18]),
        (Frame::MqttPdu, &CLIENT[18..27]),
        (Frame::MqttPdu, &CLIENT[27..]),
        (Frame::MqttHeader, &CLIENT[..2]),
        (Frame::MqttHeader, &CLIENT[18..20]),
        (Frame::MqttHeader, &CLIENT[27..]),
        (Frame::MqttData, &CLIENT[20..27]),
        (Frame::MqttData, &CLIENT[2..18]),
    ];
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(frame, bytes)| (*frame, bytes.to_vec()))
        .collect();
    expected.sort();
    assert_eq!(seen, expected);
}

proptest! {
    #[test]
    fn cuts_change_no_frames(sizes in prop::collection::vec(1usize..12, 1..10)) {
        prop_assert_eq!(frames(CLIENT, &sizes), frames(CLIENT, &[usize::MAX]));
    }

    #[test]
    fn cuts_change_nothing(mutations in testing::mutations(), sizes in testing::sizes()) {
        let publish = message(0x34, &[&string("a/b"), b"\0\x07", b"hello"]);
        let subscribe = message(0x82, &[b"\0\x03", &string("a"), b"\0"]);
        let client = [CLIENT, &publish, &subscribe].concat();
        let turns: [(Direction, &[u8]); 4] = [
            (ToServer, &client),
            (ToClient, b"\x20\x02\0\0\x50\x02\0\x07\x90\x03\0\x03\0"),
            (ToServer, b"\x62\x02\0\x07\xe0\0"),
            (ToClient, b"\x70\x02\0\x07"),
        ];
        testing::cuts_change_nothing(new, &turns, &mutations, &sizes)?;
    }
}
