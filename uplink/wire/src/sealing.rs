//! Sealing to the centre: HPKE (RFC 9180), base mode, with DHKEM(X25519, HKDF-SHA256),
//! HKDF-SHA256 and ChaCha20-Poly1305. The sender is proven by the envelope's signature.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::error::{DecodeError, EncodeError, EnvelopeError};
use crate::ids::KeyId;

/// Bytes of the key that HPKE sends along.
pub(crate) const ENCAPSULATED_KEY_BYTES: usize = 32;
/// Bytes that the AEAD adds.
pub(crate) const TAG_BYTES: usize = 16;

/// What is sealed, so that one thing never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A batch, to the centre.
    Batch,
    /// A content key, to the ISP's ledger key.
    LedgerKey,
    /// A file for the ISP.
    IspFile,
}

impl Purpose {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::Batch => b"lapwing sealed batch 1",
            Self::LedgerKey => b"lapwing ledger key 1",
            Self::IspFile => b"lapwing file for the isp 1",
        }
    }
}

/// The centre's public key that batches are sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealingPublicKey([u8; 32]);

impl SealingPublicKey {
    /// A key from its raw X25519 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id that envelopes name it by.
    pub fn key_id(&self) -> KeyId {
        KeyId::of(&self.0)
    }

    /// Seals `plaintext`: the encapsulated key, then the ciphertext with its tag.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        plaintext: &[u8],
        associated: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, EncodeError> {
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&self.0)
            .map_err(|_| EncodeError::Sealing)?;
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &key,
                purpose.info(),
                plaintext,
                associated,
                rng,
            )
            .map_err(|_| EncodeError::Sealing)?;
        let mut sealed = Vec::with_capacity(ENCAPSULATED_KEY_BYTES + ciphertext.len());
        sealed.extend_from_slice(&encapsulated.to_bytes());
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }
}

impl SealingPublicKey {
    /// Seals a file to the ISP.
    ///
    /// # Errors
    /// [`EncodeError::Sealing`] when the key is unusable.
    pub fn seal_file(
        &self,
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, EncodeError> {
        self.seal(Purpose::IspFile, plaintext, &[], rng)
    }
}

/// The centre's private key. Wiped from memory when dropped.
#[derive(Clone)]
pub struct SealingPrivateKey(Zeroizing<[u8; 32]>);

impl SealingPrivateKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let (private, _) = X25519HkdfSha256::gen_keypair_with_rng(rng);
        Self(Zeroizing::new(private.to_bytes().into()))
    }

    /// A key from the bytes that [`SealingPrivateKey::to_bytes`] gave.
    ///
    /// # Errors
    /// [`DecodeError::Mismatch`] when the bytes are not a private key.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, DecodeError> {
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes).map_err(|_| {
            DecodeError::Mismatch {
                what: "a private sealing key",
            }
        })?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The raw bytes, to be stored where only the centre can read them.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// The public half.
    ///
    /// # Errors
    /// [`DecodeError::Mismatch`] never for a key made by this type's constructors.
    pub fn public_key(&self) -> Result<SealingPublicKey, DecodeError> {
        let private = self.hpke_key().ok_or(DecodeError::Mismatch {
            what: "a private sealing key",
        })?;
        Ok(SealingPublicKey(
            X25519HkdfSha256::sk_to_pk(&private).to_bytes().into(),
        ))
    }

    /// Opens what [`SealingPublicKey::seal`] made.
    pub(crate) fn open(
        &self,
        purpose: Purpose,
        sealed: &[u8],
        associated: &[u8],
    ) -> Result<Vec<u8>, EnvelopeError> {
        let (encapsulated, ciphertext) = sealed
            .split_at_checked(ENCAPSULATED_KEY_BYTES)
            .ok_or(EnvelopeError::Unopenable)?;
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated);
        let (Ok(encapsulated), Some(private)) = (encapsulated, self.hpke_key()) else {
            return Err(EnvelopeError::Unopenable);
        };
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &encapsulated,
            purpose.info(),
            ciphertext,
            associated,
        )
        .map_err(|_| EnvelopeError::Unopenable)
    }

    /// Opens what [`SealingPublicKey::seal_file`] made.
    ///
    /// # Errors
    /// [`EnvelopeError::Unopenable`] when it was sealed to another key or changed.
    pub fn open_file(&self, sealed: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        self.open(Purpose::IspFile, sealed, &[])
    }

    fn hpke_key(&self) -> Option<<X25519HkdfSha256 as Kem>::PrivateKey> {
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(self.0.as_slice()).ok()
    }
}

impl std::fmt::Debug for SealingPrivateKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealingPrivateKey(..)")
    }
}
