//! What can be wrong with bytes from the other end.

/// Why bytes could not be read as what they claim to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside an item.
    #[error("the bytes end inside {what}")]
    Truncated {
        /// The item being read.
        what: &'static str,
    },
    /// Bytes are left over after an item that should have used them all.
    #[error("{bytes} bytes are left over after {what}")]
    Trailing {
        /// The item that was read.
        what: &'static str,
        /// How many bytes are left.
        bytes: usize,
    },
    /// A varint is longer than ten bytes, overflows 64 bits, or is not in its shortest form.
    #[error("{what} is not a well-formed varint")]
    BadVarint {
        /// The number being read.
        what: &'static str,
    },
    /// A count or length is above its cap.
    #[error("{what} is {value}, above the cap of {cap}")]
    OverCap {
        /// The count or length.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The cap, from [`crate::limits`].
        cap: usize,
    },
    /// A number does not fit its type.
    #[error("{what} has the impossible value {value}")]
    OutOfRange {
        /// The number.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// Text is not UTF-8.
    #[error("{what} is not UTF-8")]
    NotUtf8 {
        /// The text.
        what: &'static str,
    },
    /// A magic number, checksum or fixed value is wrong.
    #[error("{what} does not match")]
    Mismatch {
        /// The value that was compared.
        what: &'static str,
    },
    /// Something that must be present is not.
    #[error("{what} is missing")]
    Missing {
        /// The item.
        what: &'static str,
    },
    /// Written in a version this program does not read.
    #[error("{what} has version {version}, which this program does not read")]
    Version {
        /// What carries the version.
        what: &'static str,
        /// The version found.
        version: u64,
    },
    /// A record that is not a heartbeat names no policy.
    #[error("a record other than a heartbeat names no policy")]
    NoPolicy,
    /// The compressed bytes could not be expanded within the cap.
    #[error("the batch cannot be decompressed within {cap} bytes")]
    Compression {
        /// The cap in bytes.
        cap: usize,
    },
}

/// Why something could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More records than a batch may have.
    #[error("{records} records are more than a batch may have")]
    TooManyRecords {
        /// How many there are.
        records: usize,
    },
    /// A batch, envelope or message is above its cap; send fewer records at once.
    #[error("{what} has {bytes} bytes, above the cap of {cap}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The cap, from [`crate::limits`].
        cap: usize,
    },
    /// The centre's public key is not a usable X25519 key.
    #[error("the batch cannot be sealed: the centre's key is not usable")]
    Sealing,
    /// The envelope could not be entered where every envelope must be.
    #[error("the envelope cannot be entered in the ledger: {problem}")]
    Witness {
        /// Why.
        problem: String,
    },
}

/// Why an envelope that arrived was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The envelope or its content is not well formed.
    #[error("the envelope is not well formed")]
    Malformed(#[from] DecodeError),
    /// The signature is not that of the device key given.
    #[error("the envelope is not signed by this device")]
    Forged,
    /// It is sealed to another key than the one given.
    #[error("the envelope is sealed to the key {sealed_to}, not to this one")]
    OtherRecipient {
        /// The key it is sealed to.
        sealed_to: crate::ids::KeyId,
    },
    /// The ciphertext does not open: the content was changed before it was signed.
    #[error("the envelope does not open")]
    Unopenable,
}
