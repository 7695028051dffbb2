//! The first line of a request, in all the forms that servers accept.

use super::text::{self, Version, is_space};

/// A request line in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: Option<&'a [u8]>,
    pub(super) protocol: Option<&'a [u8]>,
    pub(super) version: Version,
    /// Something other than one kind of space stood between method and target.
    pub(super) odd_method_delimiter: bool,
    /// The same between target and protocol.
    pub(super) odd_target_delimiter: bool,
    pub(super) leading_space: bool,
}

/// Methods that open a request for certain; a line with another first word may be something else.
const KNOWN_METHODS: &[&[u8]] = &[
    b"GET",
    b"PUT",
    b"POST",
    b"HEAD",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"VERSION-CONTROL",
    b"CHECKOUT",
    b"UNCHECKOUT",
    b"CHECKIN",
    b"UPDATE",
    b"LABEL",
    b"REPORT",
    b"MKWORKSPACE",
    b"MKACTIVITY",
    b"BASELINE-CONTROL",
    b"MERGE",
    b"INVALID",
];

/// Splits a line without its line end. The target ends with the first space; all behind it is the protocol.
pub(super) fn split(line: &[u8]) -> RequestLine<'_> {
    let start = line.iter().take_while(|&&byte| is_space(byte)).count();
    let rest = &line[start..];
    let method_end = rest
        .iter()
        .position(|&byte| is_space(byte))
        .unwrap_or(rest.len());
    let (method, rest) = rest.split_at(method_end);
    let delimiter = rest.iter().take_while(|&&byte| is_space(byte)).count();
    let mut parts = RequestLine {
        method,
        target: None,
        protocol: None,
        version: Version::Http09,
        odd_method_delimiter: rest[..delimiter].iter().any(|&byte| byte != b' '),
        odd_target_delimiter: false,
        leading_space: start > 0,
    };
    let rest = &rest[delimiter..];
    if rest.is_empty() {
        return parts;
    }
    let cut = memchr::memchr(b' ', rest).or_else(|| rest.iter().position(|&byte| is_space(byte)));
    let Some(cut) = cut else {
        parts.target = Some(rest);
        return parts;
    };
    let (target, behind) = rest.split_at(cut);
    parts.target = Some(target);
    let delimiter = behind.iter().take_while(|&&byte| is_space(byte)).count();
    parts.odd_target_delimiter = behind[..delimiter].iter().any(|&byte| byte != b' ');
    let protocol = &behind[delimiter..];
    if !protocol.is_empty() {
        parts.protocol = Some(protocol);
        parts.version = text::version(protocol);
    }
    parts
}

/// Whether a line behind a request opens the next one: its first word is a known method.
pub(super) fn begins_with_method(line: &[u8]) -> bool {
    KNOWN_METHODS.contains(&split(line).method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_forms_are_split() {
        let plain = split(b"GET /a?b HTTP/1.1");
        assert_eq!(plain.method, b"GET");
        assert_eq!(plain.target, Some(&b"/a?b"[..]));
        assert_eq!(plain.version, Version::Http11);
        let old = split(b"GET /");
        assert_eq!(
            (old.target, old.version),
            (Some(&b"/"[..]), Version::Http09)
        );
        let spaces = split(b"GET /a b HTTP/1.0");
        assert_eq!(spaces.target, Some(&b"/a"[..]));
        assert_eq!(spaces.protocol, Some(&b"b HTTP/1.0"[..]));
        assert_eq!(spaces.version, Version::Invalid);
        let tabs = split(b"GET\t/a\tHTTP/1.0");
        assert!(tabs.odd_method_delimiter && tabs.odd_target_delimiter);
        assert_eq!(tabs.target, Some(&b"/a"[..]));
        assert_eq!(split(b"HELLO").target, None);
        assert_eq!(split(b"").method, b"");
    }
}
