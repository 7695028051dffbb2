//! A transaction for each datagram, which rules ask in both directions, as in the reference.

use lapwing_rules::model::AppProtocol;

use super::message::{self, DhcpMessage};
use crate::{
    app_layer::{
        Feed,
        messages::{MessageProtocol, OneMessage},
        transactions::Transactions,
    },
    direction::Direction,
};

/// DHCP of one flow.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct DhcpProtocol;

impl MessageProtocol for DhcpProtocol {
    type Transaction = OneMessage<DhcpMessage>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Dhcp
    }

    fn message(
        &mut self,
        _: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let Some(message) = message::read(message) else {
            return Feed::Stop;
        };
        let mut transaction = OneMessage::of_both(message);
        if message.is_truncated {
            transaction.events.add("truncated_options");
        }
        transactions.push(transaction);
        Feed::More
    }
}
