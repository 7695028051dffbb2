//! Encryption of one segment's records.
//!
//! ```text
//! segment key = HKDF-SHA256 (key of the outbox, salt of the segment,
//!               "lapwing outbox segment 1", epoch u64, first number u64, lane u8)
//! record      = ChaCha20-Poly1305 (segment key, nonce: offset of the record in the segment u64, zero [4],
//!               associated data: number u64, wall time u64; severity u8, payload)
//! ```
//!
//! A record opens at its own place in its own segment under its own number, and nowhere else. No nonce is used twice: the salt is drawn
//! anew whenever a segment is begun, also under a name that was there before, and after a write that failed the segment is left
//! for good.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use lapwing_wire::{Epoch, Lane};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::keyslot::{KEY_BYTES, Key};
use crate::segment::Seal;

/// Bytes that encryption adds to a payload: the severity, which moves inside, and a tag.
pub(crate) const SEALING_BYTES: usize = 1 + TAG_BYTES;
const TAG_BYTES: usize = 16;

/// Encrypts and decrypts the records of one segment.
pub(crate) struct SegmentCipher(ChaCha20Poly1305);

impl std::fmt::Debug for SegmentCipher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SegmentCipher(..)")
    }
}

impl SegmentCipher {
    pub(crate) fn new(
        key: &Key,
        seal: &Seal,
        epoch: Epoch,
        lane: Lane,
        first: u64,
    ) -> Option<Self> {
        let mut info = b"lapwing outbox segment 1".to_vec();
        info.extend_from_slice(&epoch.0.to_le_bytes());
        info.extend_from_slice(&first.to_le_bytes());
        info.push(lane.code());
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        Hkdf::<Sha256>::new(Some(&seal.salt), key.as_slice())
            .expand(&info, derived.as_mut_slice())
            .ok()?;
        Some(Self(ChaCha20Poly1305::new((&*derived).into())))
    }

    /// Encrypts severity and payload of a record that will stand at this offset.
    pub(crate) fn seal(
        &self,
        offset: u64,
        number: u64,
        wall_milliseconds: u64,
        severity: u8,
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        let mut sealed = Vec::with_capacity(payload.len() + SEALING_BYTES);
        sealed.push(severity);
        sealed.extend_from_slice(payload);
        let tag = self.0.encrypt_inout_detached(
            &nonce(offset),
            &associated(number, wall_milliseconds),
            sealed.as_mut_slice().into(),
        );
        sealed.extend_from_slice(&tag.ok()?);
        Some(sealed)
    }

    /// Severity and payload of a record that stands at this offset.
    pub(crate) fn open(
        &self,
        offset: u64,
        number: u64,
        wall_milliseconds: u64,
        sealed: &[u8],
    ) -> Option<(u8, Vec<u8>)> {
        let (content, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        let mut content = content.to_vec();
        self.0
            .decrypt_inout_detached(
                &nonce(offset),
                &associated(number, wall_milliseconds),
                content.as_mut_slice().into(),
                &(*tag).into(),
            )
            .ok()?;
        let severity = *content.first()?;
        content.remove(0);
        Some((severity, content))
    }
}

fn nonce(offset: u64) -> Nonce {
    let mut nonce = [0; 12];
    for (byte, of_offset) in nonce.iter_mut().zip(offset.to_le_bytes()) {
        *byte = of_offset;
    }
    nonce.into()
}

fn associated(number: u64, wall_milliseconds: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    let (of_number, of_time) = bytes.split_at_mut(8);
    of_number.copy_from_slice(&number.to_le_bytes());
    of_time.copy_from_slice(&wall_milliseconds.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_opens_at_its_own_place_only() {
        let (key, seal) = (
            Zeroizing::new([3; 32]),
            Seal {
                key: 1,
                salt: [4; 16],
            },
        );
        let cipher = |lane, first| SegmentCipher::new(&key, &seal, Epoch(9), lane, first).unwrap();
        let ours = cipher(Lane::Low, 10);
        let sealed = ours.seal(100, 12, 77, 2, b"payload").unwrap();
        assert_eq!(sealed.len(), 7 + SEALING_BYTES);
        assert_eq!(
            ours.open(100, 12, 77, &sealed),
            Some((2, b"payload".to_vec()))
        );
        for (offset, number, time) in [(101, 12, 77), (100, 13, 77), (100, 12, 78)] {
            assert_eq!(ours.open(offset, number, time, &sealed), None);
        }
        assert_eq!(cipher(Lane::Low, 11).open(100, 12, 77, &sealed), None);
        assert_eq!(cipher(Lane::Normal, 10).open(100, 12, 77, &sealed), None);
        for at in 0..sealed.len() {
            let mut rotten = sealed.clone();
            rotten[at] ^= 1;
            assert_eq!(ours.open(100, 12, 77, &rotten), None, "byte {at}");
        }
    }
}
