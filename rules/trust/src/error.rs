//! Why a document is not believed.

use crate::key::KeyId;

/// Why a document is not believed, or cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Above [`crate::limits::MAX_DOCUMENT_BYTES`].
    #[error("the document has {bytes} bytes, more than the {cap} allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The cap.
        cap: usize,
    },
    /// Not JSON, or not a document.
    #[error("the document cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// Numbers with a fraction or an exponent have no canonical form.
    #[error("the document has a number that is not an integer of 64 bits")]
    NotAnInteger,
    /// Nested above [`crate::limits::MAX_DEPTH`].
    #[error("the document is nested more than {cap} deep")]
    TooDeep {
        /// The cap.
        cap: usize,
    },
    /// More signatures than [`crate::limits::MAX_SIGNATURES`].
    #[error("the document has {count} signatures, more than the {cap} allowed")]
    TooManySignatures {
        /// How many.
        count: usize,
        /// The cap.
        cap: usize,
    },
    /// A document of another kind.
    #[error("the document is a {found}, where a {expected} is needed")]
    WrongKind {
        /// The kind that is needed.
        expected: String,
        /// The kind that it is.
        found: String,
    },
    /// A signature names a key of the role and does not fit.
    #[error("the signature of key {key} does not fit the document")]
    BadSignature {
        /// The key.
        key: KeyId,
    },
    /// Too few keys of the role signed.
    #[error("{valid} of the {threshold} keys needed for {role} signed the document")]
    TooFewSignatures {
        /// The role.
        role: String,
        /// How many keys of the role signed.
        valid: usize,
        /// How many are needed.
        threshold: usize,
    },
    /// Older than what was taken before.
    #[error("the document has version {version}, but version {floor} was seen before")]
    Rollback {
        /// Its version.
        version: u64,
        /// The oldest version taken.
        floor: u64,
    },
    /// No longer valid.
    #[error("the document expired at {expires_seconds} (seconds since 1970), now is {now_seconds}")]
    Expired {
        /// When it expired.
        expires_seconds: u64,
        /// The time it was held against.
        now_seconds: u64,
    },
    /// A role cannot be formed of these keys.
    #[error("{role} needs a threshold of 1 to {keys} keys, all different, at most {cap}")]
    BadRole {
        /// The role.
        role: String,
        /// How many different keys it has.
        keys: usize,
        /// The cap.
        cap: usize,
    },
    /// Not the hex form of a public key.
    #[error("a public key is 64 hex digits of a point on the curve")]
    BadKey,
}
