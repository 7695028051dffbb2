//! What every signed thing here looks like: what is signed, and who signed it.
//!
//! ```text
//! {"signed": {...}, "signatures": [{"keyid": "<64 hex digits>", "sig": "<128 hex digits>"}]}
//! ```
//!
//! A signature covers a context and the canonical form of `signed`, so layout and key order may
//! change on the way and nothing else may. The context keeps a signature over one thing from
//! being one over another: it is empty for TUF metadata, as TUF has it, whose canonical form
//! begins with `{`; a document's context begins with another letter.

use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical_json;
use crate::error::TrustError;
use crate::key::{KeyId, PublicKey};
use crate::limits::MAX_SIGNATURES;
use crate::role::Role;

/// What is signed, and who signed it. Nothing in it is believed until [`Envelope::check`].
///
/// Members that this version does not know are passed over, beside `signed` and in signatures;
/// within `signed` they are covered by the signatures and kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Envelope {
    signed: Value,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct EnvelopeSignature {
    /// Hex of the [`KeyId`].
    keyid: String,
    /// Hex of the 64 bytes.
    sig: String,
}

impl Envelope {
    /// An envelope that nobody has signed yet.
    pub const fn new(signed: Value) -> Self {
        Self {
            signed,
            signatures: Vec::new(),
        }
    }

    /// Reads an envelope of at most `max_bytes`.
    ///
    /// # Errors
    /// [`TrustError::TooLarge`], [`TrustError::Unreadable`], [`TrustError::TooManySignatures`].
    pub fn parse(bytes: &[u8], max_bytes: usize) -> Result<Self, TrustError> {
        if bytes.len() > max_bytes {
            return Err(TrustError::TooLarge {
                bytes: bytes.len(),
                cap: max_bytes,
            });
        }
        let envelope: Self = serde_json::from_slice(bytes).map_err(TrustError::Unreadable)?;
        let count = envelope.signatures.len();
        if count > MAX_SIGNATURES {
            return Err(TrustError::TooManySignatures {
                count,
                cap: MAX_SIGNATURES,
            });
        }
        Ok(envelope)
    }

    /// Adds a signature, or replaces the one by the same key.
    ///
    /// # Errors
    /// [`TrustError::NotAnInteger`] and [`TrustError::TooDeep`] when there is no canonical form;
    /// [`TrustError::TooManySignatures`].
    pub fn sign(&mut self, context: &[u8], key: &SigningKey) -> Result<(), TrustError> {
        let signature = key.sign(&self.message(context)?);
        let id = PublicKey::of(key)?.id().to_string();
        self.signatures.retain(|signature| signature.keyid != id);
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(TrustError::TooManySignatures {
                count: self.signatures.len() + 1,
                cap: MAX_SIGNATURES,
            });
        }
        self.signatures.push(EnvelopeSignature {
            keyid: id,
            sig: hex::encode(signature.to_bytes()),
        });
        Ok(())
    }

    /// Holds the signatures against a role. Those by others are passed over, and a key counts
    /// once, whatever it signed as often as it likes under whatever id.
    ///
    /// # Errors
    /// [`TrustError::TooFewSignatures`]; [`TrustError::BadSignature`] when one that names a key
    /// of the role does not fit and the others are too few.
    pub fn check(&self, context: &[u8], role: &Role) -> Result<(), TrustError> {
        let signed = self.signers(context, role)?;
        if signed.valid.len() >= role.threshold() {
            return Ok(());
        }
        Err(match signed.wrong {
            Some(key) => TrustError::BadSignature { key },
            None => TrustError::TooFewSignatures {
                role: role.name().to_owned(),
                valid: signed.valid.len(),
                threshold: role.threshold(),
            },
        })
    }

    /// How many keys of a role signed.
    ///
    /// # Errors
    /// [`TrustError::NotAnInteger`] and [`TrustError::TooDeep`] when there is no canonical form.
    pub fn count_signers(&self, context: &[u8], role: &Role) -> Result<usize, TrustError> {
        Ok(self.signers(context, role)?.valid.len())
    }

    fn signers(&self, context: &[u8], role: &Role) -> Result<Signers, TrustError> {
        let message = self.message(context)?;
        let mut signers = Signers::default();
        for entry in &self.signatures {
            let Ok(id) = entry.keyid.parse::<KeyId>() else {
                continue;
            };
            let Some(key) = role.key(id) else {
                continue;
            };
            let mut signature = [0; 64];
            if hex::decode_to_slice(&entry.sig, &mut signature).is_ok()
                && key.signed(&message, &signature)
            {
                if !signers.valid.contains(&key.to_bytes()) {
                    signers.valid.push(key.to_bytes());
                }
            } else {
                signers.wrong = Some(id);
            }
        }
        Ok(signers)
    }

    /// What is signed, whoever signed it.
    pub const fn signed(&self) -> &Value {
        &self.signed
    }

    /// The canonical form of what is signed.
    ///
    /// # Errors
    /// [`TrustError::NotAnInteger`] and [`TrustError::TooDeep`].
    pub fn canonical(&self) -> Result<Vec<u8>, TrustError> {
        canonical_json::to_bytes(&self.signed)
    }

    /// The bytes to store or send: indented JSON that people can read.
    ///
    /// # Errors
    /// [`TrustError::Unreadable`] never for an envelope made by this type.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TrustError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(TrustError::Unreadable)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn message(&self, context: &[u8]) -> Result<Vec<u8>, TrustError> {
        Ok([context, &self.canonical()?].concat())
    }
}

/// The keys of a role that signed.
#[derive(Default)]
struct Signers {
    valid: Vec<[u8; 32]>,
    /// A key whose signature does not fit.
    wrong: Option<KeyId>,
}
