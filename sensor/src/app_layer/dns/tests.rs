//! Messages over both transports.

use lapwing_rules::model::{Buffer, HeaderField};
use proptest::prelude::*;

use super::DnsParser;
use crate::{
    app_layer::{BufferView, Parser, Transport},
    direction::Direction,
};

const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\
    \x03www\x07example\x00\x00\x01\x00\x01\x01x\x00\x00\x1c\x00\x01";

#[test]
fn each_message_is_a_transaction() {
    let mut parser = DnsParser::new(Transport::Udp);
    parser.feed(Direction::ToServer, QUERY);
    let transaction = parser.transaction(0).unwrap();
    let name = |index| transaction.buffer(Buffer::DnsQuery, Direction::ToServer, index);
    assert_eq!(name(0), BufferView::Complete(b"www.example"));
    assert_eq!(name(1), BufferView::Complete(b"x"));
    assert_eq!(name(2), BufferView::Absent);
    assert_eq!(
        transaction.field(HeaderField::DnsOpcode, Direction::ToServer, 0),
        Some(0)
    );
    assert_eq!(
        transaction.field(HeaderField::DnsRrType, Direction::ToServer, 1),
        Some(28)
    );
    assert!(transaction.is_complete(Direction::ToClient));
}

#[test]
fn a_query_from_the_server_is_told() {
    let mut parser = DnsParser::new(Transport::Udp);
    parser.feed(Direction::ToServer, QUERY);
    parser.feed(Direction::ToClient, QUERY);
    assert_eq!(parser.transactions(), 0..2);
    assert_eq!(parser.transaction(0).unwrap().events(), ["not_response"]);
}

fn stream(bytes: &[u8], sizes: &[usize]) -> Vec<String> {
    let mut parser = DnsParser::new(Transport::Tcp);
    let mut sizes = sizes.iter().copied().cycle();
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
        parser.feed(Direction::ToServer, &rest[..size]);
        rest = &rest[size..];
    }
    parser
        .transactions()
        .map(|number| {
            let transaction = parser.transaction(number).unwrap();
            let name = transaction.buffer(Buffer::DnsQuery, Direction::ToServer, 0);
            format!("{name:?} {:?}", transaction.events())
        })
        .collect()
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        sizes in prop::collection::vec(1usize..30, 1..6),
    ) {
        let mut bytes = Vec::new();
        for _ in 0..3 {
            bytes.extend_from_slice(&u16::try_from(QUERY.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(QUERY);
        }
        for (index, value) in mutations {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let whole = stream(&bytes, &[usize::MAX]);
        prop_assert_eq!(&stream(&bytes, &[1]), &whole);
        prop_assert_eq!(&stream(&bytes, &sizes), &whole);
    }

    #[test]
    fn rubbish_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut parser = DnsParser::new(Transport::Udp);
        parser.feed(Direction::ToServer, &bytes);
        parser.feed(Direction::ToClient, &bytes);
    }
}
