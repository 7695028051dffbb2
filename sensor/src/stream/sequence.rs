//! Sequence numbers wrap (RFC 9293 section 3.4): only their distance says which comes first.

/// Whether `left` comes before `right`.
pub(super) fn before(left: u32, right: u32) -> bool {
    distance(right, left) < 0
}

/// Whether `left` comes before `right`, or is the same.
pub(super) fn before_or_same(left: u32, right: u32) -> bool {
    distance(right, left) <= 0
}

/// Whether `left` comes after `right`.
pub(super) fn after(left: u32, right: u32) -> bool {
    distance(right, left) > 0
}

/// Whether `left` comes after `right`, or is the same.
pub(super) fn after_or_same(left: u32, right: u32) -> bool {
    distance(right, left) >= 0
}

/// How far `to` lies behind `from`; negative where it lies before.
#[expect(clippy::cast_possible_wrap, reason = "the sign is the direction")]
pub(super) fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from) as i32
}

/// `sequence` and some bytes more.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a segment is shorter than 64 KiB"
)]
pub(super) fn plus(sequence: u32, bytes: usize) -> u32 {
    sequence.wrapping_add(bytes as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_survives_the_wrap() {
        assert!(before(u32::MAX, 3));
        assert!(after(3, u32::MAX));
        assert!(before_or_same(7, 7) && after_or_same(7, 7));
        assert_eq!(distance(u32::MAX - 1, 2), 4);
        assert_eq!(distance(2, u32::MAX - 1), -4);
    }
}
