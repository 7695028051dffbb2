//! Frames: the header of each (RFC 9113, section 4.1) and what their payloads say (section 6).

use crate::app_layer::reader::Reader;

/// Bytes of a frame header.
pub(super) const FRAME_HEADER_BYTES: usize = 9;
/// What a client sends first (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types (section 6).
pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const PRIORITY: u8 = 2;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const SETTINGS: u8 = 4;
    pub(in super::super) const PUSH_PROMISE: u8 = 5;
    pub(in super::super) const GOAWAY: u8 = 7;
    pub(in super::super) const WINDOW_UPDATE: u8 = 8;
    pub(in super::super) const CONTINUATION: u8 = 9;
}

/// Frame flags (section 6).
mod flag {
    pub(super) const END_STREAM: u8 = 0x01;
    pub(super) const END_HEADERS: u8 = 0x04;
    pub(super) const PADDED: u8 = 0x08;
    pub(super) const PRIORITY: u8 = 0x20;
}

/// The nine bytes before each payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) payload_bytes: usize,
    pub(super) kind: u8,
    flags: u8,
    /// 0 for the connection as a whole.
    pub(super) stream: u32,
}

impl FrameHeader {
    /// Reads a header; `None` asks for more bytes.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let payload_bytes = usize::try_from(reader.u24()?).ok()?;
        let kind = reader.u8()?;
        let flags = reader.u8()?;
        let stream = reader.u32()?;
        Some(Self {
            payload_bytes,
            kind,
            flags,
            stream: stream & 0x7fff_ffff,
        })
    }

    pub(super) fn ends_stream(&self) -> bool {
        matches!(self.kind, kind::DATA | kind::HEADERS) && self.flags & flag::END_STREAM != 0
    }

    pub(super) fn ends_headers(&self) -> bool {
        self.flags & flag::END_HEADERS != 0
    }

    /// The payload without padding (section 6.1); `None` where the padding is longer than the payload.
    pub(super) fn unpadded<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        if self.flags & flag::PADDED == 0 {
            return Some(payload);
        }
        let (&padding, rest) = payload.split_first()?;
        rest.get(..rest.len().checked_sub(usize::from(padding))?)
    }

    /// The weight in front of a header block, and the block behind it (section 6.2).
    pub(super) fn split_priority<'a>(&self, payload: &'a [u8]) -> Option<(Option<u8>, &'a [u8])> {
        if self.flags & flag::PRIORITY == 0 {
            return Some((None, payload));
        }
        let (priority, block) = payload.split_at_checked(PRIORITY_BYTES)?;
        Some((weight(priority), block))
    }
}

/// Payload of a PRIORITY frame: dependency and weight.
pub(super) const PRIORITY_BYTES: usize = 5;

/// The weight of a priority as sent, one less than what it means.
pub(super) fn weight(priority: &[u8]) -> Option<u8> {
    priority.get(4).copied()
}

/// A four-byte number from the front, without the reserved bit.
pub(super) fn number_of_31_bits(payload: &[u8]) -> Option<u32> {
    Some(Reader::new(payload).u32()? & 0x7fff_ffff)
}

/// A four-byte error code from the front.
pub(super) fn error_code(payload: &[u8]) -> Option<u32> {
    Reader::new(payload).u32()
}

/// Bytes of one setting.
pub(super) const SETTING_BYTES: usize = 6;

/// Identifier and value of each setting (section 6.5.1).
pub(super) fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    let (settings, _) = payload.as_chunks::<SETTING_BYTES>();
    settings.iter().map(|[id_high, id_low, value @ ..]| {
        (
            u16::from_be_bytes([*id_high, *id_low]),
            u32::from_be_bytes(*value),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_taken_off_only_where_it_fits() {
        let header = |flags| FrameHeader::parse(&[0, 0, 5, 0, flags, 0, 0, 0, 1]).unwrap();
        assert_eq!(header(0).unpadded(b"\x02abcd"), Some(&b"\x02abcd"[..]));
        assert_eq!(header(8).unpadded(b"\x02abcd"), Some(&b"ab"[..]));
        assert_eq!(header(8).unpadded(b"\x05abcd"), None);
        assert_eq!(header(8).unpadded(b""), None);
    }

    #[test]
    fn settings_are_pairs_and_a_rest_is_passed_over() {
        let read: Vec<_> = settings(&[0, 3, 0, 0, 0, 100, 0, 4]).collect();
        assert_eq!(read, [(3, 100)]);
    }
}
