//! PostgreSQL (frontend/backend protocol 3.0, "Start-up" and "Message formats"): how a connection begins, down to where
//! it goes on in TLS. The reference has no keywords for what is said behind that, so it is not read.

mod parser;
#[cfg(test)]
mod tests;

pub(super) use parser::PgsqlParser;
