//! DCE/RPC over datagrams (C706, chapter 12.5). As in the reference, rules see their arguments; interface and operation of
//! a datagram are not compared.

use lapwing_rules::model::AppProtocol;

use super::transaction::DcerpcTransaction;
use crate::{
    app_layer::{Feed, Parser, TransactionStore, transactions::Transactions},
    direction::Direction,
};

/// Bytes of the header.
const HEADER_BYTES: usize = 80;
const REQUEST: u8 = 0;
const RESPONSE: u8 = 2;
const LAST_FRAGMENT: u8 = 0x02;
const FRAGMENT: u8 = 0x04;

/// DCE/RPC of one datagram conversation.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct DcerpcDatagramParser {
    transactions: Transactions<DcerpcTransaction>,
}

/// What of the header is used.
struct Header {
    kind: u8,
    flags: u8,
    little_endian: bool,
    sequence: u32,
    length: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        let little_endian = bytes[4] & 0x10 != 0;
        let number = |at: usize, count: usize| {
            let join = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
            let field = &bytes[at..at + count];
            if little_endian {
                field.iter().rev().fold(0, join)
            } else {
                field.iter().fold(0, join)
            }
        };
        (bytes[0] == 4).then(|| Self {
            kind: bytes[1],
            flags: bytes[2],
            little_endian,
            sequence: number(64, 4),
            length: usize::try_from(number(74, 2)).unwrap_or(0),
        })
    }
}

impl DcerpcDatagramParser {
    fn datagram(&mut self, direction: Direction, header: &Header, stub: &[u8]) {
        if !matches!(header.kind, REQUEST | RESPONSE) {
            return;
        }
        let open = self.transactions.numbers().rev().find(|at| {
            self.transactions.get(*at).is_some_and(|exchange| {
                exchange.number == header.sequence && !exchange.is_done[direction.index()]
            })
        });
        let exchange = self.transactions.get_or_push(open, || DcerpcTransaction {
            number: header.sequence,
            ..DcerpcTransaction::default()
        });
        let call = &mut exchange.call;
        call.little_endian = header.little_endian;
        let is_last = header.flags & FRAGMENT == 0 || header.flags & LAST_FRAGMENT != 0;
        call.stubs[direction.index()].add(stub, false, is_last);
        exchange.steps[direction.index()] += 1;
        if is_last {
            exchange.finish(direction);
        }
    }
}

impl Parser for DcerpcDatagramParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Dcerpc
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if let Some(header) = Header::parse(bytes) {
            let behind = &bytes[HEADER_BYTES..];
            let stub = &behind[..behind.len().min(header.length)];
            self.datagram(direction, &header, stub);
        }
        Feed::More
    }

    fn gap(&mut self, _: Direction, _: u64) -> Feed {
        Feed::More
    }

    fn end(&mut self, direction: Direction) {
        for exchange in self.transactions.iter_mut() {
            exchange.finish(direction);
        }
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self
                .transactions
                .iter()
                .map(DcerpcTransaction::held_bytes)
                .sum::<usize>()
    }
}
