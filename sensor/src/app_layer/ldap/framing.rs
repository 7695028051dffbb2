//! The elements around a message (X.690, section 8.1; RFC 4511, section 5.1): of definite length only.

use crate::{
    app_layer::{limits, messages::Cut, reader::Reader},
    direction::Direction,
};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// Tags of the operations that clients ask for: bind, unbind, search, modify, add, delete, rename, compare, abandon, extended.
const REQUEST_TAGS: [u8; 10] = [0x60, 0x42, 0x63, 0x66, 0x68, 0x4a, 0x6c, 0x6e, 0x50, 0x77];
/// Tags of those that servers answer with.
const RESPONSE_TAGS: [u8; 11] = [
    0x61, 0x64, 0x65, 0x73, 0x67, 0x69, 0x6b, 0x6d, 0x6f, 0x78, 0x79,
];

/// What could be read of an element's beginning.
enum Begin<T> {
    Is(T),
    /// More bytes decide it.
    More,
    /// It is another element, or has no definite length of at most four bytes.
    Not,
}

/// The length of an element of this tag, whose content comes next.
fn element(reader: &mut Reader<'_>, tag: u8) -> Begin<usize> {
    match reader.u8() {
        None => return Begin::More,
        Some(found) if found != tag => return Begin::Not,
        Some(_) => {}
    }
    let count = match reader.u8() {
        None => return Begin::More,
        Some(length @ 0..=0x7f) => return Begin::Is(usize::from(length)),
        Some(count @ 0x81..=0x84) => count & 0x7f,
        Some(_) => return Begin::Not,
    };
    let mut length = 0_usize;
    for _ in 0..count {
        match reader.u8() {
            None => return Begin::More,
            Some(byte) => length = length << 8 | usize::from(byte),
        }
    }
    Begin::Is(length)
}

/// Where the first message of a stream ends. What is none is cut as it stands, to be told.
pub(super) fn cut(bytes: &[u8]) -> Cut {
    let mut reader = Reader::new(bytes);
    let length = match element(&mut reader, SEQUENCE) {
        Begin::Is(length) => length.saturating_add(reader.position()),
        Begin::More => return Cut::More,
        Begin::Not => return Cut::Message(bytes.len()),
    };
    if length <= bytes.len() {
        Cut::Message(length)
    } else if bytes.len() >= limits::LDAP_MESSAGE_BYTES_MAX {
        Cut::Long(length)
    } else {
        Cut::More
    }
}

/// Whether bytes begin as a message does; readers of BER take elements of other classes for it.
pub(super) fn begins_message(bytes: &[u8]) -> bool {
    matches!(element(&mut Reader::new(bytes), SEQUENCE), Begin::Is(_))
}

/// The number and the operation's tag that a message begins with, also where the rest of it is missing.
pub(super) fn identity(bytes: &[u8]) -> Option<(u32, u8)> {
    match begin(bytes) {
        Begin::Is((number, tag)) => Some((number, tag & 0x1f)),
        Begin::More | Begin::Not => None,
    }
}

fn begin(bytes: &[u8]) -> Begin<(u32, u8)> {
    let mut reader = Reader::new(bytes);
    match element(&mut reader, SEQUENCE) {
        Begin::Is(_) => {}
        Begin::More => return Begin::More,
        Begin::Not => return Begin::Not,
    }
    let length = match element(&mut reader, INTEGER) {
        Begin::Is(length @ 1..=4) => length,
        Begin::Is(_) | Begin::Not => return Begin::Not,
        Begin::More => return Begin::More,
    };
    let mut number = 0_u32;
    for _ in 0..length {
        match reader.u8() {
            None => return Begin::More,
            Some(byte) => number = number << 8 | u32::from(byte),
        }
    }
    match reader.u8() {
        None => Begin::More,
        Some(tag) => Begin::Is((number, tag)),
    }
}

/// Whether a direction begins with a message that it may carry: `None` where more bytes decide it.
pub(in crate::app_layer) fn is_ldap(direction: Direction, bytes: &[u8]) -> Option<bool> {
    match begin(bytes) {
        Begin::More => None,
        Begin::Not => Some(false),
        // The number 0 is that of what a server tells unasked (section 4.4).
        Begin::Is((number, tag)) => Some(match direction {
            Direction::ToServer => number > 0 && REQUEST_TAGS.contains(&tag),
            Direction::ToClient => RESPONSE_TAGS.contains(&tag),
        }),
    }
}
