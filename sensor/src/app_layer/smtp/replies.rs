//! Reply codes (RFC 5321, section 4.2.3, and the extensions that are in use).

/// Codes that a server may send, in order.
const KNOWN: [u16; 26] = [
    211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503,
    504, 550, 551, 552, 553, 554, 555,
];

/// The code of a reply line, where it is one.
pub(super) fn code(line: &[u8]) -> Option<u16> {
    let number = line.get(..3)?.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u16::from(byte - b'0'))
    })?;
    KNOWN.binary_search(&number).is_ok().then_some(number)
}

/// Whether more lines of the same reply follow.
pub(super) fn goes_on(line: &[u8]) -> bool {
    line.get(3) == Some(&b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_known_or_not() {
        assert_eq!(code(b"250 fine"), Some(250));
        assert_eq!(code(b"250"), Some(250));
        assert_eq!(code(b"454 not now"), None);
        assert_eq!(code(b"25"), None);
        assert_eq!(code(b"2x0 ok"), None);
        assert!(goes_on(b"250-SIZE"));
        assert!(!goes_on(b"250 SIZE"));
    }
}
