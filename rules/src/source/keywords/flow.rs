//! Direction and state of the flow, its application protocol, and events.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{DetectedProtocol, HeaderProtocol, NumberRange, PacketCondition, StreamSizeSide},
    source::{
        draft::{ConditionDraft, RuleDraft},
        packet_events,
        problem::Problem,
        protocols, support,
        syntax::{RuleOption, Word, trimmed},
        values::{list, number_u32, unquoted},
    },
};

/// Most items of one `flow`; the reference takes as many.
const FLOW_ITEMS: usize = 3;

pub(crate) fn flow(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    // A second `flow` adds to the first, as in the reference, and must not contradict it.
    let items = list(value(option));
    if items.len() > FLOW_ITEMS {
        return Err(Problem::value(
            value(option).span(),
            format!("a flow has at most {FLOW_ITEMS} items"),
        ));
    }
    for item in items {
        let flow = &mut rule.flow;
        let slot = match item.text().to_ascii_lowercase().as_str() {
            "to_server" | "from_client" => &mut flow.to_server,
            "to_client" | "from_server" => &mut flow.to_client,
            "established" => &mut flow.established,
            "not_established" => &mut flow.not_established,
            "stateless" => &mut flow.stateless,
            "only_stream" => &mut flow.only_stream,
            "no_stream" => &mut flow.no_stream,
            "only_frag" => &mut flow.only_frag,
            "no_frag" => &mut flow.no_frag,
            _ => {
                return Err(Problem::value(
                    item.span(),
                    format!("`{}` is nothing a flow can be", item.text()),
                )
                .hint("write to_server, to_client, established, not_established, stateless, only_stream, no_stream, only_frag or no_frag"));
            }
        };
        if std::mem::replace(slot, true) {
            return Err(Problem::value(
                item.span(),
                format!("`{}` stands here twice", item.text()),
            ));
        }
        let contradicts = (flow.to_server && flow.to_client)
            || (flow.only_stream && flow.no_stream)
            || (flow.only_frag && flow.no_frag)
            || [flow.established, flow.not_established, flow.stateless]
                .iter()
                .filter(|set| **set)
                .count()
                > 1;
        if contradicts {
            return Err(Problem::value(
                item.span(),
                format!("`{}` contradicts what stands before it", item.text()),
            ));
        }
    }
    rule.traits.needs_stream |= rule.flow.only_stream;
    rule.traits.needs_packet |= rule.flow.no_stream;
    rule.traits.beyond_addresses = true;
    Ok(())
}

/// `stream_size:server,<,10`
pub(crate) fn stream_size(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let items = list(unquoted(value(option)));
    let [side, operator, number] = items.as_slice() else {
        return Err(Problem::value(
            value(option).span(),
            "a stream size is side, operator, number",
        ));
    };
    let side = match side.bytes {
        b"server" => StreamSizeSide::Server,
        b"client" => StreamSizeSide::Client,
        b"both" => StreamSizeSide::Both,
        b"either" => StreamSizeSide::Either,
        _ => {
            return Err(Problem::value(
                side.span(),
                "a side is server, client, both or either",
            ));
        }
    };
    let number = u64::from(number_u32(*number)?);
    let impossible = || Problem::value(operator.span(), "nothing is smaller than 0");
    let (min, max, negated) = match operator.bytes {
        b"<" => (0, number.checked_sub(1).ok_or_else(impossible)?, false),
        b"<=" => (0, number, false),
        b">" => (number + 1, u64::MAX, false),
        b">=" => (number, u64::MAX, false),
        b"=" => (number, number, false),
        b"!" | b"!=" => (number, number, true),
        _ => {
            return Err(Problem::value(
                operator.span(),
                "an operator is <, <=, >, >=, = or !=",
            ));
        }
    };
    let range = NumberRange { min, max, negated };
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::StreamSize {
            side,
            range,
        }));
    rule.traits.stream_size = true;
    rule.traits.beyond_addresses = true;
    Ok(())
}

/// `app-layer-protocol:[!]name`
pub(crate) fn app_layer_protocol(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let word = unquoted(value(option));
    let negated = word.bytes.first() == Some(&b'!');
    let name = trimmed(word.bytes, usize::from(negated)..word.bytes.len());
    if !matches!(
        rule.protocol,
        HeaderProtocol::Ip
            | HeaderProtocol::Tcp
            | HeaderProtocol::Udp
            | HeaderProtocol::TcpStream
            | HeaderProtocol::TcpPacket
            | HeaderProtocol::Ipv4
            | HeaderProtocol::Ipv6
            | HeaderProtocol::Sctp
            | HeaderProtocol::Icmp
            | HeaderProtocol::Icmpv4
            | HeaderProtocol::Icmpv6
            | HeaderProtocol::PacketHeader
    ) || rule.implied.is_some()
    {
        return Err(Problem::error(
            "protocol-conflict",
            option.name.span(),
            "the rule is confined to an application protocol already",
        )
        .hint("leave `app-layer-protocol` out, or put it before the keywords of that protocol"));
    }
    let is_second = |condition: &ConditionDraft| match condition {
        ConditionDraft::Plain(PacketCondition::AppProtocol {
            negated: before, ..
        }) => !(negated && *before),
        _ => false,
    };
    if rule.conditions.iter().any(is_second) {
        return Err(Problem::error(
            "duplicate-keyword",
            option.name.span(),
            "several `app-layer-protocol` may stand in a rule only where each is negated",
        ));
    }
    rule.traits.protocol_detection = true;
    rule.traits.beyond_addresses = true;
    let wanted = match protocols::app_protocol(name.text(), context.language) {
        _ if name.bytes == b"failed" => DetectedProtocol::Failed,
        Some(protocols::Known::AnyHttp) => DetectedProtocol::AnyHttp,
        Some(protocols::Known::One(protocol)) => DetectedProtocol::One(protocol),
        None => {
            return Err(Problem::value(
                word.span(),
                format!("`{}` is no application protocol", name.text()),
            ));
        }
    };
    if let DetectedProtocol::One(protocol) = wanted
        && let Err(reason) = support::app_protocol(protocol)
    {
        rule.unsupported(&word.span(), format!("{}: {reason}", protocol.name()));
    }
    rule.conditions
        .push(ConditionDraft::Plain(PacketCondition::AppProtocol {
            wanted,
            negated,
        }));
    Ok(())
}

/// An event by its full name; whether it is raised is told by the table of support.
fn event(rule: &mut RuleDraft, word: Word<'_>, name: String) {
    if let Err(reason) = support::event(&name) {
        rule.unsupported(&word.span(), format!("`{name}`: {reason}"));
    }
    rule.conditions.push(ConditionDraft::Event(name));
    rule.traits.beyond_addresses = true;
}

/// `app-layer-event:http.missing_host`, or one of protocol detection without a protocol.
pub(crate) fn app_layer_event(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    context: &Context<'_>,
) -> Done {
    let word = unquoted(value(option));
    let text = word.text();
    match text.split_once('.') {
        Some((protocol, _)) => {
            match protocols::app_protocol(protocol, context.language) {
                Some(protocols::Known::One(protocol)) => {
                    rule.imply(protocol, "app-layer-event", &word.span())?;
                }
                Some(protocols::Known::AnyHttp) => {
                    rule.confine_to_http1("app-layer-event", &word.span())?;
                }
                None => {
                    return Err(Problem::value(
                        word.span(),
                        format!("`{protocol}` is no application protocol"),
                    ));
                }
            }
            rule.traits.transaction = true;
            event(rule, word, text.to_owned());
        }
        None if support::IDENTIFICATION_EVENTS.contains(&text) => {
            event(rule, word, text.to_owned());
        }
        None => {
            return Err(
                Problem::value(word.span(), format!("`{text}` is no event")).hint(format!(
                    "write protocol.event, or one of {}",
                    support::IDENTIFICATION_EVENTS.join(", ")
                )),
            );
        }
    }
    Ok(())
}

/// An event of decoding or reassembly by its full name.
fn packet_event(rule: &mut RuleDraft, word: Word<'_>, name: String) -> Done {
    if !packet_events::is_known(&name) {
        return Err(Problem::value(
            word.span(),
            format!("`{name}` is no event of decoding or reassembly"),
        ));
    }
    let name = name.to_ascii_lowercase();
    rule.traits.decoder_event |= name.starts_with("decoder.");
    event(rule, word, name);
    Ok(())
}

/// `stream-event:pkt_invalid_ack`
pub(crate) fn stream_event(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    packet_event(rule, word, format!("stream.{}", word.text()))
}

/// `decode-event:ipv4.pkt_too_small`
pub(crate) fn decode_event(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    packet_event(rule, word, format!("decoder.{}", word.text()))
}

/// `engine-event:decoder.ipv4.pkt_too_small`
pub(crate) fn engine_event(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    packet_event(rule, word, word.text().to_owned())
}
