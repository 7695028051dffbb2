//! What the keys of an outbox are wrapped with: one key, kept outside the outbox's folder by whoever opens it.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use lapwing_wire::Epoch;
use rand::Rng;
use zeroize::Zeroizing;

/// Bytes of every key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a key's wrapping: a nonce, the key, a tag.
pub(crate) const WRAPPED_BYTES: usize = NONCE_BYTES + KEY_BYTES + 16;
const NONCE_BYTES: usize = 24;

/// A key, wiped from memory when the last holder drops it.
pub(crate) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// The key in a keyslot, and those that were in it before. What a former one has wrapped is wrapped anew with the current
/// one when the writer opens the outbox; after that the former ones can be destroyed.
#[derive(Clone)]
pub struct Keyslot {
    current: Arc<Key>,
    former: Vec<Arc<Key>>,
}

impl Keyslot {
    /// A slot that holds this key.
    pub fn new(key: [u8; KEY_BYTES]) -> Self {
        Self {
            current: Arc::new(Zeroizing::new(key)),
            former: Vec::new(),
        }
    }

    /// The same, where another key was in use before.
    #[must_use]
    pub fn formerly(mut self, key: [u8; KEY_BYTES]) -> Self {
        self.former.push(Arc::new(Zeroizing::new(key)));
        self
    }

    /// Wraps a key under its number in an outbox.
    pub(crate) fn wrap(&self, epoch: Epoch, id: u64, key: &Key) -> Option<[u8; WRAPPED_BYTES]> {
        let mut wrapped = [0; WRAPPED_BYTES];
        let (nonce, content) = wrapped.split_first_chunk_mut::<NONCE_BYTES>()?;
        rand::rng().fill_bytes(nonce);
        let (content, tag) = content.split_first_chunk_mut::<KEY_BYTES>()?;
        content.copy_from_slice(key.as_slice());
        let made = cipher(&self.current).encrypt_inout_detached(
            &XNonce::from(*nonce),
            &associated(epoch, id),
            content.as_mut_slice().into(),
        );
        tag.copy_from_slice(&made.ok()?);
        Some(wrapped)
    }

    /// Unwraps a key; and whether the current key of the slot did it.
    pub(crate) fn unwrap(
        &self,
        epoch: Epoch,
        id: u64,
        wrapped: &[u8; WRAPPED_BYTES],
    ) -> Option<(Key, bool)> {
        let with = |slot: &Key| {
            let (nonce, content) = wrapped.split_first_chunk::<NONCE_BYTES>()?;
            let (content, tag) = content.split_first_chunk::<KEY_BYTES>()?;
            let tag = <[u8; 16]>::try_from(tag).ok()?;
            let mut key = Zeroizing::new(*content);
            let opened = cipher(slot).decrypt_inout_detached(
                &XNonce::from(*nonce),
                &associated(epoch, id),
                key.as_mut_slice().into(),
                &tag.into(),
            );
            opened.ok().map(|()| key)
        };
        if let Some(key) = with(&self.current) {
            return Some((key, true));
        }
        let key = self.former.iter().find_map(|slot| with(slot))?;
        Some((key, false))
    }
}

impl fmt::Debug for Keyslot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyslot(..)")
    }
}

fn cipher(slot: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**slot).into())
}

/// A wrapped key is worth nothing under another number or in another outbox.
fn associated(epoch: Epoch, id: u64) -> Vec<u8> {
    let mut bytes = b"lapwing outbox key 1".to_vec();
    bytes.extend_from_slice(&epoch.0.to_le_bytes());
    bytes.extend_from_slice(&id.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_unwrapped_by_its_slot_under_its_number_only() {
        let (slot, key) = (Keyslot::new([1; 32]), Zeroizing::new([7; 32]));
        let wrapped = slot.wrap(Epoch(5), 3, &key).unwrap();
        assert_eq!(
            slot.unwrap(Epoch(5), 3, &wrapped),
            Some((key.clone(), true))
        );
        assert_eq!(slot.unwrap(Epoch(5), 4, &wrapped), None);
        assert_eq!(slot.unwrap(Epoch(6), 3, &wrapped), None);
        let other = Keyslot::new([2; 32]);
        assert_eq!(other.unwrap(Epoch(5), 3, &wrapped), None);
        let changed = other.formerly([1; 32]);
        assert_eq!(changed.unwrap(Epoch(5), 3, &wrapped), Some((key, false)));
        for at in 0..WRAPPED_BYTES {
            let mut rotten = wrapped;
            rotten[at] ^= 1;
            assert_eq!(slot.unwrap(Epoch(5), 3, &rotten), None, "byte {at}");
        }
    }
}
