//! SIP over UDP (RFC 3261): each datagram is one message, each message one transaction of its own direction.
//!
//! - `message.rs`: first line and header block of a message.
//! - `parser.rs`: the parser, and what a transaction shows to rules.

mod message;
mod parser;
#[cfg(test)]
mod tests;

pub(super) use message::is_message;
pub(super) use parser::SipParser;
