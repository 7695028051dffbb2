//! SMTP (RFC 5321) with the mail it carries (RFC 2045, RFC 2046).
//!
//! - `parser.rs`: both sides of a session: lines, data mode, transactions.
//! - `commands.rs`: commands waiting for their reply, and what pipelining forbids.
//! - `replies.rs`: the codes a reply may have.
//! - `transaction.rs`: one mail, and what rules see of it.
//! - `mime/`: the mail itself: headers, parts, transfer encodings, attachments as files.

mod commands;
mod mime;
mod parser;
mod replies;
#[cfg(test)]
mod tests;
mod transaction;

pub(super) use parser::SmtpParser;
