//! Tokens in forms: what a page of another site cannot know.

/// Compares in a time that does not tell how much was right.
pub(super) fn matches(expected: &str, given: &str) -> bool {
    let differences = expected
        .bytes()
        .zip(given.bytes())
        .fold(0u8, |sum, (a, b)| sum | (a ^ b));
    !expected.is_empty() && expected.len() == given.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn only_the_same_token_matches() {
        assert!(matches("abc", "abc"));
        for (expected, given) in [("abc", "abd"), ("abc", "ab"), ("abc", ""), ("", "")] {
            assert!(!matches(expected, given));
        }
    }
}
