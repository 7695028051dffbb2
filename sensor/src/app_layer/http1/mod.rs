//! HTTP/1 (RFC 9112) as the reference's parser reads it, with what browsers and servers forgive.
//!
//! `parser` pairs messages, `request` and `response` are one state machine a direction, the rest are their parts.
//! Both machines see the same bytes however they were cut: a state either takes bytes or asks for more.

mod best_fit;
mod body;
mod chunked;
mod decompress;
mod disposition;
mod headers;
mod host;
mod multipart;
mod parser;
mod request;
mod request_line;
mod response;
mod text;
mod transaction;
mod uri;

#[cfg(test)]
mod tests;

pub(super) use body::Body;
pub(super) use decompress::{Codings, Format};
pub(super) use parser::Http1Parser;
pub(super) use transaction::Stage;
