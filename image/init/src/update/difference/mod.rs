//! A part of a slot as the difference from the part that a board has.
//!
//! When a line of a program changes, the code behind it moves, and everywhere else addresses in it change by the same little number. So a
//! difference is more than what was copied and what is new: what comes from the board's part comes with a number for each of its bytes
//! that is added to it. Most of these numbers are zero and the others repeat themselves, and Zstandard makes little of them.
//!
//! ```text
//! 8 bytes   "LAPWDIF1"
//! frame     of Zstandard (RFC 8878), its window at most 8 MiB, of steps:
//!   u32       bytes from the board's part             (all numbers little-endian)
//!   u32       bytes that come here
//!   u64       where the first lie in the board's part
//!   bytes     so many numbers, each added to a byte of the board's part
//!   bytes     so many bytes as they are
//! ```
//!
//! The board reads the difference once from its beginning to its end and holds no more of it than Zstandard's window, however large the part is.

mod find;

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

pub use find::{Step, steps};

use super::reading::{cut_off, damaged, read_number};

const MAGIC: &[u8; 8] = b"LAPWDIF1";
/// Zstandard's window, as a power of two: what repeats itself does so within it.
const WINDOW_BITS: u32 = 23;
/// Bytes read, added and written together.
const PIECE_BYTES: usize = 64 * 1024;

/// What a difference refers to.
pub trait Base: Read + Seek {}

impl<T: Read + Seek> Base for T {}

/// Makes the difference of a part from a base; `level` is Zstandard's.
///
/// # Errors
/// When a part is longer than 4 GiB.
pub fn make(part: &[u8], base: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(MAGIC.to_vec(), level)?;
    encoder.window_log(WINDOW_BITS)?;
    let mut at = 0;
    for step in steps(part, base) {
        let number = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
        encoder.write_all(&number(step.shared_bytes)?.to_le_bytes())?;
        encoder.write_all(&number(step.new_bytes)?.to_le_bytes())?;
        encoder.write_all(&(step.from as u64).to_le_bytes())?;
        let (shared, rest) = part
            .get(at..)
            .and_then(|rest| rest.split_at_checked(step.shared_bytes))
            .unwrap_or_default();
        let old = base.get(step.from..).unwrap_or_default();
        let added: Vec<u8> = shared
            .iter()
            .zip(old)
            .map(|(new, old)| new.wrapping_sub(*old))
            .collect();
        encoder.write_all(&added)?;
        encoder.write_all(rest.get(..step.new_bytes).unwrap_or_default())?;
        at += step.shared_bytes + step.new_bytes;
    }
    encoder.finish()
}

/// Makes a part of `bytes` bytes from a difference and its base. What is written is right only if the caller's digest of it is.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when the difference is damaged; others when something cannot be read or written.
pub fn apply(
    difference: &mut dyn Read,
    base: &mut dyn Base,
    bytes: u64,
    to: &mut dyn Write,
) -> io::Result<()> {
    let mut magic = [0; 8];
    difference.read_exact(&mut magic).map_err(cut_off)?;
    if magic != *MAGIC {
        return Err(damaged("it is no difference"));
    }
    let base_bytes = base.seek(SeekFrom::End(0))?;
    let mut decoder = zstd::stream::read::Decoder::new(difference)?.single_frame();
    decoder.window_log_max(WINDOW_BITS)?;
    let mut steps = BufReader::with_capacity(PIECE_BYTES, decoder);
    let mut written = 0;
    while written < bytes {
        let shared = u64::from(read_number(&mut steps)?);
        let new = u64::from(read_number(&mut steps)?);
        let mut from = [0; 8];
        steps.read_exact(&mut from).map_err(cut_off)?;
        let from = u64::from_le_bytes(from);
        let fits = from <= base_bytes
            && shared <= base_bytes - from
            && (1..=bytes - written).contains(&(shared + new));
        if !fits {
            return Err(damaged("a step leads beyond the part"));
        }
        base.seek(SeekFrom::Start(from))?;
        add(&mut steps, base, shared, to)?;
        if io::copy(&mut (&mut steps).take(new), to).map_err(cut_off)? != new {
            return Err(damaged("it is cut off"));
        }
        written += shared + new;
    }
    if steps.read(&mut [0]).map_err(cut_off)? > 0 {
        return Err(damaged("there is more than the part"));
    }
    let mut behind = steps.into_inner().finish();
    if io::copy(&mut behind, &mut io::sink())? > 0 {
        return Err(damaged("there is something behind it"));
    }
    Ok(())
}

/// Writes so many bytes of the base, with the numbers of the difference added.
fn add(
    steps: &mut dyn Read,
    base: &mut dyn Base,
    mut bytes: u64,
    to: &mut dyn Write,
) -> io::Result<()> {
    let mut room = [vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]];
    let [added, old] = &mut room;
    while bytes > 0 {
        let count = usize::try_from(bytes).map_or(PIECE_BYTES, |bytes| bytes.min(PIECE_BYTES));
        let (Some(added), Some(old)) = (added.get_mut(..count), old.get_mut(..count)) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        steps.read_exact(added).map_err(cut_off)?;
        base.read_exact(old)?;
        for (added, old) in added.iter_mut().zip(old) {
            *added = added.wrapping_add(*old);
        }
        to.write_all(added)?;
        bytes -= count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn applied(difference: &[u8], base: &[u8], bytes: usize) -> io::Result<Vec<u8>> {
        let mut to = Vec::new();
        apply(
            &mut &difference[..],
            &mut Cursor::new(base),
            bytes as u64,
            &mut to,
        )?;
        Ok(to)
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

    /// Machine code of a kind: eleven bytes of an instruction, then the distance to a place in the same code.
    fn code(calls: usize, inserted_at: Option<usize>) -> Vec<u8> {
        let place = |index: usize| {
            let moved = inserted_at.is_some_and(|at| index >= at);
            index * 16 + if moved { 48 } else { 0 }
        };
        let mut bytes = Vec::new();
        for index in 0..calls {
            if inserted_at == Some(index) {
                bytes.extend(noise(99, 48));
            }
            bytes.extend(&noise(index as u64 * 7919 + 1, 12)[..]);
            let target = place(index.wrapping_mul(7919) % calls);
            bytes.extend(&target.wrapping_sub(place(index)).to_le_bytes()[..4]);
        }
        bytes
    }

    proptest! {
        #[test]
        fn what_was_made_is_applied(
            part in prop::collection::vec(0..4u8, 0..3000),
            base in prop::collection::vec(0..4u8, 0..3000),
            moved in 0..3000usize,
        ) {
            // Parts of it from the base, in another order.
            let (front, back) = base.split_at(moved.min(base.len()));
            let part = [back, &part, front].concat();
            let difference = make(&part, &base, 3).unwrap();
            prop_assert_eq!(applied(&difference, &base, part.len()).unwrap(), part);
        }

        #[test]
        fn damage_is_refused_or_gives_no_more_than_was_asked_for(
            at in any::<prop::sample::Index>(),
            mask in 1..=255u8,
            cut in any::<prop::sample::Index>(),
            bytes in 1..3000usize,
        ) {
            let base = noise(5, 2000);
            let part = [&base[500..], &noise(6, bytes)].concat();
            let whole = make(&part, &base, 3).unwrap();
            let mut changed = whole.clone();
            changed[at.index(whole.len())] ^= mask;
            if let Ok(found) = applied(&changed, &base, part.len()) {
                prop_assert_eq!(found.len(), part.len());
            }
            prop_assert!(applied(&whole[..cut.index(whole.len())], &base, part.len()).is_err());
            let longer = [whole.as_slice(), b"x"].concat();
            prop_assert!(applied(&longer, &base, part.len()).is_err());
            prop_assert!(applied(&whole, &base, part.len() - 1).is_err());
            prop_assert!(applied(&whole, &base, part.len() + 1).is_err());
            prop_assert!(applied(&whole, &base[..100], part.len()).is_err());
        }
    }

    /// Half of all distances change when something is put in between; what is copied alone would be a third of the whole.
    #[test]
    fn moved_code_makes_a_small_difference() {
        let (base, part) = (code(20_000, None), code(20_000, Some(9_000)));
        let difference = make(&part, &base, 19).unwrap();
        assert_eq!(applied(&difference, &base, part.len()).unwrap(), part);
        assert!(difference.len() < 24_000, "{}", difference.len());
        // Against another base it gives other bytes or none: the digest of the part tells.
        if let Ok(found) = applied(&difference, &noise(8, base.len()), part.len()) {
            assert_ne!(found, part);
        }
    }

    #[test]
    fn an_endless_difference_is_stopped() {
        for step in [[0u8; 16], [255; 16]] {
            let mut encoder = zstd::stream::write::Encoder::new(MAGIC.to_vec(), 3).unwrap();
            for _ in 0..100_000 {
                encoder.write_all(&step).unwrap();
            }
            let bomb = encoder.finish().unwrap();
            assert!(applied(&bomb, &noise(1, 100), 1000).is_err());
        }
    }
}
