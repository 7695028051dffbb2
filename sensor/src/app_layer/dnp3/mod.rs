//! DNP3 over TCP (IEEE 1815), both link layer and application layer.
//!
//! - `link.rs`: frames of the link layer, and their data without the checksums.
//! - `objects.rs`: headers of the objects in a message, which takes knowing how long objects are.
//! - `transaction.rs`: one message of the application layer.
//! - `protocol.rs`: frames of a stream, put together to messages.

mod link;
mod objects;
mod protocol;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use protocol::Dnp3Protocol;
