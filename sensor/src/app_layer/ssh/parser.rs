//! SSH until both sides encrypt.

use lapwing_rules::model::AppProtocol;

use super::{side::State, transaction::SshTransaction};
use crate::{
    app_layer::{Feed, Inspected, Parser, TransactionStore, transactions::Transactions},
    direction::Direction,
};

/// SSH of one connection.
#[derive(Debug)]
pub(in crate::app_layer) struct SshParser {
    /// Always one, until it is released.
    transactions: Transactions<SshTransaction>,
}

impl Default for SshParser {
    fn default() -> Self {
        let mut transactions = Transactions::default();
        transactions.push(SshTransaction::default());
        Self { transactions }
    }
}

impl SshParser {
    fn finish(&mut self) {
        if let Some(transaction) = self.transactions.get_mut(0)
            && !transaction.is_ended
        {
            transaction.is_ended = true;
            for side in &mut transaction.sides {
                side.steps += 1;
            }
        }
    }
}

impl Parser for SshParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Ssh
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        let Some(transaction) = self.transactions.get_mut(0) else {
            return Feed::Stop;
        };
        let side = &mut transaction.sides[direction.index()];
        if let Some(event) = side.feed(direction, bytes) {
            transaction.events.add(event);
        }
        match transaction.sides[direction.index()].state {
            State::Encrypted | State::Unreadable => Feed::Stop,
            State::Banner | State::Packets => Feed::More,
        }
    }

    fn gap(&mut self, _: Direction, _: u64) -> Feed {
        self.finish();
        Feed::Stop
    }

    fn end(&mut self, _: Direction) {
        self.finish();
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn inspected(&self) -> Inspected {
        let is_encrypted = self.transactions.get(0).is_some_and(|transaction| {
            let mut sides = transaction.sides.iter();
            sides.all(|side| side.state == State::Encrypted)
        });
        if is_encrypted {
            Inspected::Headers
        } else {
            Inspected::Everything
        }
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self
                .transactions
                .iter()
                .map(SshTransaction::held_bytes)
                .sum::<usize>()
    }
}
