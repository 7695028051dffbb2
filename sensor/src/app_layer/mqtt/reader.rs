//! Strings and properties within a message (sections 1.5 and 2.2.2).

use super::header::variable_number;
use crate::app_layer::reader::Reader;

/// How the value of a property is laid out.
#[derive(Clone, Copy)]
enum Layout {
    Bytes(usize),
    Number,
    String,
    PairOfStrings,
}

fn layout(property: usize) -> Layout {
    match property {
        1 | 23 | 25 | 36 | 37 | 40 | 41 | 42 => Layout::Bytes(1),
        19 | 33 | 34 | 35 => Layout::Bytes(2),
        2 | 17 | 24 | 39 => Layout::Bytes(4),
        11 => Layout::Number,
        3 | 8 | 9 | 18 | 21 | 22 | 26 | 28 | 31 => Layout::String,
        38 => Layout::PairOfStrings,
        // As in the reference, nothing is known to belong to an unknown one.
        _ => Layout::Bytes(0),
    }
}

/// A string behind its length, as text: what is no UTF-8 is replaced.
pub(super) fn text(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let bytes = reader.prefixed_u16()?;
    Some(String::from_utf8_lossy(bytes).into_owned().into_bytes())
}

/// Bytes behind their length.
pub(super) fn bytes(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    reader.prefixed_u16().map(<[u8]>::to_vec)
}

fn number(reader: &mut Reader<'_>) -> Option<usize> {
    let (number, length) = variable_number(reader.rest())?;
    reader.take(length)?;
    Some(number)
}

/// Walks over the properties that version 5 has here; `None` where one of them runs over the end.
pub(super) fn properties(reader: &mut Reader<'_>, version: u8) -> Option<()> {
    if version != 5 {
        return Some(());
    }
    let length = number(reader)?;
    let mut list = Reader::new(reader.take(length)?);
    while !list.is_empty() {
        match layout(number(&mut list)?) {
            Layout::Bytes(count) => list.take(count).map(drop)?,
            Layout::Number => number(&mut list).map(drop)?,
            Layout::String => list.prefixed_u16().map(drop)?,
            Layout::PairOfStrings => {
                list.prefixed_u16()?;
                list.prefixed_u16()?;
            }
        }
    }
    Some(())
}
