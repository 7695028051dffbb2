//! Connections written by hand: streams and their buffers, events, numbers, an upgrade; whole or cut.

use lapwing_rules::model::{Buffer, HeaderField};
use proptest::prelude::*;

use super::{Http2Parser, frame::PREFACE};
use crate::{
    app_layer::{BufferView, Parser, UpgradedRequest},
    direction::Direction::{self, ToClient, ToServer},
};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Literal fields that are not indexed.
fn fields(list: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in list {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

fn request() -> Vec<u8> {
    let head = fields(&[
        (":method", "POST"),
        (":path", "/form?a=b"),
        (":authority", "WWW.Example:8080"),
        ("user-agent", "tool"),
        ("cookie", "c=1"),
        ("cookie", "d=2"),
        ("content-type", "text/x"),
    ]);
    let (first, rest) = head.split_at(40);
    [
        PREFACE,
        &frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]),
        &frame(1, 0x20, 1, &[&[0, 0, 0, 0, 200], first].concat()),
        &frame(9, 4, 1, rest),
        &frame(0, 9, 1, b"\x03upload\0\0\0"),
        &frame(8, 0, 1, &[0, 0, 1, 0]),
    ]
    .concat()
}

fn response() -> Vec<u8> {
    [
        frame(4, 1, 0, b""),
        frame(
            1,
            4,
            1,
            &fields(&[
                (":status", "200"),
                ("server", "made"),
                ("set-cookie", "e=3"),
            ]),
        ),
        frame(0, 0, 1, b"first "),
        frame(0, 1, 1, b"second"),
        frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 2]),
    ]
    .concat()
}

fn parse(pieces: &[(Direction, &[u8])]) -> Http2Parser {
    let mut parser = Http2Parser::default();
    for (direction, bytes) in pieces {
        parser.feed(*direction, bytes);
    }
    parser
}

fn text(parser: &Http2Parser, number: u64, buffer: Buffer, direction: Direction) -> String {
    match parser
        .transaction(number)
        .unwrap()
        .buffer(buffer, direction, 0)
    {
        BufferView::Complete(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

fn events(pieces: &[(Direction, &[u8])]) -> Vec<&'static str> {
    let parser = parse(pieces);
    parser
        .transactions()
        .filter_map(|number| parser.transaction(number))
        .flat_map(|transaction| transaction.events().to_vec())
        .collect()
}

fn with_preface(frame: &[u8]) -> Vec<u8> {
    [PREFACE, frame].concat()
}

#[test]
fn a_stream_is_a_request_with_its_response() {
    let parser = parse(&[(ToServer, &request()), (ToClient, &response())]);
    // SETTINGS, the stream, GOAWAY.
    assert_eq!(parser.transactions(), 0..3);
    let expected = [
        (ToServer, Buffer::HttpMethod, "POST"),
        (ToServer, Buffer::HttpUri, "/form?a=b"),
        (
            ToServer,
            Buffer::HttpRequestLine,
            "POST /form?a=b HTTP/2\r\n",
        ),
        (ToServer, Buffer::HttpHost, "www.example"),
        (ToServer, Buffer::HttpHostRaw, "WWW.Example:8080"),
        (ToServer, Buffer::HttpUserAgent, "tool"),
        (ToServer, Buffer::HttpCookie, "c=1, d=2"),
        (ToServer, Buffer::HttpContentType, "text/x"),
        (ToServer, Buffer::HttpProtocol, "HTTP/2"),
        (ToServer, Buffer::HttpRequestBody, "upload"),
        (ToServer, Buffer::HttpRequestHeader, ":method: POST"),
        (ToServer, Buffer::Http2HeaderName, ":method"),
        (ToServer, Buffer::FileData, "upload"),
        (ToClient, Buffer::HttpStatusCode, "200"),
        (ToClient, Buffer::HttpStatusMessage, ""),
        (ToClient, Buffer::HttpResponseLine, "HTTP/2 200\r\n"),
        (ToClient, Buffer::HttpServer, "made"),
        (ToClient, Buffer::HttpCookie, "e=3"),
        (
            ToClient,
            Buffer::HttpHeader,
            ":status: 200\r\nserver: made\r\n",
        ),
        (
            ToClient,
            Buffer::HttpHeaderNames,
            "\r\n:status\r\nserver\r\nset-cookie\r\n\r\n",
        ),
        (ToClient, Buffer::FileData, "first second"),
        (ToClient, Buffer::HttpLocation, "Absent"),
    ];
    for (direction, buffer, value) in expected {
        assert_eq!(text(&parser, 1, buffer, direction), value, "{buffer:?}");
    }
    let stream = parser.transaction(1).unwrap();
    assert!(stream.is_complete(ToServer) && stream.events().is_empty());
    for (field, direction, value) in [
        (HeaderField::Http2FrameType, ToServer, 1),
        (HeaderField::Http2Priority, ToServer, 200),
        (HeaderField::Http2Window, ToServer, 256),
    ] {
        assert_eq!(stream.field(field, direction, 0), Some(value));
    }
    assert_eq!(
        stream.field(HeaderField::Http2FrameType, ToClient, 1),
        Some(0)
    );
    let settings = parser.transaction(0).unwrap();
    let streams_max = HeaderField::Http2SettingMaxConcurrentStreams;
    assert_eq!(settings.field(streams_max, ToServer, 0), Some(100));
    let last = parser.transaction(2).unwrap();
    assert_eq!(
        last.field(HeaderField::Http2ErrorCode, ToClient, 0),
        Some(2)
    );
}

#[test]
fn a_request_is_seen_when_its_headers_are_known_to_be_all() {
    let mut parser = Http2Parser::default();
    let head = fields(&[(":method", "GET"), (":path", "/")]);
    parser.feed(ToServer, &with_preface(&frame(1, 4, 1, &head)));
    assert_eq!(text(&parser, 0, Buffer::HttpUri, ToServer), "Pending");
    assert_eq!(
        text(&parser, 0, Buffer::HttpRequestHeader, ToServer),
        ":method: GET"
    );
    parser.feed(ToServer, &frame(0, 0, 1, b"x"));
    assert_eq!(text(&parser, 0, Buffer::HttpUri, ToServer), "/");
}

#[test]
fn a_promised_request_is_a_stream_of_its_own() {
    let promise = [&[0, 0, 0, 2][..], &fields(&[(":path", "/style.css")])].concat();
    let answer = frame(1, 5, 2, &fields(&[(":status", "304")]));
    let parser = parse(&[
        (
            ToServer,
            &with_preface(&frame(1, 5, 1, &fields(&[(":path", "/")]))),
        ),
        (ToClient, &[frame(5, 4, 1, &promise), answer].concat()),
    ]);
    assert_eq!(parser.transactions(), 0..2);
    assert_eq!(text(&parser, 1, Buffer::HttpStatusCode, ToClient), "304");
    let names = parser
        .transaction(1)
        .unwrap()
        .buffer(Buffer::HttpResponseHeader, ToClient, 0);
    assert_eq!(names, BufferView::Complete(b":path: /style.css"));
}

#[test]
fn behind_an_upgrade_the_request_is_stream_one() {
    let mut parser = Http2Parser::after_upgrade(&UpgradedRequest {
        method: b"GET".to_vec(),
        target: b"/up".to_vec(),
        headers: vec![
            (b"Host".to_vec(), b"a.example".to_vec()),
            (b"HTTP2-Settings".to_vec(), b"AAMAAABkAAQAAP__".to_vec()),
        ],
    });
    parser.feed(ToServer, PREFACE);
    parser.feed(ToClient, &frame(1, 5, 1, &fields(&[(":status", "200")])));
    assert_eq!(text(&parser, 0, Buffer::HttpUri, ToServer), "/up");
    assert_eq!(text(&parser, 0, Buffer::HttpStatusCode, ToClient), "200");
    let window = HeaderField::Http2SettingInitialWindowSize;
    assert_eq!(
        parser.transaction(1).unwrap().field(window, ToServer, 0),
        Some(0xffff)
    );
}

#[test]
fn what_is_odd_is_told() {
    let get = |list: &[(&str, &str)]| with_preface(&frame(1, 5, 1, &fields(list)));
    let long = frame(0, 0, 1, &[b'x'; 70_000]);
    let unfinished = frame(1, 0, 1, b"");
    let block_piece = frame(9, 0, 1, &[0; 60_000]);
    let upgrade = UpgradedRequest {
        headers: vec![(b"http2-settings".to_vec(), b"?".to_vec())],
        ..UpgradedRequest::default()
    };
    let cases: [(&str, Vec<u8>); 11] = [
        ("userinfo_in_uri", get(&[(":authority", "user@a.example")])),
        (
            "authority_host_mismatch",
            get(&[(":authority", "a.example"), ("host", "b.example")]),
        ),
        (
            "invalid_header",
            with_preface(&frame(1, 5, 1, &[0xff, 0x10])),
        ),
        (
            "header_integer_overflow",
            with_preface(&frame(1, 5, 1, &[0xff; 16])),
        ),
        (
            "invalid_frame_data",
            with_preface(&frame(1, 5, 1, &[0x40, 9, b'a'])),
        ),
        ("invalid_frame_data", with_preface(&frame(0, 8, 1, &[9, 1]))),
        (
            "invalid_frame_length",
            with_preface(&frame(3, 0, 1, &[0, 0])),
        ),
        ("long_frame_data", [get(&[]), long].concat()),
        (
            "reassembly_limit_reached",
            [PREFACE, &unfinished, &block_piece, &block_piece].concat(),
        ),
        ("stream_id_reuse", [get(&[]), frame(1, 5, 1, b"")].concat()),
        ("failed_decompression", get(&[("content-encoding", "gzip")])),
    ];
    for (name, bytes) in &cases {
        let behind = [
            frame(1, 4, 1, &fields(&[("content-encoding", "gzip")])),
            frame(0, 1, 1, b"this is no gzip at all"),
        ]
        .concat();
        let pieces: &[(Direction, &[u8])] = match *name {
            "failed_decompression" => &[(ToServer, bytes), (ToClient, &behind)],
            "stream_id_reuse" => &[
                (ToServer, &bytes[..33]),
                (ToClient, &behind[..]),
                (ToServer, &bytes[33..]),
            ],
            _ => &[(ToServer, bytes)],
        };
        assert!(
            events(pieces).contains(name),
            "{name}: {:?}",
            events(pieces)
        );
    }
    let no_preface = [&[b'x'; 24][..], &frame(4, 0, 0, &[0; 6])].concat();
    let first = frame(4, 0, 0, &[0; 6]);
    assert_eq!(
        events(&[(ToClient, &first), (ToServer, &no_preface)]),
        ["invalid_client_magic"]
    );
    let upgraded = Http2Parser::after_upgrade(&upgrade);
    assert_eq!(
        upgraded.transaction(0).unwrap().events(),
        ["invalid_http1_settings"]
    );
}

#[test]
fn streams_without_end_are_bounded_and_told() {
    let mut parser = parse(&[(ToServer, PREFACE)]);
    for stream in (1..9_000).step_by(2) {
        parser.feed(ToServer, &frame(2, 0, stream, &[0, 0, 0, 0, 1]));
    }
    assert!(parser.transactions().count() <= 256);
    assert!(parser.dropped_transactions() > 4_000);
}

/// Everything a rule could ask of the streams.
fn picture(parser: &Http2Parser) -> Vec<String> {
    let mut seen = Vec::new();
    for number in parser.transactions() {
        let transaction = parser.transaction(number).unwrap();
        seen.push(format!("{:?}", transaction.events()));
        for direction in Direction::BOTH {
            for &buffer in Buffer::ALL {
                seen.push(format!("{:?}", transaction.buffer(buffer, direction, 1)));
                seen.push(format!("{:?}", transaction.buffer(buffer, direction, 0)));
            }
            for &field in HeaderField::ALL {
                seen.push(format!("{:?}", transaction.field(field, direction, 0)));
            }
        }
    }
    seen
}

proptest! {
    #[test]
    fn cuts_change_nothing(sizes in prop::collection::vec(1usize..60, 1..20)) {
        let whole = parse(&[(ToServer, &request()), (ToClient, &response())]);
        let mut cut = Http2Parser::default();
        let mut sizes = sizes.iter().copied().cycle();
        for (direction, bytes) in [(ToServer, request()), (ToClient, response())] {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
                cut.feed(direction, now);
                rest = later;
            }
        }
        prop_assert_eq!(picture(&cut), picture(&whole));
    }
}
