//! The parser of one flow's datagrams, and the transaction each message is.

use lapwing_rules::model::{AppProtocol, Buffer, Frame};

use super::message::{self, FirstLine, Flaw, Message};
use crate::{
    app_layer::{
        BufferView, FactKind, Feed, FrameLog, Parser, Transaction, TransactionField,
        TransactionStore,
        transactions::{Events, Transactions},
    },
    direction::Direction,
};

/// Ends lines and the header block.
const LINE_END: &[u8] = b"\r\n";

/// SIP of one flow.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct SipParser {
    transactions: Transactions<SipTransaction>,
    frames: FrameLog,
}

#[derive(Debug)]
struct SipTransaction {
    direction: Direction,
    message: Message,
    /// Events noticed in it or behind it.
    events: Events,
    steps: u32,
}

impl SipParser {
    /// A flaw belongs to no message: it is told with the newest one.
    fn event(&mut self, name: &'static str) {
        if let Some(newest) = self.transactions.newest_mut() {
            newest.events.add(name);
            newest.steps += 1;
        }
    }

    fn report_frames(&mut self, direction: Direction, bytes: &[u8], message: &Message) {
        let (line, headers, body) = match direction {
            Direction::ToServer => (
                Frame::SipRequestLine,
                Frame::SipRequestHeaders,
                Frame::SipRequestBody,
            ),
            Direction::ToClient => (
                Frame::SipResponseLine,
                Frame::SipResponseHeaders,
                Frame::SipResponseBody,
            ),
        };
        let line_bytes = message.line.len() + LINE_END.len();
        let (first, behind) = bytes.split_at_checked(line_bytes).unwrap_or((bytes, &[]));
        self.frames.open(direction, line, bytes, Some(first.len()));
        self.frames
            .open(direction, headers, behind, Some(message.headers_bytes));
        let text = behind
            .get(message.headers_bytes + LINE_END.len()..)
            .unwrap_or_default();
        if !text.is_empty() {
            self.frames.open(direction, body, text, Some(text.len()));
        }
    }
}

impl Parser for SipParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Sip
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if bytes.is_empty() {
            return Feed::More;
        }
        self.frames
            .open(direction, Frame::SipPdu, bytes, Some(bytes.len()));
        let read = match direction {
            Direction::ToServer => message::request(bytes),
            Direction::ToClient => message::response(bytes),
        };
        // A datagram that is none says nothing of the next one, as in the reference.
        match read {
            Ok(message) => {
                self.report_frames(direction, bytes, &message);
                self.transactions.push(SipTransaction {
                    direction,
                    message,
                    events: Events::default(),
                    steps: 1,
                });
            }
            Err(Flaw::Incomplete) => self.event("incomplete_data"),
            Err(Flaw::Invalid) => self.event("invalid_data"),
        }
        Feed::More
    }

    fn gap(&mut self, _: Direction, _: u64) -> Feed {
        Feed::Stop
    }

    fn end(&mut self, _: Direction) {}

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn frames(&self) -> Option<&FrameLog> {
        Some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        Some(&mut self.frames)
    }

    fn held_bytes(&self) -> usize {
        let held = |one: &SipTransaction| {
            let message = match &one.message.first {
                FirstLine::Request {
                    method,
                    uri,
                    version,
                } => method.capacity() + uri.capacity() + version.capacity(),
                FirstLine::Response {
                    version,
                    code,
                    reason,
                } => version.capacity() + code.capacity() + reason.capacity(),
            };
            size_of::<SipTransaction>() + one.message.line.capacity() + message
        };
        size_of::<Self>() + self.transactions.iter().map(held).sum::<usize>()
    }
}

impl Transaction for SipTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if index > 0 || direction != self.direction {
            return BufferView::Absent;
        }
        let value = match (buffer, &self.message.first) {
            (Buffer::SipMethod, FirstLine::Request { method, .. }) => method,
            (Buffer::SipUri, FirstLine::Request { uri, .. }) => uri,
            (
                Buffer::SipProtocol,
                FirstLine::Request { version, .. } | FirstLine::Response { version, .. },
            ) => version,
            (Buffer::SipStatusCode, FirstLine::Response { code, .. }) => code,
            (Buffer::SipStatusMessage, FirstLine::Response { reason, .. }) => reason,
            (Buffer::SipRequestLine, FirstLine::Request { .. })
            | (Buffer::SipResponseLine, FirstLine::Response { .. }) => &self.message.line,
            _ => return BufferView::Absent,
        };
        BufferView::Complete(value)
    }

    fn field(&self, _: TransactionField, _: Direction, _: usize) -> Option<u64> {
        None
    }

    fn progress(&self, _: Direction) -> u32 {
        self.steps
    }

    fn is_complete(&self, _: Direction) -> bool {
        true
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, _: &mut Vec<(FactKind, Vec<u8>)>) {}
}
