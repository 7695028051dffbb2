//! MQTT 3.1, 3.1.1 and 5 over a stream (OASIS MQTT 5.0, sections 2 and 3).
//!
//! - `header.rs`: the fixed header, by which messages are cut.
//! - `reader.rs`: strings, and properties, which are walked over.
//! - `message.rs`: what is kept of one message.
//! - `transaction.rs`: a message with those that answer it.
//! - `protocol.rs`: which message belongs to which transaction, and the frames.

mod header;
mod message;
mod protocol;
mod reader;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use header::is_header;
pub(super) use protocol::MqttProtocol;
