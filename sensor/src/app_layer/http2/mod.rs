//! HTTP/2 over TCP (RFC 9113), with prior knowledge or behind an upgrade from HTTP/1.
//!
//! `frame` reads frames, `hpack` and `static_table` the compressed header blocks, `headers` builds what rules see of
//! them, `transaction` is one stream, `parser` puts it together. A frame without a stream (SETTINGS, PING, GOAWAY) is a
//! transaction by itself, as in the reference.

mod frame;
mod headers;
mod hpack;
mod parser;
mod static_table;
mod transaction;

#[cfg(test)]
mod tests;

pub(super) use parser::Http2Parser;
