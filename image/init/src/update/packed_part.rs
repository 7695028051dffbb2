//! A part of a slot (kernel, memory disk, root), packed as a whole.
//!
//! ```text
//! 8 bytes   "LAPWPRT2"
//! u32       bytes of a chunk                        (all numbers little-endian)
//! then of each chunk:
//! u32       bytes of its frame
//! frame     of Zstandard (RFC 8878)
//! ```
//!
//! The part is cut into chunks, and each is packed by itself: a board never holds more than two of them, however large the part is.

use std::io::{self, Read, Write};

use super::reading::{cut_off, damaged, read_number};
use crate::limits::PART_CHUNK_MAX_BYTES;

const MAGIC: &[u8; 8] = b"LAPWPRT2";
/// A frame of incompressible bytes is this much longer than its content, at most: Zstandard's own bound, rounded up.
const FRAME_EXTRA_BYTES: usize = 64 * 1024;
/// A window as long as a chunk may be, as a power of two.
const WINDOW_BITS: u32 = 24;
/// Bytes of a chunk that the builder makes.
pub const CHUNK_BYTES: u32 = 8 << 20;

/// Packs a part, in chunks of so many bytes; `level` is Zstandard's.
///
/// # Errors
/// When Zstandard fails.
pub fn pack(part: &[u8], chunk_bytes: u32, level: i32) -> io::Result<Vec<u8>> {
    let mut packed = MAGIC.to_vec();
    packed.extend(chunk_bytes.to_le_bytes());
    for chunk in part.chunks(usize::try_from(chunk_bytes).unwrap_or(usize::MAX)) {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level)?;
        encoder.set_pledged_src_size(Some(chunk.len() as u64))?;
        encoder.window_log(WINDOW_BITS)?;
        encoder.long_distance_matching(true)?;
        encoder.write_all(chunk)?;
        let frame = encoder.finish()?;
        let frame_bytes = u32::try_from(frame.len()).map_err(io::Error::other)?;
        packed.extend(frame_bytes.to_le_bytes());
        packed.extend(frame);
    }
    Ok(packed)
}

/// Unpacks a part of `bytes` bytes. What is written is right only if the caller's digest of it is.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when the packed bytes are damaged; others when something cannot be read or written.
pub fn unpack(packed: &mut dyn Read, bytes: u64, to: &mut dyn Write) -> io::Result<()> {
    let mut magic = [0; 8];
    packed.read_exact(&mut magic).map_err(cut_off)?;
    let chunk_max = read_number(packed)?;
    if magic != *MAGIC || !(1..=PART_CHUNK_MAX_BYTES).contains(&chunk_max) {
        return Err(damaged("it is no packed part"));
    }
    let mut left = bytes;
    while left > 0 {
        let chunk_bytes = u64::from(chunk_max).min(left);
        let frame_bytes = usize::try_from(read_number(packed)?).map_err(io::Error::other)?;
        let chunk_room = usize::try_from(chunk_bytes).map_err(io::Error::other)?;
        if frame_bytes > chunk_room + FRAME_EXTRA_BYTES {
            return Err(damaged("a chunk is longer than any is"));
        }
        unpack_chunk(packed.take(frame_bytes as u64), chunk_bytes, to)?;
        left -= chunk_bytes;
    }
    if packed.read(&mut [0])? > 0 {
        return Err(damaged("there is more than the part"));
    }
    Ok(())
}

/// Unpacks one frame, of exactly so many bytes.
fn unpack_chunk(
    mut frame: io::Take<&mut (dyn Read + '_)>,
    chunk_bytes: u64,
    to: &mut dyn Write,
) -> io::Result<()> {
    let buffered = io::BufReader::with_capacity(64 * 1024, &mut frame);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered)?.single_frame();
    decoder.window_log_max(WINDOW_BITS)?;
    // One byte more than there may be is asked for, so that a frame that unpacks to more is found.
    let mut content = decoder.take(chunk_bytes + 1);
    let copied = io::copy(&mut content, to).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => cut_off(error),
        _ => error,
    })?;
    if copied != chunk_bytes {
        return Err(damaged("a chunk has another length"));
    }
    let mut buffered = content.into_inner().finish();
    if io::copy(&mut buffered, &mut io::sink())? > 0 {
        return Err(damaged("a chunk has something behind it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(packed: &[u8], bytes: usize) -> io::Result<Vec<u8>> {
        let mut to = Vec::new();
        unpack(&mut &packed[..], bytes as u64, &mut to)?;
        Ok(to)
    }

    fn packed(part: &[u8]) -> Vec<u8> {
        pack(part, 1000, 3).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(part in prop::collection::vec(any::<u8>(), 0..4000)) {
            prop_assert_eq!(unpacked(&packed(&part), part.len()).unwrap(), part);
        }

        #[test]
        fn damage_is_refused_or_gives_no_more_than_was_asked_for(
            part in prop::collection::vec(any::<u8>(), 1..3000),
            at in any::<prop::sample::Index>(),
            mask in 1..=255u8,
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = packed(&part);
            let mut changed = whole.clone();
            changed[at.index(whole.len())] ^= mask;
            if let Ok(found) = unpacked(&changed, part.len()) {
                prop_assert_eq!(found.len(), part.len());
            }
            prop_assert!(unpacked(&whole[..cut.index(whole.len())], part.len()).is_err());
            let longer = [whole.as_slice(), b"x"].concat();
            prop_assert!(unpacked(&longer, part.len()).is_err());
            prop_assert!(unpacked(&whole, part.len() - 1).is_err());
            prop_assert!(unpacked(&whole, part.len() + 1).is_err());
        }
    }

    #[test]
    fn a_frame_that_unpacks_to_more_than_a_chunk_is_stopped() {
        let bomb = zstd::bulk::compress(&vec![0; 50_000_000], 3).unwrap();
        let mut packed = MAGIC.to_vec();
        packed.extend(1000u32.to_le_bytes());
        packed.extend(u32::try_from(bomb.len()).unwrap().to_le_bytes());
        packed.extend(bomb);
        assert!(unpacked(&packed, 1000).is_err());
        for chunk_bytes in [0, u32::MAX] {
            let mut packed = MAGIC.to_vec();
            packed.extend(chunk_bytes.to_le_bytes());
            assert!(unpacked(&packed, 1000).is_err());
        }
    }
}
