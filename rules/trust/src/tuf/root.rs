//! The root: which keys may sign what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::header::{Header, Metadata};
use crate::error::TrustError;
use crate::key::{KeyId, PublicKey};
use crate::limits::{MAX_KEYS, MAX_KEYS_IN_ROLE, MAX_ROOT_BYTES};
use crate::role::Role;

/// The four roles that a root names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopRole {
    /// Signs the next root; its keys are kept offline.
    Root,
    /// Says which snapshot is the newest.
    Timestamp,
    /// Says which targets files belong together.
    Snapshot,
    /// Says which targets there are.
    Targets,
}

impl TopRole {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Root, Self::Timestamp, Self::Snapshot, Self::Targets];

    /// Its name in metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        }
    }
}

/// The keys of a role by their ids, and how many of them must sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleKeys {
    /// Ids of keys.
    pub keyids: Vec<String>,
    /// How many must sign.
    pub threshold: usize,
}

/// Root metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Kind, version, end.
    #[serde(flatten)]
    pub header: Header,
    /// Whether names of files carry their versions or hashes.
    #[serde(default)]
    pub consistent_snapshot: bool,
    /// Key objects by their ids, of all types.
    pub keys: BTreeMap<String, Value>,
    /// Keys by role.
    pub roles: BTreeMap<String, RoleKeys>,
    /// Members that are not known here.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Root {
    /// A root with no keys.
    pub const fn new(header: Header) -> Self {
        Self {
            header,
            consistent_snapshot: true,
            keys: BTreeMap::new(),
            roles: BTreeMap::new(),
            other: BTreeMap::new(),
        }
    }

    /// Gives a role these keys in place of those it had; keys that no role has any more are
    /// dropped.
    ///
    /// # Errors
    /// [`TrustError::BadRole`].
    pub fn set_role(
        &mut self,
        role: TopRole,
        keys: &[PublicKey],
        threshold: usize,
    ) -> Result<(), TrustError> {
        Role::new(role.name(), keys.iter().copied(), threshold)?;
        let named = keys.iter().map(|key| (key.id().to_string(), key.to_json()));
        let keyids = named.clone().map(|(id, _)| id).collect();
        self.keys.extend(named);
        self.roles
            .insert(role.name().to_owned(), RoleKeys { keyids, threshold });
        let is_used = |id: &String| self.roles.values().any(|role| role.keyids.contains(id));
        let unused: Vec<_> = self
            .keys
            .keys()
            .filter(|id| !is_used(id))
            .cloned()
            .collect();
        for id in unused {
            self.keys.remove(&id);
        }
        Ok(())
    }

    /// Who may sign for a role.
    ///
    /// # Errors
    /// [`TrustError::Malformed`] when the root does not name the role.
    pub fn role(&self, role: TopRole) -> Result<Role, TrustError> {
        let keys = self.roles.get(role.name()).ok_or(TrustError::Malformed {
            what: "it does not name all of the roles root, timestamp, snapshot and targets",
        })?;
        role_of(role.name(), &self.keys, keys)
    }
}

impl Metadata for Root {
    const KIND: &'static str = "root";
    const MAX_BYTES: usize = MAX_ROOT_BYTES;

    fn header(&self) -> &Header {
        &self.header
    }

    fn check_content(&self) -> Result<(), TrustError> {
        check_keys(&self.keys)?;
        TopRole::ALL
            .into_iter()
            .try_for_each(|role| self.role(role).map(drop))
    }
}

/// Holds key objects against their ids.
pub(super) fn check_keys(keys: &BTreeMap<String, Value>) -> Result<(), TrustError> {
    if keys.len() > MAX_KEYS {
        return Err(TrustError::TooMany {
            what: "keys",
            count: keys.len(),
            cap: MAX_KEYS,
        });
    }
    for (id, key) in keys {
        if id.parse::<KeyId>()? != KeyId::of_json(key)? {
            return Err(TrustError::BadKeyId);
        }
    }
    Ok(())
}

/// A role of the keys that are known here.
pub(super) fn role_of(
    name: &str,
    keys: &BTreeMap<String, Value>,
    role: &RoleKeys,
) -> Result<Role, TrustError> {
    let count = role.keyids.len();
    if count > MAX_KEYS_IN_ROLE || role.threshold == 0 {
        return Err(TrustError::BadRole {
            role: name.chars().take(40).collect(),
            keys: count,
            cap: MAX_KEYS_IN_ROLE,
        });
    }
    let mut known: Vec<(KeyId, PublicKey)> = Vec::new();
    for id in &role.keyids {
        let Some(key) = keys.get(id) else { continue };
        if let Some(key) = PublicKey::from_json(key)? {
            known.push((id.parse()?, key));
        }
    }
    Ok(Role::of_known_keys(name, known, role.threshold))
}
