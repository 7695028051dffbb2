//! The header of a packet: where it ends, and what it says in the clear.

use super::version::{Layout, Version};
use crate::app_layer::reader::Reader;

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PacketKind {
    /// It carries the hellos.
    Initial,
    /// The server asks for a proof of address; keys are made anew.
    Retry,
    /// Any other that says its version: handshake, 0-RTT, version negotiation.
    Other,
    /// Without a version: the connection is known to both sides.
    Short,
}

/// The header of the first packet of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) kind: PacketKind,
    pub(super) version: Version,
    /// Whether it is a long one: the reference shows rules the version of those only.
    pub(super) is_long: bool,
    pub(super) destination_id: &'a [u8],
    /// All of the header, up to the packet number where that is protected.
    pub(super) bytes: &'a [u8],
    /// What is behind it and belongs to the packet.
    pub(super) payload: &'a [u8],
    /// The packets behind it.
    pub(super) rest: &'a [u8],
}

const LONG: u8 = 0x80;
const FIXED: u8 = 0x40;
/// The bits of the public header of Google's versions.
const PUBLIC_VERSION: u8 = 0x01;
const PUBLIC_NONCE: u8 = 0x04;
const PUBLIC_CONNECTION_ID: u8 = 0x08;
/// The hash that stands before the frames of packets that are not encrypted.
const GOOGLE_HASH_BYTES: usize = 12;
const GOOGLE_NONCE_BYTES: usize = 32;
const GOOGLE_CONNECTION_ID_BYTES: usize = 8;
const GOOGLE_PACKET_NUMBER_BYTES: usize = 4;

/// Whether these bytes begin as a packet does. A short header has nothing to tell it by, so this holds for much; it is for
/// ports where QUIC is expected.
pub(in crate::app_layer) fn is_quic(datagram: &[u8]) -> bool {
    Header::parse(datagram).is_some()
}

impl<'a> Header<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        if first & LONG != 0 {
            return Self::long(first, bytes, reader);
        }
        if first & FIXED == 0 {
            return Self::public(first, bytes, reader);
        }
        Some(Self::short(bytes))
    }

    fn short(bytes: &'a [u8]) -> Self {
        Self {
            kind: PacketKind::Short,
            version: Version::default(),
            is_long: false,
            destination_id: &[],
            bytes,
            payload: &[],
            rest: &[],
        }
    }

    /// The header of Google's versions up to Q043. As in the reference a nonce is there only without a connection id, and the
    /// hash only with one.
    fn public(first: u8, bytes: &'a [u8], mut reader: Reader<'a>) -> Option<Self> {
        let has_connection_id = first & PUBLIC_CONNECTION_ID != 0;
        let destination_id = if has_connection_id {
            reader.take(GOOGLE_CONNECTION_ID_BYTES)?
        } else {
            &[]
        };
        let version = if first & PUBLIC_VERSION == 0 {
            None
        } else {
            Some(Version(reader.u32()?))
        };
        if first & PUBLIC_NONCE != 0 && !has_connection_id {
            reader.take(GOOGLE_NONCE_BYTES)?;
        }
        reader.take(usize::from((first >> 4) & 3) + 1)?;
        if has_connection_id {
            reader.take(GOOGLE_HASH_BYTES)?;
        }
        let Some(version) = version else {
            return Some(Self::short(bytes));
        };
        let whole = (version, destination_id);
        Self::of_all_that_is_left(PacketKind::Initial, whole, bytes, reader)
    }

    /// RFC 9000, section 17.2.
    fn long(first: u8, bytes: &'a [u8], mut reader: Reader<'a>) -> Option<Self> {
        let version = Version(reader.u32()?);
        let layout = version.layout();
        let kind = kind(first, version)?;
        let destination_id = match layout {
            Layout::Ietf | Layout::Version2 => {
                let destination_id = reader.prefixed_u8()?;
                reader.prefixed_u8()?;
                destination_id
            }
            Layout::GoogleTyped | Layout::Google46 => {
                let lengths = reader.u8()?;
                let length = |nibble: u8| match nibble {
                    0 => 0,
                    nibble => usize::from(nibble) + 3,
                };
                let destination_id = reader.take(length(lengths >> 4))?;
                reader.take(length(lengths & 0x0f))?;
                if kind == PacketKind::Initial {
                    reader.take(GOOGLE_PACKET_NUMBER_BYTES + GOOGLE_HASH_BYTES)?;
                }
                destination_id
            }
        };
        let whole = (version, destination_id);
        let is_google = matches!(layout, Layout::GoogleTyped | Layout::Google46);
        if is_google || version.is_negotiation() || kind == PacketKind::Retry {
            return Self::of_all_that_is_left(kind, whole, bytes, reader);
        }
        if kind == PacketKind::Initial {
            let token_bytes = usize::try_from(variable_length(&mut reader)?).ok()?;
            reader.take(token_bytes)?;
        }
        let length = usize::try_from(variable_length(&mut reader)?).ok()?;
        let header_bytes = reader.position();
        let payload = reader.take(length)?;
        Some(Self {
            kind,
            version,
            is_long: first_is_long(bytes),
            destination_id,
            bytes: bytes.get(..header_bytes)?,
            payload,
            rest: reader.rest(),
        })
    }

    fn of_all_that_is_left(
        kind: PacketKind,
        (version, destination_id): (Version, &'a [u8]),
        bytes: &'a [u8],
        reader: Reader<'a>,
    ) -> Option<Self> {
        Some(Self {
            kind,
            version,
            is_long: first_is_long(bytes),
            destination_id,
            bytes: bytes.get(..reader.position())?,
            payload: reader.rest(),
            rest: &[],
        })
    }
}

fn first_is_long(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & LONG != 0)
}

/// The type that the first byte of a long header gives.
fn kind(first: u8, version: Version) -> Option<PacketKind> {
    use PacketKind::{Initial, Other, Retry};
    if version.is_negotiation() {
        return Some(Other);
    }
    let by_type = |kinds: [PacketKind; 4]| kinds[usize::from((first >> 4) & 3)];
    Some(match version.layout() {
        Layout::Ietf | Layout::Google46 => by_type([Initial, Other, Other, Retry]),
        Layout::Version2 => by_type([Retry, Initial, Other, Other]),
        Layout::GoogleTyped => match first & !LONG {
            0x7f => Initial,
            0x7e => Retry,
            0x7d | 0x7c => Other,
            _ => return None,
        },
    })
}

/// An integer that says its own length (RFC 9000, section 16).
pub(super) fn variable_length(reader: &mut Reader<'_>) -> Option<u64> {
    let first = reader.u8()?;
    let further = (1_usize << (first >> 6)) - 1;
    let bytes = reader.take(further)?;
    Some(bytes.iter().fold(u64::from(first & 0x3f), |number, &byte| {
        (number << 8) | u64::from(byte)
    }))
}
