//! UDP datagrams and ICMP messages.

use std::net::{IpAddr, SocketAddr};

use pnet_packet::icmp::{self, IcmpPacket};
use pnet_packet::icmpv6::{self, Icmpv6Packet};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::udp::{self, MutableUdpPacket};

use super::field_u16;
use super::network::Route;
use super::trace::Trace;

const UDP_HEADER_BYTES: usize = 8;
const ICMP_CHECKSUM_OFFSET: usize = 2;

/// Adds one UDP datagram.
pub fn send_udp(
    trace: &mut Trace,
    route: &Route,
    source: SocketAddr,
    destination: SocketAddr,
    data: &[u8],
) {
    let mut buffer = vec![0; UDP_HEADER_BYTES + data.len()];
    let length = field_u16(buffer.len());
    let mut packet = MutableUdpPacket::new(&mut buffer).expect("the buffer holds the header");
    packet.set_source(source.port());
    packet.set_destination(destination.port());
    packet.set_length(length);
    packet.set_payload(data);
    let view = packet.to_immutable();
    let checksum = match (source.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => udp::ipv4_checksum(&view, &from, &to),
        (IpAddr::V6(from), IpAddr::V6(to)) => udp::ipv6_checksum(&view, &from, &to),
        _ => 0,
    };
    // RFC 768: a computed checksum of zero is sent as all ones, for zero means "none".
    packet.set_checksum(if checksum == 0 { u16::MAX } else { checksum });
    trace.send(
        route,
        source.ip(),
        destination.ip(),
        IpNextHeaderProtocols::Udp,
        &buffer,
    );
}

/// Adds one ICMP message (ICMPv6 between IPv6 hosts): `rest` is everything after the checksum.
pub fn send_icmp(
    trace: &mut Trace,
    route: &Route,
    source: IpAddr,
    destination: IpAddr,
    kind: u8,
    code: u8,
    rest: &[u8],
) {
    let mut message = vec![kind, code, 0, 0];
    message.extend_from_slice(rest);
    let (protocol, checksum) = match (source, destination) {
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let view = Icmpv6Packet::new(&message).expect("the message holds its header");
            (
                IpNextHeaderProtocols::Icmpv6,
                icmpv6::checksum(&view, &from, &to),
            )
        }
        _ => {
            let view = IcmpPacket::new(&message).expect("the message holds its header");
            (IpNextHeaderProtocols::Icmp, icmp::checksum(&view))
        }
    };
    message[ICMP_CHECKSUM_OFFSET..ICMP_CHECKSUM_OFFSET + 2]
        .copy_from_slice(&checksum.to_be_bytes());
    trace.send(route, source, destination, protocol, &message);
}

/// Adds an echo request and its reply.
pub fn ping(
    trace: &mut Trace,
    route: &Route,
    client: IpAddr,
    server: IpAddr,
    sequence: u16,
    data: &[u8],
) {
    let (request, reply) = if client.is_ipv6() { (128, 129) } else { (8, 0) };
    let mut rest = vec![0x4c, 0x57];
    rest.extend_from_slice(&sequence.to_be_bytes());
    rest.extend_from_slice(data);
    send_icmp(trace, route, client, server, request, 0, &rest);
    trace.pause_nanoseconds(15_000_000);
    send_icmp(trace, route, server, client, reply, 0, &rest);
}
