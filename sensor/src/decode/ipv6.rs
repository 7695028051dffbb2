//! IPv6 (RFC 8200) with its extension headers.

use std::net::{IpAddr, Ipv6Addr};

use super::{
    IpLayer, Packet, Walk, bytes,
    defragment::{Fragment, FragmentKey},
    ipv4::reassembled,
    limits,
};

const HEADER_BYTES: usize = 40;
const FRAGMENT_HEADER_BYTES: usize = 8;
/// What the reference wants to see of whatever follows an extension header.
const HEADER_BEGIN_BYTES: usize = 2;
/// Where the payload length and the next-header field stand in the fixed header.
const PAYLOAD_LENGTH_AT: usize = 4;
const NEXT_HEADER_AT: usize = 6;

/// Next-header values of extension headers.
mod next_header {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ICMPV4: u8 = 1;
    pub(super) const IPV6: u8 = 41;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const GENERIC_ROUTING_ENCAPSULATION: u8 = 47;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const ENCAPSULATING_SECURITY: u8 = 50;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const NONE: u8 = 59;
    pub(super) const DESTINATION_OPTIONS: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
    pub(super) const HOST_IDENTITY: u8 = 139;
    pub(super) const SHIM6: u8 = 140;
    /// What a transport or tunnel decoder takes.
    pub(super) const UPPER: [u8; 8] = [4, 6, 17, 41, 47, 50, 58, 132];
}

/// Where the walk over the extension headers ended.
struct Extensions {
    /// Protocol behind them.
    protocol: u8,
    /// Bytes from the start of the IPv6 header to what that protocol carries.
    header_length: usize,
    /// The fragment header, if the packet is a fragment or says so.
    fragment: Option<FragmentHeader>,
    /// Whether something made what follows unreadable.
    is_broken: bool,
}

#[derive(Clone, Copy)]
struct FragmentHeader {
    /// Where the next-header field that announced it stands.
    announced_at: usize,
    /// Where it begins.
    at: usize,
    next_header: u8,
    offset_units: u16,
    more_fragments: bool,
    identification: u32,
}

impl FragmentHeader {
    fn is_fragment(&self) -> bool {
        self.offset_units != 0 || self.more_fragments
    }
}

impl Walk<'_> {
    /// An IPv6 packet. Whether its fixed header holds together.
    pub(super) fn ipv6<'a>(&mut self, packet: &mut Packet<'a>, data: &'a [u8]) -> bool {
        if !self.enter_layer(packet) {
            return false;
        }
        self.counters.ipv6 += 1;
        let Some(fixed) = data.first_chunk::<HEADER_BYTES>() else {
            self.counters.ipv6_cut += 1;
            return false;
        };
        if fixed[0] >> 4 != 6 {
            packet.event("ipv6.wrong_ip_version");
            return false;
        }
        let payload_length = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
        let Some(whole) = data.get(..HEADER_BYTES + payload_length) else {
            packet.event("ipv6.trunc_pkt");
            return false;
        };
        let extensions = walk_extensions(packet, fixed[NEXT_HEADER_AT], whole);
        let (header, payload) = whole
            .split_at_checked(extensions.header_length)
            .unwrap_or((whole, &[]));
        let fragment = extensions.fragment;
        let address = |at: usize| {
            let octets = fixed.get(at..).and_then(|rest| rest.first_chunk::<16>());
            IpAddr::V6(Ipv6Addr::from(octets.copied().unwrap_or_default()))
        };
        let ip = IpLayer {
            version: 6,
            source: address(8),
            destination: address(24),
            protocol: extensions.protocol,
            header,
            payload,
            ttl: fixed[7],
            tos: (fixed[0] << 4) | (fixed[1] >> 4),
            id: fragment.map_or(0, |fragment| fragment.identification),
            is_fragment: fragment.is_some_and(|fragment| fragment.is_fragment()),
            fragment_offset: fragment.map_or(0, |fragment| fragment.offset_units),
            fragment_bits: fragment.map_or(0, |fragment| u8::from(fragment.more_fragments)),
        };
        packet.ip = Some(ip);
        if let Some(fragment) = fragment.filter(FragmentHeader::is_fragment) {
            self.ipv6_fragment(packet, &ip, fragment);
        } else if !extensions.is_broken {
            self.transport(packet, &ip);
        }
        true
    }

    fn ipv6_fragment(&mut self, packet: &mut Packet<'_>, ip: &IpLayer<'_>, header: FragmentHeader) {
        self.counters.fragments += 1;
        if header.more_fragments && !ip.payload.len().is_multiple_of(8) {
            packet.event("ipv6.frag_invalid_length");
        }
        let key = FragmentKey::new(packet, ip, None);
        let fragment = Fragment {
            time: packet.time,
            offset_bytes: usize::from(header.offset_units) * 8,
            more_fragments: header.more_fragments,
            payload: ip.payload,
        };
        let Some(whole) = self
            .defragmenter
            .insert(key, &fragment, packet, self.counters)
        else {
            return;
        };
        // The unfragmentable part of the first fragment without its fragment header. The headers in front of it are all
        // in that first fragment, at the same places as in the packet just seen only if it is the first; so the fragment
        // header is looked for again.
        let mut scratch = Packet::undecoded(packet.time, 0);
        let first_next = bytes::u8_at(&whole.header, NEXT_HEADER_AT).unwrap_or(next_header::NONE);
        let Some(first) = walk_extensions(&mut scratch, first_next, &whole.header).fragment else {
            return;
        };
        let mut data = whole.header;
        data.truncate(first.at);
        if let Some(field) = data.get_mut(first.announced_at) {
            *field = first.next_header;
        }
        data.extend_from_slice(&whole.payload);
        // Headers in front of the fragments can make it too long for its length field; as in the reference that wraps then, and
        // what does not fit is seen as missing.
        let payload_bytes = data.len().saturating_sub(HEADER_BYTES) & usize::from(u16::MAX);
        let payload_length = u16::try_from(payload_bytes).unwrap_or(u16::MAX);
        if let Some(fixed) = data.first_chunk_mut::<HEADER_BYTES>() {
            [fixed[PAYLOAD_LENGTH_AT], fixed[PAYLOAD_LENGTH_AT + 1]] = payload_length.to_be_bytes();
        }
        self.counters.reassembled += 1;
        let mut reassembled = reassembled(packet);
        self.ipv6(&mut reassembled, &data);
        self.finish(&mut reassembled);
    }
}

/// Goes over the extension headers of `whole` and notes what is odd about them.
fn walk_extensions(packet: &mut Packet<'_>, first: u8, whole: &[u8]) -> Extensions {
    let mut next = first;
    let mut announced_at = NEXT_HEADER_AT;
    let mut at = HEADER_BYTES;
    let mut fragment = None;
    let mut seen = [false; 256];
    let mut destination_options = 0;
    // As in the reference a packet whose headers lead nowhere has the last of them for its protocol.
    let mut last_read = 0;
    for _ in 0..limits::IPV6_EXTENSION_HEADERS_MAX {
        let duplicate = std::mem::replace(&mut seen[usize::from(next)], true);
        let header = bytes::from(whole, at);
        let is_begun = header.len() >= HEADER_BEGIN_BYTES || next == next_header::NONE;
        if !is_begun && (at > HEADER_BYTES || has_header_begin(next)) {
            return truncated(packet, last_read, fragment, whole);
        }
        if matches!(
            next,
            next_header::ROUTING
                | next_header::DESTINATION_OPTIONS
                | next_header::FRAGMENT
                | next_header::AUTHENTICATION
        ) {
            last_read = next;
        }
        let length = match next {
            next_header::FRAGMENT => FRAGMENT_HEADER_BYTES,
            next_header::AUTHENTICATION => {
                // A length of 0 counts as that of the least header, as in the reference.
                (usize::from(bytes::u8_at(header, 1).unwrap_or(0)).max(1) + 2) * 4
            }
            next_header::HOP_BY_HOP
            | next_header::ROUTING
            | next_header::DESTINATION_OPTIONS
            | next_header::MOBILITY
            | next_header::HOST_IDENTITY
            | next_header::SHIM6 => (usize::from(bytes::u8_at(header, 1).unwrap_or(0)) + 1) * 8,
            _ => {
                let is_first = at == HEADER_BYTES;
                let is_broken = end_of_extensions(packet, next, is_first, header);
                return Extensions {
                    protocol: match next {
                        next_header::NONE | next_header::ICMPV4 => last_read,
                        protocol => protocol,
                    },
                    header_length: at,
                    fragment,
                    is_broken,
                };
            }
        };
        let Some(header) = header.get(..length) else {
            return truncated(packet, last_read, fragment, whole);
        };
        match next {
            next_header::HOP_BY_HOP => {
                if duplicate {
                    packet.event("ipv6.exthdr_dupl_hh");
                } else {
                    let events = ["ipv6.hopopts_unknown_opt", "ipv6.hopopts_only_padding"];
                    padded_options(packet, bytes::from(header, 2), events);
                }
            }
            next_header::DESTINATION_OPTIONS => {
                // Twice is right: before a routing header and before the upper layer.
                destination_options += 1;
                if destination_options > 2 {
                    packet.event("ipv6.exthdr_dupl_dh");
                } else {
                    let events = ["ipv6.dstopts_unknown_opt", "ipv6.dstopts_only_padding"];
                    padded_options(packet, bytes::from(header, 2), events);
                }
            }
            next_header::ROUTING => {
                if duplicate {
                    packet.event("ipv6.exthdr_dupl_rh");
                }
                if bytes::u8_at(header, 2) == Some(0) {
                    packet.event("ipv6.rh_type_0");
                }
            }
            next_header::AUTHENTICATION => {
                if duplicate {
                    packet.event("ipv6.exthdr_dupl_ah");
                }
                if bytes::u16_at(header, 2) != Some(0) {
                    packet.event("ipv6.exthdr_ah_res_not_null");
                }
            }
            next_header::FRAGMENT => {
                if duplicate {
                    packet.event("ipv6.exthdr_dupl_fh");
                }
                let found = fragment_header(packet, header, at, announced_at);
                fragment = Some(found);
                if found.is_fragment() {
                    // What follows is a piece of something; only together can it be read. As in the reference a fragment's
                    // protocol is that of its fragment header.
                    return Extensions {
                        protocol: next_header::FRAGMENT,
                        header_length: at + length,
                        fragment,
                        is_broken: false,
                    };
                }
            }
            _ => {}
        }
        announced_at = at;
        next = bytes::u8_at(header, 0).unwrap_or(next_header::NONE);
        at += length;
    }
    packet.event("too_many_layers");
    Extensions {
        protocol: next,
        header_length: at.min(whole.len()),
        fragment,
        is_broken: true,
    }
}

/// A header that is cut off: nothing behind it can be read.
fn truncated(
    packet: &mut Packet<'_>,
    last_read: u8,
    fragment: Option<FragmentHeader>,
    whole: &[u8],
) -> Extensions {
    packet.event("ipv6.trunc_exthdr");
    Extensions {
        protocol: last_read,
        header_length: whole.len(),
        fragment,
        is_broken: true,
    }
}

/// Whether what a packet begins with is read as an extension header, of which two bytes must be there.
fn has_header_begin(next: u8) -> bool {
    matches!(
        next,
        next_header::HOP_BY_HOP
            | next_header::ROUTING
            | next_header::FRAGMENT
            | next_header::ENCAPSULATING_SECURITY
            | next_header::AUTHENTICATION
            | next_header::DESTINATION_OPTIONS
            | next_header::MOBILITY
            | next_header::HOST_IDENTITY
            | next_header::SHIM6
    )
}

/// Events of what stands behind the last extension header; whether it cannot be read.
fn end_of_extensions(packet: &mut Packet<'_>, next: u8, is_first: bool, rest: &[u8]) -> bool {
    match next {
        next_header::NONE => {
            if !rest.is_empty() {
                packet.event("ipv6.data_after_none_header");
            }
            true
        }
        next_header::ICMPV4 => {
            packet.event("ipv6.icmpv4");
            true
        }
        next_header::ENCAPSULATING_SECURITY => false,
        // The reference follows these tunnels only where they come first.
        next_header::IPV6 | next_header::GENERIC_ROUTING_ENCAPSULATION if !is_first => {
            packet.event("ipv6.unknown_next_header");
            true
        }
        upper if next_header::UPPER.contains(&upper) => false,
        _ => {
            packet.event("ipv6.unknown_next_header");
            true
        }
    }
}

fn fragment_header(
    packet: &mut Packet<'_>,
    header: &[u8],
    at: usize,
    announced_at: usize,
) -> FragmentHeader {
    let offset_and_flags = bytes::u16_at(header, 2).unwrap_or(0);
    let found = FragmentHeader {
        announced_at,
        at,
        next_header: bytes::u8_at(header, 0).unwrap_or(next_header::NONE),
        offset_units: offset_and_flags >> 3,
        more_fragments: offset_and_flags & 1 != 0,
        identification: bytes::u32_at(header, 4).unwrap_or(0),
    };
    if bytes::u8_at(header, 1) != Some(0) {
        packet.event("ipv6.fh_non_zero_reserved_field");
    }
    if !found.is_fragment() {
        packet.event("ipv6.exthdr_useless_fh");
    }
    found
}

/// Options of a hop-by-hop or destination header; `events` are those for an unknown option and for nothing but padding.
fn padded_options(packet: &mut Packet<'_>, mut options: &[u8], events: [&'static str; 2]) {
    const PAD_1: u8 = 0;
    const PAD_N: u8 = 1;
    const ROUTER_ALERT: u8 = 0x05;
    const JUMBO_PAYLOAD: u8 = 0xc2;
    const HOME_ADDRESS: u8 = 0xc9;
    /// With the least length of their bodies.
    const KNOWN: [(u8, u8); 3] = [(ROUTER_ALERT, 2), (JUMBO_PAYLOAD, 4), (HOME_ADDRESS, 16)];
    let [unknown, only_padding] = events;
    let (mut others, mut paddings) = (0, 0);
    while let Some((&kind, rest)) = options.split_first() {
        if kind == PAD_1 {
            paddings += 1;
            options = rest;
            continue;
        }
        let length = rest.first().copied().unwrap_or(u8::MAX);
        let Some(following) = rest.get(1 + usize::from(length)..) else {
            packet.event("ipv6.exthdr_invalid_optlen");
            break;
        };
        if kind == PAD_N {
            paddings += 1;
            if length == 0 {
                packet.event("ipv6.zero_len_padn");
            }
        } else {
            // The reference does not count jumbo payloads.
            others += u32::from(kind != JUMBO_PAYLOAD);
            match KNOWN.iter().find(|(known, _)| *known == kind) {
                None => packet.event(unknown),
                Some((_, least)) if length < *least => {
                    packet.event("ipv6.exthdr_invalid_optlen");
                    break;
                }
                Some(_) => {}
            }
        }
        options = following;
    }
    if others == 0 && paddings > 0 {
        packet.event(only_padding);
    }
}
