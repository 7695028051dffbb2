//! QUIC (RFC 9000, RFC 9369) and Google's versions before it, as far as an observer can read them.
//!
//! Every packet of a datagram that says its version is a transaction. Initial packets are protected with keys that follow
//! from the connection identifier the client chose (RFC 9001, section 5.2), so anybody may open them: the bytes of their
//! CRYPTO frames, put together in any order and over several packets, are the hellos of TLS. Google's versions up to
//! Q046 send a CHLO message in the clear. Behind the hello of a direction all is encrypted, and not looked at.
//!
//! Bounds: packets of a datagram, bytes and pieces of handshake held for a direction (`limits.rs`).

mod crypto_stream;
mod frames;
mod google;
mod header;
mod hello;
mod keys;
mod packet;
mod protocol;
mod version;

#[cfg(test)]
mod tests;

pub(super) use header::is_quic;
pub(super) use protocol::QuicProtocol;
