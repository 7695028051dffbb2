//! Lints about what a rule costs.
//!
//! A rule is cheap if something rare must be in the traffic before it is evaluated: its fast pattern. All fast patterns are looked
//! for at once in one pass; only rules whose pattern was seen are evaluated.

use super::{
    Report, lint,
    subject::{Subject, contents_of, shown},
};
use crate::{
    model::{Buffer, HeaderProtocol, RuleKind},
    source::draft::ContentDraft,
};

/// Patterns up to this many bytes are seen nearly everywhere.
const SHORT_BYTES: usize = 2;

/// Whether rules of this kind are evaluated so seldom that nothing need be looked for first.
fn is_seldom(kind: RuleKind) -> bool {
    matches!(
        kind,
        RuleKind::AddressOnly
            | RuleKind::LikeAddressOnly
            | RuleKind::ProtocolDetectionOnly
            | RuleKind::DecoderEventOnly
    )
}

lint! {
    /// Nothing can be looked for first.
    ///
    /// The rule inspects bytes and has no content that must be there (or only negated ones, or only behind a transform that changes
    /// every byte), so it is evaluated on everything that its header lets through.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:to_server,established; byte_test:4,>,1000,0; sid:1;)
    /// ```
    ///
    /// Add a content that is always there in what is meant:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:to_server,established; content:"|00 00|EVIL"; offset:4; depth:6; byte_test:4,>,1000,0; sid:1;)
    /// ```
    NO_PREFILTER = "no-prefilter", Cost, Warning, Rule(no_prefilter)
}

fn no_prefilter(subject: &Subject<'_>, report: &mut Report) {
    let rule = subject.rule;
    let has_expression = subject.expressions().any(|(.., negated)| !negated);
    // That is remarked by a lint of its own.
    let is_expression_alone = has_expression && lacks_content(subject);
    if subject.is_run
        && subject.plan.pattern.is_none()
        && !rule.inspections.is_empty()
        && !is_seldom(subject.plan.kind)
        && !is_expression_alone
        && !subject.has("prefilter")
    {
        let in_payload = subject.contents().find(|(_, content)| !content.negated);
        match in_payload.filter(|_| subject.plan.kind == RuleKind::Transaction) {
            Some((inspection, content)) if inspection.buffer == Buffer::Payload => report.say(
                content.span.clone(),
                "a rule about transactions is looked for in their buffers, and all its contents are in the payload",
                "put the content into a buffer, as http.uri",
            ),
            _ => report.say(
                subject.syntax.header_span(),
                "nothing can be looked for first, so the rule is evaluated on everything that its header lets through",
                "add a content that is always there in what is meant",
            ),
        }
    }
}

/// Whether the rule has no content that must be there.
fn lacks_content(subject: &Subject<'_>) -> bool {
    subject.contents().all(|(_, content)| content.negated)
}

lint! {
    /// An expression without any content.
    ///
    /// Expressions are not looked for in one pass with all others, so without a content each is run on everything that the rule's
    /// header lets through. This is the dearest kind of rule.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; pcre:"/\/gate[0-9]+\.php/"; sid:1;)
    /// ```
    ///
    /// Put the fixed part of it into a content:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/gate"; pcre:"/\/gate[0-9]+\.php/"; sid:1;)
    /// ```
    EXPRESSION_WITHOUT_CONTENT = "expression-without-content", Cost, Warning, Rule(expression_without_content)
}

fn expression_without_content(subject: &Subject<'_>, report: &mut Report) {
    let positive = subject.expressions().find(|(.., negated)| !negated);
    if let Some((_, regex, ..)) = positive
        && lacks_content(subject)
        && subject.is_run
    {
        report.say(
            subject.expression_span(regex),
            "the rule has no content, so the expression is run on everything that the header lets through",
            "put the fixed part of the expression into a content",
        );
    }
}

lint! {
    /// The fast pattern has one or two bytes.
    ///
    /// So short a pattern stands in nearly every packet by chance, and each time the rule is evaluated.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:to_server,established; content:"|90 90|"; sid:1;)
    /// ```
    ///
    /// Use a longer content, three bytes at least, better six:
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:to_server,established; content:"|90 90 90 90 eb|"; sid:1;)
    /// ```
    SHORT_FAST_PATTERN = "short-fast-pattern", Cost, Warning, Rule(short_fast_pattern)
}

/// The content that the plan looks for first.
fn chosen<'s>(subject: &Subject<'s>) -> Option<&'s ContentDraft> {
    let pattern = subject.plan.pattern.as_ref()?;
    let is_it = |content: &&ContentDraft| {
        !content.negated
            && memchr::memmem::find(&content.pattern.to_ascii_lowercase(), pattern).is_some()
    };
    let contents = || subject.contents().map(|(_, content)| content);
    contents()
        .filter(is_it)
        .find(|content| content.fast_pattern.is_some())
        .or_else(|| {
            contents()
                .filter(is_it)
                .min_by_key(|content| content.pattern.len())
        })
}

fn short_fast_pattern(subject: &Subject<'_>, report: &mut Report) {
    let Some(pattern) = &subject.plan.pattern else {
        return;
    };
    // A method or status code is short and all there is in its buffer.
    let in_short_buffer = subject.contents().any(|(inspection, content)| {
        matches!(
            inspection.buffer,
            Buffer::HttpMethod | Buffer::HttpStatusCode | Buffer::HttpProtocol
        ) && content.pattern.eq_ignore_ascii_case(pattern)
    });
    if pattern.len() <= SHORT_BYTES && !in_short_buffer && subject.is_run {
        let span = chosen(subject).map_or_else(
            || subject.syntax.header_span(),
            |content| content.span.clone(),
        );
        report.say(
            span,
            format!(
                "what is looked for first, `{}`, has {} only, and stands nearly everywhere",
                shown(pattern),
                if pattern.len() == 1 {
                    "one byte"
                } else {
                    "two bytes"
                }
            ),
            "use a longer content",
        );
    }
}

lint! {
    /// The fast pattern stands in nearly all traffic of its kind.
    ///
    /// `HTTP/1.`, `Mozilla/5.0`, runs of zeros and the like are long and say nothing, so the rule is evaluated nearly always.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.user_agent; content:"Mozilla/5.0"; sid:1;)
    /// ```
    ///
    /// Let something rarer be looked for:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.user_agent; content:"Mozilla/5.0"; content:"EvilBot"; fast_pattern; sid:1;)
    /// ```
    COMMON_FAST_PATTERN = "common-fast-pattern", Cost, Note, Rule(common_fast_pattern)
}

/// What stands in nearly all traffic, in lower case.
const COMMON: [&[u8]; 24] = [
    b"http/1.",
    b"http/1.0",
    b"http/1.1",
    b"http/1.1 200 ok",
    b"mozilla/",
    b"mozilla/4.0",
    b"mozilla/5.0",
    b"mozilla/5.0 (",
    b"user-agent",
    b"user-agent:",
    b"user-agent: ",
    b"host:",
    b"host: ",
    b"accept:",
    b"accept: ",
    b"accept: */*",
    b"content-type:",
    b"content-type: ",
    b"content-length:",
    b"content-length: ",
    b"connection: ",
    b"get ",
    b"post ",
    b"\r\n\r\n",
];

fn common_fast_pattern(subject: &Subject<'_>, report: &mut Report) {
    let Some(pattern) = &subject.plan.pattern else {
        return;
    };
    let trimmed = pattern.strip_prefix(b"\r\n").unwrap_or(pattern);
    let is_run_of_one = pattern.len() > SHORT_BYTES
        && matches!(pattern.first(), Some(0 | 0xff | b' '))
        && pattern.iter().all(|byte| Some(byte) == pattern.first());
    if subject.is_run && (COMMON.contains(&trimmed) || is_run_of_one) {
        let span = chosen(subject).map_or_else(
            || subject.syntax.header_span(),
            |content| content.span.clone(),
        );
        report.say(
            span,
            format!(
                "what is looked for first, `{}`, stands in nearly all traffic of its kind",
                shown(pattern)
            ),
            "write `fast_pattern` behind something rarer",
        );
    }
}

lint! {
    /// `fast_pattern` stands behind a content that is much shorter than another in the same buffer.
    ///
    /// The keyword overrides the choice that is made without it. Usually the longer of two contents is the rarer.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:to_server,established; content:"EVIL"; fast_pattern; content:"SECRETHANDSHAKE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:to_server,established; content:"EVIL"; content:"SECRETHANDSHAKE"; fast_pattern; sid:1;)
    /// ```
    WEAK_FAST_PATTERN_CHOSEN = "weak-fast-pattern-chosen", Cost, Note, Rule(weak_fast_pattern_chosen)
}

/// A content so many times as long as the chosen one is likely rarer.
const MUCH_LONGER: usize = 3;

fn weak_fast_pattern_chosen(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        let explicit = contents_of(inspection)
            .find(|content| content.fast_pattern.is_some() && !content.negated);
        let Some(explicit) = explicit else { continue };
        let length = explicit
            .fast_pattern
            .and_then(|chosen| chosen.part)
            .map_or(explicit.pattern.len(), |(_, length)| length);
        let longest = contents_of(inspection)
            .filter(|content| !content.negated)
            .max_by_key(|content| content.pattern.len());
        if let Some(longest) = longest
            && longest.pattern.len() >= length * MUCH_LONGER
        {
            report.say(
                explicit.span.clone(),
                format!(
                    "`{}` is looked for first, and `{}` is likely rarer",
                    shown(&explicit.pattern),
                    shown(&longest.pattern)
                ),
                "write `fast_pattern` behind the longer one, or leave it out",
            );
        }
    }
}

lint! {
    /// An expression begins with a wildcard that may take everything.
    ///
    /// An expression that is not anchored is tried at every byte anyway, so `.*` at its start adds nothing but work: at each byte
    /// it first runs to the end of the line.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/gate"; pcre:"/.*\/gate[0-9]+\.php/"; sid:1;)
    /// ```
    ///
    /// Leave it out:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/gate"; pcre:"/\/gate[0-9]+\.php/"; sid:1;)
    /// ```
    LEADING_WILDCARD = "leading-wildcard", Cost, Warning, Rule(leading_wildcard)
}

/// The expression between its slashes.
fn inner(original: &str) -> &str {
    let text = original.trim().strip_prefix('/').unwrap_or(original);
    text.rsplit_once('/').map_or(text, |(inner, _)| inner)
}

fn leading_wildcard(subject: &Subject<'_>, report: &mut Report) {
    for (_, regex, relative, _) in subject.expressions() {
        let text = inner(&regex.original);
        let (anchored, text) = match text.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let is_wildcard = [".*", ".*?", "[^\\n]*", "(?:.*)", "(.*)"]
            .iter()
            .any(|wildcard| text.starts_with(wildcard));
        // With `R` and an anchor the wildcard says how far it may be from the match before.
        if is_wildcard && !(relative && anchored) {
            report.say(
                subject.expression_span(regex),
                "an expression is tried at every byte, so a wildcard at its start is work for nothing",
                "leave the wildcard out, with the `^` before it if there is one",
            );
        }
    }
}

lint! {
    /// An expression ends in a wildcard that may take nothing.
    ///
    /// `.*` at the end of an expression matches nothing as well, so it changes no result.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/gate"; pcre:"/\/gate[0-9]+\.php.*/"; sid:1;)
    /// ```
    ///
    /// Leave it out:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/gate"; pcre:"/\/gate[0-9]+\.php/"; sid:1;)
    /// ```
    TRAILING_WILDCARD = "trailing-wildcard", Cost, Note, Rule(trailing_wildcard)
}

fn trailing_wildcard(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, regex, ..) in subject.expressions() {
        let text = inner(&regex.original);
        let before = text.strip_suffix(".*").or_else(|| text.strip_suffix(".*?"));
        let is_last = inspection
            .matches
            .iter()
            .skip_while(|item| !matches!(item, crate::source::draft::MatchDraft::Regex { regex: other, .. } if other == regex))
            .skip(1)
            .all(|item| !item.is_relative());
        if before.is_some_and(|before| !before.ends_with('\\')) && is_last {
            report.say(
                subject.expression_span(regex),
                "a wildcard at the end changes no result",
                "leave it out",
            );
        }
    }
}

lint! {
    /// A rule over the payload of any host and any port.
    ///
    /// Such a rule is looked for in all traffic, also where it can only be wrong. A port, a home network or an application protocol
    /// narrows it at no cost.
    ///
    /// ```text
    /// alert tcp any any -> any any (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tcp $HOME_NET any -> $EXTERNAL_NET any (msg:"x"; flow:to_server,established; content:"EVILSTAGE"; sid:1;)
    /// ```
    ANY_TO_ANY = "any-to-any", Cost, Note, Rule(any_to_any)
}

fn any_to_any(subject: &Subject<'_>, report: &mut Report) {
    let rule = subject.rule;
    let is_any = ["any"; 2]
        == [
            subject.syntax.source.text(),
            subject.syntax.destination.text(),
        ]
        && rule.source_port.is_all()
        && rule.destination_port.is_all();
    if is_any
        && subject.inspects_payload()
        && rule.app_protocol().is_none()
        && rule.protocol != HeaderProtocol::Icmp
    {
        report.say(
            subject.syntax.header_span(),
            "the payload of any host and any port is searched",
            "name a port, a home network or an application protocol",
        );
    }
}
