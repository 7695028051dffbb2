//! Checks of a rule as a whole, once all its options are read: what the reference refuses is refused here.

use super::{
    carriers,
    draft::{ContentDraft, InspectionDraft, MatchDraft, RuleDraft, TransformDraft},
    keywords::{buffers, frames},
    problem::Problem,
    support,
    syntax::RuleSyntax,
};
use crate::model::{
    AppProtocol, Buffer, HeaderField, HeaderProtocol, Match, NumberRange, Operand, PacketCondition,
    Side, Sides, Transform,
};

/// Puts lists of one buffer together: as in the reference a buffer that a transaction or packet has once is gone on with where a
/// keyword opens it again, so that what is relative goes on from what was found there before.
fn join_lists(rule: &mut RuleDraft) {
    let may_join = |one: &InspectionDraft| {
        // The reference takes the body of a response for a file, of which there may be several.
        let is_alone = matches!(one.buffer, Buffer::Base64Data | Buffer::HttpResponseBody);
        !one.buffer.info().multiple && !is_alone && one.transforms.is_empty()
    };
    let mut joined: Vec<InspectionDraft> = Vec::with_capacity(rule.inspections.len());
    for mut inspection in std::mem::take(&mut rule.inspections) {
        let before = joined
            .iter_mut()
            .filter(|_| may_join(&inspection))
            .find(|one| one.buffer == inspection.buffer && may_join(one));
        match before {
            Some(before) => {
                before.matches.append(&mut inspection.matches);
                before.asks_unrun |= inspection.asks_unrun;
            }
            None => joined.push(inspection),
        }
    }
    rule.inspections = joined;
}

/// Finishes a rule: empty lists go, contradictions are refused, what is not run is noted.
pub(crate) fn finish(rule: &mut RuleDraft, syntax: &RuleSyntax<'_>) -> Result<(), Problem> {
    buffers::check_not_empty(rule)?;
    // A list whose contents were all moved elsewhere by modifiers.
    rule.inspections
        .retain(|inspection| !inspection.matches.is_empty());
    join_lists(rule);
    if rule.id.sid == 0 {
        return Err(
            Problem::error("missing-sid", syntax.header_span(), "the rule has no sid")
                .hint("give every rule its own number: sid:1000001;"),
        );
    }
    check_sides(rule, syntax)?;
    carriers::check(rule, syntax)?;
    check_file_names(rule)?;
    frames::check_alone(rule)?;
    check_one_kind(rule, syntax)?;
    for inspection in &mut rule.inspections {
        // As in the reference, ASN.1 is looked at when all else of the payload was found.
        inspection
            .matches
            .sort_by_key(|item| matches!(item, MatchDraft::Other(Match::Asn1(_))));
        check_inspection(inspection)?;
    }
    for inspection in &rule.inspections {
        check_buffer_size(inspection, &rule.inspections)?;
    }
    check_payload_size(rule)?;
    note_unsupported(rule);
    Ok(())
}

/// The directions in which a rule can fire.
pub(crate) fn sides(rule: &RuleDraft) -> Option<Sides> {
    let fits = |side: Side| {
        let by_flow = match side {
            Side::ToServer => !rule.flow.to_client,
            Side::ToClient => !rule.flow.to_server,
        };
        by_flow
            && rule
                .inspections
                .iter()
                .all(|inspection| inspection.buffer.info().sides.includes(side))
    };
    match (fits(Side::ToServer), fits(Side::ToClient)) {
        (true, true) => Some(Sides::Both),
        (true, false) => Some(Sides::ToServer),
        (false, true) => Some(Sides::ToClient),
        (false, false) => None,
    }
}

fn check_sides(rule: &RuleDraft, syntax: &RuleSyntax<'_>) -> Result<(), Problem> {
    if sides(rule).is_some() {
        return Ok(());
    }
    let span = rule
        .inspections
        .iter()
        .rev()
        .find(|inspection| inspection.buffer.info().sides != Sides::Both)
        .map_or_else(
            || syntax.header_span(),
            |inspection| inspection.span.clone(),
        );
    Err(Problem::error(
        "contradictory-directions",
        span,
        "the rule asks for things of both directions at once",
    )
    .hint("a rule is about what the client sends or about what the server sends; `flow` and every buffer must agree"))
}

/// Files in HTTP/2 have no names.
fn check_file_names(rule: &RuleDraft) -> Result<(), Problem> {
    let asks = |inspection: &&InspectionDraft| inspection.buffer == Buffer::FileName;
    match rule.inspections.iter().find(asks) {
        Some(inspection) if rule.protocol == HeaderProtocol::App(AppProtocol::Http2) => {
            Err(Problem::error(
                "protocol-conflict",
                inspection.span.clone(),
                "files in HTTP/2 have no names",
            )
            .hint("ask for `http.uri`, or write the rule for http"))
        }
        _ => Ok(()),
    }
}

/// A rule looks at single packets, or at streams and what parsers make of them.
fn check_one_kind(rule: &RuleDraft, syntax: &RuleSyntax<'_>) -> Result<(), Problem> {
    let of_packets = rule.traits.needs_packet || rule.protocol == HeaderProtocol::TcpPacket;
    let of_stream = rule.traits.needs_stream || rule.protocol == HeaderProtocol::TcpStream;
    let transaction = rule
        .inspections
        .iter()
        .find(|inspection| inspection.buffer.is_of_transactions());
    let span = match transaction {
        Some(inspection) => inspection.span.clone(),
        None if rule.traits.transaction || of_stream => syntax.header_span(),
        None => return Ok(()),
    };
    if !of_packets {
        return Ok(());
    }
    let what = if of_stream {
        "the stream"
    } else {
        "what a parser made of it"
    };
    Err(Problem::error(
        "packet-with-stream",
        span,
        format!("the rule asks for fields of a single packet and for {what} at once"),
    )
    .hint("make two rules of it, tied together by flowbits"))
}

fn contents(inspection: &InspectionDraft) -> impl Iterator<Item = &ContentDraft> {
    inspection.matches.iter().filter_map(|item| match item {
        MatchDraft::Content(content) => Some(content),
        _ => None,
    })
}

fn check_inspection(inspection: &mut InspectionDraft) -> Result<(), Problem> {
    match inspection.buffer {
        Buffer::HttpHost => check_host(inspection)?,
        Buffer::HttpMethod => check_method(inspection)?,
        Buffer::Ja3Hash | Buffer::Ja3sHash | Buffer::QuicCyuHash => {
            check_each(inspection, is_hash, "a hash has 32 digits")?;
            fold(inspection, |pattern| pattern.make_ascii_lowercase());
        }
        Buffer::TlsCertSerial => {
            let is_joined = |pattern: &[u8]| pattern.len() < 3 || pattern.contains(&b':');
            check_each(
                inspection,
                is_joined,
                "the bytes of a serial number stand between colons, as `5C:19:B7`",
            )?;
            fold(inspection, |pattern| pattern.make_ascii_uppercase());
        }
        Buffer::TlsCertFingerprint => {
            check_each(
                inspection,
                is_fingerprint,
                "a fingerprint is 20 bytes between colons, as `4a:a3:…`",
            )?;
            fold(inspection, |pattern| pattern.make_ascii_lowercase());
        }
        Buffer::SshHassh | Buffer::SshHasshServer => {
            let is_hassh =
                |pattern: &[u8]| is_hash(pattern) && pattern.iter().all(u8::is_ascii_hexdigit);
            check_each(inspection, is_hassh, "a hash has 32 hexadecimal digits")?;
            fold(inspection, |pattern| pattern.make_ascii_lowercase());
        }
        _ => {}
    }
    check_case(inspection)
}

/// Refuses a content whose letters a transform of its buffer has changed.
fn check_case(inspection: &InspectionDraft) -> Result<(), Problem> {
    for transform in &inspection.transforms {
        let (is_changed, case): (fn(&u8) -> bool, _) = match transform {
            TransformDraft::Plain(Transform::ToLowercase) => (u8::is_ascii_uppercase, "lower"),
            TransformDraft::Plain(Transform::ToUppercase) => (u8::is_ascii_lowercase, "upper"),
            _ => continue,
        };
        let lost = contents(inspection)
            .find(|content| !content.negated && content.pattern.iter().any(is_changed));
        if let Some(content) = lost {
            return Err(Problem::error(
                "impossible-case",
                content.span.clone(),
                format!("the buffer is in {case} case behind its transform"),
            )
            .hint(format!("write the content in {case} case")));
        }
    }
    Ok(())
}

/// Refuses contents that nothing in the buffer can be, unless a transform makes something else of it.
fn check_each(
    inspection: &InspectionDraft,
    fits: impl Fn(&[u8]) -> bool,
    what: &str,
) -> Result<(), Problem> {
    let odd = contents(inspection).find(|content| !fits(&content.pattern));
    match odd {
        Some(content) if inspection.transforms.is_empty() => Err(Problem::error(
            "impossible-size",
            content.span.clone(),
            what,
        )),
        _ => Ok(()),
    }
}

/// Whether it has the digits of an MD5, which JA3 and HASSH are.
fn is_hash(pattern: &[u8]) -> bool {
    pattern.len() == 32
}

/// Whether it is a SHA-1 with colons between its bytes.
fn is_fingerprint(pattern: &[u8]) -> bool {
    pattern.len() == 59 && pattern.iter().skip(2).step_by(3).all(|byte| *byte == b':')
}

/// A length asked of a buffer holds for every content of that buffer, whichever keyword opened it.
fn check_buffer_size(inspection: &InspectionDraft, all: &[InspectionDraft]) -> Result<(), Problem> {
    if !inspection.transforms.is_empty() {
        return check_fits(
            inspection,
            largest_of(std::iter::once(inspection)),
            "the buffer's length",
        );
    }
    let same = all.iter().filter(|other| {
        other.buffer == inspection.buffer
            && other.transforms.is_empty()
            && !other.buffer.info().multiple
    });
    let own = std::iter::once(inspection);
    check_fits(
        inspection,
        largest_of(same.chain(own)),
        "the buffer's length",
    )
}

/// The smallest upper bound on the length that any of these has.
fn largest_of<'i>(inspections: impl Iterator<Item = &'i InspectionDraft>) -> Option<u64> {
    inspections
        .flat_map(|inspection| &inspection.matches)
        .filter_map(|item| match item {
            MatchDraft::Other(Match::BufferSize(range)) => largest_size(*range),
            _ => None,
        })
        .min()
}

/// The patterns of some buffers are folded as their bytes are.
fn fold(inspection: &mut InspectionDraft, change: impl Fn(&mut [u8])) {
    for item in &mut inspection.matches {
        if let MatchDraft::Content(content) = item {
            change(&mut content.pattern);
        }
    }
}

/// The largest size that a range allows, where it allows one.
fn largest_size(range: NumberRange) -> Option<u64> {
    (!range.negated && range.max < u64::MAX).then_some(range.max)
}

/// Whether the contents can lie within so many bytes.
fn check_fits(
    inspection: &InspectionDraft,
    largest: Option<u64>,
    what: &str,
) -> Result<(), Problem> {
    let Some(largest) = largest else {
        return Ok(());
    };
    // Where the content before ends at the earliest; what lies between two contents moves the second only further back.
    let mut end = 0_u64;
    for content in contents(inspection).filter(|content| !content.negated) {
        let start = match (content.offset, content.distance) {
            (_, Some(Operand::Number(distance))) => end.saturating_add_signed(distance),
            (_, None) if content.within.is_some() => end,
            (Some(Operand::Number(offset)), None) => u64::try_from(offset).unwrap_or_default(),
            _ => 0,
        };
        let needed = start + content.pattern.len() as u64;
        end = needed;
        if needed > largest {
            return Err(Problem::error(
                "impossible-size",
                content.span.clone(),
                format!("the content needs {needed} bytes, and {what} is {largest} at most"),
            ));
        }
    }
    Ok(())
}

fn check_host(inspection: &InspectionDraft) -> Result<(), Problem> {
    for content in contents(inspection) {
        let has_upper = content.pattern.iter().any(u8::is_ascii_uppercase);
        if content.nocase || has_upper {
            return Err(Problem::error(
                "host-is-lower-case",
                content.span.clone(),
                "`http.host` is in lower case already",
            )
            .hint("write the content in lower case and leave `nocase` out"));
        }
    }
    Ok(())
}

fn check_method(inspection: &InspectionDraft) -> Result<(), Problem> {
    for content in contents(inspection) {
        let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        if blank(content.pattern.first()) || blank(content.pattern.last()) {
            return Err(Problem::error(
                "method-has-space",
                content.span.clone(),
                "a request method neither begins nor ends with a space",
            ));
        }
    }
    Ok(())
}

/// `dsize` must leave room for the contents of the payload.
fn check_payload_size(rule: &RuleDraft) -> Result<(), Problem> {
    let size = rule
        .conditions
        .iter()
        .find_map(|condition| match condition {
            super::draft::ConditionDraft::Plain(PacketCondition::Field(
                HeaderField::PayloadSize,
                range,
            )) => Some(*range),
            _ => None,
        });
    let payload = rule
        .inspections
        .iter()
        .find(|inspection| inspection.buffer == Buffer::Payload);
    match (size, payload) {
        (Some(size), Some(payload)) => {
            check_fits(payload, largest_size(size), "the payload's size (`dsize`)")
        }
        _ => Ok(()),
    }
}

/// Combinations that are valid and not run.
fn note_unsupported(rule: &mut RuleDraft) {
    let mut notes = Vec::new();
    for condition in &rule.conditions {
        if let super::draft::ConditionDraft::Plain(PacketCondition::Field(field, _)) = condition
            && let Err(reason) = support::field(*field)
        {
            notes.push((0..1, format!("{field:?}: {reason}")));
        }
    }
    for inspection in &rule.inspections {
        for transform in &inspection.transforms {
            if matches!(
                transform,
                TransformDraft::FirstCapture(regex) if regex.needs_backtracking
            ) {
                notes.push((
                    inspection.span.clone(),
                    "the transform needs backtracking".to_owned(),
                ));
            }
        }
    }
    let asks_transactions = rule.traits.transaction
        || rule
            .inspections
            .iter()
            .any(|inspection| inspection.buffer.is_of_transactions());
    if let Some(protocol) = rule.app_protocol()
        && asks_transactions
        && let Err(reason) = support::parser(protocol)
    {
        notes.push((0..1, format!("{}: {reason}", protocol.name())));
    }
    for (span, note) in notes {
        rule.unsupported(&span, note);
    }
}
