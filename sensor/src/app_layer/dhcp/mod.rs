//! DHCP over datagrams (RFC 2131, RFC 2132).
//!
//! - `message.rs`: the options that rules ask for, and what is wrong with options.
//! - `protocol.rs`: a transaction for each message.

mod message;
mod protocol;
#[cfg(test)]
mod tests;

pub(super) use protocol::DhcpProtocol;
