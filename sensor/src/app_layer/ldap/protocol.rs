//! Which response belongs to which request, and where the connection goes on in TLS.

use lapwing_rules::model::AppProtocol;

use super::{
    framing,
    message::{self, Body, Message, Request, Response, operation},
    transaction::LdapTransaction,
};
use crate::{
    app_layer::{
        Feed, limits,
        messages::{Cut, MessageProtocol},
        transactions::Transactions,
    },
    direction::Direction,
};

/// LDAP of one flow.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct LdapProtocol {
    /// A bind by SASL succeeded: what is no message from now on may be encrypted (RFC 4511, section 5.2.1).
    may_be_wrapped: bool,
}

impl MessageProtocol for LdapProtocol {
    type Transaction = LdapTransaction;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Ldap
    }

    fn cut(&mut self, _: Direction, bytes: &[u8]) -> Cut {
        framing::cut(bytes)
    }

    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let mut rest = message;
        // A datagram may carry several.
        while !rest.is_empty() {
            let (message, behind) = match message::read(rest) {
                Some(read) => read,
                None => match message::of_beginning(rest) {
                    Some(begun) if rest.len() >= limits::LDAP_MESSAGE_BYTES_MAX => {
                        let feed = self.take(direction, begun, transactions);
                        tell(transactions, "incomplete_data");
                        return feed;
                    }
                    _ if self.may_be_wrapped => return Feed::Stop,
                    _ => {
                        tell(transactions, "invalid_data");
                        return Feed::Stop;
                    }
                },
            };
            rest = behind;
            match self.take(direction, message, transactions) {
                Feed::More => {}
                feed => return feed,
            }
        }
        Feed::More
    }
}

impl LdapProtocol {
    fn take(
        &mut self,
        direction: Direction,
        message: Message,
        transactions: &mut Transactions<LdapTransaction>,
    ) -> Feed {
        let number = message.number;
        match (direction, message.body) {
            (Direction::ToServer, Body::Request(request)) => {
                push(transactions, number, request);
                Feed::More
            }
            (Direction::ToClient, Body::Response(response)) => {
                self.response(number, response, transactions)
            }
            _ => {
                tell(transactions, "invalid_data");
                Feed::Stop
            }
        }
    }

    fn response(
        &mut self,
        number: u32,
        response: Response,
        transactions: &mut Transactions<LdapTransaction>,
    ) -> Feed {
        let Some(transaction) = waiting(transactions, number) else {
            // A notice of disconnection and the like has no request (section 4.4).
            let is_notice = number == 0 && response.operation == operation::EXTENDED_RESPONSE;
            let mut transaction = LdapTransaction::unasked();
            transaction.answer(response);
            transaction.close();
            if !is_notice {
                transaction.events.add("request_not_found");
            }
            transactions.push(transaction);
            return Feed::More;
        };
        let request = transaction.awaited(number);
        let is_for = |asks: fn(&Request) -> bool| request.is_some_and(asks);
        let goes_on_in_tls = response.is_success()
            && response.operation == operation::EXTENDED_RESPONSE
            && is_for(|request| request.asks_for_tls);
        self.may_be_wrapped |= response.is_success()
            && response.operation == operation::BIND_RESPONSE
            && is_for(|request| request.binds_by_sasl);
        transaction.answer(response);
        if goes_on_in_tls {
            Feed::Upgrade
        } else {
            Feed::More
        }
    }
}

fn push(transactions: &mut Transactions<LdapTransaction>, number: u32, request: Request) {
    let is_alone = request.is_alone();
    let mut transaction = LdapTransaction::asked(number, request);
    if is_alone {
        transaction.close();
    }
    if transactions.is_full() {
        transaction.events.add("too_many_transactions");
    }
    transactions.push(transaction);
}

/// The newest request that waits for responses of this number.
fn waiting(
    transactions: &mut Transactions<LdapTransaction>,
    number: u32,
) -> Option<&mut LdapTransaction> {
    transactions
        .iter_mut()
        .rev()
        .find(|transaction| transaction.awaited(number).is_some())
}

/// Notes an event with the newest transaction, or by itself where there is none.
fn tell(transactions: &mut Transactions<LdapTransaction>, event: &'static str) {
    if let Some(newest) = transactions.newest_mut() {
        newest.events.add(event);
        return;
    }
    let mut transaction = LdapTransaction::unasked();
    transaction.close();
    transaction.events.add(event);
    transactions.push(transaction);
}
