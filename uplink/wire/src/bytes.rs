//! Reading and writing the primitive shapes: little-endian numbers, varints, counted bytes.
//!
//! A varint is LEB128 in its shortest form, at most ten bytes. A signed number is zigzag
//! coded first. Counted bytes are a varint length and that many bytes.

use crate::error::DecodeError;

/// A cursor over untrusted bytes. Every read names what it reads, for the error.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(
        &mut self,
        length: usize,
        what: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated { what })?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(DecodeError::Truncated { what })?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_le_bytes)
    }

    pub(crate) fn varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8(what)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::BadVarint { what });
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                // One number has one spelling, so that equal content has equal bytes.
                if byte == 0 && shift > 0 {
                    return Err(DecodeError::BadVarint { what });
                }
                return Ok(value);
            }
        }
        Err(DecodeError::BadVarint { what })
    }

    /// A varint that must fit the target type.
    pub(crate) fn number<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, DecodeError> {
        let value = self.varint(what)?;
        T::try_from(value).map_err(|_| DecodeError::OutOfRange { what, value })
    }

    /// A count or length, compared with its cap.
    pub(crate) fn length(&mut self, cap: usize, what: &'static str) -> Result<usize, DecodeError> {
        let value = self.varint(what)?;
        match usize::try_from(value) {
            Ok(length) if length <= cap => Ok(length),
            _ => Err(DecodeError::OverCap { what, value, cap }),
        }
    }

    pub(crate) fn counted(
        &mut self,
        cap: usize,
        what: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let length = self.length(cap, what)?;
        self.take(length, what)
    }

    pub(crate) fn text(&mut self, cap: usize, what: &'static str) -> Result<String, DecodeError> {
        let bytes = self.counted(cap, what)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::NotUtf8 { what })
    }

    pub(crate) fn finish(self, what: &'static str) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing {
                what,
                bytes: self.rest.len(),
            })
        }
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

pub(crate) fn put_length(out: &mut Vec<u8>, length: usize) {
    // A usize is never wider than 64 bits on the platforms Rust supports.
    put_varint(out, length as u64);
}

pub(crate) fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Text cut to `cap` bytes at a character boundary, then written as counted bytes.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str, cap: usize) {
    let end = text.floor_char_boundary(cap.min(text.len()));
    put_counted(out, text.as_bytes().get(..end).unwrap_or_default());
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low byte is what is wanted"
)]
fn low_byte(value: u64) -> u8 {
    value as u8
}

#[expect(
    clippy::cast_sign_loss,
    reason = "zigzag maps the sign into the lowest bit"
)]
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[expect(
    clippy::cast_possible_wrap,
    reason = "inverse of zigzag; both halves fit"
)]
pub(crate) fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_round_trip(value: u64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.varint("value").unwrap(), value);
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn signed_numbers_round_trip(value: i64) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn a_padded_varint_is_refused() {
        assert!(matches!(
            Reader::new(&[0x80, 0x00]).varint("n"),
            Err(DecodeError::BadVarint { .. })
        ));
        assert!(matches!(
            Reader::new(&[0xff; 11]).varint("n"),
            Err(DecodeError::BadVarint { .. })
        ));
    }

    #[test]
    fn text_is_cut_at_a_character() {
        let mut out = Vec::new();
        put_text(&mut out, "aé", 2);
        assert_eq!(out, [1, b'a']);
    }
}
