//! Connection-oriented protocol data units (C706, chapter 12.6), tolerant.

use super::interfaces::AcceptedInterface;
use crate::app_layer::{limits, reader::Reader};

/// Bytes of the common header.
pub(in crate::app_layer) const HEADER_BYTES: usize = 16;

const FIRST_FRAGMENT: u8 = 0x01;
const LAST_FRAGMENT: u8 = 0x02;

/// One fragment's header and the bytes behind it.
#[derive(Clone, Copy, Debug)]
pub(in crate::app_layer) struct Pdu<'a> {
    pub(in crate::app_layer) kind: PduKind,
    pub(in crate::app_layer) little_endian: bool,
    pub(in crate::app_layer) is_first: bool,
    pub(in crate::app_layer) is_last: bool,
    pub(in crate::app_layer) call: u32,
    body: &'a [u8],
}

/// What a unit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app_layer) enum PduKind {
    Request,
    Response,
    /// `bind` or `alter_context`
    Bind,
    /// Their answers.
    BindAnswer,
    /// Faults, authentication in a third leg and what else there is.
    Other,
}

/// What stands before the arguments of a request.
#[derive(Clone, Copy, Debug)]
pub(in crate::app_layer) struct Request<'a> {
    pub(in crate::app_layer) context: u16,
    pub(in crate::app_layer) operation: u16,
    pub(in crate::app_layer) stub: &'a [u8],
}

/// Length of the whole fragment, once its header is there.
pub(in crate::app_layer) fn fragment_length(bytes: &[u8]) -> Option<usize> {
    let header = bytes.get(..HEADER_BYTES)?;
    let little_endian = header[4] & 0x10 != 0;
    Some(usize::from(u16_at(header, 8, little_endian)?))
}

fn u16_at(bytes: &[u8], at: usize, little_endian: bool) -> Option<u16> {
    let two = <[u8; 2]>::try_from(bytes.get(at..at + 2)?).ok()?;
    Some(if little_endian {
        u16::from_le_bytes(two)
    } else {
        u16::from_be_bytes(two)
    })
}

impl<'a> Pdu<'a> {
    /// Reads a whole fragment, or what there is of it; `None` where it is none of version 5.
    pub(in crate::app_layer) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        if header[0] != 5 {
            return None;
        }
        let little_endian = header[4] & 0x10 != 0;
        let length = fragment_length(bytes)?.max(HEADER_BYTES).min(bytes.len());
        let call = <[u8; 4]>::try_from(&header[12..16]).ok()?;
        Some(Self {
            kind: match header[2] {
                0 => PduKind::Request,
                2 => PduKind::Response,
                11 | 14 => PduKind::Bind,
                12 | 15 => PduKind::BindAnswer,
                _ => PduKind::Other,
            },
            little_endian,
            is_first: header[3] & FIRST_FRAGMENT != 0,
            is_last: header[3] & LAST_FRAGMENT != 0,
            call: if little_endian {
                u32::from_le_bytes(call)
            } else {
                u32::from_be_bytes(call)
            },
            body: &bytes[HEADER_BYTES..length],
        })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        u16_at(self.body, at, self.little_endian)
    }

    /// Context, operation and arguments of a request.
    pub(in crate::app_layer) fn request(&self) -> Option<Request<'a>> {
        Some(Request {
            context: self.u16(4)?,
            operation: self.u16(6)?,
            stub: self.body.get(8..)?,
        })
    }

    /// The results of a response, with the hint, context and cancel count before them, as rules of the reference see them.
    pub(in crate::app_layer) fn results_with_prefix(&self) -> &'a [u8] {
        self.body
    }

    /// The results of a response without what stands before them, as rules of the reference see them over named pipes.
    pub(in crate::app_layer) fn results_alone(&self) -> &'a [u8] {
        self.body.get(8..).unwrap_or_default()
    }

    /// The interfaces that a bind offers (C706, 12.6.4.3): per context its number, the count of transfer syntaxes,
    /// the interface and its version.
    pub(in crate::app_layer) fn offers(&self) -> Option<Vec<AcceptedInterface>> {
        let count = usize::from(*self.body.get(8)?).min(limits::DCERPC_CONTEXTS_MAX);
        let mut reader = Reader::at(self.body, 12);
        let mut offers = Vec::with_capacity(count);
        for _ in 0..count {
            let Some(item) = reader.take(24) else { break };
            let (Some(context), Some(version)) = (
                u16_at(item, 0, self.little_endian),
                u16_at(item, 20, self.little_endian),
            ) else {
                break;
            };
            let syntaxes = usize::from(item[2]);
            offers.push(AcceptedInterface {
                uuid: self.uuid(&item[4..20])?,
                version,
                context,
                bound_in_first_fragment: self.is_first,
            });
            if reader.take(20 * syntaxes).is_none() {
                break;
            }
        }
        Some(offers)
    }

    /// In the order in which people write it, whatever the byte order on the wire.
    fn uuid(&self, wire: &[u8]) -> Option<[u8; 16]> {
        let mut uuid = <[u8; 16]>::try_from(wire).ok()?;
        if self.little_endian {
            uuid[..4].reverse();
            uuid[4..6].reverse();
            uuid[6..8].reverse();
        }
        Some(uuid)
    }

    /// The server's results for each offer (C706, 12.6.4.4), behind the secondary address and its padding.
    pub(in crate::app_layer) fn results(&self) -> Option<Vec<u16>> {
        let address_length = usize::from(self.u16(8)?);
        let behind_address = (10 + address_length).next_multiple_of(4);
        let count = usize::from(*self.body.get(behind_address)?).min(limits::DCERPC_CONTEXTS_MAX);
        let first = behind_address + 4;
        Some(
            (0..count)
                .map_while(|index| self.u16(first + 24 * index))
                .collect(),
        )
    }
}
