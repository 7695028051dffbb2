//! What is believed, because of who signed it: over bytes and a given time.
//!
//! Two kinds of signed things share one envelope ([`Envelope`]), one canonical form
//! ([`canonical_json`]), one kind of key ([`PublicKey`], Ed25519) and one idea of a role
//! ([`Role`]: these keys, so many of which must sign):
//!
//! * A [`Document`] stands for itself: a policy, an approval. Whoever reads it says which role
//!   must have signed it, which version is the oldest it still takes, and what time it is; see
//!   [`Check`].
//!
//!   ```text
//!   {"signed": {"kind": "policy", "version": 3, "issued_seconds": 1790000000,
//!               "expires_seconds": 1821536000, "content": {...}},
//!    "signatures": [{"keyid": "<64 hex digits>", "sig": "<128 hex digits>"}]}
//!   ```
//!
//! * A repository of rule packs has the metadata format and the semantics of The Update
//!   Framework, version 1.0 of its specification; see [`tuf`].
//!
//! Nothing here opens a file, a socket or a clock.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod canonical_json;
mod document;
mod envelope;
mod error;
mod key;
pub mod limits;
mod role;
pub mod tuf;

pub use document::{Check, Document, Draft, Verified};
pub use envelope::Envelope;
pub use error::TrustError;
pub use key::{KeyId, PublicKey};
pub use role::Role;
