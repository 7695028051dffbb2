//! Initial keys and what they open (RFC 9001, section 5): anybody who sees the client's first packet can make them.
//!
//! This hides nothing from an observer; it keeps middleboxes from reading on without an effort. So no care is taken of how
//! long anything takes, and nothing is wiped.

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use aes_gcm::{Aes128Gcm, aead::AeadInOut as _};
use hkdf::Hkdf;
use sha2::Sha256;

use super::version::{KeyMaterial, Version};
use crate::direction::Direction;

const KEY_BYTES: usize = 16;
const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const PACKET_NUMBER_BYTES_MAX: usize = 4;
const SAMPLE_BYTES: usize = 16;
/// The bits of a long header's first byte that are protected.
const PROTECTED_BITS: u8 = 0x0f;

/// The keys of one direction.
struct SideKeys {
    seal: Aes128Gcm,
    iv: [u8; IV_BYTES],
    header: Aes128,
}

/// The initial keys of a connection.
pub(super) struct InitialKeys {
    sides: [SideKeys; 2],
}

impl std::fmt::Debug for InitialKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("InitialKeys")
    }
}

impl InitialKeys {
    /// The keys that follow from the connection identifier that a client chose for its server.
    pub(super) fn new(version: Version, destination_id: &[u8]) -> Option<Self> {
        let material = version.key_material()?;
        let (_, initial) = Hkdf::<Sha256>::extract(Some(material.salt), destination_id);
        Some(Self {
            sides: [
                SideKeys::new(&initial, b"client in", material)?,
                SideKeys::new(&initial, b"server in", material)?,
            ],
        })
    }

    /// The frames of a packet with its header `header`, whose packet number `protected` begins with.
    pub(super) fn open(
        &self,
        direction: Direction,
        header: &[u8],
        protected: &[u8],
    ) -> Option<Vec<u8>> {
        let keys = &self.sides[direction.index()];
        let sample = protected
            .get(PACKET_NUMBER_BYTES_MAX..PACKET_NUMBER_BYTES_MAX + SAMPLE_BYTES)
            .and_then(|sample| <[u8; SAMPLE_BYTES]>::try_from(sample).ok())?;
        let mut mask = sample.into();
        keys.header.encrypt_block(&mut mask);
        let mut associated = header.to_vec();
        let first = associated.first_mut()?;
        *first ^= mask[0] & PROTECTED_BITS;
        let packet_number_bytes = usize::from(*first & 3) + 1;
        let (number, sealed) = protected.split_at_checked(packet_number_bytes)?;
        associated.extend(
            number
                .iter()
                .zip(&mask[1..])
                .map(|(byte, mask)| byte ^ mask),
        );
        let mut nonce = keys.iv;
        let number = associated.iter().rev().take(packet_number_bytes);
        for (byte, number) in nonce.iter_mut().rev().zip(number) {
            *byte ^= number;
        }
        let (frames, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG_BYTES)?)?;
        let tag = <[u8; TAG_BYTES]>::try_from(tag).ok()?;
        let mut frames = frames.to_vec();
        keys.seal
            .decrypt_inout_detached(
                &nonce.into(),
                &associated,
                frames.as_mut_slice().into(),
                &tag.into(),
            )
            .ok()?;
        Some(frames)
    }
}

impl SideKeys {
    fn new(initial: &Hkdf<Sha256>, label: &[u8], material: KeyMaterial) -> Option<Self> {
        let secret: [u8; 32] = expand_label(initial, label)?;
        let secret = Hkdf::<Sha256>::from_prk(&secret).ok()?;
        let [key, iv, header] = material.labels;
        let key: [u8; KEY_BYTES] = expand_label(&secret, key)?;
        let header: [u8; KEY_BYTES] = expand_label(&secret, header)?;
        Some(Self {
            seal: Aes128Gcm::new(&key.into()),
            iv: expand_label(&secret, iv)?,
            header: Aes128::new(&header.into()),
        })
    }
}

/// HKDF-Expand-Label (RFC 8446, section 7.1) without a context.
fn expand_label<const BYTES: usize>(secret: &Hkdf<Sha256>, label: &[u8]) -> Option<[u8; BYTES]> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = u16::try_from(BYTES).ok()?.to_be_bytes();
    let label_length = [u8::try_from(PREFIX.len() + label.len()).ok()?];
    let mut output = [0; BYTES];
    secret
        .expand_multi_info(&[&length, &label_length, PREFIX, label, &[0]], &mut output)
        .ok()?;
    Some(output)
}
