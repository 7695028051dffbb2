//! IPv4 (RFC 791) with options.

use std::net::{IpAddr, Ipv4Addr};

use super::{
    IpLayer, Packet, Walk, bytes,
    defragment::{Fragment, FragmentKey},
    limits,
};

const HEADER_MIN_BYTES: usize = 20;
const RESERVED_BIT: u16 = 0x8000;
const DO_NOT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET_MASK: u16 = 0x1fff;

/// Option numbers with a form that is checked.
mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NO_OPERATION: u8 = 1;
    pub(super) const RECORD_ROUTE: u8 = 7;
    pub(super) const QUICK_START: u8 = 25;
    pub(super) const TIMESTAMP: u8 = 68;
    pub(super) const SECURITY: u8 = 130;
    pub(super) const LOOSE_SOURCE_ROUTE: u8 = 131;
    pub(super) const EXTENDED_SECURITY: u8 = 133;
    pub(super) const COMMERCIAL_SECURITY: u8 = 134;
    pub(super) const STREAM_IDENTIFIER: u8 = 136;
    pub(super) const STRICT_SOURCE_ROUTE: u8 = 137;
    pub(super) const ROUTER_ALERT: u8 = 148;
    pub(super) const KNOWN: [u8; 10] = [
        RECORD_ROUTE,
        QUICK_START,
        TIMESTAMP,
        SECURITY,
        LOOSE_SOURCE_ROUTE,
        EXTENDED_SECURITY,
        COMMERCIAL_SECURITY,
        STREAM_IDENTIFIER,
        STRICT_SOURCE_ROUTE,
        ROUTER_ALERT,
    ];
}

impl Walk<'_> {
    /// An IPv4 packet. Whether its header holds together.
    pub(super) fn ipv4<'a>(&mut self, packet: &mut Packet<'a>, data: &'a [u8]) -> bool {
        if !self.enter_layer(packet) {
            return false;
        }
        self.counters.ipv4 += 1;
        let Some(fixed) = data.first_chunk::<HEADER_MIN_BYTES>() else {
            packet.event("ipv4.pkt_too_small");
            return false;
        };
        if fixed[0] >> 4 != 4 {
            packet.event("ipv4.wrong_ip_version");
            return false;
        }
        let header_length = usize::from(fixed[0] & 0x0f) * 4;
        if header_length < HEADER_MIN_BYTES {
            packet.event("ipv4.hlen_too_small");
            return false;
        }
        let total_length = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        if total_length < header_length {
            packet.event("ipv4.iplen_smaller_than_hlen");
            return false;
        }
        let Some((header, payload)) = data
            .get(..total_length)
            .and_then(|whole| whole.split_at_checked(header_length))
        else {
            packet.event("ipv4.trunc_pkt");
            return false;
        };
        let fragmentation = u16::from_be_bytes([fixed[6], fixed[7]]);
        let fragment_offset = fragmentation & FRAGMENT_OFFSET_MASK;
        let more_fragments = fragmentation & MORE_FRAGMENTS != 0;
        let ip = IpLayer {
            version: 4,
            source: IpAddr::V4(Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15])),
            destination: IpAddr::V4(Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19])),
            protocol: fixed[9],
            header,
            payload,
            ttl: fixed[8],
            tos: fixed[1],
            id: u32::from(u16::from_be_bytes([fixed[4], fixed[5]])),
            is_fragment: fragment_offset != 0 || more_fragments,
            fragment_offset,
            fragment_bits: u8::from(more_fragments)
                | (u8::from(fragmentation & DO_NOT_FRAGMENT != 0) << 1)
                | (u8::from(fragmentation & RESERVED_BIT != 0) << 2),
        };
        if !options(packet, bytes::from(header, HEADER_MIN_BYTES)) {
            return false;
        }
        packet.ip = Some(ip);
        if ip.is_fragment {
            self.ipv4_fragment(packet, &ip);
        } else {
            self.transport(packet, &ip);
        }
        true
    }

    fn ipv4_fragment(&mut self, packet: &mut Packet<'_>, ip: &IpLayer<'_>) {
        self.counters.fragments += 1;
        let key = FragmentKey::new(packet, ip, Some(ip.protocol));
        let fragment = Fragment {
            time: packet.time,
            offset_bytes: usize::from(ip.fragment_offset) * 8,
            more_fragments: ip.fragment_bits & 1 != 0,
            payload: ip.payload,
        };
        let Some(whole) = self
            .defragmenter
            .insert(key, &fragment, packet, self.counters)
        else {
            return;
        };
        // The first fragment's header, with the length and the fragment field as of a whole packet.
        let mut data = Vec::with_capacity(whole.header.len() + whole.payload.len());
        data.extend_from_slice(&whole.header);
        data.extend_from_slice(&whole.payload);
        let Ok(total) = u16::try_from(data.len()) else {
            packet.event("ipv4.frag_pkt_too_large");
            return;
        };
        if let Some(fixed) = data.first_chunk_mut::<HEADER_MIN_BYTES>() {
            let before = [[fixed[2], fixed[3]], [fixed[6], fixed[7]]];
            [fixed[2], fixed[3]] = total.to_be_bytes();
            fixed[6] &= (DO_NOT_FRAGMENT >> 8).to_be_bytes()[1];
            fixed[7] = 0;
            let behind = [[fixed[2], fixed[3]], [fixed[6], fixed[7]]];
            let checksum = u16::from_be_bytes([fixed[10], fixed[11]]);
            [fixed[10], fixed[11]] = before
                .into_iter()
                .zip(behind)
                .fold(checksum, |checksum, (old, new)| {
                    changed_checksum(checksum, u16::from_be_bytes(old), u16::from_be_bytes(new))
                })
                .to_be_bytes();
        }
        self.counters.reassembled += 1;
        let mut reassembled = reassembled(packet);
        self.ipv4(&mut reassembled, &data);
        self.finish(&mut reassembled);
    }
}

/// The checksum of a header one word of which has changed: right where it was right before (RFC 1624, equation 3).
fn changed_checksum(checksum: u16, old: u16, new: u16) -> u16 {
    let add = |one: u16, other: u16| {
        let (sum, carries) = one.overflowing_add(other);
        sum + u16::from(carries)
    };
    !add(add(!checksum, !old), new)
}

/// A packet put together, with what it inherits from the fragment that completed it.
pub(super) fn reassembled<'a>(last: &Packet<'_>) -> Packet<'a> {
    let mut packet = Packet::undecoded(last.time, last.wire_length_bytes);
    packet.origin = super::PacketOrigin::Reassembled;
    packet.vlans = last.vlans.clone();
    packet.tunnel_depth = last.tunnel_depth;
    packet
}

/// Checks the form of the options. Whether the packet is usable: with an option whose length makes no sense the reference
/// takes it for no IPv4 packet.
fn options(packet: &mut Packet<'_>, mut options: &[u8]) -> bool {
    if options.is_empty() {
        return true;
    }
    if !options.len().is_multiple_of(8) {
        packet.event("ipv4.opt_pad_required");
    }
    let mut seen: heapless::Vec<u8, { limits::HEADER_OPTIONS_MAX }> = heapless::Vec::new();
    while let Some((&kind, rest)) = options.split_first() {
        match kind {
            option::END => return true,
            option::NO_OPERATION => {
                options = rest;
                continue;
            }
            _ => {}
        }
        let Some(&length) = rest.first() else {
            packet.event("ipv4.opt_eol_required");
            return true;
        };
        let length = usize::from(length);
        let (Some(body), true) = (options.get(2..length), length >= 2) else {
            packet.event("ipv4.opt_invalid_len");
            return false;
        };
        options = bytes::from(options, length);
        if !option::KNOWN.contains(&kind) {
            packet.event("ipv4.opt_invalid");
        } else if seen.contains(&kind) {
            packet.event("ipv4.opt_duplicate");
        } else if let Some(event) = malformed(kind, length, body) {
            packet.event(event);
        } else {
            seen.push(kind).ok();
        }
    }
    true
}

/// What is wrong with one option; `body` is what follows its type and length.
fn malformed(kind: u8, length: usize, body: &[u8]) -> Option<&'static str> {
    const INVALID_LENGTH: Option<&str> = Some("ipv4.opt_invalid_len");
    const MALFORMED: Option<&str> = Some("ipv4.opt_malformed");
    match kind {
        option::RECORD_ROUTE | option::LOOSE_SOURCE_ROUTE | option::STRICT_SOURCE_ROUTE => {
            let Some(pointer) = body.first().map(|pointer| usize::from(*pointer)) else {
                return INVALID_LENGTH;
            };
            (pointer < 4 || pointer % 4 != 0 || pointer > length + 1)
                .then_some(())
                .and(MALFORMED)
        }
        option::TIMESTAMP => {
            let [pointer, flags, _, ..] = *body else {
                return INVALID_LENGTH;
            };
            let pointer = usize::from(pointer);
            let record_bytes = match flags & 0x0f {
                1 | 3 => 8,
                _ => 4,
            };
            (pointer < 5 || (pointer - 5) % record_bytes != 0 || pointer > length + 1)
                .then_some(())
                .and(MALFORMED)
        }
        option::QUICK_START => (length < 8).then_some(()).and(INVALID_LENGTH),
        option::SECURITY => (length < 3).then_some(()).and(INVALID_LENGTH),
        option::STREAM_IDENTIFIER | option::ROUTER_ALERT => {
            (length != 4).then_some(()).and(INVALID_LENGTH)
        }
        option::EXTENDED_SECURITY => (length < 3).then_some(()).and(INVALID_LENGTH),
        option::COMMERCIAL_SECURITY => commercial_security(length, body),
        _ => None,
    }
}

/// FIPS 188: a domain, then tags.
fn commercial_security(length: usize, body: &[u8]) -> Option<&'static str> {
    const LENGTH_MIN: usize = 10;
    const MALFORMED: Option<&str> = Some("ipv4.opt_malformed");
    if length < LENGTH_MIN {
        return Some("ipv4.opt_invalid_len");
    }
    if bytes::u32_at(body, 0) == Some(0) {
        return MALFORMED;
    }
    let mut tags = bytes::from(body, 4);
    while let [kind, tag_length, alignment, ..] = *tags {
        let tag_length = usize::from(tag_length);
        let is_known = matches!(kind, 1 | 2 | 5 | 6 | 7);
        if !is_known || tag_length < 4 || tag_length > tags.len() || (kind != 7 && alignment != 0) {
            return MALFORMED;
        }
        tags = bytes::from(tags, tag_length);
    }
    (!tags.is_empty()).then_some(()).and(MALFORMED)
}
