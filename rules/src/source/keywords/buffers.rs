//! Sticky buffers, the older content modifiers, and transforms.

use super::{super::keyword_table::Context, Done, value};
use crate::{
    model::{AppProtocol, Buffer, HeaderProtocol, Match, Transform},
    source::{
        draft::{InspectionDraft, MatchDraft, RuleDraft, TransformDraft},
        problem::Problem,
        syntax::RuleOption,
        values::quoted,
    },
};

/// Opens a buffer: what follows is looked for there. Each sticky keyword opens its own instance; those of one buffer are put together
/// at the end, where the reference does so.
pub(crate) fn open(rule: &mut RuleDraft, option: &RuleOption<'_>, buffer: Buffer) -> Done {
    let span = option.name.span();
    if buffer == Buffer::Base64Data && !has_decoder(rule) {
        return Err(Problem::error(
            "modifier-without-buffer",
            span,
            "`base64_data` needs a `base64_decode` before it",
        ));
    }
    check_not_empty(rule)?;
    if buffer.is_of_tls_hello() {
        let protocols = [AppProtocol::Tls, AppProtocol::Quic];
        rule.refuse_others(&protocols, option.name.text(), &span)?;
    } else if let Some(protocol) = buffer.info().protocol {
        check_header(rule, option, buffer)?;
        rule.imply(protocol, option.name.text(), &span)?;
    }
    if matches!(
        buffer,
        Buffer::Ipv4Header
            | Buffer::Ipv6Header
            | Buffer::TcpHeader
            | Buffer::UdpHeader
            | Buffer::Icmpv4Header
            | Buffer::Icmpv6Header
            | Buffer::IpSource
            | Buffer::IpDestination
    ) {
        rule.traits.needs_packet = true;
    }
    rule.inspections.push(InspectionDraft {
        buffer,
        frame: None,
        transforms: Vec::new(),
        matches: Vec::new(),
        span,
        is_sticky: true,
        asks_unrun: false,
    });
    rule.current = Some(rule.inspections.len() - 1);
    Ok(())
}

/// Families of protocols share keywords, and not every buffer is of each member.
fn check_header(rule: &RuleDraft, option: &RuleOption<'_>, buffer: Buffer) -> Done {
    use AppProtocol as P;
    let HeaderProtocol::App(header) = rule.protocol else {
        return Ok(());
    };
    let is_other = match (header, buffer.info().protocol) {
        (P::Http2, Some(P::Http1)) => buffer == Buffer::HttpStart,
        (P::Quic, Some(P::Tls)) => !matches!(
            buffer,
            Buffer::Ja3Hash
                | Buffer::Ja3String
                | Buffer::Ja3sHash
                | Buffer::Ja3sString
                | Buffer::Ja4Hash
        ),
        (P::Dcerpc, Some(P::Smb)) | (P::Http1, Some(P::Http2)) => true,
        _ => false,
    };
    if is_other {
        return Err(Problem::error(
            "protocol-conflict",
            option.name.span(),
            format!("{} has no `{}`", header.name(), option.name.text()),
        ));
    }
    Ok(())
}

fn has_decoder(rule: &RuleDraft) -> bool {
    let mut matches = rule.inspections.iter().flat_map(|one| &one.matches);
    matches.any(|item| matches!(item, MatchDraft::Other(Match::Base64Decode(_))))
}

/// Opens a buffer that nothing fills: the rule is not run, and what follows is still read for mistakes.
pub(crate) fn open_foreign(rule: &mut RuleDraft, option: &RuleOption<'_>) -> Done {
    check_not_empty(rule)?;
    rule.inspections.push(InspectionDraft {
        buffer: Buffer::Payload,
        frame: None,
        transforms: Vec::new(),
        matches: Vec::new(),
        span: option.name.span(),
        is_sticky: true,
        asks_unrun: false,
    });
    rule.current = Some(rule.inspections.len() - 1);
    Ok(())
}

/// A sticky buffer that nothing was asked of before the next one.
pub(crate) fn check_not_empty(rule: &RuleDraft) -> Done {
    let open = rule.current.and_then(|index| rule.inspections.get(index));
    match open {
        Some(inspection) if inspection.matches.is_empty() && !inspection.asks_unrun => {
            Err(Problem::error(
                "empty-buffer",
                inspection.span.clone(),
                format!("nothing is asked of `{}`", inspection.buffer.info().name),
            )
            .hint("put a content behind it"))
        }
        _ => Ok(()),
    }
}

/// `pkt_data`: back to the payload.
pub(crate) fn packet_data(rule: &mut RuleDraft, _: &RuleOption<'_>, _: &Context<'_>) -> Done {
    check_not_empty(rule)?;
    rule.current = None;
    Ok(())
}

/// `content:"…"; http_uri;`: moves the payload's newest content into a buffer.
pub(crate) fn move_content(rule: &mut RuleDraft, option: &RuleOption<'_>, buffer: Buffer) -> Done {
    let span = option.name.span();
    let keyword = option.name.text();
    if rule.current.is_some() {
        return Err(Problem::error(
            "modifier-after-sticky-buffer",
            span,
            format!("`{keyword}` cannot follow a sticky buffer"),
        )
        .hint("put `pkt_data;` before the content, or use the sticky buffer"));
    }
    let payload = rule
        .inspections
        .iter()
        .position(|inspection| inspection.buffer == Buffer::Payload && !inspection.is_sticky);
    let moved = payload.and_then(|index| {
        let matches = &mut rule.inspections[index].matches;
        let last = matches
            .iter()
            .rposition(|item| matches!(item, MatchDraft::Content(_)))?;
        Some(matches.remove(last))
    });
    let Some(MatchDraft::Content(content)) = moved else {
        return Err(Problem::error(
            "modifier-without-content",
            span,
            format!("`{keyword}` has no content before it"),
        )
        .hint("a modifier follows the content it is about"));
    };
    if content.raw_bytes {
        return Err(Problem::error(
            "contradictory-positions",
            span,
            format!("a content with `rawbytes` is of the payload and cannot move to `{keyword}`"),
        )
        .hint("leave `rawbytes` out"));
    }
    rule.confine_to_http1(keyword, &span)?;
    let index = rule.inspection_of(buffer, &content.span);
    rule.inspections[index]
        .matches
        .push(MatchDraft::Content(content));
    Ok(())
}

/// Adds a transform to the buffer that was just opened.
pub(crate) fn transform(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    transform: TransformDraft,
) -> Done {
    let inspection = rule
        .current
        .and_then(|index| rule.inspections.get_mut(index))
        .filter(|inspection| inspection.matches.is_empty());
    match inspection {
        Some(inspection) => {
            inspection.transforms.push(transform);
            Ok(())
        }
        None => Err(Problem::error(
            "misplaced-transform",
            option.name.span(),
            format!(
                "`{}` must directly follow a sticky buffer",
                option.name.text()
            ),
        )),
    }
}

/// A transform without a value.
pub(crate) fn plain_transform(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    plain: Transform<'static>,
) -> Done {
    transform(rule, option, TransformDraft::Plain(plain))
}

/// `xor:"0d0ac8ff"`: the key in hexadecimal.
pub(crate) fn xor(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = quoted(value(option), false)?.inner;
    let digits: Option<Vec<u8>> = word
        .bytes
        .iter()
        .map(|byte| {
            char::from(*byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let key: Option<Vec<u8>> = digits
        .filter(|digits| !digits.is_empty() && digits.len() <= 2 * 255)
        .and_then(|digits| {
            let (pairs, rest) = digits.as_chunks::<2>();
            rest.is_empty()
                .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
        });
    match key {
        Some(key) => transform(rule, option, TransformDraft::Xor(key)),
        None => Err(Problem::value(
            word.span(),
            "the key is hexadecimal bytes, as `0d0ac8ff`",
        )),
    }
}
