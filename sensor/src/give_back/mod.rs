//! What the sensor gives back to the ISP: which of its own addresses show which trouble, in clear, for the ISP alone.
//!
//! It never leaves: no uplink knows of it. On the sensor's disk it is sealed to the ISP's ledger key, so that who steals the card
//! reads nothing; `lapwing report` opens it with the private key. It works as long as the sensor runs, whether or not the centre can
//! be reached.
//!
//! ```text
//! give-back/MILLISECONDS.sealed = sealed to the ledger key (see `lapwing_wire::SealingPublicKey::seal_file`): JSON lines, each a sighting
//! ```
//!
//! Bounds: 10,000 sightings between two files, then the further ones are counted only; 32 MiB of files, then the oldest goes.

mod export;
mod html;
mod keeper;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use export::{csv, nft_set, rpz};
pub use html::html;
pub use keeper::{GiveBackError, Keeper, read};

/// One of the ISP's addresses and what was seen with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sighting {
    /// The subscriber's address.
    pub subscriber: IpAddr,
    /// Its port in the last finding; behind a CGNAT it is needed with the time.
    pub port: u16,
    /// The other end.
    pub other: IpAddr,
    /// Its port.
    pub other_port: u16,
    /// The rule, `gid:sid:rev`.
    pub rule: String,
    /// Its severity, 1 the gravest.
    pub severity: u8,
    /// First and last time, milliseconds since 1970.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// How often.
    pub count: u64,
    /// Name that was asked for or spoken to, if any.
    pub name: Option<String>,
}
