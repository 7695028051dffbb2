//! Kerberos 5 (RFC 4120), over datagrams and over streams with a record mark (section 7.2.2).
//!
//! - `message.rs`: what rules ask of one message, read by `kerberos-parser`.
//! - `protocol.rs`: records, and a transaction for each message.

mod message;
mod protocol;
#[cfg(test)]
mod tests;

pub(super) use protocol::KerberosProtocol;
