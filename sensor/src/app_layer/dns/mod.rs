//! DNS (RFC 1035): own tolerant reader, because strict ones refuse what a sensor must tell.

mod message;
mod parser;
mod record_data;
mod transaction;

#[cfg(test)]
mod tests;

pub(super) use message::may_be_message;
pub(super) use parser::DnsParser;
