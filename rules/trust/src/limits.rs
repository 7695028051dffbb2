//! Every cap on a document that may come from outside.

/// Bytes of a document.
pub const MAX_DOCUMENT_BYTES: usize = 4 * 1024 * 1024;
/// Objects and lists within each other.
pub const MAX_DEPTH: usize = 32;
/// Signatures of a document.
pub const MAX_SIGNATURES: usize = 32;
/// Keys of a role.
pub const MAX_KEYS_IN_ROLE: usize = 32;
