//! Texts and byte strings of a pack: each distinct one once, named by a number.

use std::collections::HashMap;

use super::bytes::{to_usize, u32_at};

/// Byte strings of a pack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StringTable<'a> {
    offsets: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> StringTable<'a> {
    /// Checks that the offsets ascend and stay within the bytes.
    pub(crate) fn check(offsets: &'a [u8], bytes: &'a [u8]) -> Result<Self, &'static str> {
        if offsets.is_empty() || !offsets.len().is_multiple_of(4) {
            return Err("an offset table has no whole number of entries");
        }
        let count = offsets.len() / 4;
        let mut before = 0;
        for index in 0..count {
            let offset = u32_at(offsets, index);
            if offset < before || (index == 0 && offset != 0) {
                return Err("the offsets of strings do not ascend");
            }
            before = offset;
        }
        if to_usize(before) != bytes.len() {
            return Err("the last string does not end where its section ends");
        }
        Ok(Self { offsets, bytes })
    }

    /// The same, without looking: for sections that were checked when the pack was opened.
    pub(crate) fn checked(offsets: &'a [u8], bytes: &'a [u8]) -> Self {
        Self { offsets, bytes }
    }

    /// Number of strings.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.offsets.len() / 4)
            .unwrap_or(u32::MAX)
            .saturating_sub(1)
    }

    /// The string with this number.
    pub(crate) fn get(&self, id: u32) -> Option<&'a [u8]> {
        if id >= self.count() {
            return None;
        }
        let index = to_usize(id);
        let start = to_usize(u32_at(self.offsets, index));
        let end = to_usize(u32_at(self.offsets, index + 1));
        self.bytes.get(start..end)
    }
}

/// Texts of a pack: strings that are UTF-8.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextTable<'a>(StringTable<'a>);

impl<'a> TextTable<'a> {
    /// As [`StringTable::check`], and every text is UTF-8.
    pub(crate) fn check(offsets: &'a [u8], bytes: &'a [u8]) -> Result<Self, &'static str> {
        let strings = StringTable::check(offsets, bytes)?;
        let all = std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8")?;
        let cut = (0..strings.count())
            .any(|id| !all.is_char_boundary(to_usize(u32_at(offsets, to_usize(id)))));
        if cut {
            return Err("a text begins within a character");
        }
        Ok(Self(strings))
    }

    /// As [`StringTable::checked`].
    pub(crate) fn checked(offsets: &'a [u8], bytes: &'a [u8]) -> Self {
        Self(StringTable::checked(offsets, bytes))
    }

    /// Number of texts.
    pub(crate) fn count(&self) -> u32 {
        self.0.count()
    }

    /// The text with this number.
    pub(crate) fn get(&self, id: u32) -> Option<&'a str> {
        std::str::from_utf8(self.0.get(id)?).ok()
    }
}

/// Collects strings while a pack is written, and gives each distinct one a number in order of first use.
#[derive(Debug)]
pub(crate) struct Interner {
    numbers: HashMap<Box<[u8]>, u32>,
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl Interner {
    /// Holds the empty string as number 0.
    pub(crate) fn new() -> Self {
        let mut interner = Self {
            numbers: HashMap::new(),
            offsets: vec![0],
            bytes: Vec::new(),
        };
        interner.bytes(b"");
        interner
    }

    /// The number of a byte string.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> u32 {
        if let Some(&number) = self.numbers.get(bytes) {
            return number;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(bytes);
        self.offsets
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        self.numbers.insert(bytes.into(), number);
        number
    }

    /// The number of a text.
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        self.bytes(text.as_bytes())
    }

    /// The strings in order of number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.offsets.windows(2).map(|ends| {
            let (start, end) = (to_usize(ends[0]), to_usize(ends[1]));
            self.bytes.get(start..end).unwrap_or_default()
        })
    }

    /// Offset section and string section.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<u8>) {
        let offsets = self
            .offsets
            .iter()
            .flat_map(|offset| offset.to_le_bytes())
            .collect();
        (offsets, self.bytes)
    }
}
