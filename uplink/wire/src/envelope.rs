//! An envelope: a batch as it leaves the sensor, the same bytes over TLS, through a relay, or
//! on a stick.
//!
//! ```text
//! envelope  = header, sealed, signature
//! header    = "LWE" u8 version (1), sensor [16], epoch u64, batch number varint,
//!             previous digest [32], recipient key id [8], signer key id [8]
//! sealed    = HPKE encapsulated key [32], ciphertext with tag     associated data: header
//! signature = Ed25519 [64] by the device key over CONTEXT, header, sealed
//! ```
//!
//! The SHA-256 of all these bytes is the batch's digest. Verified before it is decrypted; the
//! types make the order the only one possible: [`ReceivedEnvelope`] to [`VerifiedEnvelope`]
//! to [`Batch`]. A batch costs 188 bytes beyond its payload, and 9 more as a frame.

use std::sync::Arc;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand::CryptoRng;

use crate::batch::{Batch, read_payload, write_payload};
use crate::bytes::Reader;
use crate::compression::{CompressionLevel, pack, unpack};
use crate::content_key::{ContentKey, RecordFilter, SealWitness};
use crate::error::{DecodeError, EncodeError, EnvelopeError};
use crate::ids::{BatchDigest, BatchIdentity, KeyId};
use crate::limits::{MAX_BATCH_BYTES, MAX_ENVELOPE_BYTES};
use crate::record::Record;
use crate::sealing::{
    ENCAPSULATED_KEY_BYTES, Purpose, SealingPrivateKey, SealingPublicKey, TAG_BYTES,
};

const MAGIC: [u8; 4] = *b"LWE\x01";
const SIGNATURE_BYTES: usize = 64;
/// Keeps a signature over an envelope from being one over anything else.
const CONTEXT: &[u8] = b"lapwing envelope 1\0";

/// What stands in clear before the sealed content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvelopeHeader {
    /// Which batch it is.
    pub identity: BatchIdentity,
    /// Digest of the envelope sealed before it in this epoch, or [`BatchDigest::NONE`].
    pub previous: BatchDigest,
    /// The centre's key that it is sealed to.
    pub recipient: KeyId,
    /// The device key that signed it.
    pub signer: KeyId,
}

impl EnvelopeHeader {
    fn to_bytes(self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        self.identity.write(&mut out);
        out.extend_from_slice(&self.previous.0);
        out.extend_from_slice(&self.recipient.0);
        out.extend_from_slice(&self.signer.0);
        out
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [b'L', b'W', b'E', version] = reader.array::<4>("envelope magic")? else {
            return Err(DecodeError::Mismatch {
                what: "envelope magic",
            });
        };
        if version != 1 {
            return Err(DecodeError::Version {
                what: "envelope",
                version: u64::from(version),
            });
        }
        Ok(Self {
            identity: BatchIdentity::read(reader)?,
            previous: BatchDigest(reader.array("previous digest")?),
            recipient: KeyId(reader.array("recipient key id")?),
            signer: KeyId(reader.array("signer key id")?),
        })
    }
}

/// An envelope that this device sealed, to be kept byte for byte until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEnvelope {
    /// Which batch it is.
    pub identity: BatchIdentity,
    /// SHA-256 of the bytes.
    pub digest: BatchDigest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a device needs to seal its batches.
#[derive(Debug, Clone)]
pub struct Sealer {
    device_key: SigningKey,
    signer: KeyId,
    centre: SealingPublicKey,
    level: CompressionLevel,
    witness: Option<Arc<dyn SealWitness>>,
    filter: Option<Arc<dyn RecordFilter>>,
}

impl Sealer {
    /// Seals with a device's key to a centre's.
    pub fn new(device_key: SigningKey, centre: SealingPublicKey, level: CompressionLevel) -> Self {
        let signer = KeyId::of(device_key.verifying_key().as_bytes());
        Self {
            device_key,
            signer,
            centre,
            level,
            witness: None,
            filter: None,
        }
    }

    /// The same, with a filter that records go through before they are sealed.
    #[must_use]
    pub fn filtered_by(self, filter: Option<Arc<dyn RecordFilter>>) -> Self {
        Self { filter, ..self }
    }

    /// The same, with a witness who must know of every envelope.
    #[must_use]
    pub fn witnessed_by(self, witness: Arc<dyn SealWitness>) -> Self {
        Self {
            witness: Some(witness),
            ..self
        }
    }

    /// Takes from records what must not leave any more. [`Sealer::seal`] does it too.
    pub fn filter(&self, records: &mut [Record]) {
        if let Some(filter) = &self.filter {
            filter.filter(records);
        }
    }

    /// Leaves out of each lane what cannot be judged yet, and everything behind it; see [`RecordFilter::can_judge`].
    pub fn hold_back(&self, records: &mut Vec<Record>) {
        let Some(filter) = &self.filter else {
            return;
        };
        let mut can_judge = filter.can_judge(records).into_iter();
        let mut waiting = Vec::new();
        records.retain(|record| {
            let lane = record.header.lane;
            if can_judge.next() == Some(false) {
                waiting.push(lane);
            }
            !waiting.contains(&lane)
        });
    }

    /// Whether nothing may leave now but records of the books; see [`RecordFilter::is_closed`].
    pub fn is_closed(&self) -> bool {
        self.filter
            .as_ref()
            .is_some_and(|filter| filter.is_closed())
    }

    /// Seals records into the batch that follows `previous`.
    ///
    /// # Errors
    /// [`EncodeError::TooManyRecords`] and [`EncodeError::TooLarge`] ask for fewer records at
    /// once; [`EncodeError::Sealing`] means that the centre's key is unusable, [`EncodeError::Witness`] that the witness did not
    /// write the envelope down.
    pub fn seal(
        &self,
        identity: BatchIdentity,
        previous: BatchDigest,
        records: &[Record],
        rng: &mut impl CryptoRng,
    ) -> Result<SealedEnvelope, EncodeError> {
        let mut filtered = Vec::new();
        let records = if self.filter.is_some() {
            filtered.extend_from_slice(records);
            self.filter(&mut filtered);
            filtered.as_slice()
        } else {
            records
        };
        let packed = pack(&write_payload(records)?, self.level);
        let header = EnvelopeHeader {
            identity,
            previous,
            recipient: self.centre.key_id(),
            signer: self.signer,
        };
        let mut bytes = header.to_bytes();
        let key = ContentKey::generate(rng);
        let sealed = key.seal(&self.centre, &packed, &bytes)?;
        bytes.extend_from_slice(&sealed);
        let signature = self.device_key.sign(&signed_bytes(&bytes));
        bytes.extend_from_slice(&signature.to_bytes());
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EncodeError::TooLarge {
                what: "envelope",
                bytes: bytes.len(),
                cap: MAX_ENVELOPE_BYTES,
            });
        }
        let envelope = SealedEnvelope {
            identity,
            digest: BatchDigest::of(&bytes),
            bytes,
        };
        if let Some(witness) = &self.witness {
            witness
                .sealed(&envelope, records, &key, &self.centre)
                .map_err(|problem| EncodeError::Witness { problem })?;
        }
        Ok(envelope)
    }
}

/// An envelope that arrived: its header can be read, nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedEnvelope {
    header: EnvelopeHeader,
    header_bytes: usize,
    digest: BatchDigest,
    bytes: Vec<u8>,
}

impl ReceivedEnvelope {
    /// Reads the header.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not an envelope of a version this program reads.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(DecodeError::OverCap {
                what: "envelope",
                value: bytes.len() as u64,
                cap: MAX_ENVELOPE_BYTES,
            });
        }
        let mut reader = Reader::new(&bytes);
        let header = EnvelopeHeader::read(&mut reader)?;
        if reader.remaining() < ENCAPSULATED_KEY_BYTES + TAG_BYTES + SIGNATURE_BYTES {
            return Err(DecodeError::Truncated { what: "envelope" });
        }
        let header_bytes = bytes.len() - reader.remaining();
        Ok(Self {
            header,
            header_bytes,
            digest: BatchDigest::of(&bytes),
            bytes,
        })
    }

    /// What it claims about itself.
    pub const fn header(&self) -> &EnvelopeHeader {
        &self.header
    }

    /// SHA-256 of its bytes.
    pub const fn digest(&self) -> BatchDigest {
        self.digest
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Opens it as who sealed it can, with the content key and the centre's public key. Who signed it is not asked.
    ///
    /// # Errors
    /// [`EnvelopeError::Unopenable`] when it is not the envelope of this key, [`EnvelopeError::Malformed`] when its content is not
    /// what a sensor of ours writes.
    pub fn open_with_content_key(
        &self,
        key: &ContentKey,
        centre: &SealingPublicKey,
    ) -> Result<Batch, EnvelopeError> {
        let (header, sealed) = self.parts()?;
        self.read(key.open(centre, sealed, header)?)
    }

    /// Header and sealed content.
    fn parts(&self) -> Result<(&[u8], &[u8]), DecodeError> {
        let truncated = DecodeError::Truncated { what: "envelope" };
        let parts = self.bytes.split_at_checked(self.header_bytes);
        let (header, rest) = parts.ok_or_else(|| truncated.clone())?;
        let (sealed, _) = rest
            .split_last_chunk::<SIGNATURE_BYTES>()
            .ok_or(truncated)?;
        Ok((header, sealed))
    }

    fn read(&self, content: Vec<u8>) -> Result<Batch, EnvelopeError> {
        let payload = unpack(&content, MAX_BATCH_BYTES)?;
        Ok(read_payload(
            &payload,
            self.header.identity,
            self.header.previous,
            self.digest,
        )?)
    }

    /// Checks that the device with this Ed25519 public key signed it.
    ///
    /// # Errors
    /// [`EnvelopeError::Forged`] when it did not; the envelope must not be stored then.
    pub fn verify(self, device_public_key: &[u8; 32]) -> Result<VerifiedEnvelope, EnvelopeError> {
        let (signed, signature) = self
            .bytes
            .split_last_chunk::<SIGNATURE_BYTES>()
            .ok_or(DecodeError::Truncated { what: "envelope" })?;
        let key = VerifyingKey::from_bytes(device_public_key).map_err(|_| EnvelopeError::Forged)?;
        key.verify_strict(&signed_bytes(signed), &Signature::from_bytes(signature))
            .map_err(|_| EnvelopeError::Forged)?;
        Ok(VerifiedEnvelope(self))
    }
}

/// An envelope whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEnvelope(ReceivedEnvelope);

impl VerifiedEnvelope {
    /// What it says about itself.
    pub const fn header(&self) -> &EnvelopeHeader {
        &self.0.header
    }

    /// SHA-256 of its bytes.
    pub const fn digest(&self) -> BatchDigest {
        self.0.digest
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Opens it and reads its records.
    ///
    /// # Errors
    /// [`EnvelopeError::OtherRecipient`] when another key is needed,
    /// [`EnvelopeError::Unopenable`] and [`EnvelopeError::Malformed`] when the content is not
    /// what a sensor of ours writes: keep the bytes and acknowledge them as quarantined.
    pub fn open(&self, key: &SealingPrivateKey) -> Result<Batch, EnvelopeError> {
        if key.public_key()?.key_id() != self.0.header.recipient {
            return Err(EnvelopeError::OtherRecipient {
                sealed_to: self.0.header.recipient,
            });
        }
        let (header, sealed) = self.0.parts()?;
        self.0.read(key.open(Purpose::Batch, sealed, header)?)
    }
}

fn signed_bytes(header_and_sealed: &[u8]) -> Vec<u8> {
    [CONTEXT, header_and_sealed].concat()
}
