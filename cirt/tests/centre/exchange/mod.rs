//! The exchange: what leaves, held against programs of others, and what comes in.

mod endpoints;
mod formats;
mod gate;
mod inbound;
pub(crate) mod mail;
mod misp;
mod notices;
mod odd_servers;
mod outgoing;
mod reader;
mod shadowserver;
mod signed_files;
mod stix;
pub(crate) mod support;
mod syslog;
mod taxii;
mod ways_out;
mod withdrawal;
