//! TAXII 2.1 (OASIS Standard, 10 June 2021): collections of STIX objects over HTTPS.
//!
//! One API root. A peer logs in with its name and password (HTTP Basic) and sees:
//!
//! | collection | what | may |
//! |---|---|---|
//! | `tlp-clear`, `tlp-green`, `tlp-amber` | what is published under this very label, up to the agreement's ceiling | read |
//! | `tlp-amber+strict` | as above; only for tools of our own organisation | read |
//! | `peer-NAME` | what is meant for this peer alone: hits on its indicators, what concerns its country | read |
//! | `from-NAME` | where this peer pushes | write |
//!
//! Each page passes the gate: the agreement of this moment decides, and the register has an entry for it. Places in a collection are
//! server time in microseconds, strictly increasing; a page ends at one and the next begins behind it.

mod answer;
pub mod client;
pub mod collection;
pub mod outgoing;
mod page;
mod push;
mod query;
mod server;

pub use server::{ExchangeState, router};

/// The media type of every answer.
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// The media type of the objects.
pub const STIX_MEDIA_TYPE: &str = "application/stix+json;version=2.1";
/// The path of the API root.
pub const API_ROOT: &str = "/taxii2/lapwing/";
