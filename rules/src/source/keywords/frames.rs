//! `frame`: what follows is looked for in each unit of a protocol, as it lies in the stream or datagram.

use super::{super::keyword_table::Context, Done, buffers, value};
use crate::{
    model::{AppProtocol, Buffer, Frame, FrameCarrier, HeaderProtocol},
    source::{
        draft::{InspectionDraft, RuleDraft},
        language::Language,
        problem::Problem,
        protocols::{self, Known},
        support,
        syntax::{RuleOption, Word},
    },
};

/// `frame:pdu` with the protocol of the rule, or `frame:dns.pdu`.
pub(crate) fn frame(rule: &mut RuleDraft, option: &RuleOption<'_>, context: &Context<'_>) -> Done {
    let word = value(option);
    buffers::check_not_empty(rule)?;
    let (protocol, frame) = resolve(rule, word, context.language)?;
    check_carrier(rule, word, frame)?;
    rule.imply(protocol, "frame", &word.span())?;
    if let Err(reason) = support::frame(protocol, frame) {
        rule.unsupported(
            &word.span(),
            format!(
                "frame {} of {}: {reason}",
                frame.info().name,
                protocol.name()
            ),
        );
    }
    if frame.info().protocol.is_none() && rule.protocol != HeaderProtocol::AnyHttp {
        // Every protocol has this one, so the header has to say whose is meant.
        rule.protocol = HeaderProtocol::App(protocol);
    }
    // Naming a frame again goes on with the list that is there, as long as no transform tells the two apart.
    let known = rule
        .inspections
        .iter()
        .position(|one| one.frame == Some(frame) && one.transforms.is_empty());
    let index = known.unwrap_or_else(|| {
        rule.inspections.push(InspectionDraft {
            buffer: Buffer::Frame,
            frame: Some(frame),
            transforms: Vec::new(),
            matches: Vec::new(),
            span: option.name.span(),
            is_sticky: true,
            asks_unrun: false,
        });
        rule.inspections.len() - 1
    });
    rule.current = Some(index);
    Ok(())
}

/// The word up to the first dot is a protocol, if there is one of this name; else all of it is a name for the rule's protocol.
fn resolve(
    rule: &RuleDraft,
    word: Word<'_>,
    language: Language,
) -> Result<(AppProtocol, Frame), Problem> {
    let text = word.text();
    let named = text.split_once('.').and_then(|(protocol, name)| {
        let is_exact = !protocol.bytes().any(|byte| byte.is_ascii_uppercase());
        match protocols::app_protocol(protocol, language) {
            Some(Known::One(known)) if is_exact => Some((known, name)),
            _ => None,
        }
    });
    let (protocol, name) = match (named, rule.app_protocol()) {
        (Some(named), _) => named,
        (None, Some(protocol)) => (protocol, text),
        (None, None) => {
            return Err(Problem::value(
                word.span(),
                "the rule's header names no application protocol",
            )
            .hint("write the protocol before the frame, as `dns.pdu`"));
        }
    };
    match Frame::find(protocol, name) {
        Some(frame) => Ok((protocol, frame)),
        None => {
            let known: Vec<&str> = Frame::ALL
                .iter()
                .map(|frame| frame.info())
                .filter(|info| info.protocol.is_none_or(|of| of == protocol))
                .map(|info| info.name)
                .collect();
            Err(Problem::value(
                word.span(),
                format!("{} has no frame `{name}`", protocol.name()),
            )
            .hint(format!("its frames are {}", known.join(", "))))
        }
    }
}

fn check_carrier(rule: &RuleDraft, word: Word<'_>, frame: Frame) -> Done {
    let fits = match rule.protocol {
        HeaderProtocol::Ip
        | HeaderProtocol::Ipv4
        | HeaderProtocol::Ipv6
        | HeaderProtocol::Tcp
        | HeaderProtocol::TcpStream
        | HeaderProtocol::AnyHttp
        | HeaderProtocol::App(_) => true,
        HeaderProtocol::Udp => frame.info().carrier == FrameCarrier::TcpAndUdp,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(Problem::error(
        "frame-without-stream",
        word.span(),
        "packets of the rule's header protocol carry no such frame",
    )
    .hint("frames are of TCP streams, and of UDP datagrams where the protocol runs on them"))
}

/// A rule about frames asks for nothing else that has bytes of its own.
pub(crate) fn check_alone(rule: &RuleDraft) -> Done {
    let Some(framed) = rule.inspections.iter().find(|one| one.frame.is_some()) else {
        return Ok(());
    };
    let other = rule
        .inspections
        .iter()
        .find(|one| one.frame.is_none() && one.buffer != Buffer::Base64Data);
    if other.is_none() && !rule.traits.transaction && !rule.traits.needs_packet {
        return Ok(());
    }
    Err(Problem::error(
        "frame-with-others",
        other.unwrap_or(framed).span.clone(),
        "a rule that looks into frames cannot look into payload, buffers, transactions or packets too",
    )
    .hint("make two rules of it, tied together by flowbits"))
}
