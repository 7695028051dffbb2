//! A transaction for each datagram.

use lapwing_rules::model::AppProtocol;

use super::message::{self, SnmpMessageFacts};
use crate::{
    app_layer::{
        Feed,
        messages::{MessageProtocol, OneMessage},
        transactions::Transactions,
    },
    direction::Direction,
};

/// SNMP of one flow.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct SnmpProtocol {
    /// Version of the first message.
    version: Option<u32>,
}

impl MessageProtocol for SnmpProtocol {
    type Transaction = OneMessage<SnmpMessageFacts>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Snmp
    }

    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let Some(message) = message::read(message) else {
            if let Some(newest) = transactions.newest_mut() {
                newest.events.add("malformed_data");
            }
            return Feed::Stop;
        };
        let expected = *self.version.get_or_insert(message.version);
        let mut transaction = OneMessage::new(direction, message);
        if transaction.message.version != expected {
            transaction.events.add("version_mismatch");
            // As in the reference, rules compare the flow's version.
            transaction.message.version = expected;
        }
        if transaction.message.has_unknown_security_model {
            transaction.events.add("unknown_security_model");
        }
        transactions.push(transaction);
        Feed::More
    }
}
