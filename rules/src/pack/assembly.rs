//! A finished pack: header, section table and sections, written one behind another without a copy of the whole.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::{
    format::{HEADER_BYTES, MAGIC, SECTION_ALIGNMENT, SECTION_ENTRY_BYTES, Section, VERSION},
    writer::{length_u32, put_u32s},
};

/// A pack that only has to be written.
pub(super) struct Assembly<'s> {
    /// Header and section table.
    front: Vec<u8>,
    /// Zeros before each section, and its bytes.
    sections: Vec<(usize, Part<'s>)>,
    digest: [u8; 32],
    length: u64,
}

/// The bytes of a section.
enum Part<'s> {
    /// All at once.
    Whole(Vec<u8>),
    /// Piece by piece, the same each time, where all at once would be too much memory.
    Pieces(Pieces<'s>),
}

/// Takes bytes in order.
pub(super) type Take<'t> = dyn FnMut(&[u8]) -> io::Result<()> + 't;

/// Gives the same bytes, piece by piece, as often as it is asked.
pub(super) type EachPiece<'e> = dyn Fn(&mut Take<'_>) -> io::Result<()> + 'e;

/// A section too large for memory: its length, and what gives its bytes in order.
#[derive(Clone, Copy)]
pub(super) struct Pieces<'s> {
    pub(super) bytes: u64,
    pub(super) each: &'s EachPiece<'s>,
}

impl Part<'_> {
    fn length(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Pieces(pieces) => pieces.bytes,
        }
    }

    fn each(&self, take: &mut Take<'_>) -> io::Result<()> {
        match self {
            Self::Whole(bytes) => take(bytes),
            Self::Pieces(pieces) => (pieces.each)(take),
        }
    }
}

impl<'s> Assembly<'s> {
    /// From sections by [`Section::index`], and the indicators, which lie elsewhere.
    pub(super) fn new(sections: Vec<Vec<u8>>, indicators: Option<Pieces<'s>>) -> Self {
        let present: Vec<_> = Section::ALL
            .iter()
            .zip(sections)
            .map(|(section, bytes)| match indicators {
                Some(pieces) if *section == Section::Indicators => (section, Part::Pieces(pieces)),
                _ => (section, Part::Whole(bytes)),
            })
            .filter(|(section, part)| !section.is_optional() || part.length() > 0)
            .collect();
        let mut table = Vec::with_capacity(present.len() * SECTION_ENTRY_BYTES);
        let mut end = (HEADER_BYTES + present.len() * SECTION_ENTRY_BYTES) as u64;
        let mut placed = Vec::with_capacity(present.len());
        for (section, part) in present {
            let start = end.next_multiple_of(SECTION_ALIGNMENT as u64);
            put_u32s(&mut table, [*section as u32, 0]);
            table.extend_from_slice(&start.to_le_bytes());
            table.extend_from_slice(&part.length().to_le_bytes());
            let zeros = usize::try_from(start - end).unwrap_or_default();
            end = start + part.length();
            placed.push((zeros, part));
        }
        let mut hasher = Sha256::new();
        hasher.update(&table);
        for (zeros, part) in &placed {
            hasher.update(zeros_of(*zeros));
            // Taking bytes into a hash cannot fail.
            part.each(&mut |bytes| {
                hasher.update(bytes);
                Ok(())
            })
            .unwrap_or_default();
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let mut front = Vec::with_capacity(HEADER_BYTES + table.len());
        front.extend_from_slice(&MAGIC);
        put_u32s(&mut front, [VERSION, length_u32(placed.len())]);
        front.extend_from_slice(&end.to_le_bytes());
        front.extend_from_slice(&digest);
        front.extend_from_slice(&[0; 8]);
        front.extend_from_slice(&table);
        Self {
            front,
            sections: placed,
            digest,
            length: end,
        }
    }

    /// SHA-256 of everything behind the header.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Length of the whole pack in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.front)?;
        for (zeros, part) in &self.sections {
            out.write_all(zeros_of(*zeros))?;
            part.each(&mut |bytes| out.write_all(bytes))?;
        }
        Ok(())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.length).unwrap_or_default());
        // Writing to memory cannot fail.
        self.write_to(&mut bytes).unwrap_or_default();
        bytes
    }
}

/// The padding before a section: fewer zeros than the alignment.
fn zeros_of(count: usize) -> &'static [u8] {
    const ZEROS: &[u8] = &[0; SECTION_ALIGNMENT];
    ZEROS.get(..count).unwrap_or_default()
}
