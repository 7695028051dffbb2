//! FTP's control connection (RFC 959, RFC 2428).
//!
//! - `parser.rs`: both sides of a session.
//! - `commands.rs`: the commands that are known, and addresses in them and in replies.
//! - `transaction.rs`: a command with its reply.

mod commands;
mod parser;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use parser::FtpParser;
