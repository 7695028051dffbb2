//! Direction and state of the flow, its application protocol, and events.

use super::{super::keyword_table::Context, Done, once, value};
use crate::{
    model::{DetectedProtocol, HeaderProtocol, NumberRange, PacketCondition, StreamSizeSide},
    source::{
        draft::{ConditionDraft, RuleDraft},
        problem::Problem,
        protocols, support,
        syntax::{RuleOption, Word, trimmed},
        values::{list, number_u32, unquoted},
    },
};

pub(crate) fn flow(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    once(rule, option, "flow")?;
    for item in list(value(option)) {
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
    _: &Context<'_>,
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
    ) {
        return Err(Problem::error(
            "protocol-conflict",
            option.name.span(),
            "the rule's header names an application protocol already",
        ));
    }
    rule.traits.protocol_detection = true;
    rule.traits.beyond_addresses = true;
    let wanted = match protocols::app_protocol(name.text()) {
        _ if name.bytes == b"failed" => DetectedProtocol::Failed,
        Some(protocols::Known::AnyHttp) => DetectedProtocol::AnyHttp,
        Some(protocols::Known::One(protocol)) => DetectedProtocol::One(protocol),
        Some(protocols::Known::NotParsed) => {
            rule.unsupported(
                &word.span(),
                format!("the protocol `{}` is not recognised yet", name.text()),
            );
            return Ok(());
        }
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
    _: &Context<'_>,
) -> Done {
    let word = unquoted(value(option));
    let text = word.text();
    match text.split_once('.') {
        Some((protocol, _)) => {
            match protocols::app_protocol(protocol) {
                Some(protocols::Known::One(protocol)) => {
                    rule.imply(protocol, "app-layer-event", &word.span())?;
                }
                Some(protocols::Known::AnyHttp) => {
                    rule.confine_to_http1("app-layer-event", &word.span())?;
                }
                Some(_) => {}
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
        None => event(rule, word, text.to_owned()),
    }
    Ok(())
}

pub(crate) fn stream_event(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = unquoted(value(option));
    event(rule, word, format!("stream.{}", word.text()));
    Ok(())
}

pub(crate) fn decode_event(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = unquoted(value(option));
    event(rule, word, format!("decoder.{}", word.text()));
    rule.traits.decoder_event = true;
    Ok(())
}
