//! When a rule is evaluated, and whether its payload matches run on packets, on the stream, or on both: the reference's rules for it.

use crate::{
    model::{
        BitAction, BitScope, Buffer, FlowRequirement, HeaderField, HeaderProtocol, PacketCondition,
        RuleKind, Side, Sides, TcpFlagsMode,
    },
    pack::TransportClass,
    source::{
        draft::{ConditionDraft, EffectDraft, MatchDraft, RuleDraft},
        validate,
    },
};

/// What is derived from a rule as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Requirements {
    pub(super) kind: RuleKind,
    pub(super) sides: Sides,
    pub(super) inspects_packet: bool,
    pub(super) inspects_stream: bool,
}

/// Derives them.
pub(super) fn derive(rule: &RuleDraft) -> Requirements {
    let (inspects_packet, inspects_stream) = packet_and_stream(rule);
    Requirements {
        kind: kind(rule, inspects_packet, inspects_stream),
        sides: sides(rule),
        inspects_packet,
        inspects_stream,
    }
}

/// The packets that a header's protocol stands for.
pub(super) fn classes(protocol: HeaderProtocol) -> &'static [TransportClass] {
    use TransportClass::{Icmp, Other, Tcp, Udp};
    match protocol {
        HeaderProtocol::Ip
        | HeaderProtocol::Ipv4
        | HeaderProtocol::Ipv6
        | HeaderProtocol::PacketHeader => &TransportClass::ALL,
        HeaderProtocol::Tcp
        | HeaderProtocol::TcpPacket
        | HeaderProtocol::TcpStream
        | HeaderProtocol::AnyHttp => &[Tcp],
        HeaderProtocol::Udp => &[Udp],
        HeaderProtocol::Sctp => &[Other],
        HeaderProtocol::Icmp | HeaderProtocol::Icmpv4 | HeaderProtocol::Icmpv6 => &[Icmp],
        HeaderProtocol::App(_) => &[Tcp, Udp],
    }
}

fn payload(rule: &RuleDraft) -> Option<&[MatchDraft]> {
    rule.inspections
        .iter()
        .find(|inspection| inspection.buffer == Buffer::Payload)
        .map(|inspection| inspection.matches.as_slice())
}

/// On TCP, matches of the payload run on the stream; on packets as well where a position from the start is given; on packets only
/// where the rule looks at a packet's own fields.
fn packet_and_stream(rule: &RuleDraft) -> (bool, bool) {
    let mut packet = rule.traits.needs_packet || rule.protocol == HeaderProtocol::TcpPacket;
    let mut stream = rule.traits.needs_stream || rule.protocol == HeaderProtocol::TcpStream;
    let on_tcp = classes(rule.protocol).contains(&TransportClass::Tcp);
    if let (Some(matches), true, false) = (payload(rule), on_tcp, packet || stream) {
        stream = true;
        packet = rule.traits.stream_size
            || matches
                .iter()
                .any(|item| matches!(item, MatchDraft::Content(content) if content.is_absolute()));
    }
    (packet, stream)
}

/// A rule for SYN packets to given ports looks at the client's only.
fn sides(rule: &RuleDraft) -> Sides {
    let sides = validate::sides(rule).unwrap_or(Sides::Both);
    let syn_only = rule.conditions.iter().any(|condition| {
        matches!(
            condition,
            ConditionDraft::Plain(PacketCondition::TcpFlags {
                flags: 0x02,
                mode: TcpFlagsMode::Exact | TcpFlagsMode::All | TcpFlagsMode::Any,
                ..
            })
        )
    });
    if syn_only
        && sides == Sides::Both
        && rule.source_port.is_all()
        && !rule.destination_port.is_all()
    {
        return Sides::ToServer;
    }
    sides
}

/// The order of the tests is the reference's.
fn kind(rule: &RuleDraft, packet: bool, stream: bool) -> RuleKind {
    let has_buffers = rule
        .inspections
        .iter()
        .any(|inspection| !matches!(inspection.buffer, Buffer::Payload | Buffer::Base64Data));
    let has_payload = payload(rule).is_some();
    let is_bare = rule.app_protocol().is_none() && !has_payload && !has_buffers;
    if is_bare && is_protocol_detection_only(rule) {
        return RuleKind::ProtocolDetectionOnly;
    }
    if is_bare && is_address_only(rule) {
        return if rule.source.has_negation || rule.destination.has_negation {
            RuleKind::LikeAddressOnly
        } else {
            RuleKind::AddressOnly
        };
    }
    if is_bare && is_decoder_event_only(rule) {
        return RuleKind::DecoderEventOnly;
    }
    if rule
        .inspections
        .iter()
        .any(|inspection| is_packet_buffer(inspection.buffer))
    {
        return RuleKind::Packet;
    }
    if rule.inspections.iter().any(|one| one.frame.is_some()) {
        return RuleKind::Frame;
    }
    if has_buffers || rule.traits.transaction {
        return RuleKind::Transaction;
    }
    if has_payload {
        return match (packet, stream) {
            (true, false) => RuleKind::Packet,
            (false, true) => RuleKind::Stream,
            _ => RuleKind::PacketStream,
        };
    }
    let asks_of_packet = !rule.conditions.iter().all(is_direction);
    if rule.app_protocol().is_some() && !asks_of_packet && !has_flow_state(rule) {
        return RuleKind::AppLayer;
    }
    RuleKind::Packet
}

/// Whether a condition is a `flow` that names nothing but a direction.
fn is_direction(condition: &ConditionDraft) -> bool {
    let ConditionDraft::Plain(PacketCondition::Flow(requirement)) = condition else {
        return false;
    };
    let beside_direction = FlowRequirement {
        to_server: false,
        to_client: false,
        ..*requirement
    };
    beside_direction == FlowRequirement::default()
}

/// Whether a rule asks for files and for no protocol.
pub(super) fn is_of_any_file(rule: &RuleDraft) -> bool {
    rule.app_protocol().is_none()
        && rule.conditions.iter().any(|condition| {
            matches!(
                condition,
                ConditionDraft::Plain(PacketCondition::Field(
                    HeaderField::FileSize | HeaderField::FilePresent,
                    _
                ))
            )
        })
}

/// Buffers that single packets carry.
pub(super) fn is_packet_buffer(buffer: Buffer) -> bool {
    matches!(
        buffer,
        Buffer::Ipv4Header
            | Buffer::Ipv6Header
            | Buffer::TcpHeader
            | Buffer::UdpHeader
            | Buffer::Icmpv4Header
            | Buffer::Icmpv6Header
            | Buffer::IpSource
            | Buffer::IpDestination
    )
}

fn has_flow_state(rule: &RuleDraft) -> bool {
    let flow = rule.flow;
    flow.established
        || flow.not_established
        || flow.stateless
        || flow.only_stream
        || flow.no_stream
        || flow.only_frag
        || flow.no_frag
}

/// Of flow bits only setting them goes with rules that need no more than addresses; bits of hosts go with all of them.
fn sets_flow_bits_only(rule: &RuleDraft) -> bool {
    rule.effects.iter().all(|effect| match effect {
        EffectDraft::Bit { scope, action, .. } => {
            *scope != BitScope::Flow || *action == BitAction::Set
        }
        EffectDraft::FlowInt { .. } => false,
    })
}

fn is_protocol_detection_only(rule: &RuleDraft) -> bool {
    let others = rule.conditions.iter().any(|condition| {
        !matches!(
            condition,
            ConditionDraft::Plain(PacketCondition::AppProtocol { .. })
        )
    });
    rule.traits.protocol_detection && !others && !has_flow_state(rule) && sets_flow_bits_only(rule)
}

fn is_address_only(rule: &RuleDraft) -> bool {
    let with_side = rule.flow.to_server != rule.flow.to_client;
    !rule.traits.beyond_addresses && !with_side && sets_flow_bits_only(rule)
}

fn is_decoder_event_only(rule: &RuleDraft) -> bool {
    let events_only = rule.conditions.iter().all(|condition| {
        matches!(condition, ConditionDraft::Event(name) if name.starts_with("decoder."))
    });
    rule.traits.decoder_event && events_only && !has_flow_state(rule)
}

/// The sides of a rule one by one.
pub(super) fn each_side(sides: Sides) -> impl Iterator<Item = Side> {
    [Side::ToServer, Side::ToClient]
        .into_iter()
        .filter(move |side| sides.includes(*side))
}
