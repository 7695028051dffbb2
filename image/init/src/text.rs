//! Digests as text.

use sha2::{Digest, Sha256};

/// Whether this is the SHA-256 of something in lower-case hex.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a digest came to, in hex.
pub(crate) fn hex_of(digest: Sha256) -> String {
    let bytes = digest.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
