//! A cursor over untrusted bytes: every read is checked, none panics.

/// Reads numbers, big-endian unless the name says `le`, and slices from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Starts at a position within the bytes.
    pub(super) fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let slice = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(slice)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2)
            .map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u24(&mut self) -> Option<u32> {
        self.take(3)
            .map(|bytes| u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)
            .map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn le_u16(&mut self) -> Option<u16> {
        self.u16().map(u16::swap_bytes)
    }

    pub(super) fn le_u32(&mut self) -> Option<u32> {
        self.u32().map(u32::swap_bytes)
    }

    pub(super) fn le_u64(&mut self) -> Option<u64> {
        let bytes = <[u8; 8]>::try_from(self.take(8)?).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// A slice behind its length in one byte.
    pub(super) fn prefixed_u8(&mut self) -> Option<&'a [u8]> {
        let count = usize::from(self.u8()?);
        self.take(count)
    }

    /// A slice behind its length in two bytes.
    pub(super) fn prefixed_u16(&mut self) -> Option<&'a [u8]> {
        let count = usize::from(self.u16()?);
        self.take(count)
    }
}
