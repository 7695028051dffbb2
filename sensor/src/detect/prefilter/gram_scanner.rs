//! Which instructions look for grams: chosen once, at start.

use lapwing_rules::pack::{GramBitmap, GramSearch, PortableSearch};

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;

/// The fastest search that this processor has. All of them find the same.
#[derive(Clone, Copy, Debug)]
pub(super) enum GramScanner {
    /// One position after the other, on every processor.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

impl GramScanner {
    /// Asks the processor.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = Avx2::detect() {
            return Self::Avx2(avx2);
        }
        Self::Portable
    }
}

impl GramSearch for GramScanner {
    fn search(&self, bitmap: GramBitmap<'_>, bytes: &[u8], found: &mut impl FnMut(usize)) {
        match self {
            Self::Portable => PortableSearch.search(bitmap, bytes, found),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.search(bitmap, bytes, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use lapwing_rules::pack::{GramBitmap, place_of_gram};
    use proptest::prelude::*;

    use super::*;

    fn positions(search: &impl GramSearch, bitmap: GramBitmap<'_>, bytes: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        search.search(bitmap, bytes, &mut |position| found.push(position));
        found
    }

    proptest! {
        #[test]
        fn the_chosen_search_finds_what_the_portable_one_does(
            words_log2 in 1_u8..=17,
            gram_bytes in prop_oneof![Just(2_usize), Just(4)],
            seeds in prop::collection::vec(any::<u32>(), 0..80),
            bytes in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..300),
        ) {
            let mut words = vec![0_u8; 4 << words_log2];
            // Some grams that stand there, and others.
            let standing = bytes.windows(gram_bytes).step_by(7).map(|gram| {
                gram.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
            });
            for gram in standing.chain(seeds) {
                let (word, mask) = place_of_gram(gram, words_log2);
                let word = &mut words[word as usize * 4..][..4];
                word.iter_mut().zip(mask.to_le_bytes()).for_each(|(byte, bits)| *byte |= bits);
            }
            let bitmap = GramBitmap::new(gram_bytes, words_log2, &words).unwrap();
            let expected = positions(&PortableSearch, bitmap, &bytes);
            prop_assert_eq!(positions(&GramScanner::detect(), bitmap, &bytes), expected);
        }
    }

    #[test]
    fn a_bitmap_has_exactly_its_words() {
        assert!(GramBitmap::new(4, 4, &[0; 64]).is_some());
        assert!(GramBitmap::new(4, 4, &[0; 63]).is_none());
        assert!(GramBitmap::new(3, 4, &[0; 64]).is_none());
        assert!(GramBitmap::new(4, 0, &[0; 4]).is_none());
        assert!(GramBitmap::new(4, 18, &vec![0; 4 << 18]).is_none());
    }
}
