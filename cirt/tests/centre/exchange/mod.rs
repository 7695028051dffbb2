//! The exchange: what leaves, held against programs of others, and what comes in.

mod formats;
mod gate;
mod inbound;
mod mail;
mod stix;
mod support;
mod taxii;
