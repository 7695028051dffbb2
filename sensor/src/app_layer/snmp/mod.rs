//! SNMP versions 1, 2c and 3 over datagrams (RFC 1157, RFC 1901, RFC 3412).
//!
//! - `message.rs`: what rules ask of one message, read by `snmp-parser`.
//! - `protocol.rs`: a transaction for each message.

mod message;
mod protocol;
#[cfg(test)]
mod tests;

pub(super) use protocol::SnmpProtocol;
