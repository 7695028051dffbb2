//! The timestamp names the newest snapshot; the snapshot names the targets files that belong
//! together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file_check::FileCheck;
use super::header::{Header, Metadata};
use crate::error::TrustError;
use crate::limits::{MAX_SNAPSHOT_BYTES, MAX_SNAPSHOT_FILES, MAX_TIMESTAMP_BYTES};

/// The one file that a timestamp names.
const SNAPSHOT_FILE: &str = "snapshot.json";

/// What is said of a metadata file by the one that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// Its version.
    pub version: u64,
    /// Its bytes; without it the cap of its kind holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Hashes of its bytes by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hashes: BTreeMap<String, String>,
}

impl FileMeta {
    /// What is to be said of these bytes.
    pub fn of(version: u64, bytes: &[u8]) -> Self {
        Self {
            version,
            length: Some(bytes.len() as u64),
            hashes: FileCheck::hashes_of(bytes),
        }
    }

    /// Holds bytes against length and hashes, where there are any.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), TrustError> {
        let mut check = FileCheck::new(self.length, &self.hashes)?;
        check.update(bytes)?;
        check.finish()
    }
}

/// Timestamp metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// Kind, version, end.
    #[serde(flatten)]
    pub header: Header,
    /// The snapshot, under its name.
    pub meta: BTreeMap<String, FileMeta>,
    /// Members that are not known here.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Timestamp {
    /// A timestamp of a snapshot.
    pub fn new(header: Header, snapshot: FileMeta) -> Self {
        Self {
            header,
            meta: BTreeMap::from([(SNAPSHOT_FILE.to_owned(), snapshot)]),
            other: BTreeMap::new(),
        }
    }

    /// What it says of the snapshot.
    ///
    /// # Errors
    /// [`TrustError::Malformed`] when it says nothing.
    pub fn snapshot(&self) -> Result<&FileMeta, TrustError> {
        self.meta.get(SNAPSHOT_FILE).ok_or(TrustError::Malformed {
            what: "it does not name snapshot.json",
        })
    }
}

impl Metadata for Timestamp {
    const KIND: &'static str = "timestamp";
    const MAX_BYTES: usize = MAX_TIMESTAMP_BYTES;

    fn header(&self) -> &Header {
        &self.header
    }

    fn check_content(&self) -> Result<(), TrustError> {
        self.snapshot().map(drop)
    }
}

/// Snapshot metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Kind, version, end.
    #[serde(flatten)]
    pub header: Header,
    /// The targets files by name, as `targets.json`.
    pub meta: BTreeMap<String, FileMeta>,
    /// Members that are not known here.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Snapshot {
    /// A snapshot of these files.
    pub const fn new(header: Header, meta: BTreeMap<String, FileMeta>) -> Self {
        Self {
            header,
            meta,
            other: BTreeMap::new(),
        }
    }

    /// What it says of a role's file.
    ///
    /// # Errors
    /// [`TrustError::Malformed`] when it says nothing.
    pub fn file_of(&self, role: &str) -> Result<&FileMeta, TrustError> {
        self.meta
            .get(&format!("{role}.json"))
            .ok_or(TrustError::Malformed {
                what: "the snapshot does not name it",
            })
    }

    /// Refuses to follow a snapshot that drops or turns back a file that an earlier one named.
    pub(super) fn check_follows(&self, earlier: &Self) -> Result<(), TrustError> {
        for (name, before) in &earlier.meta {
            let now = self.meta.get(name).ok_or_else(|| TrustError::Removed {
                name: name.chars().take(80).collect(),
            })?;
            if now.version < before.version {
                return Err(TrustError::Rollback {
                    version: now.version,
                    floor: before.version,
                });
            }
        }
        Ok(())
    }
}

impl Metadata for Snapshot {
    const KIND: &'static str = "snapshot";
    const MAX_BYTES: usize = MAX_SNAPSHOT_BYTES;

    fn header(&self) -> &Header {
        &self.header
    }

    fn check_content(&self) -> Result<(), TrustError> {
        if self.meta.len() > MAX_SNAPSHOT_FILES {
            return Err(TrustError::TooMany {
                what: "files",
                count: self.meta.len(),
                cap: MAX_SNAPSHOT_FILES,
            });
        }
        Ok(())
    }
}
