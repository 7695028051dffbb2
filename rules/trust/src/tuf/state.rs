//! What must be kept between two updates: the metadata that is believed, as bytes.

use serde::{Deserialize, Serialize};

use crate::error::TrustError;
use crate::limits::MAX_STATE_BYTES;

/// The metadata that is believed, as it was read. The caller stores it where nobody else writes:
/// the versions in it are the floors below which nothing is taken any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedState {
    /// The newest root.
    pub root: String,
    /// The newest timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// The snapshot that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// The targets file that the snapshot names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<String>,
}

impl TrustedState {
    /// Where trust begins: a root that a person vouches for.
    ///
    /// # Errors
    /// [`TrustError::Malformed`] when it is not text.
    pub fn from_root(root: &[u8]) -> Result<Self, TrustError> {
        let root = str::from_utf8(root).map_err(|_| TrustError::Malformed {
            what: "it is not text",
        })?;
        Ok(Self {
            root: root.to_owned(),
            timestamp: None,
            snapshot: None,
            targets: None,
        })
    }

    /// The bytes to store.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`] never for texts.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrustError> {
        serde_json::to_vec(self).map_err(TrustError::Unreadable)
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// [`TrustError::TooLarge`], [`TrustError::Unreadable`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TrustError> {
        if bytes.len() > MAX_STATE_BYTES {
            return Err(TrustError::TooLarge {
                bytes: bytes.len(),
                cap: MAX_STATE_BYTES,
            });
        }
        serde_json::from_slice(bytes).map_err(TrustError::Unreadable)
    }
}
