//! RFB, the protocol of VNC (RFC 6143): the handshake up to the desktop's name.
//!
//! - `handshake.rs`: which message comes next, from whom, and how long it is.
//! - `parser.rs`: the handshake of one connection, which is its one transaction.

mod handshake;
mod parser;
#[cfg(test)]
mod tests;

pub(super) use parser::RfbParser;
