//! Which worker a frame belongs to: a hash of the pair of addresses it travels between, the same for both directions.
//!
//! Ports are left out on purpose. All fragments of a datagram, the packets of a flow that are not fragmented, a control
//! connection and its data connections, and what is counted between two hosts so meet in one worker; tunnels stay together by
//! the addresses of their ends, whatever is inside. The kernel's own symmetric hash parts fragments from their flows and both
//! directions of VXLAN, so it is not used.
//!
//! The hash exists twice: as a program of the kernel's classic packet filter, which [`super::fanout`] sets on an interface, and
//! as [`FlowHash::of_frame`] for capture files. Both look through VLAN tags, MPLS labels and PPPoE; what has no addresses goes
//! to the first worker.

use super::{
    CapturedFrame, LinkType,
    packet_filter::{Assembler, Instruction, Label, Load},
};

/// VLAN tags that are looked through, beside the one that hardware takes off.
const VLAN_TAGS_MAX: usize = 3;
/// MPLS labels that are looked through.
const MPLS_LABELS_MAX: usize = 6;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN_TYPES: [u16; 3] = [0x8100, 0x88a8, 0x9100];
const MPLS_TYPES: [u16; 2] = [0x8847, 0x8848];
const PPPOE_SESSION: u16 = 0x8864;
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

/// Multiplier of the last mixing; odd, with its bits well spread.
const FINAL_MULTIPLIER: u32 = 0x9e37_79b1;

/// A hash with its key: without the key nobody can choose addresses that all meet in one worker.
#[derive(Clone, Copy, Debug)]
pub struct FlowHash {
    multipliers: [u32; 2],
}

impl FlowHash {
    /// A hash under a key; only odd multipliers mix well.
    #[must_use]
    pub fn new(key: [u32; 2]) -> Self {
        Self {
            multipliers: key.map(|part| part | 1),
        }
    }

    /// The worker of a frame, below `workers`.
    #[must_use]
    pub fn worker_of(&self, frame: &CapturedFrame<'_>, workers: u32) -> u32 {
        self.of_frame(frame) % workers.max(1)
    }

    /// The hash of a frame; 0 for one without addresses.
    #[must_use]
    pub fn of_frame(&self, frame: &CapturedFrame<'_>) -> u32 {
        addresses_of(frame).map_or(0, |(source, destination)| self.mix(source, destination))
    }

    fn mix(&self, source: u32, destination: u32) -> u32 {
        let [first, second] = self.multipliers;
        let mixed = (source ^ destination)
            .wrapping_mul(first)
            .wrapping_add(source.wrapping_add(destination).wrapping_mul(second));
        (mixed ^ (mixed >> 16)).wrapping_mul(FINAL_MULTIPLIER) >> 8
    }

    /// The same as a program of the kernel's packet filter. It starts at the network header, and X is its place in what follows.
    pub(super) fn program(&self) -> Vec<Instruction> {
        let mut code = Assembler::default();
        let (ipv4, ipv6, mix) = (code.label(), code.label(), code.label());
        let (mpls, pppoe, nothing) = (code.label(), code.label(), code.label());
        code.set_index(0);
        code.load_protocol();
        for _ in 0..VLAN_TAGS_MAX {
            let (tag, no_tag) = (code.label(), code.label());
            for kind in VLAN_TYPES {
                code.jump_if_equal(u32::from(kind), tag);
            }
            code.jump(no_tag);
            code.place(tag);
            code.load(Load::Half, 2);
            advance(&mut code, 4);
            code.place(no_tag);
        }
        for kind in MPLS_TYPES {
            code.jump_if_equal(u32::from(kind), mpls);
        }
        code.jump_if_equal(u32::from(PPPOE_SESSION), pppoe);
        code.jump_if_equal(u32::from(IPV4), ipv4);
        code.jump_if_equal(u32::from(IPV6), ipv6);
        code.jump(nothing);

        code.place(mpls);
        let bottom = code.label();
        for _ in 0..MPLS_LABELS_MAX {
            code.load(Load::Byte, 2);
            advance(&mut code, 4);
            code.jump_if_any_bit(1, bottom);
        }
        code.jump(nothing);
        code.place(bottom);
        code.load(Load::Byte, 0);
        code.shift_right(4);
        code.jump_if_equal(4, ipv4);
        code.jump_if_equal(6, ipv6);
        code.jump(nothing);

        code.place(pppoe);
        code.load(Load::Half, 6);
        advance(&mut code, 8);
        code.jump_if_equal(u32::from(PPP_IPV4), ipv4);
        code.jump_if_equal(u32::from(PPP_IPV6), ipv6);
        code.jump(nothing);

        self.hash_addresses(&mut code, [ipv4, ipv6, mix]);
        code.place(nothing);
        code.give_constant(0);
        code.finish()
    }

    fn hash_addresses(&self, code: &mut Assembler, [ipv4, ipv6, mix]: [Label; 3]) {
        let [first, second] = self.multipliers;
        code.place(ipv6);
        for word in 0..8 {
            code.load(Load::Word, 8 + 4 * word);
            code.store(WORDS + word);
        }
        for side in [WORDS, WORDS + 4] {
            code.recall(side);
            for word in 1..4 {
                code.recall_index(side + word);
                code.xor_index();
            }
            if side == WORDS {
                code.store(SOURCE);
            }
        }
        code.jump(mix);
        code.place(ipv4);
        code.load(Load::Word, 12);
        code.store(SOURCE);
        code.load(Load::Word, 16);
        code.place(mix);
        code.store(DESTINATION);
        code.recall_index(SOURCE);
        code.xor_index();
        code.multiply(first);
        code.store(SPARE);
        code.recall(DESTINATION);
        code.add_index();
        code.multiply(second);
        code.recall_index(SPARE);
        code.add_index();
        code.store(SPARE);
        code.shift_right(16);
        code.recall_index(SPARE);
        code.xor_index();
        code.multiply(FINAL_MULTIPLIER);
        code.shift_right(8);
        code.give();
    }
}

/// Places of the filter's scratch memory.
const SPARE: u32 = 0;
const SOURCE: u32 = 1;
const DESTINATION: u32 = 2;
/// Eight of them.
const WORDS: u32 = 4;

/// Moves X on by `bytes` and keeps A.
fn advance(code: &mut Assembler, bytes: u32) {
    code.store(SPARE);
    code.index_to_accumulator();
    code.add(bytes);
    code.accumulator_to_index();
    code.recall(SPARE);
}

/// Source and destination, IPv6 folded to the size of IPv4.
fn addresses_of(frame: &CapturedFrame<'_>) -> Option<(u32, u32)> {
    let (mut kind, mut rest) = match frame.link_type {
        LinkType::Ethernet => (half(frame.bytes, 12)?, frame.bytes.get(14..)?),
        LinkType::RawIp | LinkType::RawIpv4 | LinkType::RawIpv6 => {
            (kind_by_version(frame.bytes)?, frame.bytes)
        }
        LinkType::LinuxCooked => (half(frame.bytes, 14)?, frame.bytes.get(16..)?),
        LinkType::LinuxCooked2 => (half(frame.bytes, 0)?, frame.bytes.get(20..)?),
        LinkType::PppOverEthernet => (PPPOE_SESSION, frame.bytes),
        LinkType::CiscoHdlc => (half(frame.bytes, 2)?, frame.bytes.get(4..)?),
        LinkType::Loopback => (
            kind_by_version(frame.bytes.get(4..)?)?,
            frame.bytes.get(4..)?,
        ),
        LinkType::Ppp => return None,
    };
    for _ in 0..VLAN_TAGS_MAX {
        if !VLAN_TYPES.contains(&kind) {
            break;
        }
        kind = half(rest, 2)?;
        rest = rest.get(4..)?;
    }
    if MPLS_TYPES.contains(&kind) {
        let label = (0..MPLS_LABELS_MAX).find(|label| {
            rest.get(4 * label + 2)
                .is_some_and(|bottom| bottom & 1 == 1)
        })?;
        rest = rest.get(4 * (label + 1)..)?;
        kind = kind_by_version(rest)?;
    } else if kind == PPPOE_SESSION {
        kind = match half(rest, 6)? {
            PPP_IPV4 => IPV4,
            PPP_IPV6 => IPV6,
            _ => return None,
        };
        rest = rest.get(8..)?;
    }
    match kind {
        IPV4 => Some((word(rest, 12)?, word(rest, 16)?)),
        IPV6 => Some((folded(rest, 8)?, folded(rest, 24)?)),
        _ => None,
    }
}

fn kind_by_version(bytes: &[u8]) -> Option<u16> {
    match bytes.first()? >> 4 {
        4 => Some(IPV4),
        6 => Some(IPV6),
        _ => None,
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

fn folded(bytes: &[u8], at: usize) -> Option<u32> {
    let words = [0, 4, 8, 12].map(|offset| word(bytes, at + offset));
    words
        .into_iter()
        .try_fold(0, |folded, word| Some(folded ^ word?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{capture::packet_filter::interpret, time::Timestamp};

    /// Headers of a packet between two IPv4 addresses.
    fn ipv4(source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0x20, 0, 64, 6, 0, 0];
        bytes.extend(source);
        bytes.extend(destination);
        bytes.extend([0; 20]);
        bytes
    }

    fn ipv6(source: u8, destination: u8) -> Vec<u8> {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 20, 6, 64];
        for last in [source, destination] {
            bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 0, last]);
        }
        bytes.extend([0; 20]);
        bytes
    }

    /// An Ethernet frame with layers before what it carries.
    fn ethernet(layers: &[&[u8]], payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 12];
        for layer in layers {
            bytes.extend(*layer);
        }
        bytes.extend(payload);
        bytes
    }

    fn hash_of(hash: &FlowHash, bytes: &[u8]) -> u32 {
        hash.of_frame(&CapturedFrame {
            time: Timestamp::default(),
            link_type: LinkType::Ethernet,
            wire_length_bytes: 0,
            bytes,
        })
    }

    #[test]
    fn both_directions_and_all_wrappings_meet_and_the_kernel_program_agrees() {
        let hash = FlowHash::new([0x1234_5678, 0x0bad_cafe]);
        let there = ipv4([192, 0, 2, 7], [198, 51, 100, 9]);
        let back = ipv4([198, 51, 100, 9], [192, 0, 2, 7]);
        let layers: [&[&[u8]]; 7] = [
            &[&[8, 0]],
            &[&[0x81, 0, 0, 5], &[8, 0]],
            &[&[0x88, 0xa8, 0, 5], &[0x81, 0, 0, 6], &[8, 0]],
            &[&[0x88, 0x47, 0, 1, 0, 0xff], &[0, 2, 1, 0xff]],
            &[&[0x88, 0x64, 0x11, 0, 0, 1, 0, 42], &[0, 0x21]],
            &[&[0x81, 0, 0, 9], &[0x88, 0x48, 0, 1, 1, 0xff]],
            &[
                &[0x91, 0, 0, 5],
                &[0x81, 0, 0, 6],
                &[0x81, 0, 0, 7],
                &[8, 0],
            ],
        ];
        let plain = hash_of(&hash, &ethernet(&[&[8, 0]], &there));
        assert_ne!(plain, 0);
        for layers in layers {
            for packet in [&there, &back] {
                let frame = ethernet(layers, packet);
                assert_eq!(hash_of(&hash, &frame), plain, "{layers:?}");
                assert_eq!(interpret(&hash.program(), &frame, 14), plain, "{layers:?}");
            }
        }
        for (source, destination) in [(1, 2), (2, 1)] {
            let frame = ethernet(&[&[0x86, 0xdd]], &ipv6(source, destination));
            assert_eq!(
                hash_of(&hash, &frame),
                hash_of(&hash, &ethernet(&[&[0x86, 0xdd]], &ipv6(1, 2)))
            );
            assert_eq!(
                interpret(&hash.program(), &frame, 14),
                hash_of(&hash, &frame)
            );
        }
    }

    #[test]
    fn what_is_cut_or_has_no_addresses_goes_to_the_first_worker() {
        let hash = FlowHash::new([3, 5]);
        let whole = ethernet(
            &[&[0x81, 0, 0, 5], &[8, 0]],
            &ipv4([192, 0, 2, 1], [192, 0, 2, 2]),
        );
        for length in 14..whole.len() {
            let cut = &whole[..length];
            assert_eq!(
                interpret(&hash.program(), cut, 14),
                hash_of(&hash, cut),
                "{length}"
            );
        }
        assert_eq!(hash_of(&hash, &ethernet(&[&[8, 6]], &[0; 28])), 0);
        assert_eq!(hash_of(&hash, &whole[..20]), 0);
        // A stack of labels without an end.
        let labels = [0, 0, 0, 255].repeat(9);
        let endless = ethernet(&[&[0x88, 0x47]], &labels);
        assert_eq!(hash_of(&hash, &endless), 0);
        assert_eq!(interpret(&hash.program(), &endless, 14), 0);
    }

    #[test]
    fn pairs_are_spread_over_workers() {
        let hash = FlowHash::new([0x2545_f491, 0x6c07_8965]);
        for workers in [2_u32, 3, 4] {
            let mut counts = vec![0_u32; usize::try_from(workers).unwrap()];
            for last in 0..=255 {
                for host in 0..16 {
                    let frame = ethernet(&[&[8, 0]], &ipv4([10, 0, host, last], [203, 0, 113, 80]));
                    counts[usize::try_from(hash_of(&hash, &frame) % workers).unwrap()] += 1;
                }
            }
            let fair = 4096 / workers;
            for count in counts {
                assert!(count.abs_diff(fair) < fair / 5, "{count} of {fair}");
            }
        }
    }
}
