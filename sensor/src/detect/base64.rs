//! `base64_decode`: as much of the bytes as is base64 (RFC 4648, no white space), without allocation in the steady state.

use super::limits::BASE64_DECODED_BYTES_MAX;

/// Decodes from the start of `encoded` up to the first byte that is not base64, into `decoded` (cleared first).
/// An incomplete last group gives the whole bytes it holds. As in the reference, padding is a digit of no value wherever it stands,
/// takes a byte away from its group, and what follows goes on.
pub(crate) fn decode_prefix(encoded: &[u8], decoded: &mut Vec<u8>) {
    decoded.clear();
    let mut group = 0_u32;
    let mut digits = 0_u32;
    let mut padding = 0_usize;
    for &byte in encoded {
        let digit = match value_of(byte) {
            Some(digit) => digit,
            None if byte == b'=' => {
                padding += 1;
                0
            }
            None => break,
        };
        group = (group << 6) | digit;
        digits += 1;
        if digits == 4 {
            if decoded.len() + 3 > BASE64_DECODED_BYTES_MAX {
                return;
            }
            let [_, bytes @ ..] = group.to_be_bytes();
            decoded.extend_from_slice(&bytes[..bytes.len().saturating_sub(padding)]);
            (group, digits, padding) = (0, 0, 0);
        }
    }
    if digits >= 2 {
        let [_, first, second, _] = (group << (6 * (4 - digits))).to_be_bytes();
        decoded.push(first);
        if digits == 3 {
            decoded.push(second);
        }
    }
}

fn value_of(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoded: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        decode_prefix(encoded, &mut decoded);
        decoded
    }

    #[test]
    fn decodes_whole_groups_and_stops_at_other_bytes() {
        assert_eq!(decode(b"SGVsbG8="), b"Hello");
        assert_eq!(decode(b"SGVsbG8gV29ybGQh"), b"Hello World!");
        assert_eq!(decode(b"SGVs bG8="), b"Hel");
        assert_eq!(decode(b"SGVsbG8!"), b"Hello");
        assert_eq!(decode(b"SGVsbG8"), b"Hello");
        assert_eq!(decode(b"SGVsb"), b"Hel");
        assert_eq!(decode(b"!"), b"");
        assert_eq!(decode(b""), b"");
    }

    #[test]
    fn padding_may_stand_anywhere() {
        assert_eq!(decode(b"YWJjZA==YWJj"), b"abcdabc");
        assert_eq!(decode(b"====YWJj"), b"abc");
        assert_eq!(decode(b"Y===YWJj"), b"abc");
        assert_eq!(decode(b"YW=jZGVm"), b"a\x60def");
        assert_eq!(decode(b"==YWJj"), b"\x00&");
        assert_eq!(decode(b"YW=").len(), 2);
        assert_eq!(decode(b"YWJj==").len(), 4);
    }
}
