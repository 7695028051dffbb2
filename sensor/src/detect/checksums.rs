//! Checksums of a packet's layers (RFC 1071), for `ipv4-csum` and its kin.

use std::net::IpAddr;

use crate::decode::{IpLayer, Packet, Transport};

/// Whether the checksum of the layer a keyword names is right; `None` where the packet has no such layer.
pub(crate) fn is_valid(packet: &Packet<'_>, layer: &str) -> Option<bool> {
    let ip = packet.ip.as_ref()?;
    let (version, protocol) = match layer.trim_end_matches("-csum") {
        "ipv4" => {
            return (ip.version == 4).then(|| fold(sum(ip.header)) == 0xffff);
        }
        "tcpv4" => (4, 6),
        "tcpv6" => (6, 6),
        "udpv4" => (4, 17),
        "udpv6" => (6, 17),
        "icmpv4" => (4, 1),
        "icmpv6" => (6, 58),
        _ => return None,
    };
    let has_layer = match protocol {
        6 => matches!(packet.transport, Transport::Tcp(_)),
        17 => matches!(packet.transport, Transport::Udp { .. }),
        1 => matches!(packet.transport, Transport::Icmpv4(_)),
        _ => matches!(packet.transport, Transport::Icmpv6(_)),
    };
    if ip.version != version || !has_layer {
        return None;
    }
    if (version, protocol) == (4, 17) && ip.payload.get(6..8) == Some(&[0, 0]) {
        // UDP over IPv4 may go without: there is none then.
        return None;
    }
    let pseudo_header = if protocol == 1 {
        0
    } else {
        pseudo_header_sum(ip)
    };
    Some(fold(pseudo_header + sum(ip.payload)) == 0xffff)
}

fn pseudo_header_sum(ip: &IpLayer<'_>) -> u64 {
    let addresses = [ip.source, ip.destination]
        .iter()
        .map(|address| match address {
            IpAddr::V4(address) => sum(&address.octets()),
            IpAddr::V6(address) => sum(&address.octets()),
        })
        .sum::<u64>();
    addresses + u64::from(ip.protocol) + u64::try_from(ip.payload.len()).unwrap_or(0)
}

/// Sum of big-endian 16-bit words, an odd last byte padded with zero.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let words: u64 = words
        .iter()
        .map(|word| u64::from(u16::from_be_bytes(*word)))
        .sum();
    words + rest.first().map_or(0, |last| u64::from(*last) << 8)
}

fn fold(mut sum: u64) -> u64 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_header_adds_up() {
        let header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8,
            0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
        ];
        assert_eq!(fold(sum(&header)), 0xffff);
        assert_ne!(fold(sum(&header[..18])), 0xffff);
    }
}
