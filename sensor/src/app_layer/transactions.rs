//! The transactions of one flow, numbered from 0, bounded.

use std::{collections::VecDeque, ops::Range};

use super::{Transaction, TransactionStore, limits};

/// Transactions that are still held; numbers only grow.
#[derive(Debug)]
pub(super) struct Transactions<T> {
    first: u64,
    held: VecDeque<T>,
    /// Transactions that went before they were inspected, because the flow had too many.
    dropped: u64,
}

impl<T> Default for Transactions<T> {
    fn default() -> Self {
        Self {
            first: 0,
            held: VecDeque::new(),
            dropped: 0,
        }
    }
}

impl<T> Transactions<T> {
    /// Adds one and gives its number; the oldest goes where there are too many.
    pub(super) fn push(&mut self, transaction: T) -> u64 {
        if self.is_full() {
            self.held.pop_front();
            self.first += 1;
            self.dropped += 1;
        }
        self.held.push_back(transaction);
        self.numbers().end - 1
    }

    /// Whether the next one costs the oldest.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= limits::TRANSACTIONS_MAX
    }

    /// Those that were never inspected to their end: the ones held, and the ones that went before they were.
    pub(super) fn uninspected(&self) -> u64 {
        u64::try_from(self.held.len())
            .unwrap_or(u64::MAX)
            .saturating_add(self.dropped)
    }

    pub(super) fn numbers(&self) -> Range<u64> {
        let held = u64::try_from(self.held.len()).unwrap_or(u64::MAX);
        self.first..self.first + held
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.held.get(index)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.held.get_mut(index)
    }

    /// The one of this number, or a new one at the end.
    pub(super) fn get_or_push(&mut self, number: Option<u64>, new: impl FnOnce() -> T) -> &mut T {
        let held = number
            .and_then(|number| usize::try_from(number.checked_sub(self.first)?).ok())
            .filter(|index| *index < self.held.len());
        let index = held.unwrap_or_else(|| {
            self.push(new());
            self.held.len() - 1
        });
        &mut self.held[index]
    }

    /// The one added last, unless it is gone already.
    pub(super) fn newest_mut(&mut self) -> Option<&mut T> {
        self.held.back_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.held.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.held.iter_mut()
    }
}

impl<T: Transaction> TransactionStore for Transactions<T> {
    fn numbers(&self) -> Range<u64> {
        Transactions::numbers(self)
    }

    fn transaction(&self, number: u64) -> Option<&dyn Transaction> {
        self.get(number)
            .map(|transaction| transaction as &dyn Transaction)
    }

    fn release(&mut self, number: u64) {
        while self.first < number && self.held.pop_front().is_some() {
            self.first += 1;
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Names of events, each once, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Events(heapless::Vec<&'static str, { limits::TRANSACTION_EVENTS_MAX }>);

impl Events {
    /// Notes an event; where the list is full the oldest ones stay.
    pub(super) fn add(&mut self, name: &'static str) {
        if !self.0.contains(&name) {
            self.0.push(name).ok();
        }
    }

    pub(super) fn names(&self) -> &[&'static str] {
        &self.0
    }
}
