//! A document: read, checked, and only then used; or drafted and signed.

use std::collections::BTreeSet;

use ed25519_dalek::{Signer, SigningKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::canonical_json;
use crate::error::TrustError;
use crate::key::{KeyId, PublicKey};
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_SIGNATURES};
use crate::role::Role;

/// Keeps a signature over a document from being one over anything else.
const CONTEXT: &[u8] = b"lapwing document 1\0";

/// A document as it was read. Nothing in it is believed until [`Document::verify`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    signed: Value,
    signatures: Vec<DocumentSignature>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentSignature {
    /// Hex of the [`KeyId`].
    key: String,
    /// Hex of the 64 bytes.
    signature: String,
}

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
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(TrustError::TooLarge {
                bytes: bytes.len(),
                cap: MAX_DOCUMENT_BYTES,
            });
        }
        let document: Self = serde_json::from_slice(bytes).map_err(TrustError::Unreadable)?;
        let count = document.signatures.len();
        if count > MAX_SIGNATURES {
            return Err(TrustError::TooManySignatures {
                count,
                cap: MAX_SIGNATURES,
            });
        }
        Ok(document)
    }

    /// Adds a signature, or replaces the one by the same key.
    ///
    /// # Errors
    /// [`TrustError::NotAnInteger`] and [`TrustError::TooDeep`] when the document has no
    /// canonical form; [`TrustError::TooManySignatures`].
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), TrustError> {
        let signature = key.sign(&message(&canonical_json::to_bytes(&self.signed)?));
        let id = PublicKey::from_bytes(key.verifying_key().as_bytes())?
            .id()
            .to_string();
        self.signatures.retain(|signature| signature.key != id);
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(TrustError::TooManySignatures {
                count: self.signatures.len() + 1,
                cap: MAX_SIGNATURES,
            });
        }
        self.signatures.push(DocumentSignature {
            key: id,
            signature: hex::encode(signature.to_bytes()),
        });
        Ok(())
    }

    /// The bytes to store or send: indented JSON that people can read.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`] never for a document made by this type.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrustError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(TrustError::Unreadable)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Checks signatures, then kind, version and expiry.
    ///
    /// # Errors
    /// One variant of [`TrustError`] for each thing that can be wrong. A signature by a key
    /// outside the role is passed over; a wrong one by a key of the role is an error.
    pub fn verify(&self, check: &Check<'_>) -> Result<Verified, TrustError> {
        let canonical = canonical_json::to_bytes(&self.signed)?;
        let message = message(&canonical);
        let mut valid = BTreeSet::new();
        for entry in &self.signatures {
            let (mut id, mut signature) = ([0; 32], [0; 64]);
            if hex::decode_to_slice(&entry.key, &mut id).is_err() {
                continue;
            }
            let id = KeyId(id);
            let Some(key) = check.role.key(id) else {
                continue;
            };
            if hex::decode_to_slice(&entry.signature, &mut signature).is_err()
                || !key.signed(&message, &signature)
            {
                return Err(TrustError::BadSignature { key: id });
            }
            valid.insert(id);
        }
        if valid.len() < check.role.threshold() {
            return Err(TrustError::TooFewSignatures {
                role: check.role.name().to_owned(),
                valid: valid.len(),
                threshold: check.role.threshold(),
            });
        }
        let signed: Signed =
            serde_json::from_value(self.signed.clone()).map_err(TrustError::Unreadable)?;
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
            digest: Sha256::digest(&canonical).into(),
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
        Ok(Document {
            signed: serde_json::to_value(signed).map_err(TrustError::Unreadable)?,
            signatures: Vec::new(),
        })
    }
}

fn message(canonical: &[u8]) -> Vec<u8> {
    [CONTEXT, canonical].concat()
}
