//! Character classes and number forms of HTTP/1 as tolerant peers read them.

/// Space, tab, and the controls that C's `isspace` counts.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

/// Linear white space: space or tab.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A byte that continues the header line before it when a line begins with it.
pub(super) fn is_folding(byte: u8) -> bool {
    is_blank(byte) || byte == 0
}

/// A `token` character (RFC 9110, section 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Without line ends at the end.
pub(super) fn chomp(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r' | b'\n'] = line {
        line = rest;
    }
    line
}

/// Without blanks at both ends.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// A line that is only a line end.
pub(super) fn is_empty_line(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r" | b"\r\n")
}

/// How a `Content-Length` value reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentLength {
    pub(super) bytes: u64,
    /// Something stood around the number.
    pub(super) junk: bool,
}

/// The first number in a `Content-Length` value; junk around it is passed over.
pub(super) fn content_length(value: &[u8]) -> Option<ContentLength> {
    let start = value.iter().position(u8::is_ascii_digit)?;
    let digits = value[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = decimal(&value[start..start + digits])?;
    let around = value[..start].iter().chain(&value[start + digits..]);
    Some(ContentLength {
        bytes: number,
        junk: around.into_iter().any(|&byte| !is_blank(byte)),
    })
}

/// A plain decimal number.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// The value of a hexadecimal digit.
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Whether a comma-separated list holds `token`, in any case.
pub(super) fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|&byte| byte == b',')
        .any(|item| trim(item).eq_ignore_ascii_case(token))
}

/// Whether a value holds `word` anywhere, in any case; NUL bytes are passed over.
pub(super) fn holds_word(value: &[u8], word: &[u8]) -> bool {
    let plain: Vec<u8> = value
        .iter()
        .filter(|&&byte| byte != 0)
        .map(u8::to_ascii_lowercase)
        .collect();
    memchr::memmem::find(&plain, word).is_some()
}

/// Escapes of the form `%41` resolved; others stay.
pub(super) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        let escape = match behind {
            [high, low, ..] if first == b'%' => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        let (byte, used) = match escape {
            Some((high, low)) => (high << 4 | low, 3),
            None => (first, 1),
        };
        plain.push(byte);
        rest = &rest[used..];
    }
    plain
}

/// Whether a `Content-Range` says a range that can be one (RFC 9110, section 14.4), as the reference reads it: any unit, and what
/// follows is passed over.
pub(super) fn is_content_range(value: &[u8]) -> bool {
    let Some(space) = memchr::memchr(b' ', value).filter(|at| *at > 0) else {
        return false;
    };
    let rest = &value[space..];
    let start = rest.iter().take_while(|&&byte| byte == b' ').count();
    let Some(slash) = memchr::memchr(b'/', rest) else {
        return false;
    };
    let (range, size) = (&rest[start..slash.max(start)], &rest[slash + 1..]);
    let digits = size.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let size = match size.first() {
        Some(b'*') => None,
        _ => match decimal(&size[..digits]) {
            Some(size) => Some(size),
            None => return false,
        },
    };
    if range == b"*" {
        return size.is_some();
    }
    let Some(dash) = memchr::memchr(b'-', range) else {
        return false;
    };
    match (decimal(&range[..dash]), decimal(&range[dash + 1..])) {
        (Some(first), Some(last)) => {
            first <= last && size.is_none_or(|size| size == 0 || last < size)
        }
        _ => false,
    }
}

/// A status line or something else? Peers take what does not begin with `HTTP` as content.
pub(super) fn looks_like_status_line(line: &[u8]) -> bool {
    let start = line
        .iter()
        .position(|&byte| !is_space(byte) && byte != 0)
        .unwrap_or(line.len());
    line.get(start..start + 4)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"HTTP"))
}

/// Protocol version of a request or status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Invalid,
    Http09,
    Http10,
    Http11,
}

/// `HTTP/x.y`; spaces inside and leading zeros are not forgiven.
pub(super) fn version(text: &[u8]) -> Version {
    match text {
        b"HTTP/0.9" => Version::Http09,
        b"HTTP/1.0" => Version::Http10,
        b"HTTP/1.1" => Version::Http11,
        _ => Version::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_length_is_the_first_number() {
        let plain = content_length(b"42").unwrap();
        assert_eq!((plain.bytes, plain.junk), (42, false));
        let junk = content_length(b"x 42abc").unwrap();
        assert_eq!((junk.bytes, junk.junk), (42, true));
        assert_eq!(content_length(b"abc"), None);
        assert_eq!(content_length(b"99999999999999999999999"), None);
    }

    #[test]
    fn ranges_are_read_as_the_reference_reads_them() {
        for right in [
            "bytes 0-4/10",
            "bytes 0-4/*",
            "bytes */10",
            "bytes  0-4/10",
            "items 0-4/10",
            "bytes 0-4/10 x",
            "bytes 0-4/0",
            "bytes 4-4/10",
        ] {
            assert!(is_content_range(right.as_bytes()), "{right}");
        }
        for wrong in [
            "",
            "bytes 0-4/3",
            "bytes=0-4/10",
            "bytes 5-4/10",
            "bytes 0-/10",
            "bytes 0-4",
            "0-4/10",
            "bytes */*",
            "bytes 0 - 4/10",
            "bytes 0-10/10",
        ] {
            assert!(!is_content_range(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn escapes_are_resolved_once() {
        assert_eq!(percent_decoded(b"%41.%zz%2"), b"A.%zz%2");
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(has_token(b"gzip, Chunked ", b"chunked"));
        assert!(!has_token(b"xchunked", b"chunked"));
    }
}
