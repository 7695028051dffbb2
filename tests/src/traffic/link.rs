//! Link layers: what stands in front of an IP packet in a capture file.

use std::net::IpAddr;

use pnet_base::MacAddr;
use pnet_packet::ethernet::{EtherType, EtherTypes, MutableEthernetPacket};
use pnet_packet::vlan::MutableVlanPacket;
use serde::Deserialize;

const ETHERNET_HEADER_BYTES: usize = 14;
const VLAN_TAG_BYTES: usize = 4;
/// IEEE 802.1ad service tag.
const QINQ_OUTER_TYPE: u16 = 0x88a8;

/// The link type of a capture, with the numbers of the tcpdump registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkType {
    /// Ethernet, the only one that carries VLAN tags.
    #[default]
    Ethernet,
    /// A bare IP packet.
    Raw,
    /// BSD loopback, written little-endian.
    Null,
    /// Linux cooked capture, version 1.
    LinuxCooked,
    /// Linux cooked capture, version 2.
    LinuxCookedV2,
}

impl LinkType {
    /// The number that stands in the file.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Null => 0,
            Self::Ethernet => 1,
            Self::Raw => 101,
            Self::LinuxCooked => 113,
            Self::LinuxCookedV2 => 276,
        }
    }

    /// Puts the link header in front of an IP packet that goes from `source` to `destination`.
    ///
    /// `vlans` are VLAN identifiers from the outside in; two make a QinQ frame. Other links than Ethernet ignore them.
    #[must_use]
    pub fn frame(
        self,
        source: IpAddr,
        destination: IpAddr,
        vlans: &[u16],
        packet: &[u8],
    ) -> Vec<u8> {
        let ether_type = match source {
            IpAddr::V4(_) => EtherTypes::Ipv4,
            IpAddr::V6(_) => EtherTypes::Ipv6,
        };
        let mut frame = match self {
            Self::Ethernet => ethernet_header(source, destination, vlans, ether_type),
            Self::Raw => Vec::new(),
            Self::Null => match source {
                IpAddr::V4(_) => 2_u32.to_le_bytes().to_vec(),
                IpAddr::V6(_) => 30_u32.to_le_bytes().to_vec(),
            },
            Self::LinuxCooked => {
                // Packet type "to us", ARPHRD_ETHER, six address bytes padded to eight, protocol.
                let mut header = vec![0, 0, 0, 1, 0, 6];
                header.extend_from_slice(&hardware_address(source).octets());
                header.extend_from_slice(&[0, 0]);
                header.extend_from_slice(&ether_type.0.to_be_bytes());
                header
            }
            Self::LinuxCookedV2 => {
                // Protocol, reserved, interface index, ARPHRD_ETHER, packet type, address length, address padded.
                let mut header = ether_type.0.to_be_bytes().to_vec();
                header.extend_from_slice(&[0, 0, 0, 0, 0, 2, 0, 1, 0, 6]);
                header.extend_from_slice(&hardware_address(source).octets());
                header.extend_from_slice(&[0, 0]);
                header
            }
        };
        frame.extend_from_slice(packet);
        frame
    }
}

fn ethernet_header(
    source: IpAddr,
    destination: IpAddr,
    vlans: &[u16],
    inner: EtherType,
) -> Vec<u8> {
    let mut header = vec![0; ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES * vlans.len()];
    // The type that announces each tag: a service tag outside when there are several, customer tags inside.
    let announced = |tag: usize| {
        if tag == vlans.len() {
            inner
        } else if tag == 0 && vlans.len() > 1 {
            EtherType(QINQ_OUTER_TYPE)
        } else {
            EtherTypes::Vlan
        }
    };
    let mut ethernet =
        MutableEthernetPacket::new(&mut header).expect("the buffer holds the header");
    ethernet.set_source(hardware_address(source));
    ethernet.set_destination(hardware_address(destination));
    ethernet.set_ethertype(announced(0));
    for (index, vlan) in vlans.iter().enumerate() {
        let start = ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES * index;
        let mut tag =
            MutableVlanPacket::new(&mut header[start..]).expect("the buffer holds the tag");
        tag.set_vlan_identifier(*vlan);
        tag.set_ethertype(announced(index + 1));
    }
    header
}

/// A locally administered address made from the IP address, so that a host keeps its address in a capture.
fn hardware_address(address: IpAddr) -> MacAddr {
    let tail = match address {
        IpAddr::V4(v4) => v4.octets(),
        IpAddr::V6(v6) => {
            let [.., a, b, c, d] = v6.octets();
            [a, b, c, d]
        }
    };
    MacAddr::new(0x02, 0x00, tail[0], tail[1], tail[2], tail[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(link: LinkType, vlans: &[u16]) -> Vec<u8> {
        let source: IpAddr = "10.0.0.1".parse().unwrap();
        let destination: IpAddr = "192.0.2.1".parse().unwrap();
        link.frame(source, destination, vlans, &[0x45])
    }

    #[test]
    fn two_tags_make_a_service_tag_and_a_customer_tag() {
        let bytes = frame(LinkType::Ethernet, &[100, 7]);
        assert_eq!(
            &bytes[12..],
            &[0x88, 0xa8, 0, 100, 0x81, 0x00, 0, 7, 0x08, 0x00, 0x45]
        );
    }

    #[test]
    fn cooked_headers_have_their_registered_lengths() {
        assert_eq!(frame(LinkType::LinuxCooked, &[]).len(), 16 + 1);
        assert_eq!(frame(LinkType::LinuxCookedV2, &[]).len(), 20 + 1);
        assert_eq!(frame(LinkType::Null, &[]), [2, 0, 0, 0, 0x45]);
        assert_eq!(frame(LinkType::Raw, &[]), [0x45]);
    }
}
