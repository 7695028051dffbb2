//! Calls over streams and datagrams, by hand and at any cuts.

use lapwing_rules::model::{Buffer, DcerpcInterface, NumberRange};
use proptest::prelude::*;

use super::{DcerpcDatagramParser, DcerpcParser};
use crate::{
    app_layer::{BufferView, Feed, Parser},
    direction::Direction::{self, ToClient, ToServer},
};

const UUID: [u8; 16] = *b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10";
/// As it stands on the wire in little-endian order.
const WIRE_UUID: [u8; 16] = *b"\x04\x03\x02\x01\x06\x05\x08\x07\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10";

fn unit(kind: u8, flags: u8, call: u32, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(16 + body.len()).unwrap().to_le_bytes();
    let mut unit = vec![5, 0, kind, flags, 0x10, 0, 0, 0, length[0], length[1], 0, 0];
    unit.extend_from_slice(&call.to_le_bytes());
    unit.extend_from_slice(body);
    unit
}

fn bind(flags: u8) -> Vec<u8> {
    let mut body = b"\xd0\x16\xd0\x16\0\0\0\0\x01\0\0\0\x07\0\x01\0".to_vec();
    body.extend_from_slice(&WIRE_UUID);
    body.extend_from_slice(b"\x03\0\0\0");
    body.extend_from_slice(&[0x5a; 20]);
    unit(11, flags, 1, &body)
}

fn bind_answer(result: u8) -> Vec<u8> {
    let mut body = b"\xd0\x16\xd0\x16\0\0\0\0\x04\x00135\0\0\0\x01\0\0\0".to_vec();
    body.extend_from_slice(&[result, 0, 0, 0]);
    body.extend_from_slice(&[0x5a; 20]);
    unit(12, 3, 1, &body)
}

fn request(flags: u8, call: u32, operation: u8, stub: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 7, 0, operation, 0];
    body.extend_from_slice(stub);
    unit(0, flags, call, &body)
}

fn response(flags: u8, call: u32, stub: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 7, 0, 0, 0];
    body.extend_from_slice(stub);
    unit(2, flags, call, &body)
}

fn interface(version: Option<u64>) -> DcerpcInterface {
    DcerpcInterface {
        uuid: UUID,
        version: version.map(|version| NumberRange {
            min: version,
            max: version,
            negated: false,
        }),
        any_fragment: false,
    }
}

#[test]
fn a_call_names_what_was_bound_and_its_fragments_are_joined() {
    let mut parser = DcerpcParser::default();
    parser.feed(ToServer, &bind(3));
    parser.feed(ToClient, &bind_answer(0));
    parser.feed(ToServer, &request(1, 2, 15, b"first "));
    let stub = |parser: &DcerpcParser, direction| {
        let transaction = parser.transaction(1).unwrap();
        match transaction.buffer(Buffer::DcerpcStubData, direction, 0) {
            BufferView::Complete(bytes) => Some((true, bytes.to_vec())),
            BufferView::Growing(bytes) => Some((false, bytes.to_vec())),
            BufferView::Pending | BufferView::Absent => None,
        }
    };
    assert_eq!(stub(&parser, ToServer), Some((false, b"first ".to_vec())));
    parser.feed(ToServer, &request(2, 2, 15, b"last"));
    assert_eq!(
        stub(&parser, ToServer),
        Some((true, b"first last".to_vec()))
    );
    assert_eq!(stub(&parser, ToClient), None);
    parser.feed(ToClient, &response(3, 2, b"result"));
    assert_eq!(
        stub(&parser, ToClient),
        Some((true, b"\0\0\0\0\x07\0\0\0result".to_vec()))
    );

    assert_eq!(parser.transactions(), 0..2);
    let call = parser.transaction(1).unwrap().dcerpc_call().unwrap();
    assert!(call.is_operation(&[(3, 4), (10, 15)]) && !call.is_operation(&[(16, 20)]));
    assert!(call.is_of(&interface(None)) && call.is_of(&interface(Some(3))));
    assert!(!call.is_of(&interface(Some(4))));
    let setup = parser.transaction(0).unwrap().dcerpc_call().unwrap();
    assert!(!setup.is_of(&interface(None)) && !setup.is_operation(&[(0, u32::MAX)]));
}

#[test]
fn a_refused_interface_is_not_called() {
    let mut parser = DcerpcParser::default();
    parser.feed(ToServer, &bind(3));
    parser.feed(ToClient, &bind_answer(2));
    parser.feed(ToServer, &request(3, 2, 15, b"x"));
    let call = parser.transaction(1).unwrap().dcerpc_call().unwrap();
    assert!(!call.is_of(&interface(None)));
}

#[test]
fn without_the_first_fragment_any_interface_counts_as_found() {
    let mut parser = DcerpcParser::default();
    parser.feed(ToServer, &bind(0));
    parser.feed(ToClient, &bind_answer(0));
    parser.feed(ToServer, &request(3, 2, 15, b"x"));
    let call = parser.transaction(1).unwrap().dcerpc_call().unwrap();
    let other = DcerpcInterface {
        uuid: [0; 16],
        ..interface(None)
    };
    assert!(call.is_of(&other));
    assert!(!call.is_of(&DcerpcInterface {
        any_fragment: true,
        ..other
    }));
}

#[test]
fn a_fault_ends_both_directions() {
    let mut parser = DcerpcParser::default();
    parser.feed(ToServer, &request(3, 2, 15, b"x"));
    assert_eq!(parser.feed(ToClient, &unit(3, 3, 2, &[0; 8])), Feed::Stop);
    assert_eq!(parser.feed(ToServer, &request(3, 3, 16, b"y")), Feed::Stop);
    assert_eq!(parser.transactions(), 0..1);
}

#[test]
fn another_version_ends_the_conversation() {
    let mut parser = DcerpcParser::default();
    let mut wrong = request(3, 2, 15, b"x");
    wrong[0] = 7;
    assert_eq!(parser.feed(ToServer, &wrong), Feed::Stop);
}

#[test]
fn a_datagram_shows_its_arguments_only() {
    let mut datagram = vec![4, 0, 0, 0, 0x10, 0, 0, 0];
    datagram.extend_from_slice(&[0; 16]);
    datagram.extend_from_slice(&WIRE_UUID);
    datagram.extend_from_slice(&[0; 20]);
    datagram.extend_from_slice(&[3, 0, 0, 0, 9, 0, 0, 0, 6, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0]);
    datagram.extend_from_slice(b"stub and rubbish");
    let mut parser = DcerpcDatagramParser::default();
    parser.feed(ToServer, &datagram);
    let transaction = parser.transaction(0).unwrap();
    assert_eq!(
        transaction.buffer(Buffer::DcerpcStubData, ToServer, 0),
        BufferView::Complete(b"stub")
    );
    let call = transaction.dcerpc_call().unwrap();
    assert!(!call.is_of(&interface(None)) && !call.is_operation(&[(0, u32::MAX)]));
}

fn tell(pieces: &[(Direction, Vec<u8>)], sizes: &[usize]) -> Vec<String> {
    let mut parser = DcerpcParser::default();
    let mut stopped = [false; 2];
    let mut sizes = sizes.iter().copied().cycle();
    for (direction, bytes) in pieces {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(1).clamp(1, rest.len());
            if parser.feed(*direction, &rest[..size]) == Feed::Stop {
                stopped[direction.index()] = true;
            }
            rest = if stopped[direction.index()] {
                &[]
            } else {
                &rest[size..]
            };
        }
    }
    parser
        .transactions()
        .map(|number| format!("{:?}", parser.transaction(number).unwrap().dcerpc_call()))
        .collect()
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        stub in prop::collection::vec(any::<u8>(), 0..80),
        flip in (any::<prop::sample::Index>(), any::<u8>()),
        sizes in prop::collection::vec(1usize..30, 1..6),
    ) {
        let mut calls = request(1, 2, 15, &stub);
        calls.extend(request(2, 2, 15, &stub));
        calls.extend(request(3, 3, 16, &stub));
        let at = flip.0.index(calls.len());
        calls[at] = flip.1;
        let pieces = [
            (ToServer, bind(3)),
            (ToClient, bind_answer(0)),
            (ToServer, calls),
            (ToClient, response(3, 2, &stub)),
        ];
        let whole = tell(&pieces, &[usize::MAX]);
        prop_assert_eq!(&tell(&pieces, &[1]), &whole);
        prop_assert_eq!(&tell(&pieces, &sizes), &whole);
    }
}
