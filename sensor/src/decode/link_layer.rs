//! Link layers and the dispatch by EtherType.

use super::{Packet, Walk, bytes};
use crate::capture::LinkType;

/// EtherTypes the decoder follows.
pub(super) mod ether_type {
    pub(crate) const IPV4: u16 = 0x0800;
    pub(crate) const ARP: u16 = 0x0806;
    pub(crate) const TRANSPARENT_ETHERNET: u16 = 0x6558;
    pub(crate) const VLAN: u16 = 0x8100;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(crate) const MPLS_UNICAST: u16 = 0x8847;
    pub(crate) const MPLS_MULTICAST: u16 = 0x8848;
    pub(crate) const PPPOE_DISCOVERY: u16 = 0x8863;
    pub(crate) const PPPOE_SESSION: u16 = 0x8864;
    pub(crate) const PROVIDER_BRIDGE: u16 = 0x88a8;
    pub(crate) const BACKBONE_BRIDGE: u16 = 0x88e7;
    pub(crate) const NETWORK_SERVICE_HEADER: u16 = 0x894f;
    pub(crate) const DATA_CENTER_ETHERNET: u16 = 0x8903;
    pub(crate) const VN_TAG: u16 = 0x8926;
    pub(crate) const QINQ_OLD: u16 = 0x9100;
}

pub(super) const ETHERNET_HEADER_BYTES: usize = 14;
const IPV4_HEADER_MIN_BYTES: usize = 20;
const LINUX_COOKED_HEADER_BYTES: usize = 16;
const LINUX_COOKED_2_HEADER_BYTES: usize = 20;

impl Walk<'_> {
    /// Takes off the header that the capture says a frame begins with.
    pub(super) fn link_layer<'a>(
        &mut self,
        link_type: LinkType,
        packet: &mut Packet<'a>,
        frame: &'a [u8],
    ) {
        match link_type {
            LinkType::Ethernet => {
                self.ethernet(packet, frame);
            }
            LinkType::RawIp => self.raw_ip(packet, frame),
            LinkType::RawIpv4 => {
                self.ipv4(packet, frame);
            }
            LinkType::RawIpv6 => {
                self.ipv6(packet, frame);
            }
            LinkType::Loopback => self.loopback(packet, frame),
            LinkType::LinuxCooked => self.cooked(packet, frame, LINUX_COOKED_HEADER_BYTES, 14),
            LinkType::LinuxCooked2 => self.cooked(packet, frame, LINUX_COOKED_2_HEADER_BYTES, 0),
            LinkType::Ppp => {
                self.ppp(packet, frame);
            }
            LinkType::PppOverEthernet => {
                self.pppoe_session(packet, frame);
            }
            LinkType::CiscoHdlc => self.cisco_hdlc(packet, frame),
        }
    }

    /// Ethernet. Whether its header was whole.
    pub(super) fn ethernet<'a>(&mut self, packet: &mut Packet<'a>, frame: &'a [u8]) -> bool {
        let Some(kind) = bytes::u16_at(frame, ETHERNET_HEADER_BYTES - 2) else {
            packet.event("ethernet.pkt_too_small");
            return false;
        };
        if self.enter_layer(packet) {
            self.network(kind, packet, bytes::from(frame, ETHERNET_HEADER_BYTES));
        }
        true
    }

    /// What an EtherType announces. Whether the type is one the decoder follows.
    pub(super) fn network<'a>(
        &mut self,
        kind: u16,
        packet: &mut Packet<'a>,
        payload: &'a [u8],
    ) -> bool {
        match kind {
            ether_type::IPV4 => {
                self.ipv4(packet, payload);
            }
            ether_type::IPV6 => {
                self.ipv6(packet, payload);
            }
            ether_type::ARP => self.counters.arp += 1,
            ether_type::VLAN | ether_type::PROVIDER_BRIDGE | ether_type::QINQ_OLD => {
                self.vlan(packet, payload);
            }
            ether_type::BACKBONE_BRIDGE => self.backbone_bridge(packet, payload),
            ether_type::DATA_CENTER_ETHERNET => self.data_center_ethernet(packet, payload),
            ether_type::VN_TAG => self.vn_tag(packet, payload),
            ether_type::NETWORK_SERVICE_HEADER => self.network_service_header(packet, payload),
            ether_type::MPLS_UNICAST | ether_type::MPLS_MULTICAST => {
                self.mpls(packet, payload);
            }
            ether_type::PPPOE_SESSION => {
                self.pppoe_session(packet, payload);
            }
            ether_type::PPPOE_DISCOVERY => self.pppoe_discovery(packet, payload),
            _ => {
                self.counters.unknown_ether_type += 1;
                return false;
            }
        }
        true
    }

    fn raw_ip<'a>(&mut self, packet: &mut Packet<'a>, frame: &'a [u8]) {
        if frame.len() < IPV4_HEADER_MIN_BYTES {
            packet.event("ipv4.pkt_too_small");
            return;
        }
        match frame.first().map(|byte| byte >> 4) {
            Some(4) => {
                self.ipv4(packet, frame);
            }
            Some(6) => {
                self.ipv6(packet, frame);
            }
            _ => packet.event("ipraw.invalid_ip_version"),
        }
    }

    /// BSD loopback: the address family in the byte order of the machine that captured.
    fn loopback<'a>(&mut self, packet: &mut Packet<'a>, frame: &'a [u8]) {
        let Some(family) = bytes::u32_at(frame, 0) else {
            packet.event("ltnull.pkt_too_small");
            return;
        };
        let payload = bytes::from(frame, 4);
        let family = if family > 0xffff {
            family.swap_bytes()
        } else {
            family
        };
        match family {
            2 => {
                self.ipv4(packet, payload);
            }
            // Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
            10 | 24 | 28 | 30 => {
                self.ipv6(packet, payload);
            }
            _ => packet.event("ltnull.unsupported_type"),
        }
    }

    fn cooked<'a>(
        &mut self,
        packet: &mut Packet<'a>,
        frame: &'a [u8],
        header_bytes: usize,
        protocol_at: usize,
    ) {
        let (Some(kind), true) = (
            bytes::u16_at(frame, protocol_at),
            frame.len() >= header_bytes,
        ) else {
            packet.event("sll.pkt_too_small");
            return;
        };
        self.network(kind, packet, bytes::from(frame, header_bytes));
    }

    fn cisco_hdlc<'a>(&mut self, packet: &mut Packet<'a>, frame: &'a [u8]) {
        let Some(kind) = bytes::u16_at(frame, 2) else {
            packet.event("chdlc.pkt_too_small");
            return;
        };
        self.network(kind, packet, bytes::from(frame, 4));
    }
}
