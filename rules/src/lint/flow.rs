//! Lints about protocol, direction and state of the flow.

use super::{Report, lint, subject::Subject};
use crate::{
    model::{
        Buffer, HeaderField, HeaderProtocol, PacketCondition, RuleDirection, Sides, TcpFlagsMode,
    },
    source::draft::ConditionDraft,
};

lint! {
    /// A keyword about one protocol in a rule about another.
    ///
    /// A packet of UDP has no TCP flags and an ICMP message no TCP window, so the rule never matches.
    ///
    /// ```text
    /// alert udp any any -> any 53 (msg:"x"; flags:S; sid:1;)
    /// ```
    ///
    /// Name the protocol that the keyword is about:
    ///
    /// ```text
    /// alert tcp any any -> any 53 (msg:"x"; flags:S; sid:1;)
    /// ```
    KEYWORD_OF_OTHER_PROTOCOL = "keyword-of-other-protocol", Correctness, Warning, Rule(keyword_of_other_protocol)
}

/// The transport that a keyword is about.
fn transport_of(name: &str) -> Option<Transport> {
    Some(match name {
        "tcp.flags" | "tcp.seq" | "tcp.ack" | "tcp.window" | "tcp.mss" | "tcp.hdr"
        | "stream_size" | "tcpv4-csum" | "tcpv6-csum" | "stream-event" => Transport::Tcp,
        "udp.hdr" | "udpv4-csum" | "udpv6-csum" => Transport::Udp,
        "itype" | "icode" | "icmp_id" | "icmp_seq" | "icmpv4.hdr" | "icmpv4-csum"
        | "icmpv6.hdr" | "icmpv6-csum" | "icmpv6.mtu" => Transport::Icmp,
        _ => return None,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tcp,
    Udp,
    Icmp,
    Sctp,
}

/// The transport that a header is confined to.
fn transport(protocol: HeaderProtocol) -> Option<Transport> {
    Some(match protocol {
        HeaderProtocol::Tcp | HeaderProtocol::TcpPacket | HeaderProtocol::TcpStream => {
            Transport::Tcp
        }
        HeaderProtocol::Udp => Transport::Udp,
        HeaderProtocol::Sctp => Transport::Sctp,
        HeaderProtocol::Icmp | HeaderProtocol::Icmpv4 | HeaderProtocol::Icmpv6 => Transport::Icmp,
        _ => return None,
    })
}

fn keyword_of_other_protocol(subject: &Subject<'_>, report: &mut Report) {
    let Some(header) = transport(subject.rule.protocol) else {
        return;
    };
    for option in &subject.syntax.options {
        let name = option.name.text();
        let known = crate::source::keyword_table::find(name).map_or(name, |keyword| keyword.name);
        if let Some(keyword) = transport_of(known)
            && keyword != header
        {
            report.say(
                option.name.span(),
                format!(
                    "`{name}` is about {}, and the rule about {}: it never matches",
                    named(keyword),
                    named(header)
                ),
                "let the header name the protocol that the keyword is about",
            );
        }
    }
}

fn named(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
        Transport::Icmp => "ICMP",
        Transport::Sctp => "SCTP",
    }
}

lint! {
    /// A packet that opens a connection is looked for in connections that are open.
    ///
    /// `flow:established` holds once the handshake is complete. The packet with SYN alone, and the answer with SYN and ACK, come
    /// before that, so the rule never matches.
    ///
    /// ```text
    /// alert tcp any any -> any 23 (msg:"x"; flow:to_server,established; flags:S; sid:1;)
    /// ```
    ///
    /// Say that the connection is not open yet, or say nothing about it:
    ///
    /// ```text
    /// alert tcp any any -> any 23 (msg:"x"; flow:to_server,not_established; flags:S; sid:1;)
    /// ```
    HANDSHAKE_IN_ESTABLISHED = "handshake-in-established", Correctness, Warning, Rule(handshake_in_established)
}

/// SYN, and the flags that stand beside it in no packet behind the handshake.
const SYN: u8 = 0x02;

fn handshake_in_established(subject: &Subject<'_>, report: &mut Report) {
    let asks_syn = subject.rule.conditions.iter().any(|condition| {
        matches!(
            condition,
            ConditionDraft::Plain(PacketCondition::TcpFlags {
                flags,
                mode: TcpFlagsMode::Exact | TcpFlagsMode::All,
                ..
            }) if flags & SYN != 0
        )
    });
    if subject.rule.flow.established && asks_syn {
        report.say(
            subject.span("tcp.flags"),
            "packets with SYN come before the connection is established, so the rule never matches",
            "write flow:not_established, or leave the state out",
        );
    }
}

lint! {
    /// The service's port stands on the other side of the arrow than the service.
    ///
    /// `flow:to_server` is about packets that go to the service, so its port is the one to the right of the arrow. With a
    /// well-known port on the left and any port on the right, the rule asks for clients that send *from* that port.
    ///
    /// ```text
    /// alert tcp $EXTERNAL_NET 25 -> $HOME_NET any (msg:"x"; flow:to_server,established; content:"EHLO evil"; sid:1;)
    /// ```
    ///
    /// Exchange the two ends:
    ///
    /// ```text
    /// alert tcp $EXTERNAL_NET any -> $HOME_NET 25 (msg:"x"; flow:to_server,established; content:"EHLO evil"; sid:1;)
    /// ```
    PORT_ON_WRONG_SIDE = "port-on-wrong-side", Correctness, Warning, Rule(port_on_wrong_side)
}

/// Ports below are those of services.
const SERVICE_PORTS_END: u16 = 1024;

fn port_on_wrong_side(subject: &Subject<'_>, report: &mut Report) {
    let rule = subject.rule;
    if rule.direction == RuleDirection::Both {
        return;
    }
    let is_service = |ports: &crate::source::PortSet| {
        !ports.is_all()
            && ports
                .as_slice()
                .iter()
                .all(|(_, last)| *last < SERVICE_PORTS_END)
    };
    let (word, wrong, right) = if rule.flow.to_server {
        (
            &subject.syntax.source_port,
            &rule.source_port,
            &rule.destination_port,
        )
    } else if rule.flow.to_client {
        (
            &subject.syntax.destination_port,
            &rule.destination_port,
            &rule.source_port,
        )
    } else {
        return;
    };
    if is_service(wrong) && right.is_all() {
        report.say(
            word.span(),
            "this is the client's port as `flow` has it, and a service's port as numbers go",
            "exchange the two ends, or the direction in `flow`",
        );
    }
}

lint! {
    /// A buffer that both sides send, and no direction.
    ///
    /// `http.header`, `http.cookie` and others exist in requests and in answers. Without `flow:to_server` or `flow:to_client` both
    /// are searched, which costs twice and may alert on the answer that repeats the request.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:established; http.header; content:"X-Evil|3a|"; sid:1;)
    /// ```
    ///
    /// Say which side sends it:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.header; content:"X-Evil|3a|"; sid:1;)
    /// ```
    NO_FLOW_DIRECTION = "no-flow-direction", Correctness, Note, Rule(no_flow_direction)
}

fn no_flow_direction(subject: &Subject<'_>, report: &mut Report) {
    let rule = subject.rule;
    let is_open = rule
        .inspections
        .iter()
        .all(|inspection| inspection.buffer.info().sides == Sides::Both);
    let both = rule.inspections.iter().find(|inspection| {
        inspection.buffer.is_of_transactions() && inspection.buffer != Buffer::FileData
    });
    if let Some(both) = both
        && is_open
        && !rule.flow.to_server
        && !rule.flow.to_client
    {
        report.say(
            both.span.clone(),
            format!(
                "both sides send `{}`, and the rule says neither",
                both.buffer.info().name
            ),
            "add flow:to_server or flow:to_client",
        );
    }
}

lint! {
    /// A rule over TCP payloads that says nothing about the state of the connection.
    ///
    /// Without `flow:established` a packet with a forged address is as good as a connection, and anyone can make the rule fire.
    /// Rules about packets themselves (flags, sizes, no payload) are left alone.
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; content:"EVILSTAGE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    NO_FLOW_STATE = "no-flow-state", Correctness, Note, Rule(no_flow_state)
}

fn no_flow_state(subject: &Subject<'_>, report: &mut Report) {
    let looks_at_packets = subject.rule.conditions.iter().any(|condition| {
        matches!(
            condition,
            ConditionDraft::Plain(
                PacketCondition::TcpFlags { .. }
                    | PacketCondition::Field(
                        HeaderField::PayloadSize
                            | HeaderField::TcpSequence
                            | HeaderField::TcpAcknowledgment
                            | HeaderField::TcpWindow
                            | HeaderField::TcpMss,
                        _
                    )
            )
        )
    });
    if subject.is_tcp() && subject.inspects_payload() && !looks_at_packets && !subject.has("flow") {
        report.say(
            subject.syntax.protocol.span(),
            "the rule does not ask for an established connection, so a single forged packet fires it",
            "add flow:established and a direction",
        );
    }
}

lint! {
    /// An arrow in both directions, and a direction of the flow.
    ///
    /// `<>` lets the two ends be exchanged; `flow:to_server` then decides which packets are meant. Together they say that it does
    /// not matter which end is the client, which is rarely meant.
    ///
    /// ```text
    /// alert tcp $HOME_NET any <> $EXTERNAL_NET 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp $HOME_NET any -> $EXTERNAL_NET 4444 (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    BOTH_WAYS_WITH_DIRECTION = "both-ways-with-direction", Correctness, Note, Rule(both_ways_with_direction)
}

fn both_ways_with_direction(subject: &Subject<'_>, report: &mut Report) {
    let flow = subject.rule.flow;
    if subject.rule.direction == RuleDirection::Both && (flow.to_server || flow.to_client) {
        report.say(
            subject.syntax.arrow.span(),
            "the arrow goes both ways, and `flow` one way",
            "write `->`",
        );
    }
}
