//! DNS over datagrams, and over streams where each message stands behind its length (RFC 1035, section 4.2).

use lapwing_rules::model::{AppProtocol, Frame};

use super::{message, transaction::DnsTransaction};
use crate::{
    app_layer::{
        Feed, FrameLog, Parser, TransactionStore, Transport, limits, transactions::Transactions,
    },
    direction::Direction,
};

/// DNS of one flow.
#[derive(Debug)]
pub(in crate::app_layer) struct DnsParser {
    transport: Transport,
    transactions: Transactions<DnsTransaction>,
    /// Streams: bytes of a message that is not complete, per direction.
    pending: [Vec<u8>; 2],
    frames: FrameLog,
    /// A stream: a message was none, and nothing more is read.
    is_broken: bool,
}

impl DnsParser {
    pub(in crate::app_layer) fn new(transport: Transport) -> Self {
        Self {
            transport,
            transactions: Transactions::default(),
            pending: Default::default(),
            frames: FrameLog::default(),
            is_broken: false,
        }
    }

    /// Takes a message; whether it was one, and of this direction.
    fn message(&mut self, direction: Direction, bytes: &[u8]) -> bool {
        let Some(message) = message::parse(bytes) else {
            self.event_of_last("malformed_data");
            return false;
        };
        match (direction, message.is_response()) {
            (Direction::ToServer, true) => {
                self.event_of_last("not_request");
                return false;
            }
            // As in the reference, what comes from the server is told, and taken for an answer.
            (Direction::ToClient, false) => self.event_of_last("not_response"),
            _ => {}
        }
        self.transactions
            .push(DnsTransaction::new(direction, message));
        true
    }

    fn event_of_last(&mut self, name: &'static str) {
        let last = self.transactions.numbers().end.checked_sub(1);
        if let Some(transaction) = last.and_then(|number| self.transactions.get_mut(number)) {
            transaction.events.add(name);
        }
    }

    /// As in the reference, a stream with a message that is none of its direction is not read any further.
    fn stream(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if self.is_broken {
            return Feed::Fail;
        }
        let mut held = std::mem::take(&mut self.pending[direction.index()]);
        held.extend_from_slice(bytes);
        let mut rest = &held[..];
        while let [high, low, behind @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(message) = behind.get(..length) else {
                break;
            };
            if length > 0 {
                self.frames
                    .open(direction, Frame::DnsPdu, behind, Some(length));
                if !self.message(direction, message) {
                    self.is_broken = true;
                    return Feed::Fail;
                }
            }
            rest = &behind[length..];
        }
        debug_assert!(rest.len() < limits::DNS_TCP_MESSAGE_BYTES_MAX);
        self.pending[direction.index()] = rest.to_vec();
        Feed::More
    }
}

impl Parser for DnsParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Dns
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        match self.transport {
            Transport::Udp => {
                self.frames
                    .open(direction, Frame::DnsPdu, bytes, Some(bytes.len()));
                self.message(direction, bytes);
                Feed::More
            }
            Transport::Tcp => self.stream(direction, bytes),
        }
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        // Where the next message begins is not known any more.
        self.pending[direction.index()] = Vec::new();
        Feed::Stop
    }

    fn end(&mut self, direction: Direction) {
        self.pending[direction.index()] = Vec::new();
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn frames(&self) -> Option<&FrameLog> {
        Some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        Some(&mut self.frames)
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self.pending.iter().map(Vec::capacity).sum::<usize>()
            + self
                .transactions
                .iter()
                .map(DnsTransaction::held_bytes)
                .sum::<usize>()
    }
}
