//! IKE versions 1 and 2 over datagrams (RFC 2408 and RFC 2409, RFC 7296).
//!
//! - `message.rs`: the common header, and what rules ask of one message.
//! - `version1.rs`: payloads of version 1, as far as they are not encrypted.
//! - `version2.rs`: payloads of version 2, read by `ipsec-parser`, and what is weak in their proposals.
//! - `protocol.rs`: a transaction for each message.

mod message;
mod protocol;
#[cfg(test)]
mod tests;
mod version1;
mod version2;

pub(super) use protocol::IkeProtocol;
