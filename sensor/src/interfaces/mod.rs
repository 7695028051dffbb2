//! The network interfaces of this machine: what there is, what would blur a capture, and how a capture port is made quiet.
//!
//! Nothing here touches packets. A capture port must never send: no address, no IPv6, no ARP. [`fn@prepare`] sees to that before the
//! port comes up.

mod ethtool;
mod inventory;
mod netlink;
mod prepare;

pub use ethtool::Offload;
pub use inventory::{Interface, all, offload_command};
pub use prepare::{PrepareError, Prepared, prepare};
