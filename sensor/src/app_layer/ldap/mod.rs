//! LDAP version 3 over streams (RFC 4511) and datagrams (as Active Directory answers them).
//!
//! - `framing.rs`: where a message ends, and whether bytes are one at all.
//! - `message.rs`: what rules ask of one message, read by `ldap-parser`.
//! - `transaction.rs`: a request with its responses.
//! - `protocol.rs`: which response belongs to which request; where the connection goes on in TLS.

mod framing;
mod message;
mod protocol;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use framing::is_ldap;
pub(super) use protocol::LdapProtocol;
