//! What all metadata files begin with, and how they are read and signed.

use ed25519_dalek::SigningKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::utc_time::UtcTime;
use crate::envelope::Envelope;
use crate::error::TrustError;
use crate::role::Role;

/// The version of the specification that metadata made here follows.
pub const SPEC_VERSION: &str = "1.0.31";
/// Metadata is signed as it is, without a context.
const CONTEXT: &[u8] = b"";

/// What all metadata files begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Which kind of metadata: `root`, `timestamp`, `snapshot` or `targets`.
    #[serde(rename = "_type")]
    pub kind: String,
    /// After which version of the specification.
    pub spec_version: String,
    /// From 1 upward; a higher one replaces a lower one.
    pub version: u64,
    /// When it ends.
    pub expires: UtcTime,
    /// When it was made. Ours; other programs pass it over.
    #[serde(
        rename = "x-lapwing-issued",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub issued: Option<UtcTime>,
}

impl Header {
    /// The header of new metadata.
    pub fn new<M: Metadata>(version: u64, issued: UtcTime, expires: UtcTime) -> Self {
        Self {
            kind: M::KIND.to_owned(),
            spec_version: SPEC_VERSION.to_owned(),
            version,
            expires,
            issued: Some(issued),
        }
    }

    /// Refuses metadata that ended before `now_seconds`.
    pub(super) fn check_expiry(&self, now_seconds: u64) -> Result<(), TrustError> {
        let expires_seconds = self.expires.seconds();
        if now_seconds < expires_seconds {
            return Ok(());
        }
        Err(TrustError::Expired {
            expires_seconds,
            now_seconds,
        })
    }

    /// Refuses an older version than one that was taken before.
    pub(super) fn check_floor(&self, floor: u64) -> Result<(), TrustError> {
        if self.version >= floor {
            return Ok(());
        }
        Err(TrustError::Rollback {
            version: self.version,
            floor,
        })
    }
}

/// One of the four kinds of metadata.
pub trait Metadata: Serialize + DeserializeOwned {
    /// What `_type` must say.
    const KIND: &'static str;
    /// Most bytes of a file.
    const MAX_BYTES: usize;

    /// What it begins with.
    fn header(&self) -> &Header;

    /// Holds it against the caps, and against what the format asks for beyond its shape.
    ///
    /// # Errors
    /// [`TrustError::TooMany`], [`TrustError::Malformed`] and others.
    fn check_content(&self) -> Result<(), TrustError>;
}

/// Metadata with its signatures. Nothing in it is believed before [`Signed::check`].
#[derive(Debug, Clone)]
pub struct Signed<M> {
    envelope: Envelope,
    metadata: M,
}

impl<M: Metadata> Signed<M> {
    /// Reads a file.
    ///
    /// # Errors
    /// Those of [`Envelope::parse`]; [`TrustError::WrongKind`], [`TrustError::SpecVersion`] and
    /// what [`Metadata::check_content`] finds.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustError> {
        let envelope = Envelope::parse(bytes, M::MAX_BYTES)?;
        let found = envelope
            .signed()
            .get("_type")
            .and_then(|kind| kind.as_str());
        if found.is_some_and(|found| found != M::KIND) {
            return Err(TrustError::WrongKind {
                expected: M::KIND.to_owned(),
                found: found.unwrap_or_default().chars().take(40).collect(),
            });
        }
        let metadata = M::deserialize(envelope.signed()).map_err(TrustError::Unreadable)?;
        let header = metadata.header();
        if header.spec_version.split('.').next() != Some("1") {
            return Err(TrustError::SpecVersion {
                found: header.spec_version.chars().take(40).collect(),
            });
        }
        if header.version == 0 {
            return Err(TrustError::Malformed {
                what: "versions begin with 1",
            });
        }
        metadata.check_content()?;
        Ok(Self { envelope, metadata })
    }

    /// New metadata, signed by nobody yet.
    ///
    /// # Errors
    /// What [`Metadata::check_content`] finds.
    pub fn draft(metadata: M) -> Result<Self, TrustError> {
        metadata.check_content()?;
        let signed = serde_json::to_value(&metadata).map_err(TrustError::Unreadable)?;
        Ok(Self {
            envelope: Envelope::new(signed),
            metadata,
        })
    }

    /// Adds a signature.
    ///
    /// # Errors
    /// Those of [`Envelope::sign`].
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), TrustError> {
        self.envelope.sign(CONTEXT, key)
    }

    /// Whether enough keys of the role signed.
    ///
    /// # Errors
    /// Those of [`Envelope::check`].
    pub fn check(&self, role: &Role) -> Result<(), TrustError> {
        self.envelope.check(CONTEXT, role)
    }

    /// How many keys of a role signed.
    ///
    /// # Errors
    /// Those of [`Envelope::count_signers`].
    pub fn count_signers(&self, role: &Role) -> Result<usize, TrustError> {
        self.envelope.count_signers(CONTEXT, role)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// [`TrustError::TooLarge`] for metadata that no client would read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrustError> {
        let bytes = self.envelope.to_bytes()?;
        if bytes.len() > M::MAX_BYTES {
            return Err(TrustError::TooLarge {
                bytes: bytes.len(),
                cap: M::MAX_BYTES,
            });
        }
        Ok(bytes)
    }

    /// What it says.
    pub const fn metadata(&self) -> &M {
        &self.metadata
    }

    /// What it says, without the signatures.
    pub fn into_metadata(self) -> M {
        self.metadata
    }
}
