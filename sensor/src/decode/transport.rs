//! What IP carries: TCP, UDP, SCTP, ICMP, and the protocols that are tunnels.

use super::{IpLayer, Packet, Tcp, Transport, Walk, bytes, tcp_options};

/// IANA protocol numbers.
pub(super) mod protocol {
    pub(crate) const ICMP: u8 = 1;
    pub(crate) const IPV4_ENCAPSULATION: u8 = 4;
    pub(crate) const TCP: u8 = 6;
    pub(crate) const UDP: u8 = 17;
    pub(crate) const IPV6_ENCAPSULATION: u8 = 41;
    pub(crate) const GRE: u8 = 47;
    pub(crate) const ENCAPSULATING_SECURITY: u8 = 50;
    pub(crate) const ICMPV6: u8 = 58;
    pub(crate) const SCTP: u8 = 132;
}

const TCP_HEADER_MIN_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;
const SCTP_HEADER_BYTES: usize = 12;
const ENCAPSULATING_SECURITY_HEADER_BYTES: usize = 8;

impl Walk<'_> {
    /// Takes off the transport header.
    pub(super) fn transport<'a>(&mut self, packet: &mut Packet<'a>, ip: &IpLayer<'a>) {
        let data = ip.payload;
        match ip.protocol {
            protocol::TCP => self.tcp(packet, data),
            protocol::UDP => self.udp(packet, data),
            protocol::ICMP if ip.version == 4 => self.icmpv4(packet, data),
            protocol::ICMPV6 if ip.version == 6 => self.icmpv6(packet, data),
            protocol::ICMPV6 => packet.event("ipv4.icmpv6"),
            protocol::SCTP => self.sctp(packet, data),
            protocol::GRE => self.gre(packet, data),
            protocol::IPV4_ENCAPSULATION => self.ip_in_ip(packet, ip, 4),
            protocol::IPV6_ENCAPSULATION => self.ip_in_ip(packet, ip, 6),
            protocol::ENCAPSULATING_SECURITY => {
                match data.split_at_checked(ENCAPSULATING_SECURITY_HEADER_BYTES) {
                    Some((_, payload)) => {
                        packet.transport = Transport::EncapsulatingSecurity;
                        packet.payload = payload;
                    }
                    None => packet.event("esp.pkt_too_small"),
                }
                self.counters.encrypted_ip += 1;
            }
            _ => self.counters.other_ip_protocols += 1,
        }
    }

    fn tcp<'a>(&mut self, packet: &mut Packet<'a>, data: &'a [u8]) {
        self.counters.tcp += 1;
        let Some(fixed) = data.first_chunk::<TCP_HEADER_MIN_BYTES>() else {
            packet.event("tcp.pkt_too_small");
            return;
        };
        let header_length = usize::from(fixed[12] >> 4) * 4;
        if header_length < TCP_HEADER_MIN_BYTES {
            packet.event("tcp.invalid_optlen");
            return;
        }
        let Some((header, payload)) = data.split_at_checked(header_length) else {
            packet.event("tcp.hlen_too_small");
            return;
        };
        let options = bytes::from(header, TCP_HEADER_MIN_BYTES);
        tcp_options::check(packet, options);
        packet.transport = Transport::Tcp(Tcp {
            source_port: u16::from_be_bytes([fixed[0], fixed[1]]),
            destination_port: u16::from_be_bytes([fixed[2], fixed[3]]),
            sequence: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            acknowledgment: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            flags: fixed[13],
            window: u16::from_be_bytes([fixed[14], fixed[15]]),
            urgent: u16::from_be_bytes([fixed[18], fixed[19]]),
            header,
            options,
        });
        packet.payload = payload;
    }

    fn udp<'a>(&mut self, packet: &mut Packet<'a>, data: &'a [u8]) {
        self.counters.udp += 1;
        let Some((header, _)) = data.split_first_chunk::<UDP_HEADER_BYTES>() else {
            packet.event("udp.hlen_too_small");
            return;
        };
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        if length < UDP_HEADER_BYTES {
            packet.event("udp.len_invalid");
            return;
        }
        let Some(payload) = data.get(UDP_HEADER_BYTES..length) else {
            packet.event("udp.pkt_too_small");
            return;
        };
        let source_port = u16::from_be_bytes([header[0], header[1]]);
        let destination_port = u16::from_be_bytes([header[2], header[3]]);
        packet.transport = Transport::Udp {
            source_port,
            destination_port,
            header,
        };
        packet.payload = payload;
        if self.udp_tunnel(packet, source_port, destination_port, payload) {
            // What it carries is looked at by itself.
            packet.payload = &[];
        }
    }

    fn sctp<'a>(&mut self, packet: &mut Packet<'a>, data: &'a [u8]) {
        self.counters.sctp += 1;
        let (Some(source_port), Some(destination_port), true) = (
            bytes::u16_at(data, 0),
            bytes::u16_at(data, 2),
            data.len() >= SCTP_HEADER_BYTES,
        ) else {
            packet.event("sctp.pkt_too_small");
            return;
        };
        packet.transport = Transport::Sctp {
            source_port,
            destination_port,
        };
        packet.payload = bytes::from(data, SCTP_HEADER_BYTES);
    }
}
