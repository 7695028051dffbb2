//! Holds bytes, as they come, against the length and the hashes that were signed.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256, Sha512};

use crate::error::TrustError;
use crate::limits::MAX_HASHES;

const SHA256: &str = "sha256";
const SHA512: &str = "sha512";

/// Bytes held against a length and hashes, as they come. Nothing is kept of them.
#[derive(Debug, Clone)]
pub struct FileCheck {
    length: Option<u64>,
    found: u64,
    sha256: Option<(Vec<u8>, Sha256)>,
    sha512: Option<(Vec<u8>, Sha512)>,
}

impl FileCheck {
    /// A check of bytes that are still to come. Hashes by algorithms that are not known here are
    /// passed over, if there is one that is known.
    ///
    /// # Errors
    /// [`TrustError::NoHash`], [`TrustError::WrongHash`] for a hash of a length that it never
    /// has, [`TrustError::TooMany`].
    pub fn new(length: Option<u64>, hashes: &BTreeMap<String, String>) -> Result<Self, TrustError> {
        if hashes.len() > MAX_HASHES {
            return Err(TrustError::TooMany {
                what: "hashes of one file",
                count: hashes.len(),
                cap: MAX_HASHES,
            });
        }
        let expected = |name: &str, bytes: usize| match hashes.get(name) {
            None => Ok(None),
            Some(text) => match hex::decode(text) {
                Ok(hash) if hash.len() == bytes => Ok(Some(hash)),
                _ => Err(TrustError::WrongHash),
            },
        };
        let sha256 = expected(SHA256, 32)?.map(|hash| (hash, Sha256::new()));
        let sha512 = expected(SHA512, 64)?.map(|hash| (hash, Sha512::new()));
        if !hashes.is_empty() && sha256.is_none() && sha512.is_none() {
            return Err(TrustError::NoHash);
        }
        Ok(Self {
            length,
            found: 0,
            sha256,
            sha512,
        })
    }

    /// The hashes that are signed of a file made here.
    pub fn hashes_of(bytes: &[u8]) -> BTreeMap<String, String> {
        BTreeMap::from([(SHA256.to_owned(), hex::encode(Sha256::digest(bytes)))])
    }

    /// The next bytes.
    ///
    /// # Errors
    /// [`TrustError::WrongLength`] as soon as there are more than were signed: whoever sends
    /// without end is cut off here.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), TrustError> {
        self.found = self.found.saturating_add(bytes.len() as u64);
        if let Some(expected) = self.length
            && self.found > expected
        {
            return Err(self.wrong_length(expected));
        }
        if let Some((_, hasher)) = &mut self.sha256 {
            hasher.update(bytes);
        }
        if let Some((_, hasher)) = &mut self.sha512 {
            hasher.update(bytes);
        }
        Ok(())
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// [`TrustError::WrongLength`], [`TrustError::WrongHash`].
    pub fn finish(self) -> Result<(), TrustError> {
        if let Some(expected) = self.length
            && self.found != expected
        {
            return Err(self.wrong_length(expected));
        }
        let is_256 = self
            .sha256
            .is_none_or(|(expected, hasher)| hasher.finalize().as_slice() == expected);
        let is_512 = self
            .sha512
            .is_none_or(|(expected, hasher)| hasher.finalize().as_slice() == expected);
        if is_256 && is_512 {
            Ok(())
        } else {
            Err(TrustError::WrongHash)
        }
    }

    const fn wrong_length(&self, expected: u64) -> TrustError {
        TrustError::WrongLength {
            found: self.found,
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        length: Option<u64>,
        hashes: &[(&str, String)],
        parts: &[&[u8]],
    ) -> Result<(), TrustError> {
        let hashes = hashes
            .iter()
            .map(|(name, hash)| ((*name).to_owned(), hash.clone()))
            .collect();
        let mut check = FileCheck::new(length, &hashes)?;
        parts.iter().try_for_each(|part| check.update(part))?;
        check.finish()
    }

    #[test]
    fn length_and_every_known_hash_must_fit() {
        let right_256 = ("sha256", hex::encode(Sha256::digest(b"whole")));
        let right_512 = ("sha512", hex::encode(Sha512::digest(b"whole")));
        let wrong_512 = ("sha512", hex::encode(Sha512::digest(b"other")));
        let unknown = ("blake2b", "00".to_owned());
        let (cut, two) = (&b"whol"[..], [&b"who"[..], b"le"]);
        assert!(check(Some(5), &[right_256.clone(), right_512], &two).is_ok());
        assert!(check(Some(5), &[right_256.clone(), unknown.clone()], &two).is_ok());
        assert!(check(None, &[], &two).is_ok());
        assert!(matches!(
            check(Some(5), &[right_256.clone(), wrong_512], &two),
            Err(TrustError::WrongHash)
        ));
        assert!(matches!(
            check(Some(5), std::slice::from_ref(&right_256), &[cut]),
            Err(TrustError::WrongLength {
                found: 4,
                expected: 5
            })
        ));
        assert!(matches!(
            check(Some(5), &[right_256], &[b"whole", b"!"]),
            Err(TrustError::WrongLength { found: 6, .. })
        ));
        assert!(matches!(
            check(None, &[unknown], &two),
            Err(TrustError::NoHash)
        ));
        let short = ("sha256", "00".to_owned());
        assert!(matches!(
            check(None, &[short], &two),
            Err(TrustError::WrongHash)
        ));
    }
}
