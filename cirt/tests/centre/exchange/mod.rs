//! The exchange: what leaves, held against programs of others, and what comes in.

mod formats;
mod gate;
mod inbound;
mod mail;
mod misp;
mod notices;
mod outgoing;
mod shadowserver;
mod stix;
mod support;
mod syslog;
mod taxii;
mod ways_out;
