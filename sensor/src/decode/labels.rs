//! MPLS label stacks (RFC 3032), and what they carry: IP or a pseudowire with Ethernet (RFC 4448).

use super::{Packet, Walk, bytes, limits};

const LABEL_BYTES: usize = 4;
const BOTTOM_OF_STACK: u32 = 0x100;
const IPV4_EXPLICIT_NULL: u32 = 0;
const ROUTER_ALERT: u32 = 1;
const IPV6_EXPLICIT_NULL: u32 = 2;
const IMPLICIT_NULL: u32 = 3;
/// RFC 3032 reserves 15 too; the reference does not know it.
const FIRST_UNRESERVED: u32 = 15;

impl Walk<'_> {
    /// A label stack. Whether it and what it carries made sense.
    pub(super) fn mpls<'a>(&mut self, packet: &mut Packet<'a>, mut payload: &'a [u8]) -> bool {
        let mut label = None;
        for _ in 0..limits::MPLS_LABELS_MAX {
            let Some(entry) = bytes::u32_at(payload, 0) else {
                packet.event("mpls.header_too_small");
                return false;
            };
            payload = bytes::from(payload, LABEL_BYTES);
            if entry & BOTTOM_OF_STACK != 0 {
                label = Some(entry >> 12);
                break;
            }
        }
        let Some(label) = label else {
            packet.event("too_many_layers");
            return false;
        };
        if !self.enter_layer(packet) {
            return false;
        }
        let refusal = match label {
            IPV4_EXPLICIT_NULL => return self.ipv4(packet, payload),
            IPV6_EXPLICIT_NULL => return self.ipv6(packet, payload),
            ROUTER_ALERT => "mpls.bad_label_router_alert",
            IMPLICIT_NULL => "mpls.bad_label_implicit_null",
            reserved if reserved < FIRST_UNRESERVED => "mpls.bad_label_reserved",
            _ => return self.mpls_payload(packet, payload),
        };
        packet.event(refusal);
        false
    }

    /// Nothing says what a stack carries; the first half byte is what routers go by.
    fn mpls_payload<'a>(&mut self, packet: &mut Packet<'a>, payload: &'a [u8]) -> bool {
        if payload.len() < LABEL_BYTES {
            packet.event("mpls.pkt_too_small");
            return false;
        }
        match payload.first().map(|byte| byte >> 4) {
            Some(4) => self.ipv4(packet, payload),
            Some(6) => self.ipv6(packet, payload),
            // The control word of a pseudowire.
            Some(0) => self.ethernet(packet, bytes::from(payload, LABEL_BYTES)),
            _ => {
                packet.event("mpls.unknown_payload_type");
                false
            }
        }
    }
}
