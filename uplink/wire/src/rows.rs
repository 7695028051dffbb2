//! Rare records are written as rows: tagged fields, each with its length, so that a reader
//! skips tags it does not know. A field that holds its default is not written.

use std::collections::BTreeMap;

use crate::bytes::{Reader, put_counted, put_text, put_varint};
use crate::error::DecodeError;
use crate::limits::MAX_FIELDS_IN_ROW;

/// Writes the fields of one row.
#[derive(Debug, Default)]
pub(crate) struct FieldWriter {
    out: Vec<u8>,
}

impl FieldWriter {
    pub(crate) fn number(&mut self, tag: u64, value: u64) {
        if value != 0 {
            let mut bytes = Vec::with_capacity(10);
            put_varint(&mut bytes, value);
            self.bytes(tag, &bytes);
        }
    }

    pub(crate) fn text(&mut self, tag: u64, value: &str, cap: usize) {
        if !value.is_empty() {
            put_varint(&mut self.out, tag);
            put_text(&mut self.out, value, cap);
        }
    }

    pub(crate) fn bytes(&mut self, tag: u64, value: &[u8]) {
        if !value.is_empty() {
            put_varint(&mut self.out, tag);
            put_counted(&mut self.out, value);
        }
    }

    /// The row, for a message that is nothing else.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Appends the row, with its length before it.
    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        put_counted(out, &self.out);
    }
}

/// The fields of one row. A tag may come several times.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    fields: BTreeMap<u64, Vec<&'a [u8]>>,
}

impl<'a> Fields<'a> {
    /// Reads one row's bytes (without the length before it).
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut fields = BTreeMap::<u64, Vec<&[u8]>>::new();
        let mut count = 0usize;
        while !reader.is_empty() {
            count += 1;
            if count > MAX_FIELDS_IN_ROW {
                return Err(DecodeError::OverCap {
                    what: "fields in a row",
                    value: count as u64,
                    cap: MAX_FIELDS_IN_ROW,
                });
            }
            let tag = reader.varint("field tag")?;
            fields
                .entry(tag)
                .or_default()
                .push(reader.counted(bytes.len(), "field")?);
        }
        Ok(Self { fields })
    }

    /// How many fields have a tag outside `known`.
    pub(crate) fn unknown(&self, known: &std::ops::RangeInclusive<u64>) -> u64 {
        self.fields
            .iter()
            .filter(|(tag, _)| !known.contains(tag))
            .map(|(_, values)| values.len() as u64)
            .sum()
    }

    pub(crate) fn all(&self, tag: u64) -> &[&'a [u8]] {
        self.fields.get(&tag).map_or(&[], Vec::as_slice)
    }

    fn last(&self, tag: u64) -> &'a [u8] {
        self.all(tag).last().copied().unwrap_or_default()
    }

    pub(crate) fn number(&self, tag: u64) -> Result<u64, DecodeError> {
        let bytes = self.last(tag);
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut reader = Reader::new(bytes);
        let value = reader.varint("number field")?;
        reader.finish("number field")?;
        Ok(value)
    }

    pub(crate) fn text(&self, tag: u64, cap: usize) -> Result<String, DecodeError> {
        let bytes = self.last(tag);
        if bytes.len() > cap {
            return Err(DecodeError::OverCap {
                what: "text field",
                value: bytes.len() as u64,
                cap,
            });
        }
        String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::NotUtf8 { what: "text field" })
    }

    pub(crate) fn digest(&self, tag: u64) -> Result<Option<[u8; 32]>, DecodeError> {
        match self.last(tag) {
            [] => Ok(None),
            bytes => bytes
                .try_into()
                .map(Some)
                .map_err(|_| DecodeError::Mismatch {
                    what: "length of a digest",
                }),
        }
    }
}
