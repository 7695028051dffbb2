//! What makes packets one flow: the two ends without their order, protocol, VLANs, tunnel depth.

use std::{
    hash::{Hash, Hasher},
    net::IpAddr,
};

use crate::{
    decode::{Packet, Transport, VlanTags},
    direction::Direction,
};

/// One end of a flow. For ICMP the port is the message type, and on the other end the type that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

/// Identity of a flow, the same for both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowKey {
    lower: End,
    upper: End,
    protocol: u8,
    tunnel_depth: u8,
    vlans: VlanTags,
}

/// Every packet is looked up by it: as few and as large pieces as it has.
impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for end in [&self.lower, &self.upper] {
            match end.address {
                IpAddr::V4(address) => state.write_u32(address.to_bits()),
                IpAddr::V6(address) => state.write_u128(address.to_bits()),
            }
        }
        let [ports_low, ports_high] = [self.lower.port, self.upper.port].map(u64::from);
        state.write_u64(
            ports_low
                | ports_high << 16
                | u64::from(self.protocol) << 32
                | u64::from(self.tunnel_depth) << 40
                | (self.vlans.len() as u64) << 48,
        );
        for vlan in &self.vlans {
            state.write_u16(*vlan);
        }
    }
}

/// IANA protocol numbers of flows.
pub(super) mod protocol {
    pub(crate) const ICMP: u8 = 1;
    pub(crate) const TCP: u8 = 6;
    pub(crate) const UDP: u8 = 17;
    pub(crate) const ICMPV6: u8 = 58;
    pub(crate) const SCTP: u8 = 132;
}

/// In a key, the port of an ICMP end whose type has no answer.
const NO_ANSWER: u16 = 0xffff;

/// The type that answers an ICMPv4 type, and the other way round.
fn icmpv4_counterpart(kind: u8) -> Option<u8> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

/// The type that answers an ICMPv6 type, and the other way round.
fn icmpv6_counterpart(kind: u8) -> Option<u8> {
    Some(match kind {
        128 => 129,
        129 => 128,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        141 => 142,
        142 => 141,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}

/// Sender and receiver of a packet as ends of a flow; `None` for packets that belong to no flow: fragments, protocols
/// without flows, what could not be decoded.
pub(super) fn ends_of(packet: &Packet<'_>) -> Option<(End, End, u8)> {
    let ip = packet.ip.as_ref()?;
    let ends = packet.ends()?;
    let (source_port, destination_port, protocol) = match &packet.transport {
        Transport::Tcp(_) => (ends.source_port, ends.destination_port, protocol::TCP),
        Transport::Udp { .. } => (ends.source_port, ends.destination_port, protocol::UDP),
        Transport::Sctp { .. } => (ends.source_port, ends.destination_port, protocol::SCTP),
        Transport::Icmpv4(icmp) => (
            u16::from(icmp.kind),
            icmpv4_counterpart(icmp.kind).map_or(NO_ANSWER, u16::from),
            protocol::ICMP,
        ),
        Transport::Icmpv6(icmp) => (
            u16::from(icmp.kind),
            icmpv6_counterpart(icmp.kind).map_or(NO_ANSWER, u16::from),
            protocol::ICMPV6,
        ),
        Transport::EncapsulatingSecurity => (0, 0, ip.protocol),
        Transport::None => return None,
    };
    Some((
        End {
            address: ip.source,
            port: source_port,
        },
        End {
            address: ip.destination,
            port: destination_port,
        },
        protocol,
    ))
}

impl FlowKey {
    /// Key of a packet, with its sender and receiver.
    #[must_use]
    pub fn of(packet: &Packet<'_>) -> Option<(Self, End, End)> {
        let (source, destination, protocol) = ends_of(packet)?;
        let key = Self::between(source, destination, protocol, packet);
        Some((key, source, destination))
    }

    /// Key of the flow to which the packet that an ICMP error quotes belongs.
    #[must_use]
    pub fn of_quoted(packet: &Packet<'_>) -> Option<Self> {
        let Transport::Icmpv4(icmp) = &packet.transport else {
            return None;
        };
        let (ends, protocol) = icmp.error?.quoted?;
        let source = End {
            address: ends.source,
            port: ends.source_port,
        };
        let destination = End {
            address: ends.destination,
            port: ends.destination_port,
        };
        Some(Self::between(source, destination, protocol, packet))
    }

    fn between(source: End, destination: End, protocol: u8, packet: &Packet<'_>) -> Self {
        let (lower, upper) = if source <= destination {
            (source, destination)
        } else {
            (destination, source)
        };
        Self {
            lower,
            upper,
            protocol,
            tunnel_depth: packet.tunnel_depth,
            vlans: packet.vlans.clone(),
        }
    }

    /// Whether an end is the one that is kept first; so are both where they are the same.
    pub(super) fn is_lower(&self, end: End) -> bool {
        end == self.lower
    }

    /// Whether sender and receiver are the same end.
    pub(super) fn has_one_end(&self) -> bool {
        self.lower == self.upper
    }

    /// Direction of a packet from `sender`: where both ends are the same, everything goes to the server.
    pub(super) fn direction(&self, client_is_lower: bool, sender: End) -> Direction {
        if self.is_lower(sender) == client_is_lower {
            Direction::ToServer
        } else {
            Direction::ToClient
        }
    }

    /// IANA protocol number.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// VLAN identifiers, outermost first.
    #[must_use]
    pub fn vlans(&self) -> &VlanTags {
        &self.vlans
    }
}
