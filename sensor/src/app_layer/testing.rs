//! What tests of parsers share: conversations in any cuts, everything a parser tells of them, and ASN.1 elements.

use lapwing_rules::model::{AppProtocol, Buffer, FrameSet, HeaderField};
use proptest::prelude::*;

use super::{BufferView, Feed, FeedContext, Parser, ParserSet, Transport, registry};
use crate::{direction::Direction, time::Timestamp};

/// What one side says in one go.
pub(super) type Turn<'t> = (Direction, &'t [u8]);

/// A parser as the registry makes it.
pub(super) fn parser(protocol: AppProtocol, transport: Transport) -> Box<dyn Parser> {
    let context = FeedContext {
        client_address: std::net::Ipv4Addr::LOCALHOST.into(),
        server_address: std::net::Ipv4Addr::LOCALHOST.into(),
        may_be_reversed: false,
        client_port: 40_000,
        server_port: 80,
        transport,
        time: Timestamp(0),
        frames: FrameSet::default(),
        parsers: ParserSet::default(),
        digests: crate::app_layer::DigestSet::default(),
    };
    registry::parser_for(protocol, &context).unwrap()
}

/// Feeds a conversation in pieces of these sizes, over and over; a direction that is given up gets nothing more.
pub(super) fn converse(parser: &mut dyn Parser, turns: &[Turn<'_>], sizes: &[usize]) {
    let mut sizes = sizes.iter().copied().cycle();
    let mut is_over = [false; 2];
    for (direction, bytes) in turns {
        let mut rest = *bytes;
        while !rest.is_empty() && !is_over[direction.index()] {
            let size = sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len());
            match parser.feed(*direction, &rest[..size]) {
                Feed::Stop => is_over[direction.index()] = true,
                Feed::Fail => is_over = [true; 2],
                Feed::More | Feed::Upgrade => {}
            }
            rest = &rest[size..];
        }
    }
}

/// One line a transaction: its events, then what each direction has of buffers and numbers.
pub(super) fn told(parser: &dyn Parser) -> Vec<String> {
    let lines = parser.transactions().map(|number| {
        let transaction = parser.transaction(number).unwrap();
        let mut words: Vec<String> = transaction
            .events()
            .iter()
            .map(|event| format!("!{event}"))
            .collect();
        for direction in Direction::BOTH {
            let arrow = match direction {
                Direction::ToServer => '>',
                Direction::ToClient => '<',
            };
            for &field in HeaderField::ALL {
                let values: Vec<String> = (0..20)
                    .map_while(|at| transaction.field(field, direction, at))
                    .map(|value| value.to_string())
                    .collect();
                if !values.is_empty() {
                    words.push(format!("{arrow}{field:?}={}", values.join(",")));
                }
            }
            for &buffer in Buffer::ALL {
                for index in 0..20 {
                    let (bytes, mark) = match transaction.buffer(buffer, direction, index) {
                        BufferView::Complete(bytes) => (bytes, '='),
                        BufferView::Growing(bytes) => (bytes, '~'),
                        BufferView::Pending | BufferView::Absent => break,
                    };
                    let name = buffer.info().name;
                    words.push(format!("{arrow}{name}{mark}{}", bytes.escape_ascii()));
                    if !buffer.info().multiple {
                        break;
                    }
                }
            }
        }
        words.join(" ")
    });
    lines.collect()
}

/// What is told of a conversation in which every turn comes whole.
pub(super) fn told_of(mut parser: Box<dyn Parser>, turns: &[Turn<'_>]) -> Vec<String> {
    converse(parser.as_mut(), turns, &[usize::MAX]);
    told(parser.as_ref())
}

/// Changes some bytes of a conversation, then checks that it tells the same whole, byte by byte, and in other cuts.
pub(super) fn cuts_change_nothing(
    new: impl Fn() -> Box<dyn Parser>,
    turns: &[Turn<'_>],
    mutations: &[(prop::sample::Index, u8)],
    sizes: &[usize],
) -> Result<(), TestCaseError> {
    let mut changed: Vec<(Direction, Vec<u8>)> = turns
        .iter()
        .map(|(direction, bytes)| (*direction, bytes.to_vec()))
        .collect();
    for (index, value) in mutations {
        let turn = index.index(changed.len());
        let bytes = &mut changed[turn].1;
        let at = index.index(bytes.len());
        bytes[at] = *value;
    }
    let turns: Vec<Turn<'_>> = changed
        .iter()
        .map(|(direction, bytes)| (*direction, &bytes[..]))
        .collect();
    let told_in = |sizes: &[usize]| {
        let mut parser = new();
        converse(parser.as_mut(), &turns, sizes);
        for direction in Direction::BOTH {
            parser.end(direction);
        }
        told(parser.as_ref())
    };
    let whole = told_in(&[usize::MAX]);
    prop_assert_eq!(&told_in(&[1]), &whole);
    prop_assert_eq!(&told_in(sizes), &whole);
    Ok(())
}

/// Changes of a few bytes.
pub(super) fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)
}

/// Sizes of pieces.
pub(super) fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..60, 1..6)
}

/// An ASN.1 element with its length in the shortest form.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap();
    let mut bytes = vec![tag];
    match length {
        0..0x80 => bytes.push(length.to_be_bytes()[1]),
        0x80..0x100 => bytes.extend([0x81, length.to_be_bytes()[1]]),
        _ => {
            bytes.push(0x82);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}
