//! Modbus over TCP (Modbus application protocol 1.1b3), read by `sawp-modbus`, which the reference uses too.
//!
//! - `message.rs`: what rules ask of one message.
//! - `transaction.rs`: a request with its response.
//! - `protocol.rs`: messages of a stream, and which response answers which request.

mod message;
mod protocol;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use protocol::ModbusProtocol;
pub(super) use protocol::probe;
