//! How common bytes are in traffic: the measure by which grams and fast patterns are chosen.

/// How common some bytes in a row are, as a sum of logarithms: the larger, the more often they stand in traffic.
pub(crate) fn commonness(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .map(|byte| match byte {
            0x00 | 0xff => 12,
            byte if byte.is_ascii_lowercase() => 9,
            b' ' | b'/' | b'.' | b'=' | b'-' => 9,
            byte if byte.is_ascii_digit() => 8,
            byte if byte.is_ascii_graphic() => 6,
            _ => 4,
        })
        .sum()
}
