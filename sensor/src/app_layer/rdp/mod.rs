//! RDP up to its own encryption (MS-RDPBCGR, section 1.3.1.1): connection request and confirmation, the conference's settings,
//! and where the connection goes on in TLS the server's certificate.
//!
//! - `unit.rs`: where a unit ends and which step of the beginning it is.
//! - `protocol.rs`: a transaction for each step.

mod protocol;
#[cfg(test)]
mod tests;
mod unit;

pub(super) use protocol::RdpProtocol;
