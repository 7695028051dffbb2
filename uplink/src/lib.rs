//! Carries batches from the outbox to the centre over TLS 1.3, and gives a device its identity.
//!
//! Three things are done here, each with one entry point:
//!
//! * [`enrol`]: with a voucher from the centre, a device makes its key, proves it, and waits
//!   until a person at the centre approves it.
//! * [`run`]: connects when it can, seals what waits in the outbox, sends it, and lets go of a
//!   batch only for an ack that carries its identity and digest. After any break the same
//!   sealed bytes are sent again. The certificate is renewed on the same link.
//! * [`Identity::load`]: what this device is, for `lapwing status` and `lapwing check`.
//!
//! Before anything leaves it is entered in the [`ledger`].
//!
//! What is said on the link is decided in `lapwing-wire`, without sockets or clocks; here are
//! the sockets and the clocks. One thread does everything; nothing here ever sees a packet.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backoff;
pub mod bill;
pub mod budget;
mod centre_signature;
mod certificate;
mod connection;
pub mod courier;
mod device_key;
mod dispatch;
mod enrolment;
mod error;
mod identity;
pub mod ledger;
mod metered;
mod orders;
mod private_file;
mod renewal;
mod repository_mirror;
mod route;
mod sending;
mod settings;
mod shutdown;
mod status;
mod time_floor;
mod tls;

pub use enrolment::{EnrolSettings, Invitation, enrol};
pub use error::UplinkError;
pub use identity::Identity;
pub use repository_mirror::{BoardImage, MirrorSettings, Mirrored};
pub use route::{Proxy, ProxyError};
pub use sending::run;
pub use settings::Settings;
pub use shutdown::{Shutdown, Stopper, shutdown};
pub use status::LinkStatus;
pub use time_floor::time_floor_seconds;
pub use tls::KeyExchange;
