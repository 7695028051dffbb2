//! A block of columns and the encodings a column can have.
//!
//! A column is a tag, a length and its bytes. One that would hold only zeros, or nothing, is
//! left out, and a reader takes a missing column as that. So a new column costs an old reader
//! nothing, and a new reader finds its default where an old writer wrote none. A column of
//! varints whose values are all the same holds that value once.

use std::collections::{BTreeMap, HashMap};

use crate::bytes::{Reader, put_counted, put_length, put_varint, unzigzag, zigzag};
use crate::error::DecodeError;
use crate::limits::MAX_COLUMNS_IN_BLOCK;

/// Writes the columns of one block.
#[derive(Debug, Default)]
pub(crate) struct BlockWriter {
    out: Vec<u8>,
}

impl BlockWriter {
    /// One column of bytes; left out when empty.
    pub(crate) fn column(&mut self, tag: u64, content: &[u8]) {
        if !content.is_empty() {
            put_varint(&mut self.out, tag);
            put_counted(&mut self.out, content);
        }
    }

    /// One varint a value; left out when all are zero, one varint when all are the same.
    pub(crate) fn numbers(&mut self, tag: u64, values: impl IntoIterator<Item = u64>) {
        let values: Vec<u64> = values.into_iter().collect();
        let mut content = Vec::with_capacity(values.len());
        match values.split_first() {
            Some((first, rest)) if rest.iter().all(|value| value == first) => {
                if *first != 0 {
                    put_varint(&mut content, *first);
                }
            }
            _ => values
                .iter()
                .for_each(|value| put_varint(&mut content, *value)),
        }
        self.column(tag, &content);
    }

    /// As [`BlockWriter::numbers`], of zigzag values.
    pub(crate) fn signed(&mut self, tag: u64, values: impl IntoIterator<Item = i64>) {
        self.numbers(tag, values.into_iter().map(zigzag));
    }

    /// The high bytes of all values, then their low bytes; left out when all are zero.
    pub(crate) fn shorts(&mut self, tag: u64, values: &[u16]) {
        if values.iter().any(|value| *value != 0) {
            let halves = values.iter().map(|value| value.to_be_bytes());
            let content: Vec<u8> = halves
                .clone()
                .map(|[high, _]| high)
                .chain(halves.map(|[_, low]| low))
                .collect();
            self.column(tag, &content);
        }
    }

    /// Values that repeat: the distinct ones at `tag`, one reference a value at `tag + 1`; no
    /// references when there is one distinct value.
    pub(crate) fn pool<'a>(&mut self, tag: u64, values: impl IntoIterator<Item = &'a [u8]>) {
        let mut pool = Pool::default();
        let references: Vec<u64> = values
            .into_iter()
            .map(|value| pool.reference(value))
            .collect();
        if pool.distinct.iter().all(|value| value.is_empty()) {
            return;
        }
        let mut content = Vec::new();
        put_length(&mut content, pool.distinct.len());
        for value in &pool.distinct {
            put_length(&mut content, value.len());
        }
        for value in &pool.distinct {
            content.extend_from_slice(value);
        }
        self.column(tag, &content);
        self.references(tag + 1, references, pool.distinct.len());
    }

    /// References into a pool of `size` distinct values; none are needed for a single one.
    pub(crate) fn references(&mut self, tag: u64, references: Vec<u64>, size: usize) {
        if size > 1 {
            self.numbers(tag, references);
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }
}

/// Distinct values in the order they first come. A reference is 0 for "the next new one", so
/// that values which never repeat cost nothing here, and otherwise 1 + the value's position.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    pub(crate) distinct: Vec<T>,
    positions: HashMap<T, u64>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            distinct: Vec::new(),
            positions: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Pool<T> {
    pub(crate) fn reference(&mut self, value: T) -> u64 {
        if let Some(position) = self.positions.get(&value) {
            return position + 1;
        }
        self.positions
            .insert(value.clone(), self.distinct.len() as u64);
        self.distinct.push(value);
        0
    }
}

/// Turns references back into positions in a pool of a known size.
#[derive(Debug, Default)]
struct PoolCursor {
    new: usize,
}

impl PoolCursor {
    fn position(&mut self, reference: u64, size: usize) -> Result<usize, DecodeError> {
        let position = match reference {
            0 => {
                self.new += 1;
                self.new - 1
            }
            _ => usize::try_from(reference - 1).unwrap_or(usize::MAX),
        };
        if position < size {
            Ok(position)
        } else {
            Err(DecodeError::OverCap {
                what: "reference into a pool",
                value: position as u64,
                cap: size,
            })
        }
    }
}

/// The columns of one block, found by tag.
#[derive(Debug)]
pub(crate) struct BlockReader<'a> {
    columns: BTreeMap<u64, &'a [u8]>,
    /// Rows in the block, compared with its cap before.
    pub(crate) rows: usize,
}

impl<'a> BlockReader<'a> {
    pub(crate) fn new(bytes: &'a [u8], rows: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut columns = BTreeMap::new();
        while !reader.is_empty() {
            if columns.len() >= MAX_COLUMNS_IN_BLOCK {
                return Err(DecodeError::OverCap {
                    what: "columns in a block",
                    value: columns.len() as u64 + 1,
                    cap: MAX_COLUMNS_IN_BLOCK,
                });
            }
            let tag = reader.varint("column tag")?;
            if columns
                .insert(tag, reader.counted(bytes.len(), "column")?)
                .is_some()
            {
                return Err(DecodeError::Mismatch {
                    what: "a column that comes twice",
                });
            }
        }
        Ok(Self { columns, rows })
    }

    /// The tags of all columns.
    pub(crate) fn tags(&self) -> impl Iterator<Item = u64> {
        self.columns.keys().copied()
    }

    pub(crate) fn column(&self, tag: u64) -> Option<Reader<'a>> {
        self.columns.get(&tag).map(|bytes| Reader::new(bytes))
    }

    /// `count` values written by [`BlockWriter::numbers`].
    pub(crate) fn numbers(
        &self,
        tag: u64,
        count: usize,
        what: &'static str,
    ) -> Result<Vec<u64>, DecodeError> {
        let Some(mut reader) = self.column(tag).filter(|_| count > 0) else {
            return Ok(vec![0; count]);
        };
        let first = reader.varint(what)?;
        if reader.is_empty() {
            return Ok(vec![first; count]);
        }
        // Each value takes a byte at least, so the column itself bounds the reservation.
        let mut values = Vec::with_capacity(count.min(reader.remaining() + 1));
        values.push(first);
        for _ in 1..count {
            values.push(reader.varint(what)?);
        }
        reader.finish(what)?;
        Ok(values)
    }

    /// `count` values written by [`BlockWriter::signed`].
    pub(crate) fn signed(
        &self,
        tag: u64,
        count: usize,
        what: &'static str,
    ) -> Result<Vec<i64>, DecodeError> {
        Ok(self
            .numbers(tag, count, what)?
            .into_iter()
            .map(unzigzag)
            .collect())
    }

    /// `count` 16-bit values written by [`BlockWriter::shorts`].
    pub(crate) fn shorts(
        &self,
        tag: u64,
        count: usize,
        what: &'static str,
    ) -> Result<Vec<u16>, DecodeError> {
        let Some(mut reader) = self.column(tag) else {
            return Ok(vec![0; count]);
        };
        let high = reader.take(count, what)?;
        let low = reader.take(count, what)?;
        reader.finish(what)?;
        Ok(high
            .iter()
            .zip(low)
            .map(|(high, low)| u16::from_be_bytes([*high, *low]))
            .collect())
    }

    /// `count` values written by [`BlockWriter::pool`]; empty ones when the column is missing.
    pub(crate) fn pool(
        &self,
        tag: u64,
        count: usize,
        value_cap: usize,
        what: &'static str,
    ) -> Result<Vec<&'a [u8]>, DecodeError> {
        let Some(mut reader) = self.column(tag) else {
            return Ok(vec![&[]; count]);
        };
        let size = reader.length(count, what)?;
        let mut lengths = Vec::with_capacity(size.min(reader.remaining()));
        for _ in 0..size {
            lengths.push(reader.length(value_cap, what)?);
        }
        let mut distinct = Vec::with_capacity(lengths.len());
        for length in lengths {
            distinct.push(reader.take(length, what)?);
        }
        reader.finish(what)?;
        let positions = self.positions(tag + 1, count, distinct.len(), what)?;
        Ok(positions
            .into_iter()
            .map(|position| distinct.get(position).copied().unwrap_or_default())
            .collect())
    }

    /// The positions that `count` references stand for, all below `size`.
    pub(crate) fn positions(
        &self,
        tag: u64,
        count: usize,
        size: usize,
        what: &'static str,
    ) -> Result<Vec<usize>, DecodeError> {
        if size == 1 {
            return Ok(vec![0; count]);
        }
        let mut cursor = PoolCursor::default();
        self.numbers(tag, count, what)?
            .into_iter()
            .map(|reference| cursor.position(reference, size))
            .collect()
    }
}
