//! Header blocks (HPACK, RFC 7541) of one direction of a connection, with its dynamic table.
//!
//! A sensor goes on where an endpoint would close the connection: a field that cannot be read is told and left out, and
//! what follows is still decoded. That, and the caps, are why this is not a library's decoder; the Huffman code is.
//! Caps: the table holds [`limits::HTTP2_HEADER_TABLE_BYTES_MAX`], a block gives at most
//! [`limits::HTTP2_HEADERS_MAX`] fields of together [`limits::HTTP2_HEADER_LIST_BYTES_MAX`].

use std::collections::VecDeque;

use httlib_huffman::DecoderSpeed;

use super::static_table::STATIC_TABLE;
use crate::app_layer::{limits, reader::Reader};

/// What an entry of the table costs beside its bytes (section 4.1).
const ENTRY_OVERHEAD_BYTES: usize = 32;
/// Size of the dynamic table before anyone changes it (RFC 9113, section 6.5.2).
const FIRST_TABLE_BYTES: usize = 4_096;

/// One header field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl Field {
    fn table_bytes(&self) -> usize {
        self.name.len() + self.value.len() + ENTRY_OVERHEAD_BYTES
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.name.capacity() + self.value.capacity() + size_of::<Self>()
    }
}

/// What a block held.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) fields: Vec<Field>,
    /// New sizes of the dynamic table, in order.
    pub(super) size_updates: Vec<u64>,
    /// A field names an entry that is not there, or a cap was reached.
    pub(super) has_invalid_field: bool,
    /// An integer is larger than any use of it; the rest of the block is not read.
    pub(super) has_integer_overflow: bool,
    /// The block ends within a field.
    pub(super) is_truncated: bool,
    bytes: usize,
}

/// Why a field could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Truncated,
    IntegerOverflow,
    NotIndexed,
}

/// The decoder of one direction.
#[derive(Debug)]
pub(super) struct HpackDecoder {
    /// Newest first.
    table: VecDeque<Field>,
    table_bytes: usize,
    table_bytes_max: usize,
}

impl Default for HpackDecoder {
    fn default() -> Self {
        Self {
            table: VecDeque::new(),
            table_bytes: 0,
            table_bytes_max: FIRST_TABLE_BYTES,
        }
    }
}

impl HpackDecoder {
    /// The other side's settings, or the encoder itself, set the size of the table.
    pub(super) fn resize(&mut self, table_bytes_max: u64) {
        self.table_bytes_max = usize::try_from(table_bytes_max)
            .unwrap_or(usize::MAX)
            .min(limits::HTTP2_HEADER_TABLE_BYTES_MAX);
        self.evict();
    }

    /// Decodes a whole block.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Block {
        let mut block = Block::default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            match self.field(&mut reader, &mut block) {
                Ok(()) => {}
                Err(Flaw::NotIndexed) => block.has_invalid_field = true,
                Err(Flaw::Truncated) => {
                    // As in the reference, the fields before it do not count either.
                    block.is_truncated = true;
                    block.fields.clear();
                    break;
                }
                Err(Flaw::IntegerOverflow) => {
                    block.has_integer_overflow = true;
                    break;
                }
            }
        }
        block
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.table.iter().map(Field::held_bytes).sum()
    }

    /// One representation (section 6).
    fn field(&mut self, reader: &mut Reader<'_>, block: &mut Block) -> Result<(), Flaw> {
        let first = reader.u8().ok_or(Flaw::Truncated)?;
        if first & 0x80 != 0 {
            let index = integer(first, 7, reader)?;
            let field = self.entry(index)?;
            block.add(field);
        } else if first & 0x40 != 0 {
            let field = self.literal(first, 6, reader)?;
            self.insert(&field);
            block.add(field);
        } else if first & 0x20 != 0 {
            let size = integer(first, 5, reader)?;
            block.size_updates.push(size);
            self.resize(size);
        } else {
            // Without indexing, and never indexed: for a reader the same.
            let field = self.literal(first, 4, reader)?;
            block.add(field);
        }
        Ok(())
    }

    fn literal(&self, first: u8, bits: u8, reader: &mut Reader<'_>) -> Result<Field, Flaw> {
        let index = integer(first, bits, reader)?;
        let name = if index == 0 {
            Ok(string(reader)?)
        } else {
            self.entry(index).map(|field| field.name)
        };
        // The value is read also where the name is missing, so that the next field begins at its place.
        let value = string(reader)?;
        Ok(Field { name: name?, value })
    }

    /// An entry of the static or, behind it, the dynamic table (section 2.3.3).
    fn entry(&self, index: u64) -> Result<Field, Flaw> {
        let at = usize::try_from(index)
            .ok()
            .and_then(|index| index.checked_sub(1))
            .ok_or(Flaw::NotIndexed)?;
        if let Some((name, value)) = STATIC_TABLE.get(at) {
            return Ok(Field {
                name: name.as_bytes().to_vec(),
                value: value.as_bytes().to_vec(),
            });
        }
        self.table
            .get(at - STATIC_TABLE.len())
            .cloned()
            .ok_or(Flaw::NotIndexed)
    }

    fn insert(&mut self, field: &Field) {
        self.table_bytes += field.table_bytes();
        self.table.push_front(field.clone());
        self.evict();
    }

    /// Entries go, oldest first, until the rest fits (section 4.3).
    fn evict(&mut self) {
        while self.table_bytes > self.table_bytes_max
            && let Some(oldest) = self.table.pop_back()
        {
            self.table_bytes -= oldest.table_bytes();
        }
    }
}

impl Block {
    fn add(&mut self, field: Field) {
        self.bytes += field.name.len() + field.value.len();
        if self.fields.len() >= limits::HTTP2_HEADERS_MAX
            || self.bytes > limits::HTTP2_HEADER_LIST_BYTES_MAX
        {
            self.has_invalid_field = true;
            return;
        }
        self.fields.push(field);
    }
}

/// An integer whose first `bits` bits stand in `first` (section 5.1).
fn integer(first: u8, bits: u8, reader: &mut Reader<'_>) -> Result<u64, Flaw> {
    let mask = (1u8 << bits) - 1;
    let mut value = u64::from(first & mask);
    if first & mask != mask {
        return Ok(value);
    }
    for shift in (0..=56).step_by(7) {
        let byte = reader.u8().ok_or(Flaw::Truncated)?;
        let part = u64::from(byte & 0x7f) << shift;
        value = value.checked_add(part).ok_or(Flaw::IntegerOverflow)?;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Flaw::IntegerOverflow)
}

/// A string, plain or in the Huffman code (section 5.2).
fn string(reader: &mut Reader<'_>) -> Result<Vec<u8>, Flaw> {
    let first = reader.u8().ok_or(Flaw::Truncated)?;
    let length = integer(first, 7, reader)?;
    let bytes = usize::try_from(length)
        .ok()
        .and_then(|length| reader.take(length))
        .ok_or(Flaw::Truncated)?;
    if first & 0x80 == 0 {
        return Ok(bytes.to_vec());
    }
    let mut text = Vec::with_capacity(bytes.len() * 8 / 5);
    // Where the code goes wrong, what came before it is the string: the padding is not judged.
    httlib_huffman::decode(bytes, &mut text, DecoderSpeed::FourBits).ok();
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(block: &Block) -> Vec<(&str, &str)> {
        block
            .fields
            .iter()
            .map(|field| {
                (
                    std::str::from_utf8(&field.name).unwrap(),
                    std::str::from_utf8(&field.value).unwrap(),
                )
            })
            .collect()
    }

    /// The examples of RFC 7541, appendix C.4: three requests on one connection, in the Huffman code.
    #[test]
    fn requests_of_the_specification_are_decoded() {
        let mut decoder = HpackDecoder::default();
        let first =
            decoder.decode(b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff");
        assert_eq!(
            pairs(&first),
            [
                (":method", "GET"),
                (":scheme", "http"),
                (":path", "/"),
                (":authority", "www.example.com")
            ]
        );
        let second = decoder.decode(b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf");
        assert_eq!(
            pairs(&second)[3..],
            [
                (":authority", "www.example.com"),
                ("cache-control", "no-cache")
            ]
        );
        let third = decoder.decode(b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf");
        assert_eq!(
            pairs(&third)[3..],
            [
                (":authority", "www.example.com"),
                ("custom-key", "custom-value")
            ]
        );
        assert_eq!(decoder.table_bytes, 164);
    }

    #[test]
    fn a_field_that_is_not_there_is_left_out_and_told() {
        let mut decoder = HpackDecoder::default();
        let block = decoder.decode(b"\xff\x00\x80\x7e\x01a\x82");
        assert!(block.has_invalid_field);
        assert_eq!(pairs(&block), [(":method", "GET")]);
    }

    #[test]
    fn a_table_of_no_bytes_holds_nothing() {
        let mut decoder = HpackDecoder::default();
        let block = decoder.decode(b"\x20\x40\x01a\x01b\xbe");
        assert_eq!(block.size_updates, [0]);
        assert_eq!(pairs(&block), [("a", "b")]);
        assert!(block.has_invalid_field);
    }

    #[test]
    fn integers_do_not_overflow_and_strings_do_not_reach_beyond_the_block() {
        let mut decoder = HpackDecoder::default();
        assert!(
            decoder
                .decode(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
                .has_integer_overflow
        );
        assert!(decoder.decode(b"\x40\x05ab").is_truncated);
    }

    #[test]
    fn a_block_that_repeats_a_long_entry_is_cut() {
        let mut decoder = HpackDecoder::default();
        let mut bytes = b"\x40\x01a\x7f\x81\x1e".to_vec();
        bytes.extend_from_slice(&[b'x'; 3_968]);
        bytes.extend_from_slice(&[0xbe; 10_000]);
        let block = decoder.decode(&bytes);
        assert!(block.has_invalid_field);
        assert!(block.bytes >= limits::HTTP2_HEADER_LIST_BYTES_MAX);
        assert!(block.fields.len() < 100);
    }

    proptest! {
        #[test]
        fn random_blocks_stay_within_the_table(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8)) {
            let mut decoder = HpackDecoder::default();
            for block in &blocks {
                decoder.decode(block);
                prop_assert!(decoder.table_bytes <= limits::HTTP2_HEADER_TABLE_BYTES_MAX);
                let held: usize = decoder.table.iter().map(Field::table_bytes).sum();
                prop_assert_eq!(held, decoder.table_bytes);
            }
        }
    }
}
