//! EtherNet/IP with the services of CIP that it carries, over streams and datagrams (ODVA, volume 2, chapter 2).
//!
//! - `encapsulation.rs`: the header, and the common packet format down to CIP.
//! - `cip.rs`: services, with the class and attributes that their path names (ODVA, volume 1, appendix C).
//! - `protocol.rs`: a transaction for each unit.

mod cip;
mod encapsulation;
mod protocol;
#[cfg(test)]
mod tests;

pub(super) use protocol::EnipProtocol;
