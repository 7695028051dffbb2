//! Why a document is not believed.

use crate::key::KeyId;
use crate::tuf::utc_text;

/// Why a document is not believed, or cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Above [`crate::limits::MAX_DOCUMENT_BYTES`].
    #[error("it has {bytes} bytes, more than the {cap} allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The cap.
        cap: usize,
    },
    /// Not JSON, or not a document.
    #[error("it cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// Numbers with a fraction or an exponent have no canonical form.
    #[error("it has a number that is not an integer of 64 bits")]
    NotAnInteger,
    /// Nested above [`crate::limits::MAX_DEPTH`].
    #[error("it is nested more than {cap} deep")]
    TooDeep {
        /// The cap.
        cap: usize,
    },
    /// More signatures than [`crate::limits::MAX_SIGNATURES`].
    #[error("it has {count} signatures, more than the {cap} allowed")]
    TooManySignatures {
        /// How many.
        count: usize,
        /// The cap.
        cap: usize,
    },
    /// A document of another kind.
    #[error("it is a {found}, where a {expected} is needed")]
    WrongKind {
        /// The kind that is needed.
        expected: String,
        /// The kind that it is.
        found: String,
    },
    /// A signature names a key of the role and does not fit.
    #[error("the signature of key {key} does not fit")]
    BadSignature {
        /// The key.
        key: KeyId,
    },
    /// Too few keys of the role signed.
    #[error("{valid} of the {threshold} keys needed for {role} signed")]
    TooFewSignatures {
        /// The role.
        role: String,
        /// How many keys of the role signed.
        valid: usize,
        /// How many are needed.
        threshold: usize,
    },
    /// Older than what was taken before.
    #[error("it has version {version}, but version {floor} was seen before")]
    Rollback {
        /// Its version.
        version: u64,
        /// The oldest version taken.
        floor: u64,
    },
    /// No longer valid.
    #[error("it ended {}, and now it is {}", utc_text(*expires_seconds), utc_text(*now_seconds))]
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
    /// Not the hex form of a key's id, or not the id of the key that it names.
    #[error("a key id is the SHA-256 of the canonical form of its key, 64 hex digits")]
    BadKeyId,
    /// Made after another version of the specification.
    #[error("it follows version {found} of the TUF specification, this program version 1")]
    SpecVersion {
        /// What it says.
        found: String,
    },
    /// Not the version that what names it says.
    #[error("it has version {found} where version {expected} must stand")]
    WrongVersion {
        /// Its version.
        found: u64,
        /// What must stand there.
        expected: u64,
    },
    /// Not as many bytes as what names it says.
    #[error("it has {found} bytes instead of {expected}")]
    WrongLength {
        /// Its size, or one byte more than may be.
        found: u64,
        /// What must be.
        expected: u64,
    },
    /// Other bytes than what names it says.
    #[error("its SHA-256 or SHA-512 is not the one that was signed")]
    WrongHash,
    /// Named without a hash that is known here.
    #[error("it is named without a SHA-256 or SHA-512 of its bytes")]
    NoHash,
    /// A name that is no plain file name or path below a folder.
    #[error("the name {name:?} is not one that a file may have here")]
    UnsafeName {
        /// The name, shortened.
        name: String,
    },
    /// Something that was there before is gone without being replaced.
    #[error("it no longer names {name}, which it named before")]
    Removed {
        /// What is gone.
        name: String,
    },
    /// Above a cap of [`crate::limits`].
    #[error("it has {count} {what}, more than the {cap} allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The cap.
        cap: usize,
    },
    /// A member that must be there is not, or says something impossible.
    #[error("{what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
}
