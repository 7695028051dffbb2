//! Tags between Ethernet and the network layer: 802.1Q, 802.1ad, 802.1ah, VN-Tag.

use super::{
    Packet, Walk, bytes,
    link_layer::{ETHERNET_HEADER_BYTES, ether_type},
};

const VLAN_IDENTIFIER_MASK: u16 = 0x0fff;
const VLAN_HEADER_BYTES: usize = 4;
const BACKBONE_BRIDGE_HEADER_BYTES: usize = 18;
const VN_TAG_HEADER_BYTES: usize = 6;
const DATA_CENTER_ETHERNET_TAG_BYTES: usize = 2;

impl Walk<'_> {
    /// One 802.1Q or 802.1ad tag. Whether it and what it announces are known.
    pub(super) fn vlan<'a>(&mut self, packet: &mut Packet<'a>, payload: &'a [u8]) -> bool {
        if packet.vlans.is_full() {
            packet.event("vlan.too_many_layers");
            return false;
        }
        let (Some(tag), Some(kind)) = (bytes::u16_at(payload, 0), bytes::u16_at(payload, 2)) else {
            packet.event("vlan.header_too_small");
            return false;
        };
        packet.vlans.push(tag & VLAN_IDENTIFIER_MASK).ok();
        if !self.enter_layer(packet) {
            return false;
        }
        let is_known = self.network(kind, packet, bytes::from(payload, VLAN_HEADER_BYTES));
        if !is_known {
            packet.event("vlan.unknown_type");
        }
        is_known
    }

    /// The I-tag of 802.1ah: what follows is a customer's frame with its addresses in the tag.
    pub(super) fn backbone_bridge<'a>(&mut self, packet: &mut Packet<'a>, payload: &'a [u8]) {
        let Some(kind) = bytes::u16_at(payload, BACKBONE_BRIDGE_HEADER_BYTES - 2) else {
            packet.event("ieee8021ah.header_too_small");
            return;
        };
        if self.enter_layer(packet) {
            self.network(
                kind,
                packet,
                bytes::from(payload, BACKBONE_BRIDGE_HEADER_BYTES),
            );
        }
    }

    /// Cisco's FabricPath: two bytes, then a frame with addresses of its own.
    pub(super) fn data_center_ethernet<'a>(&mut self, packet: &mut Packet<'a>, payload: &'a [u8]) {
        if payload.len() < DATA_CENTER_ETHERNET_TAG_BYTES + ETHERNET_HEADER_BYTES {
            packet.event("dce.pkt_too_small");
        } else if self.enter_layer(packet) {
            self.ethernet(packet, bytes::from(payload, DATA_CENTER_ETHERNET_TAG_BYTES));
        }
    }

    /// Cisco's VN-Tag.
    pub(super) fn vn_tag<'a>(&mut self, packet: &mut Packet<'a>, payload: &'a [u8]) {
        let Some(kind) = bytes::u16_at(payload, VN_TAG_HEADER_BYTES - 2) else {
            packet.event("vntag.header_too_small");
            return;
        };
        let followed = kind != ether_type::VN_TAG
            && self.enter_layer(packet)
            && self.network(kind, packet, bytes::from(payload, VN_TAG_HEADER_BYTES));
        if !followed {
            packet.event("vntag.unknown_type");
        }
    }
}
