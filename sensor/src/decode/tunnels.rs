//! Tunnels: IP in IP, GRE, ERSPAN, VXLAN, Geneve, Teredo, GTP-U.
//!
//! What a tunnel holds becomes a packet of its own, handed out before the one that carried it. Where the inside makes no
//! sense there is no inner packet, and the outer one stays what it was.

use super::{IpLayer, Packet, PacketOrigin, Transport, Walk, bytes, link_layer::ether_type};

/// UDP ports of tunnels, as in the reference's settings.
const VXLAN_PORT: u16 = 4789;
const GENEVE_PORT: u16 = 6081;
const TEREDO_PORT: u16 = 3544;
/// The user plane of mobile networks, which the reference does not look into.
const GTP_USER_PORT: u16 = 2152;

/// EtherTypes that only GRE carries.
const ERSPAN_II: u16 = 0x88be;
const PPP_IN_GRE: u16 = 0x880b;

/// What stands first inside a tunnel.
#[derive(Clone, Copy)]
enum Inside {
    Ethernet,
    Ipv4,
    Ipv6,
    /// Ethernet of a VLAN that the tunnel's header names.
    EthernetOf(u16),
    Ppp,
    /// A VLAN tag or a label stack, which an EtherType announced.
    Vlan,
    Mpls,
}

impl Walk<'_> {
    /// Decodes what a tunnel holds. Whether it made sense.
    fn inner(&mut self, outer: &Packet<'_>, inside: Inside, data: &[u8]) -> bool {
        self.inner_if(outer, inside, data, |_| true)
    }

    /// The same where the inner packet is also to be one that `is_believed`.
    fn inner_if(
        &mut self,
        outer: &Packet<'_>,
        inside: Inside,
        data: &[u8],
        is_believed: fn(&Packet<'_>) -> bool,
    ) -> bool {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let mut packet = Packet::undecoded(outer.time, length);
        packet.origin = PacketOrigin::Tunnel;
        packet.tunnel_depth = outer.tunnel_depth.saturating_add(1);
        let layers = self.layers;
        let is_understood = match inside {
            Inside::Ethernet => self.ethernet(&mut packet, data),
            Inside::Ipv4 => self.ipv4(&mut packet, data),
            Inside::Ipv6 => self.ipv6(&mut packet, data),
            Inside::Ppp => self.ppp(&mut packet, data),
            Inside::EthernetOf(vlan) => {
                packet.vlans.push(vlan).ok();
                self.ethernet(&mut packet, data)
            }
            Inside::Vlan => self.vlan(&mut packet, data),
            Inside::Mpls => self.mpls(&mut packet, data),
        };
        let is_understood = is_understood && is_believed(&packet);
        if is_understood {
            self.counters.tunnelled += 1;
            self.finish(&mut packet);
        } else {
            for event in &packet.events {
                self.counters.event(event);
            }
        }
        self.layers = layers;
        is_understood
    }

    /// IPv4 (RFC 2003) or IPv6 (RFC 2473, RFC 4213) directly in IP.
    pub(super) fn ip_in_ip(&mut self, packet: &mut Packet<'_>, ip: &IpLayer<'_>, version: u8) {
        let data = ip.payload;
        if ip.version == 6 {
            let (minimum, too_small, wrong_version) = if version == 4 {
                (
                    20,
                    "ipv6.ipv4_in_ipv6_too_small",
                    "ipv6.ipv4_in_ipv6_wrong_version",
                )
            } else {
                (
                    40,
                    "ipv6.ipv6_in_ipv6_too_small",
                    "ipv6.ipv6_in_ipv6_wrong_version",
                )
            };
            if data.len() < minimum {
                packet.event(too_small);
                return;
            }
            if data.first().map(|byte| byte >> 4) != Some(version) {
                packet.event(wrong_version);
                return;
            }
        }
        let inside = if version == 4 {
            Inside::Ipv4
        } else {
            Inside::Ipv6
        };
        self.inner(packet, inside, data);
    }

    /// GRE (RFC 1701, RFC 2784, RFC 2890) and its enhanced form for PPTP (RFC 2637).
    pub(super) fn gre(&mut self, packet: &mut Packet<'_>, data: &[u8]) {
        let (Some(flags), Some(kind)) = (bytes::u16_at(data, 0), bytes::u16_at(data, 2)) else {
            packet.event("gre.pkt_too_small");
            return;
        };
        let header_length = match flags & 0x7 {
            0 => gre_version_0(flags, data),
            1 => gre_version_1(flags, kind),
            _ => Err("gre.wrong_version"),
        };
        let header_length = match header_length {
            Ok(length) if length <= data.len() => length,
            Ok(_) if flags & 0x7 == 0 => return packet.event("gre.version0_hdr_too_big"),
            Ok(_) => return packet.event("gre.version1_hdr_too_big"),
            Err(event) => return packet.event(event),
        };
        let payload = bytes::from(data, header_length);
        match kind {
            ether_type::IPV4 => self.inner(packet, Inside::Ipv4, payload),
            ether_type::IPV6 => self.inner(packet, Inside::Ipv6, payload),
            PPP_IN_GRE => self.inner(packet, Inside::Ppp, payload),
            ether_type::TRANSPARENT_ETHERNET => self.inner(packet, Inside::Ethernet, payload),
            // Type I has no header of its own; it shows in a GRE header without sequence number.
            ERSPAN_II if flags & GRE_SEQUENCE == 0 => self.inner(packet, Inside::Ethernet, payload),
            ERSPAN_II => self.erspan(packet, payload),
            ether_type::VLAN | ether_type::PROVIDER_BRIDGE => {
                self.inner(packet, Inside::Vlan, payload)
            }
            ether_type::MPLS_UNICAST | ether_type::MPLS_MULTICAST => {
                self.inner(packet, Inside::Mpls, payload)
            }
            _ => {
                self.counters.unknown_ether_type += 1;
                false
            }
        };
    }

    /// ERSPAN type II (draft-foschiano-erspan-03, section 4.2). Type III, under an EtherType of its own, the reference does not
    /// know. What is wrong with its header is counted only: as in the reference it is a packet inside that makes no sense.
    fn erspan(&mut self, packet: &mut Packet<'_>, data: &[u8]) -> bool {
        const HEADER_BYTES: usize = 8;
        const VLAN_MASK: u16 = 0x0fff;
        let (Some(first), true) = (bytes::u16_at(data, 0), data.len() >= HEADER_BYTES) else {
            self.counters.event("erspan.header_too_small");
            return false;
        };
        if first >> 12 != 1 {
            self.counters.event("erspan.unsupported_version");
            return false;
        }
        let inside = match first & VLAN_MASK {
            0 => Inside::Ethernet,
            vlan => Inside::EthernetOf(vlan),
        };
        self.inner(packet, inside, bytes::from(data, HEADER_BYTES))
    }

    /// Tunnels that are told by their UDP port. Whether there was one.
    pub(super) fn udp_tunnel(
        &mut self,
        packet: &mut Packet<'_>,
        source_port: u16,
        destination_port: u16,
        payload: &[u8],
    ) -> bool {
        let is_one = |port: u16| source_port == port || destination_port == port;
        (is_one(TEREDO_PORT) && self.teredo(packet, payload))
            || (is_one(GENEVE_PORT) && self.geneve(packet, payload))
            || (is_one(VXLAN_PORT) && self.vxlan(packet, payload))
            || (self.settings.gtp_user
                && destination_port == GTP_USER_PORT
                && self.gtp_user(packet, payload))
    }

    /// The packets of subscribers in GTP version 1 (3GPP TS 29.281): a G-PDU holds an IP packet.
    fn gtp_user(&mut self, packet: &mut Packet<'_>, payload: &[u8]) -> bool {
        match gtp_user_data(payload) {
            Some(inside) if inside[0] >> 4 == 4 => self.inner(packet, Inside::Ipv4, inside),
            Some(inside) if inside[0] >> 4 == 6 => self.inner(packet, Inside::Ipv6, inside),
            _ => false,
        }
    }

    /// VXLAN (RFC 7348).
    fn vxlan(&mut self, packet: &mut Packet<'_>, payload: &[u8]) -> bool {
        const HEADER_BYTES: usize = 8;
        const IDENTIFIER_IS_VALID: u8 = 0x08;
        let Some(header) = payload.first_chunk::<HEADER_BYTES>() else {
            return false;
        };
        if header[0] & IDENTIFIER_IS_VALID == 0 || header[7] != 0 {
            return false;
        }
        let inside = bytes::from(payload, HEADER_BYTES);
        match bytes::u16_at(inside, 12) {
            Some(ether_type::ARP) => false,
            Some(
                ether_type::IPV4
                | ether_type::IPV6
                | ether_type::VLAN
                | ether_type::PROVIDER_BRIDGE
                | ether_type::QINQ_OLD,
            ) => self.inner(packet, Inside::Ethernet, inside),
            _ => {
                packet.event("vxlan.unknown_payload_type");
                false
            }
        }
    }

    /// Geneve (RFC 8926).
    fn geneve(&mut self, packet: &mut Packet<'_>, payload: &[u8]) -> bool {
        const HEADER_BYTES: usize = 8;
        let Some(header) = payload.first_chunk::<HEADER_BYTES>() else {
            return false;
        };
        let version = header[0] >> 6;
        let options_length = usize::from(header[0] & 0x3f) * 4;
        // Version 0, reserved fields zero.
        if version != 0 || header[1] & 0x3f != 0 || header[7] != 0 {
            return false;
        }
        let Some(inside) = payload.get(HEADER_BYTES + options_length..) else {
            return false;
        };
        match u16::from_be_bytes([header[2], header[3]]) {
            ether_type::TRANSPARENT_ETHERNET => self.inner(packet, Inside::Ethernet, inside),
            ether_type::IPV4 => self.inner(packet, Inside::Ipv4, inside),
            ether_type::IPV6 => self.inner(packet, Inside::Ipv6, inside),
            ether_type::ARP => false,
            _ => {
                packet.event("geneve.unknown_payload_type");
                false
            }
        }
    }

    /// Teredo (RFC 4380): IPv6 in UDP, perhaps after authentication and origin indications.
    fn teredo(&mut self, packet: &mut Packet<'_>, payload: &[u8]) -> bool {
        const IPV6_HEADER_BYTES: usize = 40;
        const ORIGIN_BYTES: usize = 8;
        const HOP_BY_HOP: u8 = 0;
        // What begins with an authentication header (RFC 4380, section 5.1.1) negotiates the tunnel; it is not looked into.
        let inside = match payload {
            [0, 0, ..] => bytes::from(payload, ORIGIN_BYTES),
            [0, ..] => return false,
            _ => payload,
        };
        if inside.len() < IPV6_HEADER_BYTES || inside[0] >> 4 != 6 {
            return false;
        }
        // Anything may stand behind UDP: only what can be a packet of exactly this length is taken for Teredo.
        let (next_header, hop_limit) = (inside[6], inside[7]);
        let declared = usize::from(bytes::u16_at(inside, 4).unwrap_or(0));
        if declared != inside.len() - IPV6_HEADER_BYTES
            || hop_limit == 0
            || (next_header == HOP_BY_HOP && declared < 8)
        {
            return false;
        }
        self.inner_if(packet, Inside::Ipv6, inside, has_known_transport)
    }
}

/// Whether what an IP header announces could be read.
fn has_known_transport(packet: &Packet<'_>) -> bool {
    let is_announced = |ip: &IpLayer<'_>| matches!(ip.protocol, 6 | 17 | 58) && !ip.is_fragment;
    let is_read = !matches!(packet.transport, Transport::None);
    let quotes_too_little = packet.events.contains(&"icmpv6.ipv6_trunc_pkt");
    !quotes_too_little && (is_read || !packet.ip.as_ref().is_some_and(is_announced))
}

/// What a G-PDU carries, at least one byte; `None` for other messages and for what is none.
fn gtp_user_data(payload: &[u8]) -> Option<&[u8]> {
    const HEADER_BYTES: usize = 8;
    /// Sequence number, N-PDU number and type of the first extension header: there if any of the three flags is set.
    const OPTIONAL_BYTES: usize = 4;
    const VERSION_1: u8 = 1;
    const IS_GTP: u8 = 0x10;
    const OPTIONAL_FLAGS: u8 = 0x07;
    const G_PDU: u8 = 255;
    let header = payload.first_chunk::<HEADER_BYTES>()?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let rest = &payload[HEADER_BYTES..];
    // Anything may stand behind UDP: the length is exact.
    if header[0] >> 5 != VERSION_1
        || header[0] & IS_GTP == 0
        || header[1] != G_PDU
        || length != rest.len()
    {
        return None;
    }
    let mut inside = rest;
    if header[0] & OPTIONAL_FLAGS != 0 {
        let (optional, behind) = rest.split_at_checked(OPTIONAL_BYTES)?;
        let mut next_extension = optional[3];
        inside = behind;
        // Each extension begins with its length in units of four bytes and ends with the type of the next; none is empty.
        while next_extension != 0 {
            let length = usize::from(*inside.first()?) * 4;
            let (extension, behind) = inside.split_at_checked(length)?;
            next_extension = *extension.last()?;
            inside = behind;
        }
    }
    (!inside.is_empty()).then_some(inside)
}

const GRE_CHECKSUM: u16 = 0x8000;
const GRE_ROUTING: u16 = 0x4000;
const GRE_KEY: u16 = 0x2000;
const GRE_SEQUENCE: u16 = 0x1000;
const GRE_STRICT_SOURCE_ROUTE: u16 = 0x0800;
const GRE_RECURSION_MASK: u16 = 0x0700;
const GRE_ACKNOWLEDGMENT: u16 = 0x0080;

/// Header length of version 0, with source route entries where there are any.
fn gre_version_0(flags: u16, data: &[u8]) -> Result<usize, &'static str> {
    if flags & GRE_RECURSION_MASK != 0 {
        return Err("gre.version0_recur");
    }
    if flags & 0x0078 != 0 {
        return Err("gre.version0_flags");
    }
    let mut length = 4;
    for flag in [GRE_KEY, GRE_SEQUENCE] {
        if flags & flag != 0 {
            length += 4;
        }
    }
    if flags & (GRE_CHECKSUM | GRE_ROUTING) != 0 {
        length += 4;
    }
    if flags & GRE_ROUTING != 0 {
        // RFC 1701: entries of family (2), offset (1), length (1), until one of family and length 0.
        loop {
            let (Some(family), Some(entry_length)) =
                (bytes::u16_at(data, length), bytes::u8_at(data, length + 3))
            else {
                return Err("gre.version0_malformed_sre_hdr");
            };
            length += 4 + usize::from(entry_length);
            if family == 0 && entry_length == 0 {
                break;
            }
        }
    }
    Ok(length)
}

/// Header length of version 1.
fn gre_version_1(flags: u16, kind: u16) -> Result<usize, &'static str> {
    let refused = [
        (GRE_CHECKSUM, "gre.version1_chksum"),
        (GRE_ROUTING, "gre.version1_route"),
        (GRE_STRICT_SOURCE_ROUTE, "gre.version1_ssr"),
        (GRE_RECURSION_MASK, "gre.version1_recur"),
        (0x0078, "gre.version1_flags"),
    ];
    for (flag, event) in refused {
        if flags & flag != 0 {
            return Err(event);
        }
    }
    if kind != PPP_IN_GRE {
        return Err("gre.version1_wrong_protocol");
    }
    if flags & GRE_KEY == 0 {
        return Err("gre.version1_no_key");
    }
    let mut length = 8;
    for flag in [GRE_SEQUENCE, GRE_ACKNOWLEDGMENT] {
        if flags & flag != 0 {
            length += 4;
        }
    }
    Ok(length)
}
