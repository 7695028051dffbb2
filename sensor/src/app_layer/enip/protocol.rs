//! Units of a stream or datagram, each a transaction.

use lapwing_rules::model::{AppProtocol, HeaderField, PacketCondition};

use super::{
    cip::Service,
    encapsulation::{self, HEADER_BYTES},
};
use crate::{
    app_layer::{
        Feed, TransactionField, Transport,
        messages::{Cut, Message, MessageProtocol, OneMessage},
        transactions::Transactions,
    },
    direction::Direction,
};

/// EtherNet/IP of one flow.
#[derive(Debug)]
pub(in crate::app_layer) struct EnipProtocol {
    transport: Transport,
}

/// What is kept of a unit.
#[derive(Debug)]
pub(in crate::app_layer) struct EnipUnit {
    command: u16,
    services: Vec<Service>,
}

impl EnipProtocol {
    pub(in crate::app_layer) fn new(transport: Transport) -> Self {
        Self { transport }
    }
}

impl MessageProtocol for EnipProtocol {
    type Transaction = OneMessage<EnipUnit>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Enip
    }

    fn cut(&mut self, _: Direction, bytes: &[u8]) -> Cut {
        encapsulation::unit_bytes(bytes).map_or(Cut::More, Cut::Message)
    }

    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let mut rest = message;
        // A datagram may carry several units.
        while let Some(length) = encapsulation::unit_bytes(rest) {
            let unit = rest.get(..length).unwrap_or(rest);
            if let Some((command, services)) = encapsulation::read(unit) {
                transactions.push(OneMessage::new(direction, EnipUnit { command, services }));
            }
            rest = rest.get(length..).unwrap_or_default();
            if self.transport == Transport::Tcp || rest.len() < HEADER_BYTES {
                break;
            }
        }
        Feed::More
    }
}

impl Message for EnipUnit {
    fn field(&self, field: TransactionField, index: usize) -> Option<u64> {
        (field == HeaderField::EnipCommand && index == 0).then_some(u64::from(self.command))
    }

    fn holds(&self, condition: &PacketCondition<'_>) -> bool {
        match condition {
            PacketCondition::CipService(wanted) => {
                self.services.iter().any(|service| service.is(wanted))
            }
            _ => false,
        }
    }

    fn held_bytes(&self) -> usize {
        self.services.iter().map(Service::held_bytes).sum()
    }
}
