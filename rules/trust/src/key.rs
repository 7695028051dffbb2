//! Public keys and their ids, in the form that TUF gives them.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::canonical_json;
use crate::error::TrustError;

/// Type and scheme of the only keys used here.
const KEY_TYPE: &str = "ed25519";

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// SHA-256 of the canonical form of a key object, see [`PublicKey::to_json`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 32]);

impl PublicKey {
    /// A key from its raw bytes.
    ///
    /// # Errors
    /// [`TrustError::BadKey`] when they are not a point on the curve, or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, TrustError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(TrustError::BadKey),
        }
    }

    /// The public half of a private key.
    ///
    /// # Errors
    /// [`TrustError::BadKey`] never for a key that was drawn at random.
    pub fn of(key: &SigningKey) -> Result<Self, TrustError> {
        Self::from_bytes(key.verifying_key().as_bytes())
    }

    /// The key as TUF writes it: `{"keytype": "ed25519", "scheme": "ed25519", "keyval":
    /// {"public": "<64 hex digits>"}}`.
    pub fn to_json(&self) -> Value {
        json!({
            "keytype": KEY_TYPE,
            "scheme": KEY_TYPE,
            "keyval": {"public": self.to_string()},
        })
    }

    /// The key of a key object; `None` when it is of a type that is not used here.
    ///
    /// # Errors
    /// [`TrustError::BadKey`] when it says that it is an Ed25519 key and is none.
    pub fn from_json(key: &Value) -> Result<Option<Self>, TrustError> {
        let is_ours = |member| key.get(member).and_then(Value::as_str) == Some(KEY_TYPE);
        if !is_ours("keytype") || !is_ours("scheme") {
            return Ok(None);
        }
        let public = key.pointer("/keyval/public").and_then(Value::as_str);
        public.ok_or(TrustError::BadKey)?.parse().map(Some)
    }

    /// The raw bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The id that signatures name it by.
    pub fn id(&self) -> KeyId {
        // The canonical form of `to_json`, which is always the same but for the digits.
        let canonical = format!(
            r#"{{"keytype":"{KEY_TYPE}","keyval":{{"public":"{self}"}},"scheme":"{KEY_TYPE}"}}"#
        );
        KeyId(Sha256::digest(canonical).into())
    }

    pub(crate) fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0
            .verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    }
}

impl KeyId {
    /// The id of a key object, of whatever type, with members that this version does not know.
    ///
    /// # Errors
    /// [`TrustError::NotAnInteger`] and [`TrustError::TooDeep`] when it has no canonical form.
    pub fn of_json(key: &Value) -> Result<Self, TrustError> {
        Ok(Self(Sha256::digest(canonical_json::to_bytes(key)?).into()))
    }
}

impl FromStr for KeyId {
    type Err = TrustError;

    /// Reads 64 hex digits.
    fn from_str(text: &str) -> Result<Self, TrustError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| TrustError::BadKeyId)?;
        Ok(Self(bytes))
    }
}

impl FromStr for PublicKey {
    type Err = TrustError;

    /// Reads 64 hex digits.
    fn from_str(text: &str) -> Result<Self, TrustError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| TrustError::BadKey)?;
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({self})")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({self})")
    }
}
