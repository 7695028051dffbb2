//! Frames of the link layer: a header of ten bytes, then blocks of up to 16 bytes of data, each with a checksum.

use crate::app_layer::reader::Reader;

/// Length of a header with its checksum.
pub(super) const HEADER_BYTES: usize = 10;
const START: &[u8] = b"\x05\x64";
/// What the length of a frame counts of its header.
const COUNTED_HEADER_BYTES: usize = 5;
const BLOCK_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 2;
/// Functions that carry user data, with and without a confirmation.
const USER_DATA: [u8; 2] = [3, 4];

/// Why a header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not begin as one.
    Start,
    Checksum,
    /// The length has no room for the header itself.
    Length,
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    function: u8,
    data_bytes: usize,
    /// Destination and source as they stand there.
    pub(super) ends: [u8; 4],
}

impl Header {
    /// Reads a header from ten bytes.
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, Refusal> {
        let [s1, s2, length, control, d1, d2, e1, e2, c1, c2] = *bytes;
        if [s1, s2] != START {
            return Err(Refusal::Start);
        }
        let (checked, _) = bytes.split_at(HEADER_BYTES - CHECKSUM_BYTES);
        if checksum(checked) != u16::from_le_bytes([c1, c2]) {
            return Err(Refusal::Checksum);
        }
        let data_bytes = usize::from(length)
            .checked_sub(COUNTED_HEADER_BYTES)
            .ok_or(Refusal::Length)?;
        Ok(Self {
            function: control & 0x0f,
            data_bytes,
            ends: [d1, d2, e1, e2],
        })
    }

    /// Length of the whole frame.
    pub(super) fn frame_bytes(&self) -> usize {
        let blocks = self.data_bytes.div_ceil(BLOCK_BYTES);
        HEADER_BYTES + self.data_bytes + blocks * CHECKSUM_BYTES
    }

    /// Length of its data without checksums.
    pub(super) fn data_bytes(&self) -> usize {
        self.data_bytes
    }

    /// Whether it carries user data, and not a matter of the link itself.
    pub(super) fn is_user_data(&self) -> bool {
        USER_DATA.contains(&self.function)
    }
}

/// The data of a frame without the checksums, from what follows its header; `None` where one of them is wrong.
pub(super) fn data(blocks: &[u8]) -> Option<Vec<u8>> {
    let mut data = Vec::with_capacity(blocks.len());
    for block in blocks.chunks(BLOCK_BYTES + CHECKSUM_BYTES) {
        let (block, expected) = block.split_at_checked(block.len().checked_sub(CHECKSUM_BYTES)?)?;
        if Reader::new(expected).le_u16()? != checksum(block) {
            return None;
        }
        data.extend_from_slice(block);
    }
    Some(data)
}

/// CRC-16/DNP: the polynomial 0x3d65, lowest bit first, inverted.
pub(super) fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u16;
    for byte in bytes {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            let is_odd = sum & 1 != 0;
            sum >>= 1;
            if is_odd {
                sum ^= 0xa6bc;
            }
        }
    }
    !sum
}
