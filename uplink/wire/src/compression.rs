//! The one place that names a zstd decoder: every expansion has a cap.
//!
//! A packed body is one byte for the method and the bytes. Method 0 is "as they are",
//! 1 is a zstd frame without a dictionary, 2 one with the dictionary `batch-1.zdict`. A better
//! dictionary gets the next number; a released one stays as it is for ever.
//!
//! The dictionary is what makes small batches cheap: it knows the columns' tags, the shapes of
//! common findings, and what traffic commonly says. `tools/train-dictionary` makes one.

use crate::error::DecodeError;

const AS_IS: u8 = 0;
const ZSTD: u8 = 1;
const ZSTD_BATCH_1: u8 = 2;

const BATCH_1: &[u8] = include_bytes!("dictionary/batch-1.zdict");

/// zstd's level for batches: 3 costs a small board little, 19 is for the dearest links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressionLevel(i32);

impl CompressionLevel {
    /// What a sensor uses unless told otherwise.
    pub const DEFAULT: Self = Self(3);
    /// The smallest result that is still worth its time.
    pub const SMALLEST: Self = Self(19);

    /// A level from settings, clamped to 1..=19.
    pub fn new(level: i32) -> Self {
        Self(level.clamp(1, 19))
    }
}

/// Packs bytes by the method that gives the shorter result.
pub(crate) fn pack(bytes: &[u8], level: CompressionLevel) -> Vec<u8> {
    // zstd fails only for want of memory; the bytes as they are always work.
    let compressed = zstd::bulk::Compressor::with_dictionary(level.0, BATCH_1)
        .and_then(|mut compressor| compressor.compress(bytes))
        .unwrap_or_default();
    let (method, body) = if !compressed.is_empty() && compressed.len() < bytes.len() {
        (ZSTD_BATCH_1, compressed.as_slice())
    } else {
        (AS_IS, bytes)
    };
    let mut packed = Vec::with_capacity(1 + body.len());
    packed.push(method);
    packed.extend_from_slice(body);
    packed
}

/// Unpacks what [`pack`] made, to at most `cap` bytes.
pub(crate) fn unpack(packed: &[u8], cap: usize) -> Result<Vec<u8>, DecodeError> {
    let over_cap = DecodeError::Compression { cap };
    let (dictionary, body) = match packed.split_first() {
        None => {
            return Err(DecodeError::Truncated {
                what: "compression method",
            });
        }
        Some((&AS_IS, body)) if body.len() <= cap => return Ok(body.to_vec()),
        Some((&AS_IS, _)) => return Err(over_cap),
        Some((&ZSTD, body)) => (&[][..], body),
        Some((&ZSTD_BATCH_1, body)) => (BATCH_1, body),
        Some((&method, _)) => {
            return Err(DecodeError::Version {
                what: "compression",
                version: u64::from(method),
            });
        }
    };
    zstd::bulk::Decompressor::with_dictionary(dictionary)
        .and_then(|mut decompressor| decompressor.decompress(body, cap))
        .map_err(|_| over_cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let bomb = pack(&vec![0; 1_000_000], CompressionLevel::DEFAULT);
        assert!(bomb.len() < 1000);
        assert_eq!(
            unpack(&bomb, 999_999),
            Err(DecodeError::Compression { cap: 999_999 })
        );
        assert_eq!(unpack(&bomb, 1_000_000).unwrap().len(), 1_000_000);
    }

    #[test]
    fn what_was_packed_without_a_dictionary_is_read() {
        let text = b"a sensor of the first version ".repeat(40);
        let mut packed = vec![ZSTD];
        packed.extend(zstd::bulk::compress(&text, 3).unwrap());
        assert_eq!(unpack(&packed, 4096).unwrap(), text);
        assert_eq!(
            unpack(&packed, 100),
            Err(DecodeError::Compression { cap: 100 })
        );
    }

    #[test]
    fn a_frame_for_another_dictionary_is_refused() {
        let mut packed = pack(&b"cdn.example ".repeat(40), CompressionLevel::DEFAULT);
        assert_eq!(packed[0], ZSTD_BATCH_1);
        packed[0] = ZSTD;
        assert!(unpack(&packed, 4096).is_err());
    }

    #[test]
    fn short_and_random_bytes_stay_as_they_are() {
        assert_eq!(pack(b"abc", CompressionLevel::DEFAULT), b"\0abc");
        assert_eq!(unpack(b"\0abc", 3).unwrap(), b"abc");
        assert!(unpack(b"", 3).is_err());
        assert!(matches!(
            unpack(b"\x09abc", 3),
            Err(DecodeError::Version { .. })
        ));
    }
}
