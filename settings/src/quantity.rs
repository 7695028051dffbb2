//! Sizes and durations as people write them: `64 MiB`, `60 s`, `5 min`.

use std::time::Duration;

/// Units of size by name, in bytes.
const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Units of time by name, in milliseconds.
const TIME_UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000)];

/// Bytes from a text as `64 MiB`.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    parse(text, SIZE_UNITS).ok_or_else(|| {
        format!("`{text}` is not a size; write for example \"64 MiB\" (B, KiB, MiB, GiB)")
    })
}

/// A duration from a text as `60 s`.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse(text, TIME_UNITS)
        .map(Duration::from_millis)
        .ok_or_else(|| {
            format!("`{text}` is not a duration; write for example \"60 s\" (ms, s, min, h)")
        })
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_need_a_unit() {
        assert_eq!(parse_bytes("64 MiB"), Ok(64 << 20));
        assert_eq!(parse_bytes("5B"), Ok(5));
        assert_eq!(parse_duration("5 min"), Ok(Duration::from_secs(300)));
        for wrong in [
            "",
            "64",
            "MiB",
            "64 MB",
            "-1 s",
            "1.5 h",
            "99999999999999999999 B",
        ] {
            assert!(
                parse_bytes(wrong).is_err() && parse_duration(wrong).is_err(),
                "{wrong}"
            );
        }
    }
}
