//! Reading and writing the pack's numbers: fixed little-endian ones by index, variable-length ones in sequence.

/// A program's bytes do not say what they should. Only [`super::reader`] sees it, while it checks a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) type Decoded<T> = Result<T, Malformed>;

/// The u32 with this index in a table of u32s; 0 behind its end, which a checked pack never asks for.
pub(crate) fn u32_at(table: &[u8], index: usize) -> u32 {
    field_u32(table, index.saturating_mul(4))
}

/// The u32 at this byte offset; 0 behind the end.
pub(crate) fn field_u32(bytes: &[u8], offset: usize) -> u32 {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk::<4>())
        .map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

/// The u16 at this byte offset; 0 behind the end.
pub(crate) fn field_u16(bytes: &[u8], offset: usize) -> u16 {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk::<2>())
        .map_or(0, |chunk| u16::from_le_bytes(*chunk))
}

/// The u64 at this byte offset; 0 behind the end.
pub(crate) fn field_u64(bytes: &[u8], offset: usize) -> u64 {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk::<8>())
        .map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// The u128 at this byte offset; 0 behind the end.
pub(crate) fn field_u128(bytes: &[u8], offset: usize) -> u128 {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk::<16>())
        .map_or(0, |chunk| u128::from_le_bytes(*chunk))
}

/// A position in a file as a `usize`. Files are capped far below 4 GiB, so every u32 fits.
pub(crate) fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Appends an unsigned number, seven bits a byte, lowest first.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0x7f);
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a signed number, zigzag.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Reads a program in sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(count)
            .ok_or(Malformed("it ends early"))?;
        self.bytes = rest;
        Ok(taken)
    }

    /// A length and so many bytes, at most `limit`.
    pub(crate) fn bytes_within(&mut self, limit: u64) -> Decoded<&'a [u8]> {
        let count = self.count(limit)?;
        self.take(to_usize(count))
    }

    pub(crate) fn byte(&mut self) -> Decoded<u8> {
        let (&first, rest) = self
            .bytes
            .split_first()
            .ok_or(Malformed("a program ends early"))?;
        self.bytes = rest;
        Ok(first)
    }

    pub(crate) fn number(&mut self) -> Decoded<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed("a number in a program is too long"))
    }

    pub(crate) fn signed(&mut self) -> Decoded<i64> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    pub(crate) fn number_u32(&mut self) -> Decoded<u32> {
        u32::try_from(self.number()?).map_err(|_| Malformed("a number in a program is too large"))
    }

    /// Number of items that follow, within `limit`.
    pub(crate) fn count(&mut self, limit: u64) -> Decoded<u32> {
        let count = self.number()?;
        if count > limit {
            return Err(Malformed("a list in a program is too long"));
        }
        u32::try_from(count).map_err(|_| Malformed("a list in a program is too long"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(unsigned: u64, signed: i64) {
            let mut out = Vec::new();
            put_number(&mut out, unsigned);
            put_signed(&mut out, signed);
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(cursor.number(), Ok(unsigned));
            prop_assert_eq!(cursor.signed(), Ok(signed));
            prop_assert!(cursor.is_empty());
        }
    }

    #[test]
    fn an_endless_number_is_refused() {
        assert!(Cursor::new(&[0xff; 16]).number().is_err());
    }
}
