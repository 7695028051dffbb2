//! Frames one after the other, and the messages they carry.

use lapwing_rules::model::AppProtocol;

use super::{
    frame::{FrameHeader, WebsocketFrame},
    inflate::Inflater,
};
use crate::{
    app_layer::{
        Feed, limits,
        messages::{Cut, MessageProtocol, OneMessage},
        transactions::Transactions,
    },
    direction::Direction,
};

/// One direction of a connection.
#[derive(Debug, Default)]
struct Side {
    /// Payload of the frames of a message that is not complete, and whether it is compressed.
    message: Vec<u8>,
    is_open: bool,
    is_compressed: bool,
    inflater: Inflater,
}

/// WebSocket of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct WebsocketProtocol {
    sides: [Side; 2],
}

impl MessageProtocol for WebsocketProtocol {
    type Transaction = OneMessage<WebsocketFrame>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Websocket
    }

    fn cut(&mut self, _: Direction, bytes: &[u8]) -> Cut {
        let Some(header) = FrameHeader::read(bytes) else {
            return Cut::More;
        };
        let payload_bytes = usize::try_from(header.payload_bytes).unwrap_or(usize::MAX);
        let frame_bytes = header.header_bytes.saturating_add(payload_bytes);
        let kept_bytes = header.header_bytes + limits::WEBSOCKET_PAYLOAD_BYTES_MAX;
        if frame_bytes <= bytes.len() && frame_bytes <= kept_bytes {
            Cut::Message(frame_bytes)
        } else if bytes.len() >= kept_bytes {
            Cut::Long(frame_bytes)
        } else {
            Cut::More
        }
    }

    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let Some(header) = FrameHeader::read(message) else {
            return Feed::Stop;
        };
        let sent = message.get(header.header_bytes..).unwrap_or_default();
        let mut events = heapless::Vec::<&'static str, 2>::new();
        if header.payload_bytes
            > u64::try_from(limits::WEBSOCKET_PAYLOAD_BYTES_MAX).unwrap_or(u64::MAX)
        {
            events.push("skip_end_of_payload").ok();
        }
        let mut payload = sent[..sent.len().min(limits::WEBSOCKET_PAYLOAD_BYTES_MAX)].to_vec();
        if let Some(mask) = header.mask {
            for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
                *byte ^= mask;
            }
        }
        let side = &mut self.sides[direction.index()];
        let (payload, is_cut) = side.take(header, payload);
        if is_cut {
            events.push("reassembly_limit_reached").ok();
        }
        let mut transaction = OneMessage::new(direction, WebsocketFrame { header, payload });
        for event in events {
            transaction.events.add(event);
        }
        transactions.push(transaction);
        Feed::More
    }

    fn held_bytes(&self) -> usize {
        let sides = self.sides.iter();
        sides
            .map(|side| side.message.capacity() + side.inflater.held_bytes())
            .sum()
    }
}

impl Side {
    /// What rules see of a frame: its own payload, or of the last one of a message all of the message. Also whether something of the
    /// message was left out.
    fn take(&mut self, header: FrameHeader, payload: Vec<u8>) -> (Vec<u8>, bool) {
        if header.is_control() {
            return (payload, false);
        }
        if !self.is_open {
            self.is_compressed = header.is_compressed();
        }
        let fits = self.message.len() + payload.len() <= limits::WEBSOCKET_PAYLOAD_BYTES_MAX;
        if !header.is_final() {
            self.is_open = true;
            if fits {
                self.message.extend_from_slice(&payload);
            }
            return (payload, !fits);
        }
        let mut whole = std::mem::take(&mut self.message);
        self.is_open = false;
        if fits {
            whole.extend_from_slice(&payload);
        }
        if self.is_compressed
            && let Some(plain) = self.inflater.message(&whole)
        {
            whole = plain;
        }
        (whole, !fits)
    }
}
