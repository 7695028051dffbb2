//! The traffic generator: well-formed captures made from a description, the same bytes every time.
//!
//! From the wire upwards:
//! * [`capture_file`] writes pcap and pcapng, [`link`] and [`network`] build frames around a transport segment
//!   (VLAN tags, IPv6 extension headers, fragments),
//! * [`trace`] is the list of timed packets everything is added to,
//! * [`tcp`] holds whole conversations (handshake, segments, acknowledgements, disorder on request),
//!   [`datagram`] UDP and ICMP,
//! * [`dns`], [`http`], [`tls`], `quic` and [`login`] make the payloads,
//! * [`scenario_file`] reads a conversation list from TOML (the cases use it), [`demo`] is the demonstration's day,
//!   [`floods`] are attacks on the sensor's memory.
//!
//! Addresses: home networks come from RFC 1918, everything else from the documentation ranges of RFC 5737 and
//! RFC 3849, and names from the reserved domains of RFC 2606. So no capture made here can ever name a real host.

pub mod capture_file;
pub mod datagram;
pub mod demo;
pub mod dns;
pub mod entropy;
pub mod floods;
pub mod http;
pub mod link;
pub mod login;
pub mod network;
mod quic;
pub mod scenario_file;
mod segments;
pub mod tcp;
pub mod tls;
pub mod trace;

/// A length as it stands in a 16-bit header field.
///
/// # Panics
/// When the length does not fit: a scenario asked for a packet that cannot exist.
pub(crate) fn field_u16(length: usize) -> u16 {
    u16::try_from(length).expect("a length in a made packet fits in 16 bits")
}
