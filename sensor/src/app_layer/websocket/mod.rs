//! WebSocket behind an upgrade of HTTP/1 (RFC 6455): a transaction for each frame, the last of a message with all of it.
//!
//! - `frame.rs`: a frame's header, and what rules ask of one frame.
//! - `inflate.rs`: decompression of messages (RFC 7692).
//! - `protocol.rs`: puts the frames of a message together.

mod frame;
mod inflate;
mod protocol;
#[cfg(test)]
mod tests;

pub(super) use protocol::WebsocketProtocol;
