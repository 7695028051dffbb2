//! PPP (RFC 1661) by itself, and as a PPPoE session (RFC 2516).

use super::{Packet, Walk, bytes};

/// Protocol field values (IANA, "PPP DLL Protocol Numbers").
mod protocol {
    pub(super) const IPV4: u16 = 0x0021;
    pub(super) const VAN_JACOBSON_COMPRESSED: u16 = 0x002d;
    pub(super) const VAN_JACOBSON_UNCOMPRESSED: u16 = 0x002f;
    pub(super) const IPV6: u16 = 0x0057;
    /// Known protocols that carry nothing to inspect: other networks, bridging, and all control protocols.
    pub(super) const UNINSPECTED: [u16; 26] = [
        0x0023, 0x0025, 0x0027, 0x0029, 0x002b, 0x0031, 0x0033, 0x0035, 0x0281, 0x0283, 0x8021,
        0x8023, 0x8025, 0x8027, 0x8029, 0x802b, 0x8031, 0x8033, 0x8035, 0x8057, 0x8281, 0x8283,
        0xc021, 0xc023, 0xc025, 0xc223,
    ];
}

const PPPOE_HEADER_BYTES: usize = 6;
const DISCOVERY_CODES: [u8; 5] = [0x09, 0x07, 0x19, 0x65, 0xa7];
/// Smallest whole IPv4 header, and what the reference asks for a compressed TCP/IP one.
const IPV4_HEADER_MIN_BYTES: usize = 20;
const IPV6_HEADER_BYTES: usize = 40;

impl Walk<'_> {
    /// A PPP frame, with or without the address and control bytes of HDLC framing.
    pub(super) fn ppp<'a>(&mut self, packet: &mut Packet<'a>, frame: &'a [u8]) -> bool {
        let frame = match frame {
            [0xff, 0x03, rest @ ..] | rest => rest,
        };
        // An odd first byte is a protocol field compressed to one byte.
        let (number, payload) = match frame {
            [first, rest @ ..] if first & 1 == 1 => (u16::from(*first), rest),
            [first, second, rest @ ..] => (u16::from_be_bytes([*first, *second]), rest),
            _ => {
                packet.event("ppp.pkt_too_small");
                return false;
            }
        };
        if !self.enter_layer(packet) {
            return false;
        }
        match number {
            protocol::IPV4 => {
                if payload.len() < IPV4_HEADER_MIN_BYTES {
                    packet.event("ppp.ip4_pkt_too_small");
                    return false;
                }
                self.ipv4(packet, payload)
            }
            protocol::IPV6 => {
                if payload.len() < IPV6_HEADER_BYTES {
                    packet.event("ppp.ip6_pkt_too_small");
                    return false;
                }
                self.ipv6(packet, payload)
            }
            protocol::VAN_JACOBSON_UNCOMPRESSED => {
                if payload.len() < IPV4_HEADER_MIN_BYTES {
                    packet.event("ppp.vju_pkt_too_small");
                    return false;
                }
                // RFC 1144: the protocol field of the header holds a slot number instead; the reference reads it as it stands.
                self.counters.unsupported_ppp += 1;
                payload.first().is_none_or(|byte| byte >> 4 != 4) || self.ipv4(packet, payload)
            }
            protocol::VAN_JACOBSON_COMPRESSED => {
                packet.event("ppp.unsup_proto");
                true
            }
            other => {
                packet.event(if protocol::UNINSPECTED.contains(&other) {
                    "ppp.unsup_proto"
                } else {
                    "ppp.wrong_type"
                });
                true
            }
        }
    }

    /// A PPPoE session packet.
    pub(super) fn pppoe_session<'a>(&mut self, packet: &mut Packet<'a>, payload: &'a [u8]) -> bool {
        if payload.len() <= PPPOE_HEADER_BYTES {
            packet.event("pppoe.pkt_too_small");
            return false;
        }
        // A session that declares nothing carries nothing.
        if bytes::u16_at(payload, 4) == Some(0) {
            return true;
        }
        self.enter_layer(packet) && self.ppp(packet, bytes::from(payload, PPPOE_HEADER_BYTES))
    }

    /// A PPPoE discovery packet: nothing to inspect but its form.
    pub(super) fn pppoe_discovery(&mut self, packet: &mut Packet<'_>, payload: &[u8]) {
        let (Some(code), Some(length)) = (bytes::u8_at(payload, 1), bytes::u16_at(payload, 4))
        else {
            packet.event("pppoe.pkt_too_small");
            return;
        };
        if !DISCOVERY_CODES.contains(&code) {
            packet.event("pppoe.wrong_code");
            return;
        }
        let tags = bytes::from(payload, PPPOE_HEADER_BYTES);
        if tags.len() < usize::from(length) {
            packet.event("pppoe.malformed_tags");
        }
    }
}
