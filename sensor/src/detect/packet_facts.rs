//! What a rule asks of every packet, as a mask: most rules that cannot hold are passed over before the pack is looked into.

use lapwing_rules::model::{
    Buffer, FlowRequirement, HeaderField, HeaderProtocol, NumberRange, PacketCondition,
    TcpFlagsMode,
};

use super::{packet_conditions::needs_flow, round::Round, whole_rule::WholeRule};
use crate::{
    decode::{PacketOrigin, Transport},
    direction::Direction,
};

/// Facts about a packet, or those that a rule cannot do without. A rule may ask more than that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PacketFacts(u32);

const IN_FLOW: u32 = 1;
const TO_SERVER: u32 = 1 << 1;
const TO_CLIENT: u32 = 1 << 2;
const ESTABLISHED: u32 = 1 << 3;
const NOT_ESTABLISHED: u32 = 1 << 4;
const REASSEMBLED: u32 = 1 << 5;
const NOT_REASSEMBLED: u32 = 1 << 6;
const IP_CARRIES_TCP: u32 = 1 << 7;
const IP_CARRIES_UDP: u32 = 1 << 8;
const IP_CARRIES_ICMP: u32 = 1 << 9;
/// There is a payload or a stretch of stream to look at.
const HAS_BYTES: u32 = 1 << 10;
/// There is none.
const HAS_NO_BYTES: u32 = 1 << 12;
/// A TCP header that was captured: only then its flags are told.
const HAS_TCP_FLAGS: u32 = 1 << 11;
/// First of eight bits: TCP flags that are set.
const FLAGS_SET: u32 = 16;
/// First of eight bits: TCP flags that are not set.
const FLAGS_CLEAR: u32 = 24;

impl PacketFacts {
    /// What is so about a packet.
    pub(crate) fn of(round: &Round<'_>) -> Self {
        let packet = round.packet;
        let mut facts = match round.direction() {
            Direction::ToServer => TO_SERVER,
            Direction::ToClient => TO_CLIENT,
        };
        facts |= if packet.is_established {
            ESTABLISHED
        } else {
            NOT_ESTABLISHED
        };
        facts |= if packet.origin == PacketOrigin::Reassembled {
            REASSEMBLED
        } else {
            NOT_REASSEMBLED
        };
        if round.flow.is_some() {
            facts |= IN_FLOW;
        }
        facts |= match packet.ip.as_ref().map(|ip| ip.protocol) {
            Some(6) => IP_CARRIES_TCP,
            Some(17) => IP_CARRIES_UDP,
            Some(1 | 58) => IP_CARRIES_ICMP,
            _ => 0,
        };
        if round.has_bytes() {
            facts |= HAS_BYTES;
        } else {
            facts |= HAS_NO_BYTES;
        }
        if let (Transport::Tcp(tcp), false) = (&packet.transport, round.is_made()) {
            facts |= HAS_TCP_FLAGS;
            facts |= u32::from(tcp.flags) << FLAGS_SET | u32::from(!tcp.flags) << FLAGS_CLEAR;
        }
        Self(facts)
    }

    /// What a rule cannot do without when it is judged on a packet.
    pub(crate) fn asked_by(rule: &WholeRule<'_>) -> Self {
        let mut asked = match rule.view.header().protocol {
            HeaderProtocol::Tcp | HeaderProtocol::TcpPacket | HeaderProtocol::TcpStream => {
                IP_CARRIES_TCP
            }
            HeaderProtocol::Udp => IP_CARRIES_UDP,
            HeaderProtocol::Icmp | HeaderProtocol::Icmpv4 | HeaderProtocol::Icmpv6 => {
                IP_CARRIES_ICMP
            }
            _ => 0,
        };
        for condition in &rule.conditions {
            asked |= match condition {
                PacketCondition::Flow(requirement) => asked_of_flow(requirement),
                PacketCondition::TcpFlags {
                    flags,
                    considered,
                    mode,
                } => HAS_TCP_FLAGS | asked_of_flags(*flags, *considered, *mode),
                PacketCondition::Field(HeaderField::PayloadSize, size) => asked_of_size(size),
                _ => 0,
            };
        }
        let mut inspections = rule.inspections.iter();
        if inspections.any(|inspection| inspection.buffer == Buffer::Payload) {
            asked |= HAS_BYTES;
        }
        Self(asked)
    }

    /// Whether all that is asked is so.
    pub(crate) fn satisfy(self, asked: Self) -> bool {
        self.0 & asked.0 == asked.0
    }
}

fn asked_of_flow(requirement: &FlowRequirement) -> u32 {
    let in_flow = if needs_flow(requirement) { IN_FLOW } else { 0 };
    let asked = [
        (requirement.to_server, TO_SERVER),
        (requirement.to_client, TO_CLIENT),
        (requirement.established, ESTABLISHED),
        (requirement.not_established, NOT_ESTABLISHED),
        (requirement.only_frag, REASSEMBLED),
        (requirement.no_frag, NOT_REASSEMBLED),
    ];
    asked
        .iter()
        .filter(|(is_asked, _)| *is_asked)
        .fold(in_flow, |facts, (_, fact)| facts | fact)
}

/// As in the reference: a size that only an empty payload has asks for no bytes at all, not even of the stream, and one of which
/// the empty payload is not the smallest asks for some.
fn asked_of_size(size: &NumberRange) -> u32 {
    match (size.negated, size.min, size.max) {
        (false, 0, 0) => HAS_NO_BYTES,
        (false, 0, _) => 0,
        _ => HAS_BYTES,
    }
}

fn asked_of_flags(flags: u8, considered: u8, mode: TcpFlagsMode) -> u32 {
    let set = u32::from(flags) << FLAGS_SET;
    match mode {
        TcpFlagsMode::Exact => set | u32::from(considered & !flags) << FLAGS_CLEAR,
        TcpFlagsMode::All => set,
        TcpFlagsMode::Any | TcpFlagsMode::None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts of a captured segment with these flags and nothing else.
    fn segment(flags: u8) -> PacketFacts {
        PacketFacts(
            HAS_TCP_FLAGS | u32::from(flags) << FLAGS_SET | u32::from(!flags) << FLAGS_CLEAR,
        )
    }

    #[test]
    fn flags_are_never_refused_where_the_condition_holds() {
        for flags in [0, 2, 0x12, 0xff] {
            for considered in [0xff, 0x3f, 0x12] {
                let (exact, all) = (TcpFlagsMode::Exact, TcpFlagsMode::All);
                for found in 0..=u8::MAX {
                    let facts = segment(found);
                    let asked = |mode| PacketFacts(asked_of_flags(flags, considered, mode));
                    let holds = found & considered == flags;
                    assert!(!holds || facts.satisfy(asked(exact)));
                    let holds = found & considered & flags == flags;
                    assert!(!holds || facts.satisfy(asked(all)));
                    assert!(facts.satisfy(asked(TcpFlagsMode::Any)));
                }
            }
        }
        let syn_only = PacketFacts(asked_of_flags(2, 0xff, TcpFlagsMode::Exact));
        assert!(segment(2).satisfy(syn_only));
        assert!(!segment(0x12).satisfy(syn_only) && !segment(0).satisfy(syn_only));
    }

    #[test]
    fn what_is_asked_of_a_flow_asks_for_a_flow() {
        let asked = PacketFacts(asked_of_flow(&FlowRequirement {
            to_client: true,
            established: true,
            ..FlowRequirement::default()
        }));
        assert!(PacketFacts(IN_FLOW | TO_CLIENT | ESTABLISHED).satisfy(asked));
        assert!(!PacketFacts(TO_CLIENT | ESTABLISHED).satisfy(asked));
        assert!(!PacketFacts(IN_FLOW | TO_SERVER | ESTABLISHED).satisfy(asked));
    }
}
