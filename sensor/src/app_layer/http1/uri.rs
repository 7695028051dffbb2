//! Request targets: splitting, and the normal form rules see as `http.uri`.
//!
//! The normal form is path, query and fragment. The path is percent-decoded once (also `%uHHHH`), backslashes become
//! slashes, repeated separators are joined, UTF-8 becomes one byte a character, then dot segments are removed (RFC 3986,
//! section 5.2.4, but nothing is left of a segment at the end). Query and fragment are percent-decoded and otherwise
//! kept. Nothing is decoded twice.

use super::best_fit::{REPLACEMENT, best_fit};
use super::text::hex_digit;

/// A request target in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) host: Option<&'a [u8]>,
    pub(super) port: Option<&'a [u8]>,
    pub(super) path: Option<&'a [u8]>,
    pub(super) query: Option<&'a [u8]>,
    pub(super) fragment: Option<&'a [u8]>,
}

/// Splits a request target; whatever does not begin with a slash may have a scheme and an authority.
pub(super) fn split(target: &[u8]) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut rest = target;
    if !rest.starts_with(b"/")
        && let Some(colon) = rest.iter().position(|&byte| byte == b':')
        && let Some(behind) = rest.get(colon + 1..)
    {
        rest = behind;
        if let Some(authority_on) = rest.strip_prefix(b"//")
            && authority_on.first().is_some_and(|&byte| byte != b'/')
        {
            let end = authority_on
                .iter()
                .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
                .unwrap_or(authority_on.len());
            let (host, port) = host_and_port(&authority_on[..end]);
            parts.host = Some(host);
            parts.port = port;
            rest = &authority_on[end..];
        }
    }
    if rest.is_empty() {
        return parts;
    }
    let path_end = rest
        .iter()
        .position(|byte| matches!(byte, b'?' | b'#'))
        .unwrap_or(rest.len());
    parts.path = Some(&rest[..path_end]);
    rest = &rest[path_end..];
    if let Some(query_on) = rest.strip_prefix(b"?") {
        let end = query_on
            .iter()
            .position(|&byte| byte == b'#')
            .unwrap_or(query_on.len());
        parts.query = Some(&query_on[..end]);
        rest = &query_on[end..];
    }
    if let Some(fragment) = rest.strip_prefix(b"#") {
        parts.fragment = Some(fragment);
    }
    parts
}

/// Host and port of an authority, credentials left out; an IPv6 address keeps its brackets.
pub(super) fn host_and_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let host_on = match authority.iter().rposition(|&byte| byte == b'@') {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    if host_on.starts_with(b"[") {
        return match host_on.iter().position(|&byte| byte == b']') {
            Some(end) => (&host_on[..=end], host_on[end + 1..].strip_prefix(b":")),
            None => (host_on, None),
        };
    }
    match host_on.iter().position(|&byte| byte == b':') {
        Some(colon) => (&host_on[..colon], Some(&host_on[colon + 1..])),
        None => (host_on, None),
    }
}

/// A host name as `http.host` shows it: lower case, no dots at the end.
pub(super) fn normal_host(host: &[u8]) -> Vec<u8> {
    let mut name = host.to_ascii_lowercase();
    while name.last() == Some(&b'.') {
        name.pop();
    }
    name
}

/// The normal form of a request target.
pub(super) fn normalize(target: &[u8]) -> Vec<u8> {
    let parts = split(target);
    let mut normal = Vec::with_capacity(target.len());
    if let Some(path) = parts.path {
        normal.append(&mut remove_dot_segments(&decode_utf8(&decode_path(path))));
    }
    if let Some(query) = parts.query {
        normal.push(b'?');
        decode_percent(query, &mut normal);
    }
    if let Some(fragment) = parts.fragment {
        normal.push(b'#');
        decode_percent(fragment, &mut normal);
    }
    normal
}

/// A byte written as `%XX` at the start of `rest`.
fn percent(rest: &[u8]) -> Option<u8> {
    match rest {
        [b'%', high, low, ..] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
        _ => None,
    }
}

/// A character written as `%uHHHH` at the start of `rest`, in one byte.
fn percent_u(rest: &[u8]) -> Option<u8> {
    let [b'%', b'u' | b'U', digits @ ..] = rest else {
        return None;
    };
    let digits = digits.get(..4)?;
    let mut code = 0u16;
    for &digit in digits {
        code = code << 4 | u16::from(hex_digit(digit)?);
    }
    Some(best_fit(u32::from(code)))
}

fn decode_path(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(&first) = rest.first() {
        let (byte, length) = if let Some(byte) = percent(rest) {
            (byte, 3)
        } else if let Some(byte) = percent_u(rest) {
            (byte, 6)
        } else {
            (first, 1)
        };
        let byte = if byte == b'\\' { b'/' } else { byte };
        if byte != b'/' || decoded.last() != Some(&b'/') {
            decoded.push(byte);
        }
        rest = &rest[length..];
    }
    decoded
}

/// Decodes `%XX`, keeps everything else.
fn decode_percent(text: &[u8], normal: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(&first) = rest.first() {
        match percent(rest) {
            Some(byte) => {
                normal.push(byte);
                rest = &rest[3..];
            }
            None => {
                normal.push(first);
                rest = &rest[1..];
            }
        }
    }
}

/// One byte a character. Overlong forms count as what they stand for; a sequence cut by the end is dropped.
fn decode_utf8(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(&first) = rest.first() {
        let (length, mut character) = match first {
            0x00..=0x7f => (1, u32::from(first)),
            0xc0..=0xdf => (2, u32::from(first & 0x1f)),
            0xe0..=0xef => (3, u32::from(first & 0x0f)),
            0xf0..=0xf7 => (4, u32::from(first & 0x07)),
            _ => {
                decoded.push(REPLACEMENT);
                rest = &rest[1..];
                continue;
            }
        };
        let continued = rest[1..]
            .iter()
            .take(length - 1)
            .take_while(|&&byte| byte & 0xc0 == 0x80);
        let mut taken = 1;
        for &byte in continued {
            character = character << 6 | u32::from(byte & 0x3f);
            taken += 1;
        }
        if taken == length {
            decoded.push(best_fit(character));
        } else if taken == rest.len() {
            break;
        } else {
            decoded.push(REPLACEMENT);
        }
        rest = &rest[taken..];
    }
    decoded
}

/// RFC 3986, section 5.2.4, but a dot segment at the end takes its slash along.
fn remove_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut output: Vec<u8> = Vec::with_capacity(path.len());
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(behind) = rest
            .strip_prefix(b"../")
            .or_else(|| rest.strip_prefix(b"./"))
        {
            rest = behind;
        } else if matches!(rest, b"." | b".." | b"/." | b"/./") {
            break;
        } else if rest.starts_with(b"/./") {
            rest = &rest[2..];
        } else if rest.starts_with(b"/../") || rest == b"/.." {
            let kept = output.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
            output.truncate(kept);
            if rest.len() <= 4 {
                break;
            }
            rest = &rest[3..];
        } else {
            let next = rest[1..]
                .iter()
                .position(|&byte| byte == b'/')
                .map_or(rest.len(), |at| at + 1);
            output.extend_from_slice(&rest[..next]);
            rest = &rest[next..];
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(target: &str) -> String {
        String::from_utf8_lossy(&normalize(target.as_bytes())).into_owned()
    }

    #[test]
    fn paths_take_their_normal_form() {
        let cases = [
            ("/", "/"),
            ("/a%20b", "/a b"),
            ("/a%2fb", "/a/b"),
            ("/a//b///c", "/a/b/c"),
            ("/a\\b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/./b/.", "/a/b"),
            ("/a/..", ""),
            ("/a/b/c/../", "/a/b"),
            ("/a%2E%2E/", "/a../"),
            ("///a//", "/a/"),
            ("/a%c0%afb", "/a/b"),
            ("/a%e2%82b", "/a?b"),
            ("/a%e2%82", "/a"),
            ("/a%ffb", "/a?b"),
            ("/%u2215x", "/x"),
            ("http://host", ""),
            ("http://", "/"),
            ("*", "*"),
            ("/%u0041bc", "/Abc"),
            ("/%uff21", "/A"),
            ("/a%zzb", "/a%zzb"),
            ("/a%2", "/a%2"),
            ("/%2541", "/%41"),
            ("/A/B", "/A/B"),
            ("http://host:80/x?y", "/x?y"),
            ("/../../etc/passwd", "/etc/passwd"),
        ];
        for (target, expected) in cases {
            assert_eq!(normal(target), expected, "{target}");
        }
    }

    #[test]
    fn queries_keep_plus_and_dots() {
        assert_eq!(normal("/a?b=../c+d%20e//f"), "/a?b=../c+d e//f");
    }

    #[test]
    fn an_authority_is_host_and_port() {
        assert_eq!(
            host_and_port(b"u:p@h.example:8080"),
            (&b"h.example"[..], Some(&b"8080"[..]))
        );
        assert_eq!(
            host_and_port(b"[::1]:80"),
            (&b"[::1]"[..], Some(&b"80"[..]))
        );
        assert_eq!(normal_host(b"WWW.Example.COM."), b"www.example.com");
    }
}
