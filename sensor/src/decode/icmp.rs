//! ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861).

use std::net::{IpAddr, Ipv4Addr};

use super::{Ends, Icmp, IcmpError, Packet, Transport, Walk, bytes, transport::protocol};

const HEADER_BYTES: usize = 8;
const HALF_HEADER_BYTES: usize = 4;
/// Type of the message that a destination was not reached.
const UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
const TIMESTAMP_HEADER_BYTES: usize = 20;
const IPV4_HEADER_MIN_BYTES: usize = 20;
const IPV6_HEADER_BYTES: usize = 40;
/// Highest hop limit; neighbour discovery must come with it.
const HOP_LIMIT_MAX: u8 = 255;

/// Highest code of each ICMPv4 type that the reference knows; a router solicitation (10) it does not.
fn icmpv4_highest_code(kind: u8) -> Option<u8> {
    Some(match kind {
        0 | 4 | 8 | 12..=18 => 0,
        3 => 15,
        5 => 3,
        9 => 16,
        11 => 1,
        _ => return None,
    })
}

/// Bytes of the entries of a router advertisement: their number, and their size in words.
fn advertised_bytes(header: &[u8; HEADER_BYTES]) -> usize {
    usize::from(header[4]) * usize::from(header[5]) * 4
}

impl Walk<'_> {
    /// An ICMPv4 message.
    pub(super) fn icmpv4<'a>(&mut self, packet: &mut Packet<'a>, data: &'a [u8]) {
        self.counters.icmpv4 += 1;
        let Some((header, payload)) = data.split_first_chunk::<HEADER_BYTES>() else {
            packet.event("icmpv4.pkt_too_small");
            return;
        };
        let [kind, code, ..] = *header;
        let is_code_known = match icmpv4_highest_code(kind) {
            None => {
                packet.event("icmpv4.unknown_type");
                false
            }
            Some(highest) if code > highest => {
                packet.event("icmpv4.unknown_code");
                false
            }
            Some(_) => true,
        };
        let full_header_length = match kind {
            // Timestamps are part of the header (RFC 792, page 16), as are the routers advertised (RFC 1256).
            13 | 14 => TIMESTAMP_HEADER_BYTES,
            9 => HEADER_BYTES + advertised_bytes(header),
            _ => HEADER_BYTES,
        };
        let header_length = if data.len() < full_header_length {
            packet.event("icmpv4.ipv4_trunc_pkt");
            HEADER_BYTES
        } else {
            full_header_length
        };
        let is_error = matches!(kind, 3 | 4 | 5 | 11 | 12);
        if is_error && is_code_known {
            match payload.first().map(|byte| byte >> 4) {
                // As in the reference one that quotes nothing is not told, unless it is a source quench.
                None if kind != SOURCE_QUENCH => {}
                _ if payload.len() < IPV4_HEADER_MIN_BYTES => {
                    packet.event("icmpv4.ipv4_trunc_pkt");
                }
                Some(4) => {}
                _ => packet.event("icmpv4.ipv4_unknown_ver"),
            }
        }
        let has_id = matches!(kind, 0 | 8 | 13..=18);
        let (whole_header, payload) = data.split_at(header_length);
        packet.transport = Transport::Icmpv4(Icmp {
            error: is_error.then(|| IcmpError {
                quoted: quoted_ends(payload).filter(|_| kind == UNREACHABLE && is_code_known),
            }),
            ..message(header, whole_header, has_id)
        });
        packet.payload = payload;
    }

    /// An ICMPv6 message.
    pub(super) fn icmpv6<'a>(&mut self, packet: &mut Packet<'a>, data: &'a [u8]) {
        self.counters.icmpv6 += 1;
        let Some((header, payload)) = data.split_first_chunk::<HEADER_BYTES>() else {
            packet.event("icmpv6.pkt_too_small");
            return;
        };
        let [kind, code, ..] = *header;
        let hop_limit = packet.ip.map_or(0, |ip| ip.ttl);
        let oddity = icmpv6_oddity(kind, code);
        if let Some(event) = oddity {
            packet.event(event);
        }
        if matches!(kind, 130..=132) && hop_limit != 1 {
            packet.event("icmpv6.mld_message_with_invalid_hl");
        }
        if matches!(kind, 1..=4) && oddity.is_none() {
            if payload.len() < IPV6_HEADER_BYTES {
                packet.event("icmpv6.ipv6_trunc_pkt");
            } else if payload.first().map(|byte| byte >> 4) != Some(6) {
                packet.event("icmpv6.ipv6_unknown_version");
            }
        }
        packet.transport = Transport::Icmpv6(message(header, header, matches!(kind, 128 | 129)));
        // Of messages that are neither errors nor echoes the reference takes half the header for payload, and as many bytes less
        // at the end.
        packet.payload = match kind {
            1..=4 | 128 | 129 => payload,
            _ => {
                let length = payload.len().saturating_sub(HALF_HEADER_BYTES);
                bytes::from(data, HALF_HEADER_BYTES)
                    .get(..length)
                    .unwrap_or_default()
            }
        };
    }
}

/// Ends and protocol of the TCP or UDP packet that a message quotes. The reference looks for the ports where they stand
/// behind a header without options.
fn quoted_ends(quoted: &[u8]) -> Option<(Ends, u8)> {
    let header = quoted.first_chunk::<IPV4_HEADER_MIN_BYTES>()?;
    let has_ports = matches!(header[9], protocol::TCP | protocol::UDP);
    if header[0] >> 4 != 4 || !has_ports {
        return None;
    }
    let address =
        |at: usize| bytes::u32_at(header, at).map(|bits| IpAddr::V4(Ipv4Addr::from(bits)));
    let ends = Ends {
        source: address(12)?,
        destination: address(16)?,
        source_port: bytes::u16_at(quoted, IPV4_HEADER_MIN_BYTES)?,
        destination_port: bytes::u16_at(quoted, IPV4_HEADER_MIN_BYTES + 2)?,
    };
    Some((ends, header[9]))
}

fn message<'a>(header: &[u8; HEADER_BYTES], whole_header: &'a [u8], has_id: bool) -> Icmp<'a> {
    Icmp {
        kind: header[0],
        code: header[1],
        id: bytes::u16_at(header, 4).filter(|_| has_id),
        sequence: bytes::u16_at(header, 6).filter(|_| has_id),
        header: whole_header,
        error: None,
    }
}

/// What is odd about a message by its type and code.
fn icmpv6_oddity(kind: u8, code: u8) -> Option<&'static str> {
    const UNKNOWN_CODE: Option<&str> = Some("icmpv6.unknown_code");
    let highest_code = match kind {
        1 => 7,
        2 | 128 | 129 | 130..=137 | 141..=143 | 144..=147 | 148 | 149 => 0,
        3 => 1,
        4 => 10,
        138 => match code {
            0 | 1 | HOP_LIMIT_MAX => return None,
            _ => return UNKNOWN_CODE,
        },
        139 | 140 => 2,
        150..=154 => return None,
        100 | 101 | 200 | 201 => return Some("icmpv6.experimentation_type"),
        5..=99 | 102..=126 | 155..=199 | 202..=255 => return Some("icmpv6.unassigned_type"),
        0 | 127 => return Some("icmpv6.unknown_type"),
    };
    if code > highest_code {
        UNKNOWN_CODE
    } else {
        None
    }
}
