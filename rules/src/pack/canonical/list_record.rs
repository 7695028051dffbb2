//! A list's record: kind (see [`ListKind`]), 1 where it gives reputations, number of keys (variable), keys (16 bytes each, ascending),
//! reputations (u16 each, where it gives them).

use super::super::{
    bytes::{Cursor, Decoded, Malformed, field_u16, put_number, to_usize},
    format::{LIST_KEY_BYTES, LIST_VALUE_BYTES},
    writer::ListToWrite,
};
use crate::{
    limits,
    model::{ListKey, ListKind},
};

/// A list, read and checked.
#[derive(Debug)]
pub(super) struct ListRecord {
    pub(super) kind: ListKind,
    pub(super) keys: Vec<ListKey>,
    pub(super) values: Option<Vec<u16>>,
}

pub(super) fn encode(list: &ListToWrite<'_>) -> Vec<u8> {
    let mut body = vec![list.kind as u8, u8::from(list.values.is_some())];
    put_number(&mut body, list.keys.len() as u64);
    body.extend_from_slice(list.keys.as_flattened());
    for value in list.values.unwrap_or_default() {
        body.extend_from_slice(&value.to_le_bytes());
    }
    body
}

pub(super) fn decode(body: &[u8]) -> Decoded<ListRecord> {
    let mut cursor = Cursor::new(body);
    let kind =
        ListKind::from_number(cursor.byte()?).ok_or(Malformed("a list is of unknown kind"))?;
    let has_values = match cursor.byte()? {
        0 => false,
        1 => true,
        _ => return Err(Malformed("a list has unknown bits")),
    };
    let count = to_usize(cursor.count(limits::LIST_KEYS as u64)?);
    let (keys, _) = cursor.take(count * LIST_KEY_BYTES)?.as_chunks();
    let values = if has_values {
        let bytes = cursor.take(count * LIST_VALUE_BYTES)?;
        Some(
            (0..count)
                .map(|index| field_u16(bytes, index * LIST_VALUE_BYTES))
                .collect(),
        )
    } else {
        None
    };
    if !cursor.is_empty() {
        return Err(Malformed("a list has bytes too many"));
    }
    Ok(ListRecord {
        kind,
        keys: keys.to_vec(),
        values,
    })
}
