//! A role: the keys that may sign one kind of document, and how many of them must.

use crate::error::TrustError;
use crate::key::{KeyId, PublicKey};
use crate::limits::MAX_KEYS_IN_ROLE;

/// The keys that may sign one kind of document, and how many of them must.
#[derive(Debug, Clone)]
pub struct Role {
    name: String,
    keys: Vec<(KeyId, PublicKey)>,
    threshold: usize,
}

impl Role {
    /// A role of these keys, `threshold` of which must sign.
    ///
    /// # Errors
    /// [`TrustError::BadRole`] when the threshold cannot be met or asks for nothing, when two
    /// keys are the same, or when there are more than [`MAX_KEYS_IN_ROLE`].
    pub fn new(
        name: &str,
        keys: impl IntoIterator<Item = PublicKey>,
        threshold: usize,
    ) -> Result<Self, TrustError> {
        let mut keys: Vec<_> = keys.into_iter().map(|key| (key.id(), key)).collect();
        let given = keys.len();
        keys.sort_by_key(|(id, _)| *id);
        keys.dedup_by_key(|(id, _)| *id);
        if keys.len() != given || given > MAX_KEYS_IN_ROLE || !(1..=given).contains(&threshold) {
            return Err(TrustError::BadRole {
                role: name.to_owned(),
                keys: keys.len(),
                cap: MAX_KEYS_IN_ROLE,
            });
        }
        Ok(Self {
            name: name.to_owned(),
            keys,
            threshold,
        })
    }

    /// A role of metadata, where keys of types that are not used here stood among them: the
    /// threshold may then be out of reach.
    pub(crate) fn of_known_keys(
        name: &str,
        keys: Vec<(KeyId, PublicKey)>,
        threshold: usize,
    ) -> Self {
        Self {
            name: name.to_owned(),
            keys,
            threshold,
        }
    }

    /// The ids of its keys.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(|(id, _)| *id)
    }

    /// What the role is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many of its keys must sign.
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    pub(crate) fn key(&self, id: KeyId) -> Option<&PublicKey> {
        self.keys
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, key)| key)
    }
}
