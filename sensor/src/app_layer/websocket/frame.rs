//! A frame's header (RFC 6455, section 5.2), and what rules ask of one frame.

use lapwing_rules::model::{Buffer, HeaderField};

use crate::app_layer::{TransactionField, messages, reader::Reader};

const FIN: u8 = 0x80;
const COMPRESSED: u8 = 0x40;
const MASKED: u8 = 0x80;

/// A header, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    first: u8,
    pub(super) mask: Option<[u8; 4]>,
    pub(super) header_bytes: usize,
    pub(super) payload_bytes: u64,
}

impl FrameHeader {
    /// Reads a header; `None` where it is not complete.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        let second = reader.u8()?;
        let payload_bytes = match second & !MASKED {
            126 => u64::from(reader.u16()?),
            127 => u64::from(reader.u32()?) << 32 | u64::from(reader.u32()?),
            length => u64::from(length),
        };
        let mask = if second & MASKED == 0 {
            None
        } else {
            Some(reader.u32()?.to_be_bytes())
        };
        Some(Self {
            first,
            mask,
            header_bytes: reader.position(),
            payload_bytes,
        })
    }

    pub(super) fn opcode(self) -> u8 {
        self.first & 0x0f
    }

    /// Whether it is the last frame of its message.
    pub(super) fn is_final(self) -> bool {
        self.first & FIN != 0
    }

    pub(super) fn is_compressed(self) -> bool {
        self.first & COMPRESSED != 0
    }

    /// Whether it is a frame between those of a message: close, ping, pong.
    pub(super) fn is_control(self) -> bool {
        self.opcode() & 8 != 0
    }
}

/// One frame.
#[derive(Debug)]
pub(in crate::app_layer) struct WebsocketFrame {
    pub(super) header: FrameHeader,
    pub(super) payload: Vec<u8>,
}

impl messages::Message for WebsocketFrame {
    fn buffer(&self, buffer: Buffer, index: usize) -> Option<&[u8]> {
        (buffer == Buffer::WebsocketPayload && index == 0).then_some(&self.payload)
    }

    fn field(&self, field: TransactionField, index: usize) -> Option<u64> {
        match field {
            _ if index > 0 => None,
            HeaderField::WebsocketFlags => Some(u64::from(self.header.first & 0xf0)),
            HeaderField::WebsocketOpcode => Some(u64::from(self.header.opcode())),
            HeaderField::WebsocketMask => self
                .header
                .mask
                .map(|mask| u64::from(u32::from_be_bytes(mask))),
            _ => None,
        }
    }

    fn held_bytes(&self) -> usize {
        self.payload.capacity()
    }
}
