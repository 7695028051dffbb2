//! Values of options: quoted strings, content patterns, lists, numbers and ranges of numbers.

use super::{
    problem::Problem,
    syntax::{Word, trimmed},
};
use crate::{limits, model::NumberRange};

/// A quoted value, perhaps negated: `!"…"`. The bytes between the quotes, escapes untouched.
pub(crate) struct Quoted<'a> {
    pub(crate) negated: bool,
    pub(crate) inner: Word<'a>,
}

/// Reads `"…"`, and `!"…"` where `may_negate`.
pub(crate) fn quoted<'a>(word: Word<'a>, may_negate: bool) -> Result<Quoted<'a>, Problem> {
    let negated = may_negate && word.bytes.first() == Some(&b'!');
    let rest = trimmed(word.bytes, usize::from(negated)..word.bytes.len());
    let start = word.start + rest.start;
    match rest.bytes {
        [b'"', inner @ .., b'"'] => Ok(Quoted {
            negated,
            inner: Word {
                bytes: inner,
                start: start + 1,
            },
        }),
        _ => Err(Problem::value(
            word.span(),
            "the value must stand in double quotes",
        )),
    }
}

/// The same where the quotes may be left out.
pub(crate) fn perhaps_quoted(word: Word<'_>) -> Quoted<'_> {
    quoted(word, true).unwrap_or_else(|_| {
        let negated = word.bytes.first() == Some(&b'!');
        let rest = trimmed(word.bytes, usize::from(negated)..word.bytes.len());
        Quoted {
            negated,
            inner: Word {
                start: word.start + rest.start,
                ..rest
            },
        }
    })
}

/// A value that may be quoted.
pub(crate) fn unquoted(word: Word<'_>) -> Word<'_> {
    quoted(word, false).map_or(word, |quoted| quoted.inner)
}

/// A text with `\"`, `\;`, `\:` and `\\` resolved; bytes that are not UTF-8 are shown as U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match (byte, rest.peek()) {
            (b'\\', Some(&escaped @ (b'"' | b';' | b':' | b'\\'))) => {
                plain.push(escaped);
                rest.next();
            }
            _ => plain.push(byte),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The bytes of a content pattern: text with escapes, and hexadecimal bytes between bars.
pub(crate) fn pattern(word: Word<'_>) -> Result<Vec<u8>, Problem> {
    let mut pattern = Vec::with_capacity(word.bytes.len());
    let mut in_hex = false;
    let mut high_digit: Option<u8> = None;
    let mut escaped = false;
    for (position, &byte) in word.bytes.iter().enumerate() {
        let at = word.start + position..word.start + position + 1;
        if byte == b'|' && !escaped {
            if high_digit.is_some() {
                return Err(Problem::value(at, "a hexadecimal byte has two digits"));
            }
            in_hex = !in_hex;
        } else if in_hex {
            let Some(digit) = hex_digit(byte) else {
                if byte == b' ' {
                    continue;
                }
                return Err(Problem::value(at, "between bars stand hexadecimal bytes")
                    .hint("write a bar as `|7C|`"));
            };
            match high_digit.take() {
                None => high_digit = Some(digit),
                Some(high) => pattern.push(high << 4 | digit),
            }
        } else if escaped {
            if !matches!(byte, b'"' | b';' | b':' | b'\\') {
                return Err(
                    Problem::value(at, "only `\"`, `;`, `:` and `\\` are escaped")
                        .hint("write a backslash as `|5C|` or `\\\\`"),
                );
            }
            pattern.push(byte);
            escaped = false;
        } else if byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            return Err(
                Problem::value(at, "a quote inside the pattern is not escaped")
                    .hint("write it as `|22|` or `\\\"`"),
            );
        } else {
            pattern.push(byte);
        }
    }
    if in_hex {
        return Err(Problem::value(word.span(), "a `|` is not closed"));
    }
    if pattern.is_empty() {
        return Err(Problem::value(word.span(), "the pattern is empty"));
    }
    if pattern.len() > limits::CONTENT_BYTES {
        return Err(Problem::value(
            word.span(),
            format!("the pattern is longer than {} bytes", limits::CONTENT_BYTES),
        ));
    }
    Ok(pattern)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The items of a list separated by commas, each without white space around it.
pub(crate) fn list(word: Word<'_>) -> Vec<Word<'_>> {
    let mut items = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b',', word.bytes).chain([word.bytes.len()]) {
        let item = trimmed(word.bytes, start..end);
        items.push(Word {
            start: word.start + item.start,
            ..item
        });
        start = end + 1;
    }
    items
}

/// Splits a word at its first white space.
pub(crate) fn split_space(word: Word<'_>) -> (Word<'_>, Word<'_>) {
    let end = word
        .bytes
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(word.bytes.len());
    let rest = trimmed(word.bytes, end..word.bytes.len());
    (
        Word {
            bytes: &word.bytes[..end],
            start: word.start,
        },
        Word {
            start: word.start + rest.start,
            ..rest
        },
    )
}

/// An integer: decimal, or hexadecimal with `0x`; perhaps with a sign.
pub(crate) fn integer(word: Word<'_>) -> Option<i64> {
    let text = std::str::from_utf8(word.bytes).ok()?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(hex) if !hex.starts_with(['+', '-']) => i64::from_str_radix(hex, 16).ok()?,
        None if !digits.starts_with(['+', '-']) => digits.parse::<i64>().ok()?,
        _ => return None,
    };
    Some(sign * number)
}

/// A number from `min` to `max`.
pub(crate) fn number_within(word: Word<'_>, min: i64, max: i64) -> Result<i64, Problem> {
    integer(word)
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| {
            Problem::value(
                word.span(),
                format!("`{}` is no number from {min} to {max}", word.text()),
            )
        })
}

/// An unsigned number of 32 bits.
pub(crate) fn number_u32(word: Word<'_>) -> Result<u32, Problem> {
    let number = number_within(word, 0, i64::from(u32::MAX))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// A decimal number up to `max` and nothing else: neither sign nor `0x`.
pub(crate) fn plain_number(word: Word<'_>, max: u64) -> Result<u64, Problem> {
    let is_number = !word.bytes.is_empty() && word.bytes.iter().all(u8::is_ascii_digit);
    word.text()
        .parse()
        .ok()
        .filter(|number| is_number && *number <= max)
        .ok_or_else(|| {
            Problem::value(
                word.span(),
                format!("`{}` is no number up to {max}", word.text()),
            )
        })
}

/// A range of numbers as most keywords take it: `N`, `!N`, `!=N`, `<N`, `>N`, `<=N`, `>=N`, `N<>M` and `N-M` (both without their ends).
pub(crate) fn number_range(word: Word<'_>, max: u64) -> Result<NumberRange, Problem> {
    parse_range(word.text().trim(), max).ok_or_else(|| {
        Problem::value(
            word.span(),
            format!(
                "`{}` is no number or range of numbers up to {max}",
                word.text()
            ),
        )
        .hint("write N, !N, <N, >N, <=N, >=N or N<>M")
    })
}

fn parse_range(text: &str, max: u64) -> Option<NumberRange> {
    let number = |text: &str| {
        let text = text.trim();
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = text.parse::<u64>().ok().filter(|_| is_number)?;
        (parsed <= max).then_some(parsed)
    };
    let range = |min: u64, max: u64| {
        (min <= max).then_some(NumberRange {
            min,
            max,
            negated: false,
        })
    };
    if let Some(rest) = text.strip_prefix("<=") {
        return range(0, number(rest)?);
    }
    if let Some(rest) = text.strip_prefix(">=") {
        return range(number(rest)?, u64::MAX);
    }
    if let Some(rest) = text.strip_prefix('<') {
        return range(0, number(rest)?.checked_sub(1)?);
    }
    if let Some(rest) = text.strip_prefix('>') {
        let above = number(rest)?;
        // Nothing is greater than the greatest.
        return (above < max).then(|| range(above + 1, u64::MAX)).flatten();
    }
    let (negated, rest) = match text.strip_prefix('!') {
        Some(rest) => (true, rest.strip_prefix('=').unwrap_or(rest)),
        None => (false, text.strip_prefix('=').unwrap_or(text)),
    };
    let inner = match rest.split_once("<>").or_else(|| rest.split_once('-')) {
        Some(_) if negated => return None,
        Some((first, last)) => range(
            number(first)?.checked_add(1)?,
            number(last)?.checked_sub(1)?,
        )?,
        None => {
            let number = number(rest)?;
            range(number, number)?
        }
    };
    Some(NumberRange { negated, ..inner })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word<'_> {
        Word {
            bytes: text.as_bytes(),
            start: 10,
        }
    }

    #[test]
    fn patterns_mix_text_and_bytes() {
        assert_eq!(
            pattern(word(r#"a|0d 0A|b\;\"\\\:|7c|"#)).unwrap(),
            b"a\r\nb;\"\\:|"
        );
        for wrong in ["", "|0d", "|0|", "|0g|", r"\n", "||"] {
            assert!(pattern(word(wrong)).is_err(), "{wrong}");
        }
        assert!(pattern(word(&"a".repeat(limits::CONTENT_BYTES + 1))).is_err());
    }

    #[test]
    fn ranges_leave_out_their_ends() {
        let bounds =
            |text: &str| number_range(word(text), 65535).map(|r| (r.min, r.max, r.negated));
        assert_eq!(bounds("5<>8"), Ok((6, 7, false)));
        assert_eq!(bounds("!5"), Ok((5, 5, true)));
        assert_eq!(bounds("> 5"), Ok((6, u64::MAX, false)));
        assert_eq!(bounds("<=5"), Ok((0, 5, false)));
        for wrong in [
            "", "5<>6", "<0", "70000", "abc", "5<>", ">65535", "0x10", "!5<>9", "+1",
        ] {
            assert!(bounds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quotes_may_be_negated() {
        let value = quoted(word("! \"ab\""), true).unwrap();
        assert!(value.negated);
        assert_eq!((value.inner.bytes, value.inner.start), (&b"ab"[..], 13));
        assert!(quoted(word("!\"ab\""), false).is_err());
        assert!(quoted(word("\""), true).is_err());
    }
}
