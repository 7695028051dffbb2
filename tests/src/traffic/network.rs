//! IP packets around a transport segment: IPv4, IPv6 with extension headers, and fragments of both.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pnet_packet::ip::{IpNextHeaderProtocol, IpNextHeaderProtocols};
use pnet_packet::ipv4::{self, MutableIpv4Packet};
use pnet_packet::ipv6::{MutableFragmentPacket, MutableIpv6Packet};
use serde::Deserialize;

use super::field_u16;

const IPV4_HEADER_BYTES: usize = 20;
const IPV6_HEADER_BYTES: usize = 40;
const EXTENSION_HEADER_BYTES: usize = 8;
/// `IPPROTO_DSTOPTS`, RFC 8200 section 4.6.
const DESTINATION_OPTIONS: IpNextHeaderProtocol = IpNextHeaderProtocols::Ipv6Opts;
const MORE_FRAGMENTS: u8 = 0b001;
const DO_NOT_FRAGMENT: u8 = 0b010;

/// An IPv6 extension header (RFC 8200, section 4); each is made eight bytes long and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ipv6Extension {
    /// Hop-by-hop options, padding only.
    HopByHop,
    /// Destination options, padding only.
    Destination,
    /// A routing header with no segments left.
    Routing,
}

/// The order in which the fragments of a packet are put on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FragmentOrder {
    /// First to last.
    #[default]
    Forward,
    /// Last to first.
    Reversed,
}

/// How packets between two hosts travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// VLAN identifiers from the outside in.
    pub vlans: Vec<u16>,
    /// Time to live, or hop limit.
    pub hop_limit: u8,
    /// Extension headers of IPv6 packets.
    pub ipv6_extensions: Vec<Ipv6Extension>,
    /// Packets whose IP payload is longer than this are fragmented into pieces of this size; a multiple of 8.
    pub fragment_bytes: Option<u16>,
    /// The order of the pieces.
    pub fragment_order: FragmentOrder,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            vlans: Vec::new(),
            hop_limit: 64,
            ipv6_extensions: Vec::new(),
            fragment_bytes: None,
            fragment_order: FragmentOrder::Forward,
        }
    }
}

/// Wraps a transport segment in one IP packet, or in several fragments when the route says so.
///
/// `identification` must differ between packets of the same two hosts (RFC 6864).
///
/// # Panics
/// When the two addresses are of different families, or a fragment size is not a multiple of 8.
#[must_use]
pub fn packets(
    route: &Route,
    source: IpAddr,
    destination: IpAddr,
    protocol: IpNextHeaderProtocol,
    identification: u16,
    segment: &[u8],
) -> Vec<Vec<u8>> {
    let pieces = cut(route, segment);
    let mut packets: Vec<Vec<u8>> = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => pieces
            .iter()
            .map(|piece| ipv4_packet(route, source, destination, protocol, identification, piece))
            .collect(),
        (IpAddr::V6(source), IpAddr::V6(destination)) => pieces
            .iter()
            .map(|piece| ipv6_packet(route, source, destination, protocol, identification, piece))
            .collect(),
        _ => {
            panic!("a packet cannot go from {source} to {destination}: one is IPv4, the other IPv6")
        }
    };
    if route.fragment_order == FragmentOrder::Reversed {
        packets.reverse();
    }
    packets
}

/// A part of an IP payload and where it belongs.
struct Piece<'a> {
    offset_bytes: usize,
    more_follow: bool,
    bytes: &'a [u8],
}

impl Piece<'_> {
    fn is_whole(&self) -> bool {
        self.offset_bytes == 0 && !self.more_follow
    }
}

fn cut<'a>(route: &Route, segment: &'a [u8]) -> Vec<Piece<'a>> {
    let Some(size) = route
        .fragment_bytes
        .map(usize::from)
        .filter(|size| segment.len() > *size)
    else {
        return vec![Piece {
            offset_bytes: 0,
            more_follow: false,
            bytes: segment,
        }];
    };
    assert!(
        size % 8 == 0 && size > 0,
        "fragments are cut at multiples of 8 bytes, not at {size}"
    );
    let count = segment.len().div_ceil(size);
    segment
        .chunks(size)
        .enumerate()
        .map(|(index, bytes)| Piece {
            offset_bytes: index * size,
            more_follow: index + 1 < count,
            bytes,
        })
        .collect()
}

fn ipv4_packet(
    route: &Route,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: IpNextHeaderProtocol,
    identification: u16,
    piece: &Piece<'_>,
) -> Vec<u8> {
    let mut buffer = vec![0; IPV4_HEADER_BYTES + piece.bytes.len()];
    let total = field_u16(buffer.len());
    let mut packet = MutableIpv4Packet::new(&mut buffer).expect("the buffer holds the header");
    packet.set_version(4);
    packet.set_header_length(5);
    packet.set_total_length(total);
    packet.set_identification(identification);
    packet.set_flags(match (piece.is_whole(), piece.more_follow) {
        (true, _) => DO_NOT_FRAGMENT,
        (false, true) => MORE_FRAGMENTS,
        (false, false) => 0,
    });
    packet.set_fragment_offset(field_u16(piece.offset_bytes / 8));
    packet.set_ttl(route.hop_limit);
    packet.set_next_level_protocol(protocol);
    packet.set_source(source);
    packet.set_destination(destination);
    packet.set_payload(piece.bytes);
    let checksum = ipv4::checksum(&packet.to_immutable());
    packet.set_checksum(checksum);
    buffer
}

fn ipv6_packet(
    route: &Route,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    protocol: IpNextHeaderProtocol,
    identification: u16,
    piece: &Piece<'_>,
) -> Vec<u8> {
    let mut chain: Vec<IpNextHeaderProtocol> = route
        .ipv6_extensions
        .iter()
        .map(|extension| match extension {
            Ipv6Extension::HopByHop => IpNextHeaderProtocols::Hopopt,
            Ipv6Extension::Destination => DESTINATION_OPTIONS,
            Ipv6Extension::Routing => IpNextHeaderProtocols::Ipv6Route,
        })
        .collect();
    if !piece.is_whole() {
        chain.push(IpNextHeaderProtocols::Ipv6Frag);
    }
    let mut payload = Vec::with_capacity(chain.len() * EXTENSION_HEADER_BYTES + piece.bytes.len());
    for (index, kind) in chain.iter().enumerate() {
        let next = chain.get(index + 1).copied().unwrap_or(protocol);
        payload.extend_from_slice(&extension_header(*kind, next, identification, piece));
    }
    payload.extend_from_slice(piece.bytes);

    let mut buffer = vec![0; IPV6_HEADER_BYTES + payload.len()];
    let mut packet = MutableIpv6Packet::new(&mut buffer).expect("the buffer holds the header");
    packet.set_version(6);
    packet.set_payload_length(field_u16(payload.len()));
    packet.set_next_header(chain.first().copied().unwrap_or(protocol));
    packet.set_hop_limit(route.hop_limit);
    packet.set_source(source);
    packet.set_destination(destination);
    packet.set_payload(&payload);
    buffer
}

fn extension_header(
    kind: IpNextHeaderProtocol,
    next: IpNextHeaderProtocol,
    identification: u16,
    piece: &Piece<'_>,
) -> [u8; EXTENSION_HEADER_BYTES] {
    let mut header = [0; EXTENSION_HEADER_BYTES];
    if kind == IpNextHeaderProtocols::Ipv6Frag {
        let mut fragment =
            MutableFragmentPacket::new(&mut header).expect("the buffer holds the header");
        fragment.set_next_header(next);
        fragment.set_id(u32::from(identification));
        // RFC 8200 section 4.5: offset in units of 8 bytes in the upper 13 bits, the M flag in the lowest.
        fragment.set_fragment_offset_with_flags(
            field_u16(piece.offset_bytes) | u16::from(piece.more_follow),
        );
        return header;
    }
    header[0] = next.0;
    if kind == IpNextHeaderProtocols::Ipv6Route {
        // Routing type 253 is set aside for experiments (RFC 3692); no segments left, so every host ignores it.
        header[2] = 253;
    } else {
        // One PadN option over the remaining six bytes.
        header[2] = 1;
        header[3] = 4;
    }
    header
}

#[cfg(test)]
mod tests {
    use pnet_packet::Packet;
    use pnet_packet::ipv4::Ipv4Packet;
    use pnet_packet::ipv6::Ipv6Packet;

    use super::*;

    #[test]
    fn fragments_cover_the_segment_and_carry_right_checksums() {
        let route = Route {
            fragment_bytes: Some(16),
            ..Route::default()
        };
        let segment: Vec<u8> = (0..40).collect();
        let source: IpAddr = "10.0.0.1".parse().unwrap();
        let destination: IpAddr = "192.0.2.1".parse().unwrap();
        let made = packets(
            &route,
            source,
            destination,
            IpNextHeaderProtocols::Udp,
            9,
            &segment,
        );
        let mut covered = Vec::new();
        for bytes in &made {
            let packet = Ipv4Packet::new(bytes).unwrap();
            assert_eq!(packet.get_checksum(), ipv4::checksum(&packet));
            assert_eq!(usize::from(packet.get_fragment_offset()) * 8, covered.len());
            covered.extend_from_slice(packet.payload());
        }
        assert_eq!(made.len(), 3);
        assert_eq!(covered, segment);
    }

    #[test]
    fn extension_headers_chain_to_the_transport() {
        let route = Route {
            ipv6_extensions: vec![Ipv6Extension::HopByHop, Ipv6Extension::Destination],
            ..Route::default()
        };
        let source: IpAddr = "2001:db8::1".parse().unwrap();
        let destination: IpAddr = "2001:db8::2".parse().unwrap();
        let made = packets(
            &route,
            source,
            destination,
            IpNextHeaderProtocols::Udp,
            9,
            &[1, 2, 3],
        );
        let packet = Ipv6Packet::new(&made[0]).unwrap();
        assert_eq!(packet.get_next_header(), IpNextHeaderProtocols::Hopopt);
        assert_eq!(packet.payload()[0], 60);
        assert_eq!(packet.payload()[8], 17);
        assert_eq!(&packet.payload()[16..], &[1, 2, 3]);
    }
}
