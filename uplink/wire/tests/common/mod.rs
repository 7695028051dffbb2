//! Records for tests: any record at all, and a day of plausible ones.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod any_record;
pub(crate) mod plausible;

use ed25519_dalek::SigningKey;
use lapwing_wire::{BatchIdentity, BatchNumber, Epoch, SealingPrivateKey, SensorId};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) fn identity(number: u64) -> BatchIdentity {
    BatchIdentity {
        sensor: SensorId([0x5e; 16]),
        epoch: Epoch(0x1122_3344_5566_7788),
        number: BatchNumber(number),
    }
}

pub(crate) fn device_key() -> SigningKey {
    SigningKey::from_bytes(&[0x11; 32])
}

pub(crate) fn centre_key() -> SealingPrivateKey {
    SealingPrivateKey::from_bytes([0x22; 32]).unwrap()
}

pub(crate) fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// The dictionary that ships with the protocol.
pub(crate) const DICTIONARY: &[u8] = include_bytes!("../../src/dictionary/batch-1.zdict");

/// Bytes of records after compression, with nothing around them. No dictionary is an empty one.
pub(crate) fn packed_bytes(
    records: &[lapwing_wire::Record],
    level: i32,
    dictionary: &[u8],
) -> usize {
    zstd::bulk::Compressor::with_dictionary(level, dictionary)
        .unwrap()
        .compress(&lapwing_wire::encode_records(records))
        .unwrap()
        .len()
}
