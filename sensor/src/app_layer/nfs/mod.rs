//! NFS versions 2, 3 and 4 over ONC RPC, on streams and datagrams (RFC 1094, RFC 1813, RFC 7530, RFC 8881, RFC 5531).
//!
//! - `rpc.rs`: calls and replies of ONC RPC with their credentials, and where records of a stream end.
//! - `version3.rs`: arguments and results of version 3, and what is read of version 2.
//! - `version4.rs`: the operations of a compound and their results.
//! - `transaction.rs`: one call with its reply, or one file in a direction.
//! - `session.rs`: what calls and replies do: transactions, names of handles, files.
//! - `parser.rs`: cuts streams into records, follows reads and writes that come in parts, finds the way again behind a gap.
//!
//! A READ or WRITE is not a transaction of its own: it belongs to the file that its handle names, and the file is one.

mod parser;
mod rpc;
mod session;
#[cfg(test)]
mod tests;
mod transaction;
mod version3;
mod version4;

pub(super) use parser::NfsParser;
pub(super) use rpc::{identify_datagram, identify_record};
