//! Finding a pattern in bytes, with or without regard to ASCII case, without allocation.

use memchr::{memchr, memchr_iter, memchr2_iter, memmem};

/// Position of the first occurrence of `pattern` in `haystack`. With `nocase`, `pattern` is already in lower case.
/// An empty pattern stands at 0.
pub(crate) fn find(haystack: &[u8], pattern: &[u8], nocase: bool) -> Option<usize> {
    match (pattern, nocase) {
        ([], _) => Some(0),
        ([byte], false) => memchr(*byte, haystack),
        (_, true) => find_without_case(haystack, pattern),
        (_, false) if haystack.len() < SHORT_HAYSTACK_BYTES => find_by_anchor(haystack, pattern),
        (_, false) => memmem::find(haystack, pattern),
    }
}

/// Below this, preparing a substring searcher costs more than looking.
const SHORT_HAYSTACK_BYTES: usize = 64;

/// Whether `bytes` equals `pattern`, which is in lower case when `nocase`.
pub(crate) fn equals(bytes: &[u8], pattern: &[u8], nocase: bool) -> bool {
    if nocase {
        bytes.eq_ignore_ascii_case(pattern)
    } else {
        bytes == pattern
    }
}

fn find_by_anchor(haystack: &[u8], pattern: &[u8]) -> Option<usize> {
    let at = rarest_position(pattern);
    let last_start = haystack.len().checked_sub(pattern.len())?;
    memchr_iter(pattern[at], &haystack[at..=last_start + at])
        .find(|&start| &haystack[start..start + pattern.len()] == pattern)
}

fn find_without_case(haystack: &[u8], pattern: &[u8]) -> Option<usize> {
    let at = rarest_position(pattern);
    let last_start = haystack.len().checked_sub(pattern.len())?;
    let (lower, upper) = (
        pattern[at].to_ascii_lowercase(),
        pattern[at].to_ascii_uppercase(),
    );
    memchr2_iter(lower, upper, &haystack[at..=last_start + at])
        .find(|&start| haystack[start..start + pattern.len()].eq_ignore_ascii_case(pattern))
}

/// Where the byte stands that is least likely in traffic.
fn rarest_position(pattern: &[u8]) -> usize {
    pattern
        .iter()
        .enumerate()
        .min_by_key(|(_, byte)| commonness(**byte))
        .map_or(0, |(index, _)| index)
}

/// How common a byte is in traffic, roughly: 0 the rarest.
fn commonness(byte: u8) -> u8 {
    match byte {
        0 | b' ' | b'e' | b't' | b'a' | b'o' => 5,
        b'i' | b'n' | b's' | b'r' | b'h' | b'l' | b'd' | b'c' | b'.' | b'/' | b'\r' | b'\n'
        | 0xff => 4,
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'=' | b':' => 3,
        b'A'..=b'Z' | 1..=8 => 2,
        b'!'..=b'~' => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_at_the_edges() {
        assert_eq!(find(b"abc", b"abc", false), Some(0));
        assert_eq!(find(b"xABC", b"abc", true), Some(1));
        assert_eq!(find(b"xABC", b"abc", false), None);
        assert_eq!(find(b"ab", b"abc", true), None);
        assert_eq!(find(b"", b"a", false), None);
        assert_eq!(find(b"", b"", true), Some(0));
    }

    proptest! {
        #[test]
        fn agrees_with_windows(
            haystack in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'A'), Just(b'b'), Just(b'.')], 0..100),
            pattern in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'.')], 1..5),
            nocase: bool,
        ) {
            let slow = haystack.windows(pattern.len()).position(|window| equals(window, &pattern, nocase));
            prop_assert_eq!(find(&haystack, &pattern, nocase), slow);
        }
    }
}
