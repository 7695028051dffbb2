//! Expressions with look-around, back-references, atomic groups or possessive quantifiers: pcre2, interpreted, within limits.
//!
//! A search of such an expression may take time that grows without bound, so every one has a number of steps, a depth
//! and a number of bytes; one that hits them does not match and is counted. The limits stand in front of the expression as
//! pcre2's own `(*LIMIT_…)` verbs, of which the lower wins, so that no rule can raise them.
//!
//! pcre2's just-in-time compiler stays off: it needs memory that is writable and executable, which a hardened sensor does
//! not have, it is not there for every board, and it hardly counts steps.

use std::ops::Range;

use pcre2::bytes::{CaptureLocations, Regex};

use super::limits::{BACKTRACKING_DEPTH_MAX, BACKTRACKING_HEAP_KIB, BACKTRACKING_STEPS_MAX};

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Backtracking {
    regex: Regex,
}

/// A search was given up: too many steps, too deep or too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LimitHit;

impl Backtracking {
    pub(crate) fn compile(expression: &str) -> Option<Self> {
        let bounded = format!(
            "(*LIMIT_MATCH={BACKTRACKING_STEPS_MAX})(*LIMIT_DEPTH={BACKTRACKING_DEPTH_MAX})(*LIMIT_HEAP={BACKTRACKING_HEAP_KIB}){expression}"
        );
        let regex = Regex::new(&bounded).ok()?;
        Some(Self { regex })
    }

    /// Start and end of the leftmost match that begins at or behind `start`.
    pub(crate) fn find(
        &self,
        haystack: &[u8],
        start: usize,
    ) -> Result<Option<(usize, usize)>, LimitHit> {
        let found = self.search(haystack, start)?;
        Ok(found.and_then(|groups| groups.get(0)))
    }

    /// The first group of the first match.
    pub(crate) fn first_capture(&self, haystack: &[u8]) -> Result<Option<Range<usize>>, LimitHit> {
        let found = self.search(haystack, 0)?;
        Ok(found
            .and_then(|groups| groups.get(1))
            .map(|(start, end)| start..end))
    }

    /// All groups of the leftmost match that begins at or behind `start`. What a search needs is freed behind it: it may be as
    /// large as the limit, and expressions are many.
    pub(crate) fn search(
        &self,
        haystack: &[u8],
        start: usize,
    ) -> Result<Option<CaptureLocations>, LimitHit> {
        if start > haystack.len() {
            return Ok(None);
        }
        let mut groups = self.regex.capture_locations();
        match self.regex.captures_read_at(&mut groups, haystack, start) {
            Ok(Some(_)) => Ok(Some(groups)),
            Ok(None) => Ok(None),
            Err(_) => Err(LimitHit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(expression: &str, haystack: &[u8]) -> Result<Option<(usize, usize)>, LimitHit> {
        Backtracking::compile(expression).unwrap().find(haystack, 0)
    }

    #[test]
    fn what_linear_engines_cannot_do() {
        assert_eq!(find(r"(\w)x\1", b"--axb-cxc"), Ok(Some((6, 9))));
        assert_eq!(find(r"a(?!b)", b"abac"), Ok(Some((2, 3))));
        assert_eq!(
            find(r"(?<=\xff)\x00++", b"\x00\xff\x00\x00"),
            Ok(Some((2, 4)))
        );
        assert_eq!(find(r"(?>a+)a", b"aaaa"), Ok(None));
        assert_eq!(find(r"(?i)(A)\1", b"xaA"), Ok(Some((1, 3))));
    }

    #[test]
    fn a_search_begins_where_it_is_told_and_sees_what_is_before() {
        let one = Backtracking::compile(r"(?<=a)b|^c").unwrap();
        assert_eq!(one.find(b"abab", 1), Ok(Some((1, 2))));
        assert_eq!(one.find(b"abab", 2), Ok(Some((3, 4))));
        assert_eq!(one.find(b"cc", 1), Ok(None));
        assert_eq!(one.find(b"", 3), Ok(None));
        let anchored = Backtracking::compile(r"\G(?:(b)\1)").unwrap();
        assert_eq!(anchored.find(b"abb", 0), Ok(None));
        assert_eq!(anchored.find(b"abb", 1), Ok(Some((1, 3))));
    }

    #[test]
    fn groups_are_told_apart() {
        let one = Backtracking::compile(r"x(?=(\d+))").unwrap();
        assert_eq!(one.first_capture(b"axb x42"), Ok(Some(5..7)));
        let none = Backtracking::compile(r"a(?=b)").unwrap();
        assert_eq!(none.first_capture(b"ab"), Ok(None));
    }

    #[test]
    fn catastrophes_end_at_a_limit() {
        let long = vec![b'a'; 100_000];
        for expression in [
            r"(?:a+)+(?=b)",
            r"(a*)*\1(?=b)",
            r"^(?:a|a?)+(?!a)(?=b)",
            r"(?:(a)|.)*(?=z)",
            r"(?R)?a(?=b)",
        ] {
            assert_eq!(find(expression, &long), Err(LimitHit), "{expression}");
        }
    }

    #[test]
    fn an_expression_cannot_raise_the_limits() {
        let long = vec![b'a'; 10_000];
        assert_eq!(
            find("(*LIMIT_MATCH=4000000000)(?:a+)+(?=b)", &long),
            Err(LimitHit)
        );
    }
}
