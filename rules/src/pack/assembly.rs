//! A finished pack: header, section table and sections, written one behind another without a copy of the whole.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::{
    format::{HEADER_BYTES, MAGIC, SECTION_ALIGNMENT, SECTION_ENTRY_BYTES, Section, VERSION},
    writer::{length_u32, put_u32s},
};

/// A pack that only has to be written.
#[derive(Debug)]
pub(super) struct Assembly {
    /// Header and section table.
    front: Vec<u8>,
    /// Zeros before each section, and its bytes.
    sections: Vec<(usize, Vec<u8>)>,
    digest: [u8; 32],
    length: u64,
}

impl Assembly {
    /// From sections by [`Section::index`].
    pub(super) fn new(sections: Vec<Vec<u8>>) -> Self {
        let present: Vec<_> = Section::ALL
            .iter()
            .zip(sections)
            .filter(|(section, bytes)| !section.is_optional() || !bytes.is_empty())
            .collect();
        let mut table = Vec::with_capacity(present.len() * SECTION_ENTRY_BYTES);
        let mut end = HEADER_BYTES + present.len() * SECTION_ENTRY_BYTES;
        let mut placed = Vec::with_capacity(present.len());
        for (section, bytes) in present {
            let start = end.next_multiple_of(SECTION_ALIGNMENT);
            put_u32s(&mut table, [*section as u32, 0]);
            table.extend_from_slice(&(start as u64).to_le_bytes());
            table.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            let zeros = start - end;
            end = start + bytes.len();
            placed.push((zeros, bytes));
        }
        let mut hasher = Sha256::new();
        hasher.update(&table);
        for (zeros, bytes) in &placed {
            hasher.update(zeros_of(*zeros));
            hasher.update(bytes);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let mut front = Vec::with_capacity(HEADER_BYTES + table.len());
        front.extend_from_slice(&MAGIC);
        put_u32s(&mut front, [VERSION, length_u32(placed.len())]);
        front.extend_from_slice(&(end as u64).to_le_bytes());
        front.extend_from_slice(&digest);
        front.extend_from_slice(&[0; 8]);
        front.extend_from_slice(&table);
        Self {
            front,
            sections: placed,
            digest,
            length: end as u64,
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
        for (zeros, bytes) in &self.sections {
            out.write_all(zeros_of(*zeros))?;
            out.write_all(bytes)?;
        }
        Ok(())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.front;
        for (zeros, section) in self.sections {
            bytes.extend_from_slice(zeros_of(zeros));
            bytes.extend_from_slice(&section);
        }
        bytes
    }
}

/// The padding before a section: fewer zeros than the alignment.
fn zeros_of(count: usize) -> &'static [u8] {
    const ZEROS: &[u8] = &[0; SECTION_ALIGNMENT];
    ZEROS.get(..count).unwrap_or_default()
}
