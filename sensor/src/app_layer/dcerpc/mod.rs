//! DCE/RPC (C706): calls over streams and datagrams; units and interfaces are told apart so that named pipes can use them.

mod call;
mod datagram;
mod interfaces;
mod parser;
mod pdu;
mod transaction;

#[cfg(test)]
mod tests;

pub use call::DcerpcCall;
pub(super) use datagram::DcerpcDatagramParser;
pub(super) use interfaces::{AcceptedInterface, Interfaces};
pub(super) use parser::DcerpcParser;
pub(super) use pdu::{Pdu, PduKind, fragment_length};
