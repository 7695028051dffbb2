//! Lints about what a buffer cannot hold.

use super::{
    Report, expressions, lint,
    subject::{Subject, contents_of, shown},
};
use crate::{
    model::{Buffer, Transform},
    source::draft::TransformDraft,
};

lint! {
    /// A content with a percent escape in the URI as it is after decoding.
    ///
    /// In `http.uri` escapes are decoded: `%2e` stands there as a dot, so a content that spells the escape matches only where it
    /// was encoded twice.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; content:"%2e%2e/etc/passwd"; sid:1;)
    /// ```
    ///
    /// Look for the decoded bytes, or look in `http.uri.raw`:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri.raw; content:"%2e%2e/etc/passwd"; sid:1;)
    /// ```
    ENCODED_IN_DECODED_BUFFER = "encoded-in-decoded-buffer", Correctness, Warning, Rule(encoded_in_decoded_buffer)
}

fn encoded_in_decoded_buffer(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, content) in subject.contents() {
        let escape = content
            .pattern
            .windows(3)
            .find(|window| window[0] == b'%' && window[1..].iter().all(u8::is_ascii_hexdigit));
        if let Some(escape) = escape
            && inspection.buffer == Buffer::HttpUri
            // An escaped percent sign is what double encoding looks like.
            && escape != b"%25"
            && !content.negated
        {
            report.say(
                content.span.clone(),
                format!(
                    "`http.uri` is decoded, so `{}` stands there only if it was encoded twice",
                    shown(escape)
                ),
                "look for the decoded bytes, or look in `http.uri.raw`",
            );
        }
    }
}

/// Buffers that hold the value of one header, or a part of one line.
fn is_one_value(buffer: Buffer) -> bool {
    matches!(
        buffer,
        Buffer::HttpUri
            | Buffer::HttpUriRaw
            | Buffer::HttpMethod
            | Buffer::HttpCookie
            | Buffer::HttpUserAgent
            | Buffer::HttpHost
            | Buffer::HttpHostRaw
            | Buffer::HttpAccept
            | Buffer::HttpAcceptEncoding
            | Buffer::HttpAcceptLanguage
            | Buffer::HttpReferer
            | Buffer::HttpConnection
            | Buffer::HttpContentLength
            | Buffer::HttpContentType
            | Buffer::HttpProtocol
            | Buffer::HttpStatusCode
            | Buffer::HttpStatusMessage
            | Buffer::HttpServer
            | Buffer::HttpLocation
    )
}

lint! {
    /// A content with a line end in a buffer that holds one value.
    ///
    /// The value of a header, the URI and the method end before the line does, so a content with `|0D 0A|` never matches there.
    /// (In `http.header` and `http.header_names` lines have their ends.)
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.user_agent; content:"EvilBot|0d 0a|"; sid:1;)
    /// ```
    ///
    /// Say that the value ends there:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.user_agent; content:"EvilBot"; endswith; sid:1;)
    /// ```
    LINE_END_IN_VALUE = "line-end-in-value", Correctness, Warning, Rule(line_end_in_value)
}

fn line_end_in_value(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, content) in subject.contents() {
        if !content.negated
            && inspection.transforms.is_empty()
            && is_one_value(inspection.buffer)
            // A folded header may hold a line end; a URI may hold a decoded one.
            && inspection.buffer != Buffer::HttpUri
            && memchr::memmem::find(&content.pattern, b"\r\n").is_some()
        {
            report.say(
                content.span.clone(),
                format!(
                    "`{}` holds one value without its line end, so this never matches",
                    inspection.buffer.info().name
                ),
                "leave the line end out, and write `endswith` if the value ends there",
            );
        }
    }
}

lint! {
    /// A content with the name of a header in the buffer of its value.
    ///
    /// `http.user_agent` holds what stands behind `User-Agent: `. A content that begins with the name never matches there.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.user_agent; content:"User-Agent|3a 20|EvilBot"; sid:1;)
    /// ```
    ///
    /// Look for the value:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.user_agent; content:"EvilBot"; startswith; sid:1;)
    /// ```
    NAME_IN_VALUE = "name-in-value", Correctness, Warning, Rule(name_in_value)
}

fn header_of(buffer: Buffer) -> Option<&'static [u8]> {
    Some(match buffer {
        Buffer::HttpUserAgent => b"user-agent:",
        Buffer::HttpHost | Buffer::HttpHostRaw => b"host:",
        Buffer::HttpCookie => b"cookie:",
        Buffer::HttpAccept => b"accept:",
        Buffer::HttpAcceptEncoding => b"accept-encoding:",
        Buffer::HttpAcceptLanguage => b"accept-language:",
        Buffer::HttpReferer => b"referer:",
        Buffer::HttpConnection => b"connection:",
        Buffer::HttpContentLength => b"content-length:",
        Buffer::HttpContentType => b"content-type:",
        Buffer::HttpServer => b"server:",
        Buffer::HttpLocation => b"location:",
        _ => return None,
    })
}

fn name_in_value(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, content) in subject.contents() {
        let Some(name) = header_of(inspection.buffer) else {
            continue;
        };
        let begins = content
            .pattern
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name));
        if begins && !content.negated {
            report.say(
                content.span.clone(),
                format!(
                    "`{}` holds the value without the header's name, so this never matches",
                    inspection.buffer.info().name
                ),
                "leave the name out",
            );
        }
    }
}

lint! {
    /// The cookie is looked for among the other headers.
    ///
    /// `http.header` leaves `Cookie` out of requests and `Set-Cookie` out of answers; `http.cookie` holds them.
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.header; content:"Cookie|3a 20|evil="; sid:1;)
    /// ```
    ///
    /// Look in `http.cookie`:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.cookie; content:"evil="; sid:1;)
    /// ```
    COOKIE_IN_HEADERS = "cookie-in-headers", Correctness, Warning, Rule(cookie_in_headers)
}

fn cookie_in_headers(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, content) in subject.contents() {
        let pattern = content.pattern.to_ascii_lowercase();
        let pattern = pattern.strip_prefix(b"\r\n").unwrap_or(&pattern);
        // A request leaves `Cookie` out and keeps `Set-Cookie`; an answer the other way round.
        let is_cookie = (subject.rule.flow.to_server && pattern.starts_with(b"cookie:"))
            || (subject.rule.flow.to_client && pattern.starts_with(b"set-cookie:"));
        if inspection.buffer == Buffer::HttpHeader && is_cookie && !content.negated {
            report.say(
                content.span.clone(),
                "`http.header` leaves cookies out, so this never matches",
                "look in `http.cookie`, which holds the value without the name",
            );
        }
    }
}

lint! {
    /// A negated content in a case that the buffer does not have after its transform.
    ///
    /// Behind `to_lowercase` there are no capital letters, behind `to_uppercase` no small ones, and digests are written in small
    /// letters, so a content in others is never there and its negation says nothing. (Without `!` the rule is not loaded.)
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; to_lowercase; content:"/login"; content:!"/Admin"; sid:1;)
    /// ```
    ///
    /// Write the case that the transform gives:
    ///
    /// ```text
    /// alert http any any -> any any (msg:"x"; flow:to_server,established; http.uri; to_lowercase; content:"/login"; content:!"/admin"; sid:1;)
    /// ```
    WRONG_CASE_AFTER_TRANSFORM = "wrong-case-after-transform", Correctness, Warning, Rule(wrong_case_after_transform)
}

fn wrong_case_after_transform(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        // What a digest gives are bytes, not digits.
        let is_digest = inspection.transforms.iter().any(|transform| {
            matches!(
                transform,
                TransformDraft::Plain(Transform::ToMd5 | Transform::ToSha1 | Transform::ToSha256)
            )
        });
        let Some(is_lower) = expressions::case_of(inspection)
            .filter(|_| !is_digest && !inspection.transforms.is_empty())
        else {
            continue;
        };
        for content in contents_of(inspection) {
            let has_other = content.pattern.iter().any(|byte| {
                if is_lower {
                    byte.is_ascii_uppercase()
                } else {
                    byte.is_ascii_lowercase()
                }
            });
            if has_other && !content.nocase {
                let case = if is_lower { "lower" } else { "upper" };
                report.say(
                    content.span.clone(),
                    format!(
                        "the buffer is in {case} case behind its transform, so this is never there"
                    ),
                    format!("write it in {case} case"),
                );
            }
        }
    }
}

lint! {
    /// `dotprefix` before a content that does not begin with a dot.
    ///
    /// `dotprefix` puts a dot before the buffer so that `.evil.example` finds the domain and all below it, and not
    /// `notevil.example`. Without the dot in the content it does nothing.
    ///
    /// ```text
    /// alert tls any any -> any any (msg:"x"; flow:to_server,established; tls.sni; dotprefix; content:"evil.example"; endswith; sid:1;)
    /// ```
    ///
    /// Begin the content with a dot:
    ///
    /// ```text
    /// alert tls any any -> any any (msg:"x"; flow:to_server,established; tls.sni; dotprefix; content:".evil.example"; endswith; sid:1;)
    /// ```
    DOT_PREFIX_WITHOUT_DOT = "dot-prefix-without-dot", Correctness, Warning, Rule(dot_prefix_without_dot)
}

fn dot_prefix_without_dot(subject: &Subject<'_>, report: &mut Report) {
    for inspection in &subject.rule.inspections {
        let is_prefixed = inspection
            .transforms
            .contains(&TransformDraft::Plain(Transform::DotPrefix));
        let mut contents = contents_of(inspection).peekable();
        let Some(first) = contents.peek().copied() else {
            continue;
        };
        if is_prefixed && contents.all(|content| content.pattern.first() != Some(&b'.')) {
            report.say(
                first.span.clone(),
                "`dotprefix` does nothing for a content that does not begin with a dot",
                format!("write content:\".{}\";", shown(&first.pattern)),
            );
        }
    }
}

lint! {
    /// A domain name as it stands on the wire, in a buffer that holds it with dots.
    ///
    /// On the wire each part of a name follows a byte with its length: `|04|evil|07|example|00|`. `dns.query` and `tls.sni` hold
    /// `evil.example`, so such a content never matches there.
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"x"; dns.query; content:"|04|evil|07|example|00|"; sid:1;)
    /// ```
    ///
    /// Write the name with dots:
    ///
    /// ```text
    /// alert dns any any -> any any (msg:"x"; dns.query; content:"evil.example"; nocase; sid:1;)
    /// ```
    WIRE_FORMAT_NAME = "wire-format-name", Correctness, Warning, Rule(wire_format_name)
}

fn is_name(buffer: Buffer) -> bool {
    matches!(
        buffer,
        Buffer::DnsQuery | Buffer::TlsSni | Buffer::HttpHost | Buffer::HttpHostRaw
    )
}

fn wire_format_name(subject: &Subject<'_>, report: &mut Report) {
    for (inspection, content) in subject.contents() {
        let has_length = content.pattern.windows(2).any(|pair| {
            (1..=63).contains(&pair[0]) && pair[0] < b'-' && pair[1].is_ascii_alphanumeric()
        });
        let ends_in_zero = content.pattern.len() > 1 && content.pattern.last() == Some(&0);
        if is_name(inspection.buffer)
            && inspection.transforms.is_empty()
            && !content.negated
            && (has_length || ends_in_zero)
        {
            report.say(
                content.span.clone(),
                format!(
                    "`{}` holds names with dots, not with bytes of length",
                    inspection.buffer.info().name
                ),
                "write the name with dots",
            );
        }
    }
}

lint! {
    /// The end of a domain name that other names end in as well.
    ///
    /// `content:"evil.example"; endswith;` also matches `notevil.example`. A boundary before it makes sure that it is the domain:
    /// `dotprefix` and a dot, or `startswith` or `bsize` for that one name.
    ///
    /// ```text
    /// alert tls any any -> any any (msg:"x"; flow:to_server,established; tls.sni; content:"evil.example"; endswith; sid:1;)
    /// ```
    ///
    /// ```text
    /// alert tls any any -> any any (msg:"x"; flow:to_server,established; tls.sni; dotprefix; content:".evil.example"; endswith; sid:1;)
    /// ```
    DOMAIN_WITHOUT_BOUNDARY = "domain-without-boundary", Correctness, Note, Rule(domain_without_boundary)
}

fn domain_without_boundary(subject: &Subject<'_>, report: &mut Report) {
    for inspection in subject
        .rule
        .inspections
        .iter()
        .filter(|inspection| is_name(inspection.buffer))
    {
        let has_other = inspection.matches.len() > 1;
        for content in contents_of(inspection) {
            if content.ends_with
                && !content.negated
                && !content.is_relative()
                && !content.is_absolute()
                && !has_other
                && memchr::memchr(b'.', &content.pattern).is_some()
                && !matches!(content.pattern.first(), Some(b'.' | b'-' | b'@'))
            {
                report.say(
                    content.span.clone(),
                    "longer names end like this as well",
                    format!(
                        "write dotprefix; content:\".{}\"; endswith;",
                        shown(&content.pattern)
                    ),
                );
            }
        }
    }
}
