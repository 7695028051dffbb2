//! The header of a rule against a packet: protocol word, addresses, ports.

use std::net::IpAddr;

use lapwing_rules::{
    model::{AddressSetId, Header, HeaderProtocol, PortSetId, RuleDirection},
    pack::Pack,
};

use super::{round::Round, rule_index::header_allows_app};

/// Whether the header allows the packet.
pub(crate) fn holds(pack: &Pack, header: &Header, round: &Round<'_>) -> bool {
    protocol_holds(header.protocol, round) && ends_hold(pack, header, round)
}

fn protocol_holds(protocol: HeaderProtocol, round: &Round<'_>) -> bool {
    let Some(ip) = &round.packet.ip else {
        // Without an IP layer only rules for any packet apply; their addresses must be `any`.
        return matches!(protocol, HeaderProtocol::Ip | HeaderProtocol::PacketHeader);
    };
    match protocol {
        HeaderProtocol::Ip | HeaderProtocol::PacketHeader => true,
        HeaderProtocol::Ipv4 => ip.version == 4,
        HeaderProtocol::Ipv6 => ip.version == 6,
        HeaderProtocol::Tcp | HeaderProtocol::TcpPacket | HeaderProtocol::TcpStream => {
            ip.protocol == 6
        }
        HeaderProtocol::Udp => ip.protocol == 17,
        HeaderProtocol::Sctp => ip.protocol == 132,
        HeaderProtocol::Icmp => matches!(ip.protocol, 1 | 58),
        HeaderProtocol::Icmpv4 => ip.protocol == 1,
        HeaderProtocol::Icmpv6 => ip.protocol == 58,
        HeaderProtocol::App(_) | HeaderProtocol::AnyHttp => {
            header_allows_app(protocol, round.app_protocol)
        }
    }
}

fn ends_hold(pack: &Pack, header: &Header, round: &Round<'_>) -> bool {
    let ends = &round.ends;
    let has_ip = round.packet.ip.is_some();
    let address = |set: AddressSetId, address: IpAddr| {
        set == AddressSetId::ANY || (has_ip && pack.address_set(set).contains(address))
    };
    let is_fragment = round.packet.ip.as_ref().is_some_and(|ip| ip.is_fragment);
    let port = |set: PortSetId, port: u16| {
        set == PortSetId::ANY || (!is_fragment && pack.port_set(set).contains(port))
    };
    let forward = port(header.source_port, ends.source_port)
        && port(header.destination_port, ends.destination_port)
        && address(header.source, ends.source)
        && address(header.destination, ends.destination);
    forward
        || (header.direction == RuleDirection::Both
            && port(header.source_port, ends.destination_port)
            && port(header.destination_port, ends.source_port)
            && address(header.source, ends.destination)
            && address(header.destination, ends.source))
}
