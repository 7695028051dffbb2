//! The network service header (RFC 8300): which chain of services a packet is on, then the packet.

use super::{Packet, Walk, bytes};

const HEADER_BYTES: usize = 8;
const WORD_BYTES: usize = 4;
/// Length of a header with context of fixed size.
const FIXED_CONTEXT_HEADER_BYTES: usize = 24;

mod metadata {
    pub(super) const RESERVED: u8 = 0;
    pub(super) const FIXED: u8 = 1;
    pub(super) const VARIABLE: u8 = 2;
    pub(super) const EXPERIMENT: u8 = 15;
}

mod next_protocol {
    pub(super) const IPV4: u8 = 1;
    pub(super) const IPV6: u8 = 2;
    pub(super) const ETHERNET: u8 = 3;
    pub(super) const MPLS: u8 = 5;
}

impl Walk<'_> {
    /// A network service header.
    pub(super) fn network_service_header<'a>(
        &mut self,
        packet: &mut Packet<'a>,
        payload: &'a [u8],
    ) {
        let Some(header) = payload.first_chunk::<HEADER_BYTES>() else {
            packet.event("nsh.header_too_small");
            return;
        };
        if header[0] >> 6 != 0 {
            packet.event("nsh.unsupported_version");
            return;
        }
        let length = usize::from(header[1] & 0x3f) * WORD_BYTES;
        if length >= payload.len() {
            packet.event("nsh.bad_header_length");
            return;
        }
        let is_length_right = match header[2] {
            metadata::RESERVED => {
                packet.event("nsh.reserved_type");
                return;
            }
            metadata::FIXED => length == FIXED_CONTEXT_HEADER_BYTES,
            metadata::VARIABLE | metadata::EXPERIMENT => true,
            _ => {
                packet.event("nsh.unsupported_type");
                return;
            }
        };
        if !is_length_right {
            packet.event("nsh.bad_header_length");
            return;
        }
        if !self.enter_layer(packet) {
            return;
        }
        let inside = bytes::from(payload, length);
        match header[3] {
            next_protocol::IPV4 => {
                self.ipv4(packet, inside);
            }
            next_protocol::IPV6 => {
                self.ipv6(packet, inside);
            }
            next_protocol::ETHERNET => {
                self.ethernet(packet, inside);
            }
            next_protocol::MPLS => {
                self.mpls(packet, inside);
            }
            _ => packet.event("nsh.unknown_payload"),
        }
    }
}
