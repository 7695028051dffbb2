//! TLS 1.0 to 1.3 (RFC 5246, RFC 8446) and the SSLv2 hello, up to where both sides encrypt.

mod certificate;
pub(super) mod fingerprint;
pub(super) mod hello;
mod parser;
mod records;
mod transaction;

#[cfg(test)]
mod tests;

pub(super) use certificate::Certificates;
pub(super) use parser::TlsParser;
