//! Whole exchanges, whole or cut.

use lapwing_rules::model::Buffer;
use proptest::prelude::*;

use super::Http1Parser;
use crate::{
    app_layer::{BufferView, Parser},
    direction::Direction,
};

fn exchange(request: &[u8], response: &[u8]) -> Http1Parser {
    let mut parser = Http1Parser::default();
    parser.feed(Direction::ToServer, request);
    parser.feed(Direction::ToClient, response);
    parser.end(Direction::ToServer);
    parser.end(Direction::ToClient);
    parser
}

fn text(parser: &Http1Parser, number: u64, buffer: Buffer, direction: Direction) -> String {
    match parser
        .transaction(number)
        .unwrap()
        .buffer(buffer, direction, 0)
    {
        BufferView::Complete(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

const REQUEST: &[u8] = b"GET /a%20b?c=d HTTP/1.1\r\nHost: WWW.Example.com:8080\r\nCookie: k=v\r\nUser-Agent: t\r\nX: 1\r\n 2\r\n\r\n";

#[test]
fn a_plain_exchange_fills_its_buffers() {
    let parser = exchange(
        REQUEST,
        b"HTTP/1.1 200 All right\r\nServer: s\r\nSet-Cookie: z\r\nContent-Length: 5\r\n\r\nhello",
    );
    use Buffer as B;
    use Direction::{ToClient, ToServer};
    let cases = [
        (B::HttpMethod, ToServer, "GET"),
        (B::HttpUri, ToServer, "/a b?c=d"),
        (B::HttpUriRaw, ToServer, "/a%20b?c=d"),
        (B::HttpHost, ToServer, "WWW.Example.com"),
        (B::HttpHostRaw, ToServer, "WWW.Example.com:8080"),
        (B::HttpCookie, ToServer, "k=v"),
        (
            B::HttpHeader,
            ToServer,
            "Host: WWW.Example.com:8080\r\nUser-Agent: t\r\nX: 1 2\r\n",
        ),
        (B::HttpProtocol, ToServer, "HTTP/1.1"),
        (B::HttpStatusCode, ToClient, "200"),
        (B::HttpStatusMessage, ToClient, "All right"),
        (B::HttpCookie, ToClient, "z"),
        (B::HttpResponseBody, ToClient, "hello"),
        (B::FileData, ToClient, "hello"),
        (B::HttpReferer, ToServer, "Absent"),
    ];
    for (buffer, direction, expected) in cases {
        assert_eq!(text(&parser, 0, buffer, direction), expected, "{buffer:?}");
    }
    assert_eq!(parser.transactions(), 0..1);
}

#[test]
fn bodies_are_found_in_every_framing() {
    let responses: [&[u8]; 7] = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3;x\r\ndef\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\nContent-Length: 6\n\nabcdef",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef",
        b"abcdef",
        b"HTTP/1.1 200 OK\r\n Content-Length: 6\r\n\r\nabcdef",
    ];
    for response in responses {
        let parser = exchange(REQUEST, response);
        assert_eq!(
            text(&parser, 0, Buffer::HttpResponseBody, Direction::ToClient),
            "abcdef",
            "{}",
            String::from_utf8_lossy(response)
        );
    }
}

#[test]
fn pipelined_requests_meet_their_responses() {
    let parser = exchange(
        b"HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxyGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 404 Not\r\nContent-Length: 1\r\n\r\nz",
    );
    assert_eq!(parser.transactions(), 0..3);
    for (number, uri, status) in [(0, "/1", "200"), (1, "/2", "204"), (2, "/3", "404")] {
        assert_eq!(
            text(&parser, number, Buffer::HttpUri, Direction::ToServer),
            uri
        );
        assert_eq!(
            text(&parser, number, Buffer::HttpStatusCode, Direction::ToClient),
            status
        );
    }
    assert_eq!(
        text(&parser, 1, Buffer::FileData, Direction::ToServer),
        "xy"
    );
}

#[test]
fn a_response_without_request_is_told() {
    let parser = exchange(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz");
    assert_eq!(
        parser.transaction(0).unwrap().events(),
        ["unable_to_match_response_to_request"]
    );
}

#[test]
fn a_gap_in_a_body_leaves_the_framing() {
    let mut parser = Http1Parser::default();
    parser.feed(Direction::ToServer, REQUEST);
    parser.feed(
        Direction::ToClient,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab",
    );
    parser.gap(Direction::ToClient, 8);
    parser.feed(
        Direction::ToClient,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz",
    );
    assert_eq!(
        text(&parser, 0, Buffer::HttpResponseBody, Direction::ToClient),
        "ab"
    );
    assert_eq!(parser.transactions(), 0..2);
}

/// Everything rules can see of a connection.
fn picture(parser: &Http1Parser) -> Vec<String> {
    let mut seen = Vec::new();
    for number in parser.transactions() {
        let transaction = parser.transaction(number).unwrap();
        for direction in Direction::BOTH {
            for &buffer in Buffer::ALL {
                for index in 0..3 {
                    seen.push(format!(
                        "{:?}",
                        transaction.buffer(buffer, direction, index)
                    ));
                }
            }
        }
        let mut events = transaction.events().to_vec();
        events.sort_unstable();
        seen.push(format!("{events:?}"));
    }
    seen
}

fn cut(pieces: &[(Direction, &[u8])], sizes: &[usize]) -> Vec<String> {
    picture(&fed(pieces, sizes))
}

fn fed(pieces: &[(Direction, &[u8])], sizes: &[usize]) -> Http1Parser {
    let mut parser = Http1Parser::default();
    let mut sizes = sizes.iter().copied().cycle();
    for (direction, bytes) in pieces {
        let mut rest = *bytes;
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
            parser.feed(*direction, &rest[..size]);
            rest = &rest[size..];
        }
    }
    parser.end(Direction::ToServer);
    parser.end(Direction::ToClient);
    parser
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"GET / HTTP/1.1\r\n",
        b"POST /x?y#z HTTP/1.0\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 304\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\r\n",
        b" ",
        b"\t",
        b"Host: a\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: x\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"5\r\n",
        b"0\r\n",
        b"hello",
        b"zz",
        b"\x00",
        b"\xff\xfe",
        b": ",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"X\n y: z\n",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        b"HTTP",
        b"GET /old\r\n",
    ];
    prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, max_global_rejects: 65_536, ..Default::default() })]
    #[test]
    fn cuts_change_nothing(
        request in fragment(), response in fragment(), second in fragment(),
        sizes in prop::collection::vec(1usize..40, 1..8),
    ) {
        let pieces = [
            (Direction::ToServer, request.as_slice()),
            (Direction::ToClient, response.as_slice()),
            (Direction::ToServer, second.as_slice()),
        ];
        let parser = fed(&pieces, &[usize::MAX]);
        // What stands behind a message belongs to it only where it came with it.
        prop_assume!(!parser.had_bytes_behind);
        let whole = picture(&parser);
        prop_assert_eq!(&cut(&pieces, &[1]), &whole);
        prop_assert_eq!(&cut(&pieces, &sizes), &whole);
    }
}

#[test]
fn a_failed_request_leaves_a_whole_response_whole() {
    let pieces: [(Direction, &[u8]); 3] = [
        (
            Direction::ToServer,
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n",
        ),
        (
            Direction::ToClient,
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ),
        (Direction::ToServer, b"\r\n"),
    ];
    assert_eq!(cut(&pieces, &[1]), cut(&pieces, &[usize::MAX]));
}

#[test]
fn bytes_behind_a_message_belong_to_it_where_they_came_with_it() {
    use Direction::{ToClient, ToServer};
    let request: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";
    let body = |pieces: &[&[u8]]| {
        let pieces: Vec<_> = pieces.iter().map(|&piece| (ToServer, piece)).collect();
        let parser = fed(&pieces, &[usize::MAX]);
        let body = text(&parser, 0, Buffer::HttpRequestBody, ToServer);
        (body, parser.transactions().end)
    };
    let together = |rest: &[u8]| [request, rest].concat();
    let next: &[u8] = b"GET /n HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(body(&[&together(b"x\r\ny")]), ("okx\r\ny".into(), 1));
    assert_eq!(body(&[request, b"x\r\n", next]), ("ok".into(), 2));
    assert_eq!(
        body(&[&together(b"x / HTTP/1.1\r\n"), next]),
        ("okx / HTTP/1.1\r\n".into(), 2)
    );
    assert_eq!(
        body(&[&together(b"x"), next]),
        (format!("okx{}", String::from_utf8_lossy(next)), 1)
    );
    assert_eq!(
        body(&[&together(b" \r\n GET / HTTP/1.0\r\n\r\n")]),
        ("ok \r\n".into(), 2)
    );
    let response: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz";
    let answers = [
        (ToServer, REQUEST),
        (ToClient, response),
        (ToClient, &b"tail"[..]),
    ];
    let parser = fed(&answers, &[usize::MAX]);
    assert_eq!(parser.transactions(), 0..2);
    assert_eq!(text(&parser, 1, Buffer::HttpResponseBody, ToClient), "tail");
}

#[test]
fn credentials_of_an_unknown_scheme_are_an_event() {
    for (value, is_event) in [
        ("Basic dTpw", false),
        ("basicX", false),
        ("Digest x", false),
        ("bearer x", false),
        ("NTLM x", true),
        ("Negotiate x", true),
        ("", true),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {value}\r\n\r\n");
        let parser = exchange(request.as_bytes(), b"HTTP/1.1 204 No\r\n\r\n");
        let events = parser.transaction(0).unwrap().events();
        assert_eq!(
            events.contains(&"request_auth_unrecognized"),
            is_event,
            "{value}: {events:?}"
        );
    }
}
