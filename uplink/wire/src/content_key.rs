//! The key of one envelope's content, so that the ISP too can read what its sensor sent.
//!
//! An envelope is sealed to the centre by HPKE, and nothing more crosses the network. The 32 random bytes that HPKE begins with
//! ([`ContentKey`]) are what the sender alone knows: from them and the centre's public key the whole sealing can be repeated, and
//! so undone. The sensor wraps them for the ISP's ledger key and writes them into its ledger, which stays at the edge.
//!
//! ```text
//! wrapped = HPKE (as of an envelope, another info), sealed to the ISP's ledger key, associated data: the envelope's digest
//! content = content key [32], centre's public key [32]
//! ```

use std::convert::Infallible;
use std::fmt;

use rand::{CryptoRng, TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use crate::envelope::SealedEnvelope;
use crate::error::{EncodeError, EnvelopeError};
use crate::ids::BatchDigest;
use crate::record::Record;
use crate::sealing::{
    ENCAPSULATED_KEY_BYTES, Purpose, SealingPrivateKey, SealingPublicKey, TAG_BYTES,
};

/// What an envelope's sealing began with.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey(Zeroizing<[u8; 32]>);

impl ContentKey {
    /// Draws one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Wraps it for the ISP, with the centre's key that it is needed with.
    ///
    /// # Errors
    /// [`EncodeError::Sealing`] when the ISP's key is unusable.
    pub fn wrap(
        &self,
        isp: &SealingPublicKey,
        centre: &SealingPublicKey,
        envelope: BatchDigest,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, EncodeError> {
        let mut content = Zeroizing::new([0; 64]);
        let (key, recipient) = content.split_at_mut(32);
        key.copy_from_slice(self.0.as_slice());
        recipient.copy_from_slice(centre.as_bytes());
        isp.seal(Purpose::LedgerKey, content.as_slice(), &envelope.0, rng)
    }

    /// Unwraps what [`ContentKey::wrap`] made.
    ///
    /// # Errors
    /// [`EnvelopeError::Unopenable`] when it was made for another key or another envelope.
    pub fn unwrap(
        wrapped: &[u8],
        isp: &SealingPrivateKey,
        envelope: BatchDigest,
    ) -> Result<(Self, SealingPublicKey), EnvelopeError> {
        let content = Zeroizing::new(isp.open(Purpose::LedgerKey, wrapped, &envelope.0)?);
        let parts = content.split_first_chunk::<32>();
        let (key, centre) = parts.ok_or(EnvelopeError::Unopenable)?;
        let centre = <[u8; 32]>::try_from(centre).map_err(|_| EnvelopeError::Unopenable)?;
        Ok((
            Self(Zeroizing::new(*key)),
            SealingPublicKey::from_bytes(centre),
        ))
    }

    pub(crate) fn seal(
        &self,
        centre: &SealingPublicKey,
        plaintext: &[u8],
        associated: &[u8],
    ) -> Result<Vec<u8>, EncodeError> {
        centre.seal(Purpose::Batch, plaintext, associated, &mut Begin(&self.0))
    }

    /// Undoes [`ContentKey::seal`]. The cipher adds a stream of key bytes, which sealing zeros shows; that the result is sealed to
    /// the same bytes again proves that nothing was changed.
    pub(crate) fn open(
        &self,
        centre: &SealingPublicKey,
        sealed: &[u8],
        associated: &[u8],
    ) -> Result<Vec<u8>, EnvelopeError> {
        let length = sealed
            .len()
            .checked_sub(ENCAPSULATED_KEY_BYTES + TAG_BYTES)
            .ok_or(EnvelopeError::Unopenable)?;
        let seal = |plaintext: &[u8]| {
            self.seal(centre, plaintext, associated)
                .map_err(|_| EnvelopeError::Unopenable)
        };
        let mut plaintext = vec![0; length];
        let stream = seal(&plaintext)?;
        let content =
            |bytes: &'_ [u8]| bytes.iter().skip(ENCAPSULATED_KEY_BYTES).copied().collect();
        let (ciphertext, stream): (Vec<u8>, Vec<u8>) = (content(sealed), content(&stream));
        for ((byte, other), key) in plaintext.iter_mut().zip(ciphertext).zip(stream) {
            *byte = other ^ key;
        }
        if seal(&plaintext)? == sealed {
            Ok(plaintext)
        } else {
            Err(EnvelopeError::Unopenable)
        }
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ContentKey(..)")
    }
}

/// Who must know of every envelope before it exists: the ledger.
pub trait SealWitness: fmt::Debug + Send + Sync {
    /// An envelope was sealed with a content key to the centre. Nothing is sent of what is not witnessed.
    ///
    /// # Errors
    /// In words for a person.
    fn sealed(
        &self,
        envelope: &SealedEnvelope,
        records: &[Record],
        key: &ContentKey,
        centre: &SealingPublicKey,
    ) -> Result<(), String>;
}

/// Who may take from records what must not leave any more, when they are sealed.
pub trait RecordFilter: fmt::Debug + Send + Sync {
    /// Changes records so that less leaves. Lanes and numbers must stay.
    fn filter(&self, records: &mut [Record]);

    /// Of each record whether it is known already what of it may leave. One of which it is not waits, and what is behind it in its
    /// lane.
    fn can_judge(&self, records: &[Record]) -> Vec<bool> {
        vec![true; records.len()]
    }

    /// Days after which what is kept of what left is removed; none for no limit but the disk's.
    fn retention_days(&self) -> Option<u64>;

    /// Whether nothing may leave now but heartbeats and the bare numbers of what was dropped ([`Record::is_of_the_books`]), for no
    /// policy is in force.
    fn is_closed(&self) -> bool;
}

/// Randomness that is known: the bytes of a content key, again and again.
struct Begin<'a>(&'a [u8; 32]);

impl TryRng for Begin<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        for (slot, byte) in destination.iter_mut().zip(self.0.iter().cycle()) {
            *slot = *byte;
        }
        Ok(())
    }
}

/// HPKE draws once, and gets the key as it is.
impl TryCryptoRng for Begin<'_> {}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn the_isp_reads_what_was_sealed_to_the_centre() {
        let mut rng = StdRng::seed_from_u64(7);
        let centre = SealingPrivateKey::generate(&mut rng);
        let isp = SealingPrivateKey::generate(&mut rng);
        let centre_public = centre.public_key().unwrap();
        let digest = BatchDigest([3; 32]);
        for length in [0, 1, 63, 64, 5000] {
            let plaintext = vec![0xab; length];
            let key = ContentKey::generate(&mut rng);
            let sealed = key.seal(&centre_public, &plaintext, b"header").unwrap();
            assert_eq!(
                centre.open(Purpose::Batch, &sealed, b"header").unwrap(),
                plaintext
            );
            let wrapped = key
                .wrap(&isp.public_key().unwrap(), &centre_public, digest, &mut rng)
                .unwrap();
            let (unwrapped, to) = ContentKey::unwrap(&wrapped, &isp, digest).unwrap();
            assert_eq!((&unwrapped, to), (&key, centre_public));
            assert_eq!(unwrapped.open(&to, &sealed, b"header").unwrap(), plaintext);
            // Neither for another envelope, nor with a byte changed, nor with another key.
            assert!(ContentKey::unwrap(&wrapped, &isp, BatchDigest([4; 32])).is_err());
            assert!(ContentKey::unwrap(&wrapped, &centre, digest).is_err());
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(
                    unwrapped.open(&to, &changed, b"header").is_err(),
                    "byte {at}"
                );
            }
            assert!(unwrapped.open(&to, &sealed, b"other").is_err());
            let other = ContentKey::generate(&mut rng);
            assert!(other.open(&to, &sealed, b"header").is_err());
        }
    }
}
