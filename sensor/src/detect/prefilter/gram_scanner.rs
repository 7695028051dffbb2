//! Which instructions look for grams: chosen for each group when its pack is opened.

use lapwing_rules::pack::{GramBitmap, GramSearch, PortableSearch, PrefilterGroup};

#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, few_grams::FewGrams};

/// The fastest search for one group's grams that this processor has. All of them find every gram, and of other positions none that the
/// bitmap rules out.
#[derive(Clone, Debug)]
pub(super) enum GramScanner {
    /// One position after the other, on every processor.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2 {
        processor: Avx2,
        /// Where the group has few long patterns, few short ones.
        few: Vec<FewGrams>,
    },
}

impl GramScanner {
    /// Asks the processor, and the group how many grams it has.
    pub(super) fn detect(group: &PrefilterGroup<'_>) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(processor) = Avx2::detect() {
            let few_of = |gram_bytes| FewGrams::new(gram_bytes, group.grams(gram_bytes));
            let few = [2, 4].into_iter().filter_map(few_of).collect();
            return Self::Avx2 { processor, few };
        }
        let _ = group;
        Self::Portable
    }
}

impl GramSearch for GramScanner {
    fn search(&self, bitmap: GramBitmap<'_>, bytes: &[u8], found: &mut impl FnMut(usize)) {
        match self {
            Self::Portable => PortableSearch.search(bitmap, bytes, found),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 { processor, few } => {
                let few = few
                    .iter()
                    .find(|few| few.gram_bytes() == bitmap.gram_bytes());
                match few {
                    Some(few) => processor.search_few(few, bitmap, bytes, found),
                    None => processor.search(bitmap, bytes, found),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lapwing_rules::pack::{GramBitmap, gram_at, place_of_gram};
    use proptest::prelude::*;

    use super::*;

    fn positions(search: &impl GramSearch, bitmap: GramBitmap<'_>, bytes: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        search.search(bitmap, bytes, &mut |position| found.push(position));
        found
    }

    /// The words of a bitmap that has these grams.
    fn words(grams: &[u32], words_log2: u8) -> Vec<u8> {
        let mut words = vec![0_u8; 4 << words_log2];
        for gram in grams {
            let (word, mask) = place_of_gram(*gram, words_log2);
            let word = &mut words[word as usize * 4..][..4];
            word.iter_mut()
                .zip(mask.to_le_bytes())
                .for_each(|(byte, bits)| *byte |= bits);
        }
        words
    }

    /// What the fastest search for so many grams is here; the portable one where there is no faster.
    fn chosen(gram_bytes: usize, grams: &[u32], is_for_few: bool) -> GramScanner {
        #[cfg(target_arch = "x86_64")]
        if let Some(processor) = Avx2::detect() {
            let few = FewGrams::new(gram_bytes, grams.iter().copied());
            assert!(few.is_some() || !is_for_few || grams.is_empty());
            let few = few.filter(|_| is_for_few).into_iter().collect();
            return GramScanner::Avx2 { processor, few };
        }
        let _ = (gram_bytes, grams, is_for_few);
        GramScanner::Portable
    }

    proptest! {
        #[test]
        fn the_chosen_search_finds_what_the_portable_one_does(
            words_log2 in 1_u8..=17,
            gram_bytes in prop_oneof![Just(2_usize), Just(4)],
            seeds in prop::collection::vec(any::<u32>(), 0..80),
            bytes in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..300),
        ) {
            // Some grams that stand there, and others.
            let mut grams: Vec<u32> = (0..bytes.len())
                .step_by(7)
                .filter_map(|at| gram_at(&bytes, at, gram_bytes))
                .collect();
            grams.extend(seeds);
            let words = words(&grams, words_log2);
            let bitmap = GramBitmap::new(gram_bytes, words_log2, &words).unwrap();
            let expected = positions(&PortableSearch, bitmap, &bytes);
            prop_assert_eq!(positions(&chosen(gram_bytes, &grams, false), bitmap, &bytes), expected);
        }

        #[test]
        fn masks_of_a_few_grams_let_each_of_them_through(
            words_log2 in 1_u8..=12,
            gram_bytes in prop_oneof![Just(2_usize), Just(4)],
            others in prop::collection::vec(any::<u16>(), 0..20),
            step in 1_usize..40,
            bytes in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..300),
        ) {
            let standing = (0..bytes.len())
                .step_by(step)
                .filter_map(|at| gram_at(&bytes, at, gram_bytes));
            let grams: Vec<u32> = others.into_iter().map(u32::from).chain(standing).take(16).collect();
            let words = words(&grams, words_log2);
            let bitmap = GramBitmap::new(gram_bytes, words_log2, &words).unwrap();
            let found = positions(&chosen(gram_bytes, &grams, true), bitmap, &bytes);
            let by_bitmap = positions(&PortableSearch, bitmap, &bytes);
            let is_found = |at: &usize| found.contains(at);
            let is_one = |at: &usize| gram_at(&bytes, *at, gram_bytes).is_some_and(|gram| grams.contains(&gram));
            prop_assert!(found.iter().all(|at| by_bitmap.contains(at)));
            prop_assert!((0..bytes.len()).filter(is_one).all(|at| is_found(&at)));
            prop_assert!(found.is_sorted());
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
