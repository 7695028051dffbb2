//! The fixed header: type and flags in one byte, then the length of the rest, seven bits a byte, the lowest first
//! (section 2.1).

use crate::app_layer::limits;

/// A fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FixedHeader {
    /// Type of the message.
    pub(super) kind: u8,
    /// Sent again.
    pub(super) is_duplicate: bool,
    /// Quality of service.
    pub(super) quality: u8,
    /// To be kept by the server.
    pub(super) is_retained: bool,
    /// Its own length.
    pub(super) header_bytes: usize,
    /// Length of what follows it.
    pub(super) rest_bytes: usize,
}

impl FixedHeader {
    pub(super) fn message_bytes(&self) -> usize {
        self.header_bytes + self.rest_bytes
    }

    /// Whether the message is longer than is kept.
    pub(super) fn is_long(&self) -> bool {
        self.rest_bytes > limits::MQTT_MESSAGE_BYTES_MAX
    }
}

/// How the front of the bytes stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    More,
    Header(FixedHeader),
    Invalid,
}

/// Whether the first bytes of a direction are the fixed header of a known type; nothing while that is not told.
pub(in crate::app_layer) fn is_header(bytes: &[u8]) -> Option<bool> {
    match parse(bytes) {
        Parsed::More => None,
        Parsed::Header(header) => Some(header.kind != 0 && header.quality < 3),
        Parsed::Invalid => Some(false),
    }
}

/// Reads a fixed header.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let Some((&first, lengths)) = bytes.split_first() else {
        return Parsed::More;
    };
    match variable_number(lengths) {
        None if lengths.len() < limits::MQTT_LENGTH_BYTES_MAX => Parsed::More,
        None => Parsed::Invalid,
        Some((rest_bytes, length_bytes)) => Parsed::Header(FixedHeader {
            kind: first >> 4,
            is_duplicate: first & 8 != 0,
            quality: first >> 1 & 3,
            is_retained: first & 1 != 0,
            header_bytes: 1 + length_bytes,
            rest_bytes,
        }),
    }
}

/// A number of variable length, and how many bytes it takes (section 1.5.5).
pub(super) fn variable_number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (at, &byte) in bytes.iter().take(limits::MQTT_LENGTH_BYTES_MAX).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}
