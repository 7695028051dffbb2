//! Handshakes, whole or cut.

use lapwing_rules::model::{Buffer, HeaderField};
use proptest::prelude::*;

use super::TlsParser;
use crate::{
    app_layer::{BufferView, Feed, Inspected, Parser},
    direction::Direction,
};

fn prefixed(width: usize, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[4 - width..], content].concat()
}

fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &prefixed(2, payload)].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &prefixed(3, body)].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &prefixed(2, data)].concat()
}

fn client_hello(name: &[u8]) -> Vec<u8> {
    let server_name = prefixed(2, &[&[0][..], &prefixed(2, name)].concat());
    let extensions = [
        extension(0, &server_name),
        extension(10, &prefixed(2, &[0, 29])),
        extension(11, &prefixed(1, &[0])),
        extension(43, &prefixed(1, &[3, 4, 3, 3])),
    ]
    .concat();
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[0],
        &prefixed(2, &[0x13, 0x01, 0xc0, 0x2f]),
        &prefixed(1, &[0]),
        &prefixed(2, &extensions),
    ]
    .concat();
    handshake(1, &body)
}

fn server_hello() -> Vec<u8> {
    let body = [
        &[3, 3][..],
        &[9; 32],
        &[0],
        &[0xc0, 0x2f],
        &[0],
        &prefixed(2, &extension(0, &[])),
    ]
    .concat();
    handshake(2, &body)
}

fn certificate() -> Vec<u8> {
    // A chain whose first member is no certificate.
    handshake(
        11,
        &prefixed(3, &[prefixed(3, b"not DER"), prefixed(3, b"x")].concat()),
    )
}

fn text(parser: &TlsParser, buffer: Buffer, direction: Direction) -> String {
    match parser.transaction(0).unwrap().buffer(buffer, direction, 0) {
        BufferView::Complete(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn hellos_and_certificates_are_read_across_records() {
    let mut parser = TlsParser::default();
    let hello = client_hello(b"www.example");
    parser.feed(Direction::ToServer, &record(22, &hello[..20]));
    parser.feed(Direction::ToServer, &record(22, &hello[20..]));
    assert_eq!(
        text(&parser, Buffer::TlsSni, Direction::ToServer),
        "www.example"
    );
    assert_eq!(
        text(&parser, Buffer::Ja3String, Direction::ToServer),
        "771,4865-49199,0-10-11-43,29,0"
    );
    assert_eq!(
        text(&parser, Buffer::TlsCertSubject, Direction::ToClient),
        "Pending"
    );
    parser.feed(
        Direction::ToClient,
        &record(22, &[server_hello(), certificate()].concat()),
    );
    assert_eq!(
        text(&parser, Buffer::Ja3sString, Direction::ToClient),
        "771,49199,0"
    );
    assert_eq!(
        text(&parser, Buffer::TlsCertSubject, Direction::ToClient),
        "Absent"
    );
    assert_eq!(
        text(&parser, Buffer::TlsCerts, Direction::ToClient),
        "Absent"
    );
    let transaction = parser.transaction(0).unwrap();
    assert_eq!(transaction.events(), ["invalid_certificate"]);
    assert_eq!(
        transaction.field(HeaderField::TlsVersion, Direction::ToServer, 0),
        Some(0x0304)
    );
    assert_eq!(
        transaction.field(HeaderField::TlsVersion, Direction::ToClient, 0),
        Some(0x0303)
    );
    assert_eq!(
        transaction.field(
            HeaderField::TlsCertificateChainLength,
            Direction::ToClient,
            0
        ),
        Some(0)
    );
    assert!(!transaction.is_complete(Direction::ToClient));
    assert_eq!(
        parser.feed(Direction::ToServer, &record(20, &[1])),
        Feed::More
    );
    assert_eq!(
        parser.feed(Direction::ToClient, &record(20, &[1])),
        Feed::More
    );
    assert_eq!(parser.inspected(), Inspected::Everything);
    assert!(
        parser
            .transaction(0)
            .unwrap()
            .is_complete(Direction::ToClient)
    );
    parser.release(1);
    let application = record(23, &[1; 40]);
    assert_eq!(parser.feed(Direction::ToServer, &application), Feed::Stop);
    assert_eq!(parser.inspected(), Inspected::Transactions);
}

fn events(turns: &[(Direction, Vec<u8>)]) -> Vec<&'static str> {
    let mut parser = TlsParser::default();
    for (direction, bytes) in turns {
        for byte in bytes {
            parser.feed(*direction, &[*byte]);
        }
    }
    parser.transaction(0).unwrap().events().to_vec()
}

#[test]
fn heartbeats_that_claim_too_much_are_told() {
    let cases: [(&[u8], &[&str]); 5] = [
        (b"\x01\0\x03abcpppppppppppppppp", &[]),
        (
            b"\x01\0\x03abcppppppppppppppp",
            &["invalid_heartbeat_message"],
        ),
        (b"\x01\x40\0abc", &["overflow_heartbeat_message"]),
        (
            b"\x05\0\x03abcpppppppppppppppp",
            &["invalid_heartbeat_message"],
        ),
        (b"\x01", &[]),
    ];
    for (payload, wanted) in cases {
        let turns = [
            (Direction::ToServer, record(22, &client_hello(b"a.example"))),
            (Direction::ToServer, record(24, payload)),
        ];
        assert_eq!(events(&turns), wanted, "{payload:02x?}");
    }
}

#[test]
fn odd_records_are_told() {
    let hello = (Direction::ToServer, record(22, &client_hello(b"a.example")));
    let version = |bytes: Vec<u8>| [&[bytes[0], 5, 5][..], &bytes[3..]].concat();
    let cases: [(Vec<u8>, &[&str]); 7] = [
        (record(30, b"abc"), &["invalid_record_type"]),
        (
            record(22, &handshake(99, b"abc")),
            &["invalid_handshake_message"],
        ),
        (record(22, b"\x10"), &["invalid_ssl_record"]),
        (
            record(22, &handshake(1, b"abc")),
            &["handshake_invalid_length"],
        ),
        (b"GET / HTTP/1.0\r\n\r\n".to_vec(), &[]),
        (
            b"\x80\x03\0\x01\x02".to_vec(),
            &["error_message_encountered"],
        ),
        (version(record(22, &handshake(16, b"abc"))), &[]),
    ];
    for (bytes, wanted) in cases {
        let turns = [hello.clone(), (Direction::ToServer, bytes.clone())];
        assert_eq!(events(&turns), wanted, "{bytes:02x?}");
    }
    let first = (
        Direction::ToServer,
        version(record(22, &client_hello(b"a.example"))),
    );
    assert_eq!(events(&[first]), ["invalid_record_version"]);
}

#[test]
fn an_sslv2_hello_gives_its_version() {
    let mut parser = TlsParser::default();
    parser.feed(
        Direction::ToServer,
        &[0x80, 0x09, 1, 3, 0, 0, 0, 0, 0, 0, 0],
    );
    let transaction = parser.transaction(0).unwrap();
    assert_eq!(
        transaction.field(HeaderField::TlsVersion, Direction::ToServer, 0),
        Some(0x0300)
    );
}

fn picture(client: &[u8], server: &[u8], sizes: &[usize]) -> Vec<String> {
    let mut parser = TlsParser::default();
    let mut sizes = sizes.iter().copied().cycle();
    for (direction, bytes) in [(Direction::ToServer, client), (Direction::ToClient, server)] {
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
            if parser.feed(direction, &rest[..size]) == Feed::Stop {
                break;
            }
            rest = &rest[size..];
        }
    }
    parser.end(Direction::ToServer);
    let transaction = parser.transaction(0).unwrap();
    let mut seen = vec![format!("{:?}", transaction.events())];
    for direction in Direction::BOTH {
        for &buffer in Buffer::ALL {
            seen.push(format!("{:?}", transaction.buffer(buffer, direction, 0)));
        }
    }
    seen
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        sizes in prop::collection::vec(1usize..60, 1..6),
    ) {
        let mut client = [record(22, &client_hello(b"a.example")), record(20, &[1])].concat();
        for (index, value) in mutations {
            let at = index.index(client.len());
            client[at] = value;
        }
        let server = record(22, &[server_hello(), certificate()].concat());
        let whole = picture(&client, &server, &[usize::MAX]);
        prop_assert_eq!(&picture(&client, &server, &[1]), &whole);
        prop_assert_eq!(&picture(&client, &server, &sizes), &whole);
    }

    #[test]
    fn rubbish_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        picture(&bytes, &bytes, &[7]);
        picture(&record(22, &bytes), &record(22, &handshake(11, &bytes)), &[usize::MAX]);
        picture(&record(22, &handshake(1, &bytes)), &record(22, &handshake(2, &bytes)), &[usize::MAX]);
    }
}
