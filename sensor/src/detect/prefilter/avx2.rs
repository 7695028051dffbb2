//! Looks for grams with AVX2. Many grams: eight positions at once, their words of the bitmap gathered in one instruction. A few: 32
//! positions at once, the halves of their bytes looked up in the masks of [`FewGrams`].
//!
//! The one place of the engine with instructions that the compiler cannot check. Two things are asked for beyond types: that
//! the processor has AVX2, which an [`Avx2`] stands for, and that every word's number lies within the bitmap, which
//! [`search_steps`] makes sure of before it begins.
#![expect(
    unsafe_code,
    reason = "vector instructions are unsafe: the processor may not have them, and they read past what a slice guards"
)]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_and_si256,
    _mm256_broadcastsi128_si256, _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_i32gather_epi32,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_mullo_epi32,
    _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_sll_epi32, _mm256_sllv_epi32, _mm256_srl_epi32, _mm256_srli_epi16,
    _mm256_srli_epi32, _mm256_xor_si256,
};

use lapwing_rules::pack::{GRAM_HASH_FACTOR, GramBitmap, gram_at};

use super::few_grams::{FewGrams, GRAM_BYTES_MAX, HALF_BYTES};

/// Positions that one step looks at.
const STEP_POSITIONS: usize = 8;
/// Bytes that one step reads: grams of the eight positions, and what a register holds beyond.
const STEP_BYTES: usize = 16;
/// Positions that one step looks at where grams are few.
const FEW_STEP_POSITIONS: usize = 32;
/// Bytes that such a step reads: the longest gram of its last position ends there.
const FEW_STEP_BYTES: usize = FEW_STEP_POSITIONS + GRAM_BYTES_MAX - 1;
/// Largest shift of a lane of 32 bits.
const SHIFT_MAX: i32 = 31;

/// A processor with AVX2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// Asks the processor.
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// As [`GramBitmap::search`].
    pub(super) fn search(
        self,
        bitmap: GramBitmap<'_>,
        bytes: &[u8],
        found: &mut impl FnMut(usize),
    ) {
        // SAFETY: `self` exists only where the processor has AVX2.
        let is_done = unsafe { search_steps(bitmap, bytes, found) };
        if !is_done {
            bitmap.search(bytes, found);
        }
    }

    /// Calls `found` with each position at which neither these masks nor the bitmap rule out a gram, ascending. The masks are of
    /// grams of as many bytes as the bitmap's.
    pub(super) fn search_few(
        self,
        few: &FewGrams,
        bitmap: GramBitmap<'_>,
        bytes: &[u8],
        found: &mut impl FnMut(usize),
    ) {
        let mut visit = |position: usize| {
            let gram = gram_at(bytes, position, few.gram_bytes());
            if gram.is_some_and(|gram| bitmap.may_have(gram)) {
                found(position);
            }
        };
        // SAFETY: `self` exists only where the processor has AVX2.
        unsafe {
            if few.gram_bytes() == 2 {
                search_few_steps::<2>(few, bytes, &mut visit);
            } else {
                search_few_steps::<GRAM_BYTES_MAX>(few, bytes, &mut visit);
            }
        }
    }
}

/// Looks at every position. `false` and nothing done for a bitmap that it is not made for, which [`GramBitmap::new`] lets nobody have.
#[target_feature(enable = "avx2")]
fn search_steps(bitmap: GramBitmap<'_>, bytes: &[u8], found: &mut impl FnMut(usize)) -> bool {
    let (words, words_log2) = (bitmap.words(), i32::from(bitmap.words_log2()));
    // A word's number has as many binary digits as the logarithm says, so that all of them lie in a bitmap of this size.
    let is_whole = (1..=SHIFT_MAX).contains(&words_log2) && words.len() >= 4 << words_log2;
    if !is_whole {
        return false;
    }
    let spread = match bitmap.gram_bytes() {
        4 => wide_grams(),
        2 => narrow_grams(),
        _ => return false,
    };
    let factor = _mm256_set1_epi32(GRAM_HASH_FACTOR.cast_signed());
    let to_word = _mm_cvtsi32_si128(32 - words_log2);
    let to_bits = _mm_cvtsi32_si128(words_log2);
    let bit_number = _mm256_set1_epi32(31);
    // Positions at which a whole gram stands; those of the last steps are read from a copy with zeros behind.
    let positions = (bytes.len() + 1).saturating_sub(bitmap.gram_bytes());
    let mut last = [0; STEP_BYTES];
    let mut position = 0;
    while position < positions {
        let rest = bytes.get(position..).unwrap_or_default();
        let chunk = match rest.first_chunk::<STEP_BYTES>() {
            Some(chunk) => chunk,
            None => {
                last.fill(0);
                if let Some(beginning) = last.get_mut(..rest.len()) {
                    beginning.copy_from_slice(rest);
                }
                &last
            }
        };
        // SAFETY: the chunk has the 16 bytes that are read, and no alignment is asked for.
        let chunk = unsafe { _mm_loadu_si128(chunk.as_ptr().cast::<__m128i>()) };
        let grams = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(chunk), spread);
        let hash = _mm256_mullo_epi32(grams, factor);
        let word = _mm256_srl_epi32(hash, to_word);
        // SAFETY: each word's number has so many binary digits, and the bitmap has four bytes for each such number.
        let words = unsafe { _mm256_i32gather_epi32::<4>(words.as_ptr().cast::<i32>(), word) };
        // The three bits of each lane become signs: shifted left by 31 less the number of the bit.
        let behind = _mm256_sll_epi32(hash, to_bits);
        let left = _mm256_xor_si256(behind, _mm256_set1_epi32(-1));
        let first = _mm256_sllv_epi32(words, _mm256_srli_epi32::<27>(left));
        let second = _mm256_srli_epi32::<22>(left);
        let second = _mm256_sllv_epi32(words, _mm256_and_si256(second, bit_number));
        let third = _mm256_srli_epi32::<17>(left);
        let third = _mm256_sllv_epi32(words, _mm256_and_si256(third, bit_number));
        let signs = _mm256_and_si256(_mm256_and_si256(first, second), third);
        let mut hits = _mm256_movemask_ps(_mm256_castsi256_ps(signs)).cast_unsigned();
        while hits != 0 {
            let at = position + hits.trailing_zeros() as usize;
            if at >= positions {
                break;
            }
            found(at);
            hits &= hits - 1;
        }
        position += STEP_POSITIONS;
    }
    true
}

/// Looks at every position at which `BYTES` bytes stand.
#[target_feature(enable = "avx2")]
fn search_few_steps<const BYTES: usize>(
    few: &FewGrams,
    bytes: &[u8],
    visit: &mut impl FnMut(usize),
) {
    let mut tables = [(_mm256_setzero_si256(), _mm256_setzero_si256()); BYTES];
    for (place, table) in tables.iter_mut().enumerate() {
        if let (Some(lower), Some(upper)) = (few.lower.get(place), few.upper.get(place)) {
            *table = (twice(lower), twice(upper));
        }
    }
    let half = _mm256_set1_epi8(15);
    let positions = (bytes.len() + 1).saturating_sub(BYTES);
    let mut last = [0; FEW_STEP_BYTES];
    let mut position = 0;
    while position < positions {
        let rest = bytes.get(position..).unwrap_or_default();
        let chunk = match rest.first_chunk::<FEW_STEP_BYTES>() {
            Some(chunk) => chunk,
            None => {
                last.fill(0);
                if let Some(beginning) = last.get_mut(..rest.len()) {
                    beginning.copy_from_slice(rest);
                }
                &last
            }
        };
        let mut buckets = _mm256_set1_epi8(-1);
        for (&(lower, upper), place) in tables
            .iter()
            .zip(chunk.array_windows::<FEW_STEP_POSITIONS>())
        {
            // SAFETY: the 32 bytes that are read are there, and no alignment is asked for.
            let place = unsafe { _mm256_loadu_si256(place.as_ptr().cast::<__m256i>()) };
            let lower = _mm256_shuffle_epi8(lower, _mm256_and_si256(place, half));
            let upper_halves = _mm256_and_si256(_mm256_srli_epi16::<4>(place), half);
            let upper = _mm256_shuffle_epi8(upper, upper_halves);
            buckets = _mm256_and_si256(buckets, _mm256_and_si256(lower, upper));
        }
        let ruled_out = _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256());
        let mut hits = !_mm256_movemask_epi8(ruled_out).cast_unsigned();
        while hits != 0 {
            let at = position + hits.trailing_zeros() as usize;
            if at >= positions {
                break;
            }
            visit(at);
            hits &= hits - 1;
        }
        position += FEW_STEP_POSITIONS;
    }
}

/// A table in both halves of a register, which are looked up apart.
#[target_feature(enable = "avx2")]
fn twice(table: &[u8; HALF_BYTES]) -> __m256i {
    // SAFETY: the 16 bytes that are read are there, and no alignment is asked for.
    let table = unsafe { _mm_loadu_si128(table.as_ptr().cast::<__m128i>()) };
    _mm256_broadcastsi128_si256(table)
}

/// Puts four bytes from each of eight positions into a lane.
#[target_feature(enable = "avx2")]
fn wide_grams() -> __m256i {
    _mm256_setr_epi8(
        0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8,
        9, 10,
    )
}

/// Puts two bytes from each of eight positions into a lane.
#[target_feature(enable = "avx2")]
fn narrow_grams() -> __m256i {
    let zero = -1;
    _mm256_setr_epi8(
        0, 1, zero, zero, 1, 2, zero, zero, 2, 3, zero, zero, 3, 4, zero, zero, 4, 5, zero, zero,
        5, 6, zero, zero, 6, 7, zero, zero, 7, 8, zero, zero,
    )
}
