//! A hash table whose size follows from how much it holds and from nothing else.
//!
//! A table that much is put into and taken out of fills up with marks of what was taken out. Where it is more than half full it
//! then doubles, at a time that the hashes decide; what it moved to may lie above everything else and keep the memory below from
//! being given back. This one is at least twice as large as what it holds: it is swept where it lies, and grows only where it
//! holds more than ever.

use hashbrown::{
    HashTable,
    hash_table::{AbsentEntry, Entry, OccupiedEntry},
};

const ROOM_MIN: usize = 64;

/// Entries found by a hash that the caller makes.
#[derive(Debug)]
pub(crate) struct SteadyTable<T> {
    table: HashTable<T>,
    /// Entries that there is room for, marks left aside.
    room: usize,
}

impl<T> Default for SteadyTable<T> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            room: 0,
        }
    }
}

impl<T> SteadyTable<T> {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Takes everything out; what it takes stays as it is.
    pub(crate) fn clear(&mut self) {
        self.table.clear();
    }

    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&T> {
        self.table.find(hash, is_it)
    }

    pub(crate) fn find_entry(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&T) -> bool,
    ) -> Result<OccupiedEntry<'_, T>, AbsentEntry<'_, T>> {
        self.table.find_entry(hash, is_it)
    }

    pub(crate) fn entry(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&T) -> bool,
        hash_of: impl Fn(&T) -> u64,
    ) -> Entry<'_, T> {
        self.make_room(&hash_of);
        self.table.entry(hash, is_it, hash_of)
    }

    /// Puts in what is known not to be there.
    pub(crate) fn insert_unique(&mut self, hash: u64, value: T, hash_of: impl Fn(&T) -> u64) {
        self.make_room(&hash_of);
        self.table.insert_unique(hash, value, hash_of);
    }

    fn make_room(&mut self, hash_of: &impl Fn(&T) -> u64) {
        if 2 * (self.table.len() + 1) > self.room {
            self.room = (2 * self.room).max(ROOM_MIN);
            self.table.reserve(self.room - self.table.len(), hash_of);
        }
    }
}

#[cfg(test)]
mod tests {
    use ahash::RandomState;

    use super::*;

    #[test]
    fn its_size_does_not_hang_on_the_hashes() {
        let bytes_of = |held: u64| -> Vec<usize> {
            let hasher = RandomState::new();
            let hash_of = |value: &u64| hasher.hash_one(value);
            let mut table = SteadyTable::default();
            let mut bytes = Vec::new();
            for value in 0..200_000_u64 {
                if let Some(oldest) = value.checked_sub(held) {
                    let hash = hash_of(&oldest);
                    table
                        .find_entry(hash, |one| *one == oldest)
                        .unwrap()
                        .remove();
                }
                table.insert_unique(hash_of(&value), value, hash_of);
                bytes.push(table.table.allocation_size());
            }
            assert_eq!(table.len() as u64, held);
            bytes.dedup();
            bytes
        };
        for held in [1, 100, 447, 448, 449, 900, 3_000] {
            let sizes = bytes_of(held);
            assert!(sizes.is_sorted());
            for _ in 0..3 {
                assert_eq!(bytes_of(held), sizes, "{held}");
            }
        }
    }
}
