//! Lints about regular expressions.

use super::{
    Report, expression_language, lint, numbers,
    subject::{Subject, contents_of, shown},
};
use crate::{
    model::{Buffer, Transform},
    source::draft::{InspectionDraft, TransformDraft},
};

lint! {
    /// An expression cannot match where a content of the rule stands.
    ///
    /// The expression says what the whole buffer is (or how it begins or ends), and no such buffer holds the content: the rule
    /// never matches. Only what can be proven is remarked.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/gate.php"; pcre:"/^\/[a-z]{4}\.asp$/"; sid:1;)
    /// ```
    ///
    /// Let both speak of the same bytes:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/gate.php"; pcre:"/^\/[a-z]{4}\.php$/"; sid:1;)
    /// ```
    EXPRESSION_CONTRADICTS_CONTENT = "expression-contradicts-content", Correctness, Warning, Rule(expression_contradicts_content)
}

fn expression_contradicts_content(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, regex, relative, negated) in subject.expressions() {
        if relative || negated || regex.needs_backtracking {
            continue;
        }
        for content in contents_of(inspection).filter(|content| !content.negated) {
            if !expression_language::can_hold(&regex.expression, content) {
                report.say(
                    subject.expression_span(regex),
                    format!(
                        "nothing that this matches holds `{}`, so the rule never matches",
                        shown(&content.pattern)
                    ),
                    "let the expression and the content speak of the same bytes",
                );
            }
        }
    }
}

lint! {
    /// The shortest match of an expression is longer than the buffer may be.
    ///
    /// `bsize`, `urilen` or `dsize` leave less room than the expression needs: the rule never matches.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/"; bsize:<8; pcre:"/^\/[0-9]{8}/"; sid:1;)
    /// ```
    ///
    /// Let both agree:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"/"; bsize:9; pcre:"/^\/[0-9]{8}/"; sid:1;)
    /// ```
    EXPRESSION_CONTRADICTS_SIZE = "expression-contradicts-size", Correctness, Warning, Rule(expression_contradicts_size)
}

fn expression_contradicts_size(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, regex, _, negated) in subject.expressions() {
        let Some(largest) = numbers::largest(subject, inspection) else {
            continue;
        };
        let shortest = expression_language::shortest_match(&regex.expression)
            .filter(|_| !negated && !regex.needs_backtracking);
        if let Some(shortest) = shortest
            && shortest as u64 > largest
        {
            report.say(
                subject.expression_span(regex),
                format!(
                    "the shortest match has {shortest} bytes and the buffer {largest} at most, so the rule never matches"
                ),
                "let the size and the expression agree",
            );
        }
    }
}

/// Whether letters of a buffer are of one case: `Some(true)` for lower case.
pub(super) fn case_of(inspection: &InspectionDraft) -> Option<bool> {
    let by_transform = inspection
        .transforms
        .iter()
        .rev()
        .find_map(|transform| match transform {
            TransformDraft::Plain(
                Transform::ToLowercase | Transform::ToMd5 | Transform::ToSha1 | Transform::ToSha256,
            ) => Some(true),
            TransformDraft::Plain(Transform::ToUppercase) => Some(false),
            _ => None,
        });
    let by_buffer = match inspection.buffer {
        Buffer::HttpHost
        | Buffer::Ja3Hash
        | Buffer::Ja3sHash
        | Buffer::SshHassh
        | Buffer::SshHasshServer
        | Buffer::TlsCertFingerprint => Some(true),
        Buffer::TlsCertSerial => Some(false),
        _ => None,
    };
    by_transform.or(by_buffer.filter(|_| inspection.transforms.is_empty()))
}

lint! {
    /// An expression asks for letters of a case that the buffer does not have.
    ///
    /// `http.host`, hashes and what `to_lowercase` gives are in lower case, serial numbers of certificates and what
    /// `to_uppercase` gives in upper case. No buffer that matches is in that case, so the rule never matches.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.host; content:"evil"; pcre:"/^Evil[0-9]+/"; sid:1;)
    /// ```
    ///
    /// Write the case that the buffer has:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.host; content:"evil"; pcre:"/^evil[0-9]+/"; sid:1;)
    /// ```
    EXPRESSION_IN_WRONG_CASE = "expression-in-wrong-case", Correctness, Warning, Rule(expression_in_wrong_case)
}

fn expression_in_wrong_case(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, regex, relative, negated) in subject.expressions() {
        let Some(is_lower) = case_of(inspection) else {
            continue;
        };
        if negated || relative || regex.needs_backtracking {
            continue;
        }
        if !expression_language::can_match_in_case(&regex.expression, is_lower) {
            let case = if is_lower { "lower" } else { "upper" };
            report.say(
                subject.expression_span(regex),
                format!(
                    "`{}` is in {case} case here and the expression asks for the other, so the rule never matches",
                    inspection.buffer.info().name
                ),
                format!("write the expression in {case} case, or with the flag `i`"),
            );
        }
    }
}

lint! {
    /// A dot between two words of an expression is not escaped.
    ///
    /// A dot stands for any byte. In `evil.com` it is nearly always meant to be a dot, and `evil-com` matches as well.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.host; content:"evil"; pcre:"/(www|mail)[0-9]evil.com$/"; sid:1;)
    /// ```
    ///
    /// Escape it:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.host; content:"evil"; pcre:"/(www|mail)[0-9]evil\.com$/"; sid:1;)
    /// ```
    UNESCAPED_DOT = "unescaped-dot", Correctness, Note, Rule(unescaped_dot)
}

/// What commonly stands behind a real dot: ends of names and of files.
const ENDINGS: [&[u8]; 20] = [
    b"com", b"net", b"org", b"info", b"top", b"xyz", b"php", b"asp", b"aspx", b"jsp", b"exe",
    b"dll", b"html", b"htm", b"js", b"cgi", b"zip", b"jpg", b"png", b"gif",
];

fn unescaped_dot(subject: &Subject<'_>, report: &mut Report) {
    for (_, regex, ..) in subject.expressions() {
        let bytes = regex.original.as_bytes();
        let found = memchr::memchr_iter(b'.', bytes).any(|dot| {
            let Some((before, behind)) = bytes.split_at_checked(dot) else {
                return false;
            };
            let behind = behind.get(1..).unwrap_or_default();
            let word_end = behind
                .iter()
                .position(|byte| !byte.is_ascii_alphanumeric())
                .unwrap_or(behind.len());
            let word_before = before
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .count();
            // `\w.com` ends in an escape, not in a word.
            let escape = before
                .len()
                .checked_sub(word_before + 1)
                .map(|at| before[at]);
            let word_before = word_before - usize::from(escape == Some(b'\\')).min(word_before);
            word_before >= 2 && ENDINGS.contains(&&behind[..word_end])
        });
        if found {
            report.say(
                subject.expression_span(regex),
                "a dot between two words stands for any byte",
                "write `\\.` for a dot",
            );
        }
    }
}
