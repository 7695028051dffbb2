//! FTP: the control connection and the data connections that it announces (RFC 959, RFC 2428).
//!
//! - `parser.rs`: both sides of a session.
//! - `commands.rs`: the commands that are known, and addresses in them and in replies.
//! - `transaction.rs`: a command with its reply.
//! - `data.rs`: a data connection, which carries one file.

mod commands;
mod data;
mod parser;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use data::FtpDataParser;
pub use data::{ExpectedTransfer, FtpTransfer};
pub(super) use parser::FtpParser;
