//! The keys that segments are encrypted with, wrapped by the key in the keyslot: the file `keys`.
//!
//! ```text
//! file  = as in `state_file`, magic "LWK" u8 version (1)
//! words = for each key: its number, its wrapping (9 words: nonce [24], key [32], tag [16])
//! ```
//!
//! The wrapping is XChaCha20-Poly1305 under the keyslot's key, with "lapwing outbox key 1", epoch and number as associated data.
//! The writer owns the file. It draws a new key for every [`SEGMENTS_A_KEY`] segments and every day, stores it here before the first
//! segment that uses it, and takes a key out once no segment uses it any more: what was sent cannot be read again then, even if
//! the bytes of its segment can be recovered.

use lapwing_wire::Epoch;
use rand::Rng;
use zeroize::Zeroizing;

use crate::error::OutboxError;
use crate::filesystem::{Filesystem, replace};
use crate::keyslot::{Key, Keyslot, WRAPPED_BYTES};
use crate::layout::Layout;
use crate::state_file::{Words, read_words, words_to_bytes};

const MAGIC: [u8; 4] = *b"LWK\x01";
/// Segments after which the next key is drawn.
pub(crate) const SEGMENTS_A_KEY: usize = 16;
/// Words of one key in the file.
const WORDS: usize = 1 + WRAPPED_BYTES / 8;
/// Keys of an outbox at most.
const MAX_KEYS: usize = 400;

/// The keys of an outbox, oldest first.
#[derive(Debug, Default)]
pub(crate) struct KeyRing(Vec<WrappedKey>);

struct WrappedKey {
    id: u64,
    wrapped: [u8; WRAPPED_BYTES],
    /// None where the keyslot does not open it.
    key: Option<Key>,
}

impl std::fmt::Debug for WrappedKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "WrappedKey({})", self.id)
    }
}

impl KeyRing {
    /// Reads the keys as far as the keyslot opens them; and whether some have to be wrapped anew.
    pub(crate) fn load<F: Filesystem>(
        filesystem: &F,
        layout: &Layout,
        epoch: Epoch,
        slot: Option<&Keyslot>,
    ) -> Result<(Self, bool), OutboxError> {
        let words = read_words(filesystem, &layout.keys(), MAGIC)?.unwrap_or_default();
        let count = words.len() / WORDS;
        let mut words = Words::new(&words);
        let mut keys = Vec::new();
        let mut is_stale = false;
        for _ in 0..count.min(MAX_KEYS) {
            let id = words.take();
            let mut wrapped = [0; WRAPPED_BYTES];
            for chunk in wrapped.as_chunks_mut::<8>().0 {
                *chunk = words.take().to_le_bytes();
            }
            let unwrapped = slot.and_then(|slot| slot.unwrap(epoch, id, &wrapped));
            is_stale |= unwrapped.as_ref().is_some_and(|(_, current)| !current);
            keys.push(WrappedKey {
                id,
                wrapped,
                key: unwrapped.map(|(key, _)| key),
            });
        }
        Ok((Self(keys), is_stale))
    }

    pub(crate) fn store<F: Filesystem>(
        &self,
        filesystem: &F,
        layout: &Layout,
    ) -> Result<(), OutboxError> {
        let mut words = Vec::new();
        for WrappedKey { id, wrapped, .. } in &self.0 {
            words.push(*id);
            let chunks = wrapped.as_chunks::<8>().0;
            words.extend(chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)));
        }
        let path = layout.keys();
        replace(filesystem, &path, &words_to_bytes(MAGIC, &words))
            .map_err(OutboxError::io("write", path))
    }

    /// The key with a number; none for one that is not in the file.
    ///
    /// # Errors
    /// [`OutboxError::Locked`] for one that the keyslot does not open.
    pub(crate) fn key(&self, layout: &Layout, id: u64) -> Result<Option<&Key>, OutboxError> {
        match self.0.iter().find(|key| key.id == id) {
            None => Ok(None),
            Some(WrappedKey { key: Some(key), .. }) => Ok(Some(key)),
            Some(WrappedKey { key: None, .. }) => Err(OutboxError::Locked {
                path: layout.keys(),
            }),
        }
    }

    /// The number of the newest key that can be used.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.0
            .last()
            .filter(|key| key.key.is_some())
            .map(|key| key.id)
    }

    /// Whether there is room for another key. A sensor that is started again every minute makes do with those that it has.
    pub(crate) fn has_room(&self) -> bool {
        self.0.len() < MAX_KEYS
    }

    /// The same keys and a new one.
    pub(crate) fn with_new(&self, slot: &Keyslot, epoch: Epoch) -> Result<Self, OutboxError> {
        let id = self.0.last().map_or(0, |last| last.id.wrapping_add(1));
        let mut key = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(key.as_mut_slice());
        let wrapped = slot.wrap(epoch, id, &key).ok_or(OutboxError::Encrypt)?;
        let mut keys = self.copy_of(|_| true);
        keys.push(WrappedKey {
            id,
            wrapped,
            key: Some(key),
        });
        Ok(Self(keys))
    }

    /// The same keys, all wrapped with the slot's current key.
    pub(crate) fn wrapped_anew(&self, slot: &Keyslot, epoch: Epoch) -> Result<Self, OutboxError> {
        let mut keys = self.copy_of(|_| true);
        for key in &mut keys {
            if let Some(content) = &key.key {
                key.wrapped = slot
                    .wrap(epoch, key.id, content)
                    .ok_or(OutboxError::Encrypt)?;
            }
        }
        Ok(Self(keys))
    }

    /// Only the keys that are in use, and the newest; none where that is all of them.
    pub(crate) fn without_unused(&self, in_use: impl Fn(u64) -> bool) -> Option<Self> {
        let newest = self.newest();
        let keys = self.copy_of(|id| in_use(id) || Some(id) == newest);
        (keys.len() < self.0.len()).then_some(Self(keys))
    }

    fn copy_of(&self, wanted: impl Fn(u64) -> bool) -> Vec<WrappedKey> {
        let copy = |key: &WrappedKey| WrappedKey {
            id: key.id,
            wrapped: key.wrapped,
            key: key.key.clone(),
        };
        self.0
            .iter()
            .filter(|key| wanted(key.id))
            .map(copy)
            .collect()
    }
}
