//! Rules judged on a packet: its headers, its payload and the stretch of stream that became known with it.

use lapwing_rules::model::{Buffer, Inspection, RuleKind};

use super::{
    content_inspection::Subject,
    flow_state::FlowDetection,
    judge::{Judge, RuleCase},
    round::Round,
};
use crate::decode::{IpLayer, PacketOrigin, Transport};

/// How a packet rule matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PacketMatch {
    /// In reassembled bytes, not in the packet's own.
    pub(crate) in_stream: bool,
}

impl Judge {
    /// Judges a rule on the packet of this round.
    pub(crate) fn judge_on_packet(
        &mut self,
        rule: &RuleCase<'_>,
        round: &Round<'_>,
        state: &FlowDetection,
    ) -> Option<PacketMatch> {
        let traits = rule.traits;
        // Packets that are not IP have nothing but their events, and a flow's end nothing but its protocol and what is left of its
        // bytes.
        // What the detection of a protocol came to is asked once for each direction of a stream.
        let is_early = traits.kind == RuleKind::ProtocolDetectionOnly && !round.tells_protocol();
        // As in the reference: what has events and no protocol is asked for its addresses and its events, and nothing else.
        let is_event_only = round.packet.ip.is_some_and(|ip| ip.protocol == 0)
            && !round.packet.events.is_empty()
            && !matches!(
                traits.kind,
                RuleKind::AddressOnly | RuleKind::DecoderEventOnly
            );
        let lacks_subject = is_early
            || is_event_only
            || (round.packet.ip.is_none() && !traits.has_packet_event)
            || (round.packet.origin == PacketOrigin::FlowEnd
                && !traits.has_payload_matches
                && traits.kind != RuleKind::AppLayer);
        if lacks_subject || !self.packet_part_holds(rule, round, state) {
            return None;
        }
        self.begin_rule(rule.traits);
        let mut in_stream = false;
        for inspection in rule.view.inspections() {
            let found = match inspection.buffer {
                Buffer::Base64Data => continue,
                Buffer::Payload => self.payload_holds(rule, &inspection, round),
                buffer => header_bytes(buffer, round)
                    .filter(|bytes| self.bytes_hold(rule, &inspection, Subject::whole(bytes)))
                    .map(|_| PacketMatch { in_stream: false }),
            };
            in_stream |= found?.in_stream;
        }
        Some(PacketMatch { in_stream })
    }

    /// The list over payload: the stream first where the rule looks at streams, then the packet where it looks at packets
    /// or where the stream did not take this one.
    pub(crate) fn payload_holds(
        &mut self,
        rule: &RuleCase<'_>,
        inspection: &Inspection<'_>,
        round: &Round<'_>,
    ) -> Option<PacketMatch> {
        let traits = rule.traits;
        let mut tries_packet = true;
        if round.is_tcp() && traits.inspects_stream {
            if let Some(window) = &round.window {
                // Positions count from the window's first byte, as in the reference.
                let subject = Subject {
                    is_end: window.is_end,
                    ..Subject::whole(window.bytes)
                };
                if self.bytes_hold(rule, inspection, subject) {
                    return Some(PacketMatch { in_stream: true });
                }
            }
            tries_packet = (traits.inspects_packet || round.payload_stands_for_stream())
                && !traits.is_stream_only;
        }
        let payload = round.payload();
        // Behind the end of a stretch of stream also a packet without payload is one of no bytes.
        (tries_packet
            && (!payload.is_empty() || round.window.is_some() && !round.is_made())
            && self.bytes_hold(rule, inspection, Subject::whole(payload)))
        .then_some(PacketMatch { in_stream: false })
    }
}

/// The bytes of a header buffer, where the packet has that header.
pub(crate) fn header_bytes<'p>(buffer: Buffer, round: &Round<'p>) -> Option<&'p [u8]> {
    if round.is_made() {
        return None;
    }
    let ip = round.packet.ip.as_ref()?;
    let bytes = match (buffer, &round.packet.transport) {
        (Buffer::Ipv4Header, _) if ip.version == 4 => ip.header,
        (Buffer::Ipv6Header, _) if ip.version == 6 => ip.header,
        (Buffer::IpSource, _) => address_bytes(ip, 0)?,
        (Buffer::IpDestination, _) => address_bytes(ip, 1)?,
        (Buffer::TcpHeader, Transport::Tcp(tcp)) => tcp.header,
        (Buffer::UdpHeader, Transport::Udp { header, .. }) => header,
        (Buffer::Icmpv4Header, Transport::Icmpv4(icmp))
        | (Buffer::Icmpv6Header, Transport::Icmpv6(icmp)) => icmp.header,
        _ => return None,
    };
    Some(bytes)
}

/// Source (0) or destination (1) in an IP header.
fn address_bytes<'p>(ip: &IpLayer<'p>, which: usize) -> Option<&'p [u8]> {
    let (first, length) = if ip.version == 4 { (12, 4) } else { (8, 16) };
    let start = first + which * length;
    ip.header.get(start..start + length)
}
