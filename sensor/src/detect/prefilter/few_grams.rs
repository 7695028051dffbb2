//! A few grams as masks of half bytes, for processors that look sixteen of those up in one instruction.
//!
//! The grams stand in eight buckets, a bit each. For every byte of a gram two tables say which buckets have a gram with this lower
//! half there, and which with this upper half: a position whose bits vanish in none of them may begin a gram of that bucket. With a
//! handful of grams a bucket that rules out nearly all of traffic, for a fraction of what looking up each position in a bitmap
//! costs; with hundreds it rules out little.

/// Bytes of the longest gram.
pub(super) const GRAM_BYTES_MAX: usize = 4;
/// Buckets: bits of a byte.
const BUCKETS: usize = 8;
/// Values of half a byte.
pub(super) const HALF_BYTES: usize = 16;
/// More grams of two bytes than this leave too many positions to look at again: grams that share a bucket let through what is made of
/// halves of both.
const NARROW_GRAMS_MAX: usize = 2 * BUCKETS;
/// The same of four bytes, which are the more telling ones.
const WIDE_GRAMS_MAX: usize = 8 * BUCKETS;

/// Masks of a few grams of the same length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FewGrams {
    gram_bytes: usize,
    /// By place in the gram: the buckets of each lower half.
    pub(super) lower: [[u8; HALF_BYTES]; GRAM_BYTES_MAX],
    /// By place in the gram: the buckets of each upper half.
    pub(super) upper: [[u8; HALF_BYTES]; GRAM_BYTES_MAX],
}

impl FewGrams {
    /// Masks of these grams, whose bytes are in little-endian order; `None` where they are too many, or none.
    pub(super) fn new(gram_bytes: usize, grams: impl Iterator<Item = u32>) -> Option<Self> {
        let grams_max = match gram_bytes {
            2 => NARROW_GRAMS_MAX,
            4 => WIDE_GRAMS_MAX,
            _ => return None,
        };
        // Alike ones share a bucket, so that its masks stay thin.
        let mut sorted: Vec<u32> = Vec::new();
        for gram in grams.map(u32::swap_bytes) {
            if let Err(place) = sorted.binary_search(&gram) {
                if sorted.len() == grams_max {
                    return None;
                }
                sorted.insert(place, gram);
            }
        }
        if sorted.is_empty() {
            return None;
        }
        let mut few = Self {
            gram_bytes,
            lower: [[0; HALF_BYTES]; GRAM_BYTES_MAX],
            upper: [[0; HALF_BYTES]; GRAM_BYTES_MAX],
        };
        for (bucket, grams) in sorted.chunks(sorted.len().div_ceil(BUCKETS)).enumerate() {
            for gram in grams {
                let bytes = gram.to_be_bytes();
                let tables = few.lower.iter_mut().zip(&mut few.upper);
                for (byte, (lower, upper)) in bytes.iter().zip(tables).take(gram_bytes) {
                    lower[usize::from(byte & 15)] |= 1 << bucket;
                    upper[usize::from(byte >> 4)] |= 1 << bucket;
                }
            }
        }
        Some(few)
    }

    /// Bytes of each gram: 2 or 4.
    pub(super) fn gram_bytes(&self) -> usize {
        self.gram_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{FewGrams, WIDE_GRAMS_MAX};

    #[test]
    fn only_different_grams_count() {
        let most = u32::try_from(WIDE_GRAMS_MAX).unwrap();
        let few = |grams: u32| FewGrams::new(4, (0..3).flat_map(|_| 0..grams));
        assert_eq!(few(most), FewGrams::new(4, 0..most));
        assert!(few(most).is_some());
        assert_eq!(few(most + 1), None);
        assert_eq!(few(0), None);
    }
}
