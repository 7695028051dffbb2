//! DCE/RPC over a stream: fragments one after the other.

use lapwing_rules::model::AppProtocol;

use super::{
    interfaces::Interfaces,
    pdu::{self, Pdu, PduKind},
    transaction::DcerpcTransaction,
};
use crate::{
    app_layer::{Feed, Parser, TransactionStore, transactions::Transactions},
    direction::Direction,
};

/// DCE/RPC of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct DcerpcParser {
    transactions: Transactions<DcerpcTransaction>,
    interfaces: Interfaces,
    /// Bytes of a fragment that is not complete, per direction.
    pending: [Vec<u8>; 2],
    /// A unit came after which the reference follows neither side any more.
    is_over: bool,
}

impl DcerpcParser {
    fn unit(&mut self, direction: Direction, pdu: &Pdu<'_>) {
        match (pdu.kind, direction) {
            (PduKind::Bind, Direction::ToServer) => {
                self.interfaces.offer(pdu.offers().unwrap_or_default());
                self.exchange(direction, pdu.call).finish(direction);
            }
            (PduKind::BindAnswer, Direction::ToClient) => {
                self.interfaces.answer(&pdu.results().unwrap_or_default());
                self.exchange(direction, pdu.call).finish(direction);
            }
            (PduKind::Request, Direction::ToServer) => {
                let interfaces = self.interfaces.accepted().to_vec();
                let exchange = self.exchange(direction, pdu.call);
                let Some(request) = pdu.request() else {
                    exchange.finish(direction);
                    return;
                };
                let call = &mut exchange.call;
                call.has_request = true;
                call.context = request.context;
                call.operation = request.operation;
                call.interfaces = interfaces;
                arguments(exchange, direction, pdu, request.stub);
            }
            (PduKind::Response, Direction::ToClient) => {
                let interfaces = self.interfaces.accepted().to_vec();
                let exchange = self.exchange(direction, pdu.call);
                if !exchange.call.has_request {
                    exchange.call.interfaces = interfaces;
                }
                exchange.call.has_response = true;
                arguments(exchange, direction, pdu, pdu.results_with_prefix());
            }
            (PduKind::Other, _) => self.is_over = true,
            _ => {}
        }
    }

    /// The newest exchange of this number that is still open in a direction, or a new one.
    fn exchange(&mut self, direction: Direction, number: u32) -> &mut DcerpcTransaction {
        let open = self.transactions.numbers().rev().find(|at| {
            self.transactions.get(*at).is_some_and(|exchange| {
                exchange.number == number && !exchange.is_done[direction.index()]
            })
        });
        self.transactions.get_or_push(open, || DcerpcTransaction {
            number,
            ..DcerpcTransaction::default()
        })
    }
}

/// Adds a fragment's arguments to a call.
fn arguments(exchange: &mut DcerpcTransaction, direction: Direction, pdu: &Pdu<'_>, stub: &[u8]) {
    exchange.call.little_endian = pdu.little_endian;
    exchange.call.stubs[direction.index()].add(stub, pdu.is_first, pdu.is_last);
    exchange.steps[direction.index()] += 1;
    if pdu.is_last {
        exchange.finish(direction);
    }
}

impl Parser for DcerpcParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Dcerpc
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if self.is_over {
            return Feed::Stop;
        }
        let mut held = std::mem::take(&mut self.pending[direction.index()]);
        held.extend_from_slice(bytes);
        let mut rest = &held[..];
        while let Some(length) = pdu::fragment_length(rest) {
            let Some(fragment) = rest.get(..length) else {
                break;
            };
            let Some(pdu) = Pdu::parse(fragment) else {
                // Another version, or a length shorter than the header: where the next unit begins is not known.
                return Feed::Stop;
            };
            self.unit(direction, &pdu);
            if self.is_over {
                return Feed::Stop;
            }
            rest = &rest[length..];
        }
        self.pending[direction.index()] = rest.to_vec();
        Feed::More
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        self.end(direction);
        Feed::Stop
    }

    fn end(&mut self, direction: Direction) {
        self.pending[direction.index()] = Vec::new();
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
            + self.interfaces.held_bytes()
            + self.pending.iter().map(Vec::capacity).sum::<usize>()
            + self
                .transactions
                .iter()
                .map(DcerpcTransaction::held_bytes)
                .sum::<usize>()
    }
}
