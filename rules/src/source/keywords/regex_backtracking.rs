//! Expressions that need a backtracking engine: they are kept in Perl's syntax, for pcre2.
//!
//! What stands behind the closing slash is moved into the expression, so that its text alone says what to run. An
//! expression knows bytes, no Unicode, unless it says `(*UTF)` itself.

use super::regex_translation::PerlFlags;

/// The expression for pcre2, with its flags in front.
pub(super) fn expression(bytes: &[u8], flags: PerlFlags) -> String {
    // Verbs as `(*UTF)` count only at the very start.
    let (verbs, body) = bytes.split_at(leading_verbs(bytes));
    let body = if flags.dollar_end_only && !flags.multi_line {
        escaped(&dollars_at_the_very_end(body))
    } else {
        escaped(body)
    };
    let mut expression = escaped(verbs);
    let letters = flags.letters();
    if !letters.is_empty() {
        expression.push_str(&format!("(?{letters})"));
    }
    if flags.anchored {
        // Where the search begins, not where the bytes begin, as the reference's option has it.
        expression.push_str(&format!(r"\G(?:{body})"));
    } else {
        expression.push_str(&body);
    }
    expression
}

/// Whether pcre2 takes it; else what is wrong.
pub(super) fn check(expression: &str) -> Result<(), String> {
    pcre2::bytes::Regex::new(expression)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn leading_verbs(bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some(rest) = bytes.get(length..)
        && rest.starts_with(b"(*")
        && let Some(close) = memchr::memchr(b')', rest)
    {
        length += close + 1;
    }
    length
}

/// As text: bytes that are no UTF-8 are written as escapes.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

/// `$` written as `\z`, outside of classes and quotations: pcre2 has no inline flag that says the same.
fn dollars_at_the_very_end(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut in_class = false;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let length = if rest.starts_with(b"\\Q") {
            memchr::memmem::find(rest, b"\\E").map_or(rest.len(), |end| end + 2)
        } else if byte == b'\\' {
            rest.len().min(2)
        } else if !in_class && rest.starts_with(b"[^]") {
            in_class = true;
            3
        } else if !in_class && rest.starts_with(b"[]") {
            in_class = true;
            2
        } else {
            match byte {
                b'[' => in_class = true,
                b']' => in_class = false,
                b'$' if !in_class => {
                    out.extend_from_slice(br"\z");
                    at += 1;
                    continue;
                }
                _ => {}
            }
            1
        };
        out.extend_from_slice(&rest[..length]);
        at += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(flags: PerlFlags, text: &[u8]) -> String {
        let expression = expression(text, flags);
        check(&expression).unwrap();
        expression
    }

    #[test]
    fn flags_stand_in_front_and_behind_verbs() {
        let flags = PerlFlags {
            case_insensitive: true,
            ungreedy: true,
            ..PerlFlags::default()
        };
        assert_eq!(
            with(flags, br"(*NO_START_OPT)(a)\1"),
            r"(*NO_START_OPT)(?iU)(a)\1"
        );
        let flags = PerlFlags {
            anchored: true,
            ..PerlFlags::default()
        };
        assert_eq!(with(flags, b"a(?=b)|c"), r"\G(?:a(?=b)|c)");
    }

    #[test]
    fn a_dollar_is_the_very_end_where_the_flag_says_so() {
        let flags = PerlFlags {
            dollar_end_only: true,
            ..PerlFlags::default()
        };
        assert_eq!(
            with(flags, br"(a)\1\$[$]\Q$\E[^]$]$"),
            r"(a)\1\$[$]\Q$\E[^]$]\z"
        );
    }

    #[test]
    fn bytes_that_are_no_text_become_escapes() {
        assert_eq!(
            with(PerlFlags::default(), b"(\xff)\\1\xc3\xa9"),
            "(\\xFF)\\1é"
        );
    }
}
