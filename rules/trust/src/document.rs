//! A document: read, checked, and only then used; or drafted and signed.

use ed25519_dalek::SigningKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::envelope::Envelope;
use crate::error::TrustError;
use crate::limits::MAX_DOCUMENT_BYTES;
use crate::role::Role;

/// Keeps a signature over a document from being one over anything else.
const CONTEXT: &[u8] = b"lapwing document 1\0";

/// A document as it was read. Nothing in it is believed until [`Document::verify`].
#[derive(Debug, Clone)]
pub struct Document(Envelope);

/// The part that is signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Signed {
    kind: String,
    version: u64,
    issued_seconds: u64,
    expires_seconds: u64,
    content: Value,
}

/// What a reader holds a document against.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// The kind of document that is needed.
    pub kind: &'a str,
    /// Who must have signed it.
    pub role: &'a Role,
    /// The newest version taken before; the same version again is fine, an older one is not.
    pub version_floor: u64,
    /// The time, seconds since 1970: the wall clock, or the best floor known if that is later.
    pub now_seconds: u64,
    /// How far the document may be past its end, for a clock that may be that wrong.
    pub tolerance_seconds: u64,
}

/// A document that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its version, the floor for the next one.
    pub version: u64,
    /// When it was made, seconds since 1970: no trustworthy clock shows an earlier time.
    pub issued_seconds: u64,
    /// When it ends, seconds since 1970.
    pub expires_seconds: u64,
    /// SHA-256 of the canonical form of what is signed: the document's identity.
    pub digest: [u8; 32],
    content: Value,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`TrustError::TooLarge`], [`TrustError::Unreadable`], [`TrustError::TooManySignatures`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustError> {
        Envelope::parse(bytes, MAX_DOCUMENT_BYTES).map(Self)
    }

    /// Adds a signature, or replaces the one by the same key.
    ///
    /// # Errors
    /// [`TrustError::NotAnInteger`] and [`TrustError::TooDeep`] when the document has no
    /// canonical form; [`TrustError::TooManySignatures`].
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), TrustError> {
        self.0.sign(CONTEXT, key)
    }

    /// The bytes to store or send: indented JSON that people can read.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`] never for a document made by this type.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrustError> {
        self.0.to_bytes()
    }

    /// Checks signatures, then kind, version and expiry.
    ///
    /// # Errors
    /// One variant of [`TrustError`] for each thing that can be wrong.
    pub fn verify(&self, check: &Check<'_>) -> Result<Verified, TrustError> {
        self.0.check(CONTEXT, check.role)?;
        let signed: Signed =
            Signed::deserialize(self.0.signed()).map_err(TrustError::Unreadable)?;
        if signed.kind != check.kind {
            return Err(TrustError::WrongKind {
                expected: check.kind.to_owned(),
                found: signed.kind,
            });
        }
        if signed.version < check.version_floor {
            return Err(TrustError::Rollback {
                version: signed.version,
                floor: check.version_floor,
            });
        }
        if check.now_seconds
            > signed
                .expires_seconds
                .saturating_add(check.tolerance_seconds)
        {
            return Err(TrustError::Expired {
                expires_seconds: signed.expires_seconds,
                now_seconds: check.now_seconds,
            });
        }
        Ok(Verified {
            version: signed.version,
            issued_seconds: signed.issued_seconds,
            expires_seconds: signed.expires_seconds,
            digest: Sha256::digest(self.0.canonical()?).into(),
            content: signed.content,
        })
    }
}

impl Verified {
    /// The content as its own type.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`] when the content is not of that type.
    pub fn content<T: DeserializeOwned>(&self) -> Result<T, TrustError> {
        T::deserialize(&self.content).map_err(TrustError::Unreadable)
    }
}

/// A document to be signed.
#[derive(Debug, Clone)]
pub struct Draft<'a, T> {
    /// The kind of document.
    pub kind: &'a str,
    /// Higher than that of every document it replaces.
    pub version: u64,
    /// When it is made, seconds since 1970.
    pub issued_seconds: u64,
    /// When it ends, seconds since 1970.
    pub expires_seconds: u64,
    /// What it says.
    pub content: T,
}

impl<T: Serialize> Draft<'_, T> {
    /// The document, signed by nobody yet; see [`Document::sign`].
    ///
    /// # Errors
    /// [`TrustError::Unreadable`] when the content cannot be written as JSON.
    pub fn into_document(self) -> Result<Document, TrustError> {
        let signed = Signed {
            kind: self.kind.to_owned(),
            version: self.version,
            issued_seconds: self.issued_seconds,
            expires_seconds: self.expires_seconds,
            content: serde_json::to_value(self.content).map_err(TrustError::Unreadable)?,
        };
        let signed = serde_json::to_value(signed).map_err(TrustError::Unreadable)?;
        Ok(Document(Envelope::new(signed)))
    }
}
