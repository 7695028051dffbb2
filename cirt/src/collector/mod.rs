//! Where sensors connect: TLS 1.3, ALPN `lapwing/1`, client certificates of our own authority.
//!
//! A connection without a certificate may only ask to be enrolled. Whether a certificate's key may still speak is
//! looked up at every request, so that a revocation holds from the next batch on. The protocol itself is
//! `lapwing_wire::ReceiverSession`; here are sockets, clocks and limits.

mod admission;
mod client_identity;
mod ingest;
mod listener;
mod rule_files;
mod session;
mod tls;

pub(crate) use ingest::{Ingested, ingest_from};
pub use listener::{Collector, CollectorShared};
pub use tls::{TlsError, collector_tls};
