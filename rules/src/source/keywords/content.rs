//! `content` and its modifiers, lengths of buffers, `isdataat`, `base64_decode`.

use super::{super::keyword_table::Context, Done, byte_keywords::push, once, value};
use crate::{
    model::{AppProtocol, Base64Decode, Buffer, IsDataAt, Match, Operand},
    source::{
        draft::{ContentDraft, FastPattern, MatchDraft, RuleDraft},
        problem::Problem,
        syntax::{RuleOption, Word},
        values::{
            Quoted, integer, list, number_range, number_within, pattern, quoted, split_space,
        },
    },
};

/// SHA-1 as twenty pairs of digits with colons between them.
const FINGERPRINT_BYTES: usize = 59;
/// Largest distance in bytes that position modifiers take; the reference has the same.
const LARGEST_DISTANCE: i64 = 1_048_576;

/// Largest offset and depth in bytes.
const LARGEST_OFFSET: i64 = 65_535;

pub(super) fn new_content(option: &RuleOption<'_>) -> Result<ContentDraft, Problem> {
    content_of(option, quoted(value(option), true)?)
}

/// A content of bytes whose quotes were taken off.
pub(super) fn content_of(
    option: &RuleOption<'_>,
    value: Quoted<'_>,
) -> Result<ContentDraft, Problem> {
    Ok(ContentDraft {
        pattern: pattern(value.inner)?,
        span: option.name.start
            ..option
                .value
                .map_or(option.name.start, |value| value.span().end),
        negated: value.negated,
        nocase: false,
        offset: None,
        depth: None,
        distance: None,
        within: None,
        starts_with: false,
        ends_with: false,
        fast_pattern: None,
        raw_bytes: false,
    })
}

pub(crate) fn content(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let content = new_content(option)?;
    rule.current_inspection(&option.name.span())
        .matches
        .push(MatchDraft::Content(content));
    Ok(())
}

/// `uricontent:"…"` is `content:"…"; http_uri`.
pub(crate) fn uri_content(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let content = new_content(option)?;
    let span = option.name.span();
    if rule.current.is_some() {
        return Err(Problem::error(
            "modifier-after-sticky-buffer",
            span,
            "`uricontent` cannot follow a sticky buffer",
        )
        .hint("use `http.uri` and `content`"));
    }
    rule.confine_to_http1("uricontent", &span)?;
    let index = rule.inspection_of(Buffer::HttpUri, &span);
    rule.inspections[index]
        .matches
        .push(MatchDraft::Content(content));
    Ok(())
}

/// `tls.subject:"…"` is a content of `tls.cert_subject`.
pub(crate) fn tls_subject(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    certificate_text(rule, option, Buffer::TlsCertSubject)
}

/// `tls.issuerdn:"…"` is a content of `tls.cert_issuer`.
pub(crate) fn tls_issuer(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    certificate_text(rule, option, Buffer::TlsCertIssuer)
}

/// `tls.fingerprint:"…"` is a content of `tls.cert_fingerprint`.
pub(crate) fn tls_fingerprint(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    certificate_text(rule, option, Buffer::TlsCertFingerprint)
}

fn certificate_text(rule: &mut RuleDraft, option: &RuleOption<'_>, buffer: Buffer) -> Done {
    let content = new_content(option)?;
    if value(option).bytes.contains(&b'|') {
        return Err(Problem::value(
            value(option).span(),
            "bytes in hexadecimal are for `content`, not for the text of a certificate",
        ));
    }
    if buffer == Buffer::TlsCertFingerprint && content.pattern.len() != FINGERPRINT_BYTES {
        return Err(Problem::value(
            value(option).span(),
            format!(
                "a fingerprint is {FINGERPRINT_BYTES} characters: twenty pairs of digits with colons"
            ),
        ));
    }
    let span = option.name.span();
    rule.imply(AppProtocol::Tls, option.name.text(), &span)?;
    let index = rule.inspection_of(buffer, &span);
    rule.inspections[index]
        .matches
        .push(MatchDraft::Content(content));
    Ok(())
}

fn twice(option: &RuleOption<'_>) -> Problem {
    Problem::error(
        "duplicate-keyword",
        option.name.span(),
        format!("the content has a `{}` already", option.name.text()),
    )
}

fn flag(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    of: impl FnOnce(&mut ContentDraft) -> &mut bool,
) -> Done {
    let content = rule.last_content(option.name.text(), &option.name.span())?;
    if std::mem::replace(of(content), true) {
        return Err(twice(option));
    }
    Ok(())
}

pub(crate) fn nocase(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    flag(rule, option, |content| &mut content.nocase)
}

/// `rawbytes`: content is always raw bytes, so it changes nothing; where it stands is checked.
pub(crate) fn raw_bytes(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let span = option.name.span();
    if rule.current.is_some() {
        return Err(Problem::error(
            "modifier-after-sticky-buffer",
            span,
            "`rawbytes` cannot follow a sticky buffer",
        ));
    }
    let newest = rule
        .inspections
        .iter_mut()
        .filter(|inspection| inspection.buffer == Buffer::Payload)
        .flat_map(|inspection| &mut inspection.matches)
        .rev()
        .find_map(|item| match item {
            MatchDraft::Content(content) => Some(content),
            _ => None,
        });
    let content = newest.ok_or_else(|| {
        Problem::error(
            "modifier-without-content",
            span,
            "`rawbytes` has no content of the payload before it",
        )
    })?;
    if std::mem::replace(&mut content.raw_bytes, true) {
        return Err(twice(option));
    }
    Ok(())
}

pub(crate) fn ends_with(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    flag(rule, option, |content| &mut content.ends_with)
}

pub(crate) fn starts_with(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let content = rule.last_content("startswith", &option.name.span())?;
    if content.depth.is_some() || content.offset.is_some() || content.starts_with {
        return Err(Problem::error(
            "contradictory-positions",
            option.name.span(),
            "`startswith` cannot stand beside `depth`, `offset` or another `startswith`",
        ));
    }
    content.starts_with = true;
    check_not_both(content, option)
}

/// A position from the start of the buffer and one from the match before exclude each other.
fn check_not_both(content: &ContentDraft, option: &RuleOption<'_>) -> Done {
    if content.is_absolute() && content.is_relative() {
        return Err(Problem::error(
            "contradictory-positions",
            option.name.span(),
            "`offset`, `depth` and `startswith` cannot stand beside `distance` and `within`",
        )
        .hint("use the pair for a place in the buffer, or the pair for a place behind the match before"));
    }
    Ok(())
}

/// A number, or the name of a byte variable seen before.
pub(super) fn operand(
    rule: &RuleDraft,
    word: Word<'_>,
    min: i64,
    max: i64,
) -> Result<Operand, Problem> {
    if integer(word).is_some() {
        return number_within(word, min, max).map(Operand::Number);
    }
    let name = word.text();
    rule.variables
        .iter()
        .position(|known| known == name)
        .and_then(|index| u8::try_from(index).ok())
        .map(Operand::Variable)
        .ok_or_else(|| {
            Problem::value(
                word.span(),
                format!("`{name}` is neither a number nor a variable set before"),
            )
            .hint("byte_extract and byte_math set variables")
        })
}

/// Sets one of the four positions.
fn position(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    (min, max): (i64, i64),
    slot: fn(&mut ContentDraft) -> &mut Option<Operand>,
) -> Result<(usize, Operand), Problem> {
    let number = operand(rule, value(option), min, max)?;
    let content = rule.last_content(option.name.text(), &option.name.span())?;
    if slot(content).replace(number).is_some() {
        return Err(twice(option));
    }
    check_not_both(content, option)?;
    Ok((content.pattern.len(), number))
}

/// Whether so many bytes can hold the pattern.
fn check_room(option: &RuleOption<'_>, (length, number): (usize, Operand)) -> Done {
    match number {
        Operand::Number(room) if i64::try_from(length).unwrap_or(i64::MAX) > room => {
            Err(Problem::error(
                "impossible-position",
                value(option).span(),
                format!("the pattern has {length} bytes and cannot match within {room}"),
            ))
        }
        _ => Ok(()),
    }
}

pub(crate) fn offset(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    position(rule, option, (0, LARGEST_OFFSET), |content| {
        &mut content.offset
    })
    .map(drop)
}

pub(crate) fn depth(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let span = option.name.span();
    if rule.last_content("depth", &span)?.starts_with {
        return Err(Problem::error(
            "contradictory-positions",
            span,
            "`depth` cannot stand beside `startswith`",
        ));
    }
    let set = position(rule, option, (0, LARGEST_OFFSET), |content| {
        &mut content.depth
    })?;
    check_room(option, set)
}

pub(crate) fn distance(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    position(
        rule,
        option,
        (-LARGEST_DISTANCE, LARGEST_DISTANCE),
        |content| &mut content.distance,
    )?;
    check_before(rule, option)
}

pub(crate) fn within(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let set = position(
        rule,
        option,
        (-LARGEST_DISTANCE, LARGEST_DISTANCE),
        |content| &mut content.within,
    )?;
    check_room(option, set)?;
    check_before(rule, option)
}

/// A content behind one with `fast_pattern:only` cannot be relative to it: that one's place is not looked at.
fn check_before(rule: &mut RuleDraft, option: &RuleOption<'_>) -> Done {
    let inspection = match rule.current {
        Some(index) => rule.inspections.get(index),
        None => rule
            .inspections
            .iter()
            .find(|inspection| inspection.buffer == Buffer::Payload),
    };
    let contents = inspection.map(|inspection| inspection.matches.as_slice());
    let before = contents.and_then(|matches| match matches {
        [.., MatchDraft::Content(before), MatchDraft::Content(_)] => Some(before),
        _ => None,
    });
    match before.and_then(|content| content.fast_pattern) {
        Some(FastPattern { only: true, .. }) => Err(Problem::error(
            "contradictory-positions",
            option.name.span(),
            "the content before has `fast_pattern:only`, so nothing can be relative to it",
        )),
        _ => Ok(()),
    }
}

pub(crate) fn fast_pattern(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let span = option.name.span();
    let taken = rule.inspections.iter().any(|inspection| {
        inspection.matches.iter().any(
            |item| matches!(item, MatchDraft::Content(content) if content.fast_pattern.is_some()),
        )
    });
    if taken {
        return Err(Problem::error(
            "duplicate-keyword",
            span,
            "one content of a rule can be the fast pattern",
        ));
    }
    let content = rule.last_content("fast_pattern", &span)?;
    let is_placed = content.is_relative() || content.is_absolute();
    if content.negated && is_placed {
        return Err(Problem::error(
            "negated-fast-pattern",
            span,
            "a negated content with a position cannot be the fast pattern",
        ));
    }
    let chosen = match option.value {
        None => FastPattern {
            only: false,
            part: None,
        },
        Some(word) if word.bytes == b"only" => {
            if content.negated || is_placed {
                return Err(Problem::error(
                    "negated-fast-pattern",
                    span,
                    "`fast_pattern:only` needs a content that is not negated and has no position",
                ));
            }
            FastPattern {
                only: true,
                part: None,
            }
        }
        Some(word) => {
            let (offset, length) = match list(word).as_slice() {
                [offset, length] => (
                    number_within(*offset, 0, 65535)?,
                    number_within(*length, 1, 65535)?,
                ),
                _ => {
                    return Err(Problem::value(
                        word.span(),
                        "a fast pattern is `only`, or `offset,length` of a part of the content",
                    ));
                }
            };
            let (offset, length) = (
                usize::try_from(offset).unwrap_or(usize::MAX),
                usize::try_from(length).unwrap_or(usize::MAX),
            );
            if offset.saturating_add(length) > content.pattern.len() {
                return Err(Problem::value(
                    word.span(),
                    format!("the content has {} bytes only", content.pattern.len()),
                ));
            }
            FastPattern {
                only: false,
                part: Some((offset, length)),
            }
        }
    };
    content.fast_pattern = Some(chosen);
    Ok(())
}

pub(crate) fn is_data_at(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let word = value(option);
    let negated = word.bytes.first() == Some(&b'!');
    if negated && word.bytes.get(1).is_some_and(u8::is_ascii_whitespace) {
        return Err(Problem::value(word.span(), "a space stands behind `!`").hint("remove it"));
    }
    let items = list(Word {
        bytes: word.bytes.strip_prefix(b"!").unwrap_or(word.bytes),
        start: word.start + usize::from(negated),
    });
    let Some((first, flags)) = items.split_first() else {
        return Err(Problem::value(word.span(), "a position is missing"));
    };
    let relative = match flags {
        [] => false,
        [relative]
        | [
            relative,
            Word {
                bytes: b"rawbytes", ..
            },
        ] if relative.bytes == b"relative" => true,
        _ => {
            return Err(Problem::value(
                word.span(),
                "behind the position may stand `relative`, and then `rawbytes`",
            ));
        }
    };
    let at = IsDataAt {
        offset: operand(rule, *first, 0, 65535)?,
        relative,
        negated,
    };
    push(rule, option, Match::IsDataAt(at))
}

pub(crate) fn buffer_size(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    if rule.current.is_none() {
        return Err(Problem::error(
            "modifier-without-buffer",
            option.name.span(),
            "`bsize` needs a sticky buffer before it",
        )
        .hint("use `dsize` for the payload of a packet"));
    }
    let range = number_range(value(option), u64::MAX)?;
    rule.current_inspection(&option.name.span())
        .matches
        .push(MatchDraft::Other(Match::BufferSize(range)));
    Ok(())
}

/// `urilen:5<>20,raw`
pub(crate) fn uri_length(rule: &mut RuleDraft, option: &RuleOption<'_>, _: &Context<'_>) -> Done {
    let items = list(value(option));
    let (range, buffer) = match items.as_slice() {
        [range] => (range, Buffer::HttpUri),
        [range, kind] if kind.bytes == b"norm" => (range, Buffer::HttpUri),
        [range, kind] if kind.bytes == b"raw" => (range, Buffer::HttpUriRaw),
        _ => {
            return Err(Problem::value(
                value(option).span(),
                "a URI length is a number or range, then perhaps `,norm` or `,raw`",
            ));
        }
    };
    let range = number_range(*range, 65535)?;
    let span = option.name.span();
    rule.imply(AppProtocol::Http1, "urilen", &span)?;
    let open = rule.current.filter(|at| {
        rule.inspections
            .get(*at)
            .is_some_and(|one| one.buffer == buffer)
    });
    let index = open.unwrap_or_else(|| rule.inspection_of(buffer, &span));
    rule.inspections[index]
        .matches
        .push(MatchDraft::Other(Match::BufferSize(range)));
    Ok(())
}

/// `base64_decode[:bytes N, offset N, relative]`
pub(crate) fn base64_decode(
    rule: &mut RuleDraft,
    option: &RuleOption<'_>,
    _: &Context<'_>,
) -> Done {
    once(rule, option, "base64_decode")?;
    let mut decode = Base64Decode {
        bytes: 0,
        offset: 0,
        relative: false,
    };
    // Each at most once, and in this order: `relative` may also stand alone before `bytes`.
    let mut last = 0;
    for item in option.value.map(list).unwrap_or_default() {
        let (name, number) = split_space(item);
        let place = match name.bytes {
            b"bytes" => 1,
            b"offset" => 2,
            _ => 0,
        };
        if place != 0 && std::mem::replace(&mut last, place) >= place {
            return Err(Problem::value(
                item.span(),
                "`bytes` stands before `offset`, and each once at most",
            ));
        }
        let parsed = || {
            number_within(number, 0, i64::from(u32::MAX))
                .map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        match name.bytes {
            b"bytes" => decode.bytes = parsed()?,
            b"offset" => decode.offset = parsed()?,
            b"relative" if number.bytes.is_empty() => decode.relative = true,
            _ => {
                return Err(Problem::value(
                    item.span(),
                    "`bytes N`, `offset N` or `relative` is expected",
                ));
            }
        }
    }
    // It goes where the newest content is, which a modifier may have moved.
    rule.inspection_of_newest(&option.name.span())
        .matches
        .push(MatchDraft::Other(Match::Base64Decode(decode)));
    Ok(())
}
