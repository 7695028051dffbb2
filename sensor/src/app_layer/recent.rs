//! The entries that came last, by key: a memory that cannot grow beyond its cap.

use std::{collections::VecDeque, hash::Hash};

use ahash::RandomState;
use hashbrown::HashMap;

/// At most `MAX` entries; the oldest goes where another comes.
#[derive(Debug)]
pub(super) struct Recent<K, V, const MAX: usize> {
    entries: HashMap<K, (u64, V), RandomState>,
    /// Keys in the order in which they came, with the number that their entry got then. Of entries that were replaced or
    /// removed since, the number is an old one.
    order: VecDeque<(u64, K)>,
    next: u64,
}

impl<K, V, const MAX: usize> Default for Recent<K, V, MAX> {
    fn default() -> Self {
        Self {
            entries: HashMap::with_hasher(RandomState::new()),
            order: VecDeque::new(),
            next: 0,
        }
    }
}

impl<K: Clone + Eq + Hash, V, const MAX: usize> Recent<K, V, MAX> {
    pub(super) fn insert(&mut self, key: K, value: V) {
        let number = self.next;
        self.next += 1;
        self.order.push_back((number, key.clone()));
        self.entries.insert(key, (number, value));
        while self.entries.len() > MAX {
            let Some((number, oldest)) = self.order.pop_front() else {
                break;
            };
            if self.is_current(number, &oldest) {
                self.entries.remove(&oldest);
            }
        }
        if self.order.len() > 2 * MAX {
            let entries = &self.entries;
            self.order
                .retain(|(number, key)| entries.get(key).is_some_and(|(held, _)| held == number));
        }
    }

    fn is_current(&self, number: u64, key: &K) -> bool {
        self.entries
            .get(key)
            .is_some_and(|(held, _)| *held == number)
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }

    pub(super) fn held_bytes(&self, of_value: impl Fn(&V) -> usize) -> usize {
        self.entries.capacity() * size_of::<(K, (u64, V))>()
            + self.order.capacity() * size_of::<(u64, K)>()
            + self
                .entries
                .values()
                .map(|(_, value)| of_value(value))
                .sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_memory_stays_bounded() {
        let mut recent = Recent::<u32, u32, 3>::default();
        for key in 0..1_000 {
            recent.insert(key, key);
            recent.insert(key, key + 1);
            if key % 2 == 0 {
                recent.remove(&key);
            }
            assert!(recent.order.len() <= 6);
        }
        assert_eq!(recent.get(&999), Some(&1_000));
        assert_eq!(recent.get(&998), None);
        assert_eq!(recent.get(&995), Some(&996));
        recent.insert(1_001, 0);
        assert_eq!(recent.get(&995), None);
    }
}
