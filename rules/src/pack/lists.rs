//! A list of a pack, looked up where it lies.

use super::{
    bytes::{field_u16, field_u32, to_usize},
    format::{LIST_KEY_BYTES, LIST_VALUE_BYTES},
    strings::TextTable,
};
use crate::model::{ListKey, ListKind};

/// One list of a pack.
#[derive(Clone, Copy, Debug)]
pub struct ListView<'a> {
    name: &'a str,
    kind: ListKind,
    /// Ascending.
    keys: &'a [u8],
    /// As many as there are keys, where it gives reputations.
    values: Option<&'a [u8]>,
}

impl<'a> ListView<'a> {
    /// The list of a record; `None` where it leads nowhere.
    pub(super) fn of(
        record: &[u8],
        texts: TextTable<'a>,
        keys: &'a [u8],
        values: &'a [u8],
    ) -> Option<Self> {
        let count = to_usize(field_u32(record, 12));
        let part = |table: &'a [u8], first: u32, width: usize| {
            let start = to_usize(first).checked_mul(width)?;
            table.get(start..start.checked_add(count.checked_mul(width)?)?)
        };
        let values = match record.get(5..8)? {
            [0, 0, 0] => None,
            [1, 0, 0] => Some(part(values, field_u32(record, 16), LIST_VALUE_BYTES)?),
            _ => return None,
        };
        Some(Self {
            name: texts.get(field_u32(record, 0))?,
            kind: ListKind::from_number(*record.get(4)?)?,
            keys: part(keys, field_u32(record, 8), LIST_KEY_BYTES)?,
            values,
        })
    }

    /// Its name; that of a list of digests is what its bytes are.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> ListKind {
        self.kind
    }

    /// Whether it gives reputations.
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.values.is_some()
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() / LIST_KEY_BYTES
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Its keys, ascending.
    pub fn keys(&self) -> impl Iterator<Item = ListKey> + use<'a> {
        let (keys, _) = self.keys.as_chunks::<LIST_KEY_BYTES>();
        keys.iter().copied()
    }

    /// Whether a key is in it.
    #[must_use]
    pub fn contains(&self, key: &ListKey) -> bool {
        self.find(key).is_some()
    }

    /// The reputation of a key.
    #[must_use]
    pub fn value(&self, key: &ListKey) -> Option<u16> {
        Some(field_u16(self.values?, self.find(key)? * LIST_VALUE_BYTES))
    }

    fn find(&self, key: &ListKey) -> Option<usize> {
        let (keys, _) = self.keys.as_chunks::<LIST_KEY_BYTES>();
        keys.binary_search(key).ok()
    }

    /// Whether its keys ascend and are distinct.
    pub(super) fn is_sound(&self) -> bool {
        let (keys, _) = self.keys.as_chunks::<LIST_KEY_BYTES>();
        keys.is_sorted_by(|one, next| one < next)
    }
}
