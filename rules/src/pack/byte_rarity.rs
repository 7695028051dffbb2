//! How common bytes are in traffic: the measure by which fast patterns and grams are chosen.
//!
//! The numbers were measured by `tools/byte-frequencies` on 1,500 captures of applications and protocols of many kinds, their
//! first bytes in each direction. Whoever changes them changes which pack is derived from a canonical pack.

/// Eight times the binary logarithm of how often a byte stands in a million bytes of traffic, ASCII letters in lower case.
#[rustfmt::skip]
const COMMONNESS: [u8; 256] = [
    139, 113, 105, 104, 101, 97, 99, 92, 94, 93, 106, 90, 94, 104, 89, 89,
    93, 90, 90, 90, 89, 87, 91, 89, 90, 86, 88, 87, 88, 89, 87, 87,
    113, 89, 95, 87, 89, 88, 88, 88, 89, 89, 91, 90, 97, 108, 104, 100,
    109, 106, 104, 98, 98, 100, 98, 96, 96, 96, 101, 90, 90, 95, 90, 90,
    93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 86, 87, 86, 86, 93,
    86, 116, 103, 112, 108, 116, 103, 104, 107, 110, 96, 99, 107, 108, 111, 111,
    108, 96, 110, 112, 114, 105, 100, 99, 105, 101, 97, 86, 85, 87, 86, 85,
    91, 94, 103, 86, 87, 86, 89, 86, 86, 86, 86, 88, 85, 86, 85, 85,
    86, 85, 85, 85, 86, 85, 86, 85, 85, 85, 85, 84, 85, 85, 86, 85,
    106, 86, 86, 86, 85, 85, 86, 85, 86, 85, 95, 85, 85, 85, 85, 84,
    84, 85, 86, 85, 86, 85, 85, 85, 86, 85, 86, 85, 85, 85, 85, 85,
    95, 85, 86, 86, 86, 84, 86, 85, 86, 85, 85, 84, 86, 85, 85, 85,
    85, 85, 86, 85, 85, 86, 85, 85, 85, 85, 85, 85, 85, 84, 85, 85,
    85, 86, 85, 84, 85, 85, 85, 85, 85, 84, 86, 85, 85, 85, 85, 86,
    86, 85, 85, 85, 85, 85, 86, 87, 85, 85, 86, 85, 85, 85, 89, 98,
];
/// The same for a byte that is all there is.
const ALWAYS: u32 = 160;

/// How common some bytes in a row are: the larger, the more often they stand in traffic.
pub(crate) fn commonness(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| common(*byte)).sum()
}

/// How much a pattern tells: what is rare about each of its bytes, a quarter of it where the byte came before.
pub(crate) fn rarity(pattern: &[u8]) -> u32 {
    let mut seen = [false; 256];
    pattern
        .iter()
        .map(|byte| {
            let byte = byte.to_ascii_lowercase();
            let tells = ALWAYS - common(byte);
            if std::mem::replace(&mut seen[usize::from(byte)], true) {
                tells / 4
            } else {
                tells
            }
        })
        .sum()
}

fn common(byte: u8) -> u32 {
    u32::from(COMMONNESS[usize::from(byte.to_ascii_lowercase())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rare_in_traffic_tells_more() {
        assert!(rarity(b"zqxj") > rarity(b"test"));
        assert!(rarity(b"\x9d\x83\xc1") > rarity(b"\0\0\0\0\0\0"));
        assert!(rarity(b"longer/pattern") > rarity(b"pattern"));
        assert_eq!(rarity(b"GET"), rarity(b"get"));
        assert!(commonness(b"http") > commonness(b"^~\xfe\x81"));
    }

    #[test]
    fn nothing_is_more_common_than_everything() {
        assert!(COMMONNESS.iter().all(|byte| u32::from(*byte) < ALWAYS));
    }
}
