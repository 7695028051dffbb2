//! Signed documents, roles and rollback checks over bytes and a given time.
//!
//! A document is JSON in two parts: what is signed, and who signed it.
//!
//! ```text
//! {"signed": {"kind": "policy", "version": 3, "issued_seconds": 1790000000,
//!             "expires_seconds": 1821536000, "content": {...}},
//!  "signatures": [{"key": "<64 hex digits: SHA-256 of the public key>", "signature": "<128 hex digits>"}]}
//! ```
//!
//! A signature is Ed25519 over `lapwing document 1`, a zero byte, and the canonical form of
//! `signed` (module [`canonical_json`]), so layout and key order may change on the way and
//! nothing else may. Whoever reads a document says which [`Role`] must have signed it, which
//! version is the oldest it still takes, and what time it is; see [`Check`]. Nothing here
//! opens a file, a socket or a clock.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod canonical_json;
mod document;
mod error;
mod key;
pub mod limits;
mod role;

pub use document::{Check, Document, Draft, Verified};
pub use error::TrustError;
pub use key::{KeyId, PublicKey};
pub use role::Role;
