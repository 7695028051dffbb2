//! A part of a slot (kernel, memory disk, root), packed: as a whole, or as the difference from the part that a board has.
//!
//! ```text
//! 8 bytes   "LAPWPRT1"
//! u32       bytes of a chunk                        (all numbers little-endian)
//! u32       reach
//! then of each chunk:
//! u32       bytes of its frame
//! frame     of Zstandard (RFC 8878)
//! ```
//!
//! The part is cut into chunks, and each is packed by itself. For a difference the frame of the chunk at `x` may refer to the bytes of the
//! board's own part from `x - reach` to `x + chunk + reach`, as a prefix of the frame's content. So a board never holds more
//! than two chunks and twice the reach, however large the part is; `docs/benchmarks.md` has what that costs in bytes.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::limits::{PART_CHUNK_MAX_BYTES, PART_REACH_MAX_BYTES};

const MAGIC: &[u8; 8] = b"LAPWPRT1";
/// A frame of incompressible bytes is this much longer than its content, at most: Zstandard's own bound, rounded up.
const FRAME_EXTRA_BYTES: usize = 64 * 1024;
/// Window that reaches from the end of a chunk to the beginning of its prefix, as a power of two.
const WINDOW_BITS: u32 = 26;

/// How a part is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes of a chunk.
    pub chunk_bytes: u32,
    /// How far before and behind a chunk its difference may refer to.
    pub reach_bytes: u32,
}

impl Cut {
    /// What the builder uses.
    pub const USUAL: Self = Self {
        chunk_bytes: 8 << 20,
        reach_bytes: 4 << 20,
    };

    /// The bytes of the base that the chunk at `start` may refer to: from, to.
    fn reach(self, start: u64, base_bytes: u64) -> (u64, u64) {
        let (chunk, reach) = (u64::from(self.chunk_bytes), u64::from(self.reach_bytes));
        let from = start.saturating_sub(reach).min(base_bytes);
        (from, (start + chunk + reach).min(base_bytes))
    }
}

/// What a difference refers to.
pub trait Base: Read + Seek {}

impl<T: Read + Seek> Base for T {}

/// Packs a part; with `base` as the difference from that.
///
/// # Errors
/// When the base cannot be read.
pub fn pack(
    part: &[u8],
    mut base: Option<&mut dyn Base>,
    cut: Cut,
    level: i32,
) -> io::Result<Vec<u8>> {
    let mut packed = MAGIC.to_vec();
    packed.extend(cut.chunk_bytes.to_le_bytes());
    packed.extend(cut.reach_bytes.to_le_bytes());
    let base_bytes = match &mut base {
        Some(base) => base.seek(SeekFrom::End(0))?,
        None => 0,
    };
    let mut start = 0;
    for chunk in part.chunks(usize::try_from(cut.chunk_bytes).unwrap_or(usize::MAX)) {
        let prefix = match &mut base {
            Some(base) => read_range(*base, cut.reach(start, base_bytes))?,
            None => Vec::new(),
        };
        let mut encoder =
            zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), level, &prefix)?;
        encoder.set_pledged_src_size(Some(chunk.len() as u64))?;
        encoder.window_log(WINDOW_BITS)?;
        encoder.long_distance_matching(true)?;
        encoder.write_all(chunk)?;
        let frame = encoder.finish()?;
        let frame_bytes = u32::try_from(frame.len()).map_err(io::Error::other)?;
        packed.extend(frame_bytes.to_le_bytes());
        packed.extend(frame);
        start += chunk.len() as u64;
    }
    Ok(packed)
}

/// Unpacks a part of `bytes` bytes. What is written is right only if the caller's digest of it is.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when the packed bytes are damaged; others when something cannot be read or written.
pub fn unpack(
    packed: &mut dyn Read,
    mut base: Option<&mut dyn Base>,
    bytes: u64,
    to: &mut dyn Write,
) -> io::Result<()> {
    let mut magic = [0; 8];
    packed.read_exact(&mut magic).map_err(cut_off)?;
    let cut = Cut {
        chunk_bytes: read_number(packed)?,
        reach_bytes: read_number(packed)?,
    };
    let is_usable = (1..=PART_CHUNK_MAX_BYTES).contains(&cut.chunk_bytes)
        && cut.reach_bytes <= PART_REACH_MAX_BYTES;
    if magic != *MAGIC || !is_usable {
        return Err(damaged("it is no packed part"));
    }
    let base_bytes = match &mut base {
        Some(base) => base.seek(SeekFrom::End(0))?,
        None => 0,
    };
    let mut start = 0;
    while start < bytes {
        let chunk_bytes = u64::from(cut.chunk_bytes).min(bytes - start);
        let frame_bytes = usize::try_from(read_number(packed)?).map_err(io::Error::other)?;
        let chunk_room = usize::try_from(chunk_bytes).map_err(io::Error::other)?;
        if frame_bytes > chunk_room + FRAME_EXTRA_BYTES {
            return Err(damaged("a chunk is longer than any is"));
        }
        let prefix = match &mut base {
            Some(base) => read_range(*base, cut.reach(start, base_bytes))?,
            None => Vec::new(),
        };
        let frame = packed.take(frame_bytes as u64);
        unpack_chunk(frame, &prefix, chunk_bytes, to)?;
        start += chunk_bytes;
    }
    if packed.read(&mut [0])? > 0 {
        return Err(damaged("there is more than the part"));
    }
    Ok(())
}

/// Unpacks one frame, of exactly so many bytes.
fn unpack_chunk(
    mut frame: io::Take<&mut (dyn Read + '_)>,
    prefix: &[u8],
    chunk_bytes: u64,
    to: &mut dyn Write,
) -> io::Result<()> {
    let buffered = io::BufReader::with_capacity(64 * 1024, &mut frame);
    let mut decoder =
        zstd::stream::read::Decoder::with_ref_prefix(buffered, prefix)?.single_frame();
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

fn read_range(base: &mut dyn Base, (from, to): (u64, u64)) -> io::Result<Vec<u8>> {
    base.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    base.take(to - from).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_number(from: &mut dyn Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes).map_err(cut_off)?;
    Ok(u32::from_le_bytes(bytes))
}

fn cut_off(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it is cut off"),
        _ => error,
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    const SMALL: Cut = Cut {
        chunk_bytes: 1000,
        reach_bytes: 300,
    };

    fn unpacked(packed: &[u8], base: Option<&[u8]>, bytes: u64) -> io::Result<Vec<u8>> {
        let mut to = Vec::new();
        let mut base = base.map(Cursor::new);
        let base = base.as_mut().map(|base| base as &mut dyn Base);
        unpack(&mut &packed[..], base, bytes, &mut to)?;
        Ok(to)
    }

    fn packed(part: &[u8], base: Option<&[u8]>) -> Vec<u8> {
        let mut base = base.map(Cursor::new);
        let base = base.as_mut().map(|base| base as &mut dyn Base);
        pack(part, base, SMALL, 3).unwrap()
    }

    fn noise(seed: u64, bytes: usize) -> Vec<u8> {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..bytes).map(|_| next()).collect()
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(
            part in prop::collection::vec(any::<u8>(), 0..4000),
            base in prop::option::of(prop::collection::vec(any::<u8>(), 0..4000)),
        ) {
            let packed = packed(&part, base.as_deref());
            prop_assert_eq!(unpacked(&packed, base.as_deref(), part.len() as u64).unwrap(), part);
        }

        #[test]
        fn damage_is_refused_or_gives_no_more_than_was_asked_for(
            part in prop::collection::vec(any::<u8>(), 1..3000),
            at in any::<prop::sample::Index>(),
            mask in 1..=255u8,
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = packed(&part, None);
            let mut changed = whole.clone();
            changed[at.index(whole.len())] ^= mask;
            if let Ok(found) = unpacked(&changed, None, part.len() as u64) {
                prop_assert_eq!(found.len(), part.len());
            }
            prop_assert!(unpacked(&whole[..cut.index(whole.len())], None, part.len() as u64).is_err());
            let longer = [whole.as_slice(), b"x"].concat();
            prop_assert!(unpacked(&longer, None, part.len() as u64).is_err());
            prop_assert!(unpacked(&whole, None, part.len() as u64 - 1).is_err());
            prop_assert!(unpacked(&whole, None, part.len() as u64 + 1).is_err());
        }
    }

    #[test]
    fn a_difference_is_small_also_where_bytes_were_moved() {
        let base = noise(7, 5000);
        let mut part = base.clone();
        part.splice(1500..1500, *b"put in between");
        let difference = packed(&part, Some(&base));
        assert!(difference.len() < 300, "{}", difference.len());
        assert_eq!(
            unpacked(&difference, Some(&base), part.len() as u64).unwrap(),
            part
        );
        // Against another base it gives other bytes or none: the digest of the part tells.
        let other = noise(8, 5000);
        if let Ok(found) = unpacked(&difference, Some(&other), part.len() as u64) {
            assert_ne!(found, part);
        }
    }

    #[test]
    fn a_frame_that_unpacks_to_more_than_a_chunk_is_stopped() {
        let bomb = zstd::bulk::compress(&vec![0; 50_000_000], 3).unwrap();
        let mut packed = MAGIC.to_vec();
        packed.extend(1000u32.to_le_bytes());
        packed.extend(0u32.to_le_bytes());
        packed.extend(u32::try_from(bomb.len()).unwrap().to_le_bytes());
        packed.extend(bomb);
        assert!(unpacked(&packed, None, 1000).is_err());
        for cut in [0u32, u32::MAX] {
            let mut packed = MAGIC.to_vec();
            packed.extend(cut.to_le_bytes());
            packed.extend(0u32.to_le_bytes());
            assert!(unpacked(&packed, None, 1000).is_err());
        }
    }
}
