//! Numbers as words that can be said over a bad telephone line, in any language: sixteen bits are one
//! word of consonant, vowel, consonant, vowel, consonant (`lusab`), the letters chosen so that no two sound
//! alike. The scheme is known as proquints.
//!
//! Eight words are a voucher's secret, whose last two bytes check the others; four are what two people
//! compare before a device is let in.

use sha2::{Digest, Sha256};

use crate::error::DecodeError;
use crate::voucher::VOUCHER_SECRET_BYTES;

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";
/// Words of a voucher's secret.
pub const VOUCHER_WORDS: usize = VOUCHER_SECRET_BYTES / 2;
/// Characters of eight words as they are typed, at most.
const MAX_CHARACTERS: usize = 256;
/// Bytes of a secret that are random; the others check them.
pub const RANDOM_SECRET_BYTES: usize = VOUCHER_SECRET_BYTES - 2;

/// Bytes as words, two bytes each.
pub fn to_words(bytes: &[u8]) -> String {
    let word = |pair: &[u8]| {
        let number = pair
            .iter()
            .fold(0u16, |number, byte| number << 8 | u16::from(*byte));
        let letter = |table: &[u8], shift: u32| {
            let index = usize::from(number >> shift) % table.len();
            table.get(index).copied().map_or('?', char::from)
        };
        [
            letter(CONSONANTS, 12),
            letter(VOWELS, 10),
            letter(CONSONANTS, 6),
            letter(VOWELS, 4),
            letter(CONSONANTS, 0),
        ]
        .iter()
        .collect::<String>()
    };
    bytes.chunks(2).map(word).collect::<Vec<_>>().join(" ")
}

/// A voucher's secret of random bytes and their check.
pub fn secret_with_check(random: [u8; RANDOM_SECRET_BYTES]) -> [u8; VOUCHER_SECRET_BYTES] {
    let mut secret = [0; VOUCHER_SECRET_BYTES];
    for (to, from) in secret.iter_mut().zip(random.iter().chain(&check(&random))) {
        *to = *from;
    }
    secret
}

/// A voucher's secret as eight words, if it is one that has a check.
pub fn secret_to_words(secret: &[u8; VOUCHER_SECRET_BYTES]) -> Option<String> {
    let (random, checked) = secret.split_first_chunk::<RANDOM_SECRET_BYTES>()?;
    (checked == check(random)).then(|| to_words(secret))
}

/// The secret in eight words, as a person said or typed them: case, commas and dashes do not count.
///
/// # Errors
/// [`DecodeError::Mismatch`] when a word is not one of ours or does not fit the others.
pub fn secret_from_words(text: &str) -> Result<[u8; VOUCHER_SECRET_BYTES], DecodeError> {
    let wrong = |what| DecodeError::Mismatch { what };
    if text.len() > MAX_CHARACTERS {
        return Err(wrong("length of eight words"));
    }
    let words: Vec<String> = text
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if words.len() != VOUCHER_WORDS {
        return Err(wrong("number of words: a voucher has eight"));
    }
    let mut secret = [0; VOUCHER_SECRET_BYTES];
    for (pair, word) in secret.as_chunks_mut::<2>().0.iter_mut().zip(&words) {
        *pair = from_word(word)
            .ok_or_else(|| wrong("a word of a voucher"))?
            .to_be_bytes();
    }
    if secret_to_words(&secret).is_none() {
        return Err(wrong("check of the eight words"));
    }
    Ok(secret)
}

fn from_word(word: &str) -> Option<u16> {
    let letters: [u8; 5] = word.as_bytes().try_into().ok()?;
    let mut number = 0u16;
    for (position, letter) in letters.into_iter().enumerate() {
        let (table, bits): (&[u8], u32) = if position % 2 == 0 {
            (CONSONANTS, 4)
        } else {
            (VOWELS, 2)
        };
        let index = table.iter().position(|known| *known == letter)?;
        number = number << bits | u16::try_from(index).ok()?;
    }
    Some(number)
}

fn check(random: &[u8; RANDOM_SECRET_BYTES]) -> [u8; 2] {
    let digest = Sha256::new()
        .chain_update(b"lapwing voucher words\0")
        .chain_update(random)
        .finalize();
    digest.first_chunk::<2>().copied().unwrap_or_default()
}

/// The four words that the technician and the person at the centre compare: they stand for the device's
/// key and for the CA that the device saw, so that nobody stands between them.
pub fn comparison_words(ca_digest: &[u8; 32], device_public_key: &[u8; 32]) -> String {
    let digest = Sha256::new()
        .chain_update(b"lapwing comparison words\0")
        .chain_update(ca_digest)
        .chain_update(device_public_key)
        .finalize();
    to_words(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_have_their_known_words() {
        // 127.0.0.1 and 63.84.220.193, as the scheme's description has them.
        assert_eq!(to_words(&[127, 0, 0, 1]), "lusab babad");
        assert_eq!(to_words(&[63, 84, 220, 193]), "gutih tugad");
    }

    #[test]
    fn eight_words_survive_the_telephone() {
        let secret = secret_with_check([0x5a; RANDOM_SECRET_BYTES]);
        let words = secret_to_words(&secret).unwrap();
        assert_eq!(words.split(' ').count(), VOUCHER_WORDS);
        let said = words.to_uppercase().replace(' ', ", ");
        assert_eq!(secret_from_words(&said).unwrap(), secret);
        assert_eq!(secret_to_words(&[1; VOUCHER_SECRET_BYTES]), None);
    }

    #[test]
    fn a_wrong_missing_or_swapped_word_is_noticed() {
        let words = secret_to_words(&secret_with_check([
            9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4,
        ]));
        let words = words.unwrap();
        let list: Vec<&str> = words.split(' ').collect();
        for position in 0..list.len() {
            let mut changed = list.clone();
            changed[position] = "babab";
            assert!(secret_from_words(&changed.join(" ")).is_err());
            changed.remove(position);
            assert!(secret_from_words(&changed.join(" ")).is_err());
        }
        let mut swapped = list.clone();
        swapped.swap(0, 1);
        assert!(secret_from_words(&swapped.join(" ")).is_err());
        assert!(secret_from_words("one two three four five six seven eight").is_err());
    }

    #[test]
    fn comparison_words_change_with_the_key_and_with_the_authority() {
        let words = comparison_words(&[1; 32], &[2; 32]);
        assert_eq!(words.split(' ').count(), 4);
        assert_ne!(words, comparison_words(&[1; 32], &[3; 32]));
        assert_ne!(words, comparison_words(&[2; 32], &[2; 32]));
    }
}
