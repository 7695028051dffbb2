//! The targets: files that are shipped, each with length, hashes and notes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::delegations::Delegations;
use super::file_check::FileCheck;
use super::header::{Header, Metadata};
use super::name;
use crate::error::TrustError;
use crate::limits::{MAX_TARGETS, MAX_TARGETS_BYTES};

/// What is said of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFile {
    /// Its bytes.
    pub length: u64,
    /// Hashes of its bytes by algorithm.
    pub hashes: BTreeMap<String, String>,
    /// Notes for whoever uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Value>,
}

impl TargetFile {
    /// What is to be said of these bytes.
    pub fn of(bytes: &[u8], custom: Option<Value>) -> Self {
        Self {
            length: bytes.len() as u64,
            hashes: FileCheck::hashes_of(bytes),
            custom,
        }
    }

    /// A check of the target's bytes, which are still to come.
    ///
    /// # Errors
    /// Those of [`FileCheck::new`]; [`TrustError::NoHash`] when it is named without one.
    pub fn check(&self) -> Result<FileCheck, TrustError> {
        if self.hashes.is_empty() {
            return Err(TrustError::NoHash);
        }
        FileCheck::new(Some(self.length), &self.hashes)
    }

    /// Its SHA-256 in hex, where it has one.
    pub fn sha256(&self) -> Option<&str> {
        self.hashes.get("sha256").map(String::as_str)
    }

    /// The path of its file below the folder of targets.
    pub(super) fn path(&self, name: &str, is_consistent: bool) -> Result<String, TrustError> {
        if !is_consistent {
            return Ok(name.to_owned());
        }
        let hash = self
            .sha256()
            .or_else(|| self.hashes.values().next().map(String::as_str));
        let hash = hash.ok_or(TrustError::NoHash)?;
        let path = match name.rsplit_once('/') {
            Some((folder, file)) => format!("{folder}/{hash}.{file}"),
            None => format!("{hash}.{name}"),
        };
        // The hash came from the same place as the name.
        name::check_target_path(&path)?;
        Ok(path)
    }
}

/// Targets metadata, of the role `targets` or of one that it delegates to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// Kind, version, end.
    #[serde(flatten)]
    pub header: Header,
    /// Targets by name.
    pub targets: BTreeMap<String, TargetFile>,
    /// Roles that may name targets too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegations: Option<Delegations>,
    /// Members that are not known here.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Targets {
    /// These targets, without delegations.
    pub const fn new(header: Header, targets: BTreeMap<String, TargetFile>) -> Self {
        Self {
            header,
            targets,
            delegations: None,
            other: BTreeMap::new(),
        }
    }
}

impl Metadata for Targets {
    const KIND: &'static str = "targets";
    const MAX_BYTES: usize = MAX_TARGETS_BYTES;

    fn header(&self) -> &Header {
        &self.header
    }

    fn check_content(&self) -> Result<(), TrustError> {
        if self.targets.len() > MAX_TARGETS {
            return Err(TrustError::TooMany {
                what: "targets",
                count: self.targets.len(),
                cap: MAX_TARGETS,
            });
        }
        for name in self.targets.keys() {
            name::check_target(name)?;
        }
        self.delegations.as_ref().map_or(Ok(()), Delegations::check)
    }
}
