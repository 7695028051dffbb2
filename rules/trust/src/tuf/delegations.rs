//! Delegations: other roles that may name some of the targets, with keys of their own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::name;
use super::root::{RoleKeys, check_keys, role_of};
use crate::error::TrustError;
use crate::limits::{MAX_DELEGATIONS, MAX_PATTERNS};
use crate::role::Role;

/// The roles that targets metadata delegates to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegations {
    /// Key objects by their ids.
    pub keys: BTreeMap<String, Value>,
    /// The roles, the first asked first. Roles written in the short form of TAP 15
    /// (`succinct_roles`) are not known here: nothing they name is found.
    #[serde(default)]
    pub roles: Vec<DelegatedRole>,
}

/// A role that may name targets of some names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegatedRole {
    /// Its name, and that of its file.
    pub name: String,
    /// Its keys.
    #[serde(flatten)]
    pub keys: RoleKeys,
    /// Whether nobody after it is asked for a target that it may name.
    pub terminating: bool,
    /// Which names: patterns with `*` and `?`, neither of which matches `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    /// Which names: those whose SHA-256 in hex begins with one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_hash_prefixes: Option<Vec<String>>,
}

impl Delegations {
    pub(super) fn check(&self) -> Result<(), TrustError> {
        check_keys(&self.keys)?;
        let too_many = |what, count, cap| Err(TrustError::TooMany { what, count, cap });
        if self.roles.len() > MAX_DELEGATIONS {
            return too_many("delegations", self.roles.len(), MAX_DELEGATIONS);
        }
        for role in &self.roles {
            name::check_role(&role.name)?;
            let lists = [&role.paths, &role.path_hash_prefixes];
            let patterns = lists.into_iter().flatten().map(Vec::len).sum();
            if patterns > MAX_PATTERNS {
                return too_many("patterns in one delegation", patterns, MAX_PATTERNS);
            }
        }
        Ok(())
    }

    /// Who may sign for a delegated role.
    pub(super) fn role(&self, role: &DelegatedRole) -> Result<Role, TrustError> {
        role_of(&role.name, &self.keys, &role.keys)
    }
}

impl DelegatedRole {
    /// Whether it may name this target.
    pub fn may_name(&self, target: &str) -> bool {
        if let Some(prefixes) = &self.path_hash_prefixes {
            let hash = hex::encode(Sha256::digest(target));
            return prefixes
                .iter()
                .any(|prefix| hash.starts_with(prefix.as_str()));
        }
        let patterns = self.paths.as_deref().unwrap_or_default();
        patterns.iter().any(|pattern| matches_path(pattern, target))
    }
}

/// Part by part, so that no wildcard crosses a `/`.
fn matches_path(pattern: &str, path: &str) -> bool {
    pattern.split('/').count() == path.split('/').count()
        && pattern
            .split('/')
            .zip(path.split('/'))
            .all(|(pattern, part)| matches_part(pattern.as_bytes(), part.as_bytes()))
}

/// Linear in the product of the lengths: after a mismatch only the last `*` takes one byte more.
fn matches_part(pattern: &[u8], part: &[u8]) -> bool {
    let (mut at_pattern, mut at_part) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at_part < part.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                retry = Some((at_pattern + 1, at_part));
                at_pattern += 1;
            }
            Some(byte) if *byte == b'?' || part.get(at_part) == Some(byte) => {
                at_pattern += 1;
                at_part += 1;
            }
            _ => match retry {
                Some((after_star, taken)) => {
                    (at_pattern, at_part) = (after_star, taken + 1);
                    retry = Some((after_star, taken + 1));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at_pattern..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stay_within_a_part() {
        for (pattern, path) in [
            ("rules.pack", "rules.pack"),
            ("*", "rules.pack"),
            ("*.pack", "rules.pack"),
            ("r*s.p?ck", "rules.pack"),
            ("deltas/*-*", "deltas/a-b"),
            ("**", "x"),
        ] {
            assert!(matches_path(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("*", "deltas/x"),
            ("deltas/*", "deltas/x/y"),
            ("*.pack", "rules.packs"),
            ("?", ""),
            ("rules", "rules.pack"),
        ] {
            assert!(!matches_path(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn names_may_be_given_by_the_begin_of_their_hash() {
        let hash = hex::encode(Sha256::digest("rules.pack"));
        let mut role = DelegatedRole {
            name: "north".to_owned(),
            keys: RoleKeys {
                keyids: Vec::new(),
                threshold: 1,
            },
            terminating: false,
            paths: None,
            path_hash_prefixes: Some(vec![hash.chars().take(3).collect()]),
        };
        assert!(role.may_name("rules.pack"));
        role.path_hash_prefixes = Some(Vec::new());
        assert!(!role.may_name("rules.pack"));
    }
}
