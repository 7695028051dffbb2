//! The shape of protocols that are messages one after the other: cutting them out of a stream, the bookkeeping of
//! transactions and every bound are here once; a protocol says where a message ends and what it means.
//!
//! A datagram is one message. Of a stream, bytes of a message that is not complete are kept, never more than the protocol's
//! longest message; where the next message begins is lost with a gap.

use std::{fmt, ops::Range};

use lapwing_rules::model::{AppProtocol, Buffer, Frame, PacketCondition};

use super::{
    BufferView, FactKind, Feed, FrameLog, Parser, Transaction, TransactionField, TransactionStore,
    Transport,
    transactions::{Events, Transactions},
};
use crate::direction::Direction;

/// How the bytes at the front of a stream stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Not enough to tell where the message ends, or not all of it.
    More,
    /// A message of so many bytes, its framing included.
    Message(usize),
    /// A message of so many bytes, too long to be kept: the bytes of it that are there are handed on, and the rest of it is
    /// passed over.
    Long(usize),
    /// No message of this protocol: nothing more of this direction is understood.
    Lost,
    /// The same, and the reference gives up the whole flow.
    Failed,
}

/// Frames of one message: kind and place within it.
pub(super) type MessageFrames = heapless::Vec<(Frame, Range<usize>), 4>;

/// What is particular to a protocol of messages.
pub(super) trait MessageProtocol: fmt::Debug + Send {
    /// What it makes of messages.
    type Transaction: HeldTransaction;

    /// Whether it reports frames.
    const HAS_FRAMES: bool = false;

    /// Which protocol it is.
    fn protocol(&self) -> AppProtocol;

    /// Where the first message of a stream ends, at most at the protocol's longest message. A protocol of datagrams only
    /// understands no stream.
    fn cut(&mut self, _: Direction, _: &[u8]) -> Cut {
        Cut::Lost
    }

    /// Takes a message: as [`Self::cut`] measured it, or a datagram. [`Feed::Stop`] ends both directions of a stream, and
    /// [`Feed::Upgrade`] hands it over; datagrams go on.
    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed;

    /// The frames of a message as [`Self::cut`] measured it, the whole before its parts.
    fn frames(&self, _message: &[u8]) -> MessageFrames {
        MessageFrames::new()
    }

    /// Bytes it holds beside itself and the transactions.
    fn held_bytes(&self) -> usize {
        0
    }
}

/// A transaction that tells what it holds.
pub(super) trait HeldTransaction: Transaction + fmt::Debug + Send {
    /// Nothing more comes in a direction.
    fn finish(&mut self, _direction: Direction) {}

    /// Bytes held, the transaction itself included.
    fn held_bytes(&self) -> usize;
}

/// The parser of a protocol of messages.
#[derive(Debug)]
pub(super) struct MessageParser<P: MessageProtocol> {
    protocol: P,
    transport: Transport,
    transactions: Transactions<P::Transaction>,
    /// Streams: bytes of a message that is not complete, per direction.
    pending: [Vec<u8>; 2],
    /// Streams: bytes of a message too long to be kept that are still to come, per direction.
    left_to_pass: [usize; 2],
    /// Streams: bytes were lost, and what comes behind them is not understood, per direction.
    has_gap: [bool; 2],
    is_lost: [bool; 2],
    /// The connection was handed over: what is pending belongs to the next protocol.
    is_handed_over: bool,
    /// The flow was given up.
    is_failed: bool,
    frames: FrameLog,
}

impl<P: MessageProtocol> MessageParser<P> {
    pub(super) fn new(protocol: P, transport: Transport) -> Self {
        Self {
            protocol,
            transport,
            transactions: Transactions::default(),
            pending: Default::default(),
            left_to_pass: [0; 2],
            has_gap: [false; 2],
            is_lost: [false; 2],
            is_handed_over: false,
            is_failed: false,
            frames: FrameLog::default(),
        }
    }

    fn message(&mut self, direction: Direction, message: &[u8]) {
        let feed = self
            .protocol
            .message(direction, message, &mut self.transactions);
        if self.transport != Transport::Tcp {
            return;
        }
        match feed {
            Feed::Stop => {
                self.is_lost = [true; 2];
                self.frames.clear(direction);
            }
            Feed::Upgrade => self.is_handed_over = true,
            Feed::More | Feed::Fail => {}
        }
    }

    /// Reports the frames of a message; `rest` runs from its first byte to the last one that was fed, `fed_bytes` of it now.
    fn report_frames(
        &mut self,
        direction: Direction,
        rest: &[u8],
        message_bytes: usize,
        fed_bytes: usize,
    ) {
        if !P::HAS_FRAMES || !self.frames.is_wanted() {
            return;
        }
        for (frame, place) in self.protocol.frames(&rest[..message_bytes.min(rest.len())]) {
            let of_frame = rest.get(place.start..).unwrap_or_default();
            let held_bytes = of_frame.len().saturating_sub(fed_bytes);
            let parts = of_frame.split_at(held_bytes);
            self.frames
                .open_with_held(direction, frame, parts, Some(place.len()));
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8]) {
        let side = direction.index();
        let passed = self.left_to_pass[side].min(bytes.len());
        self.left_to_pass[side] -= passed;
        let bytes = &bytes[passed..];
        if bytes.is_empty() {
            return;
        }
        let mut held = std::mem::take(&mut self.pending[side]);
        held.extend_from_slice(bytes);
        let mut at = 0;
        while !self.is_lost[side] && !self.is_handed_over && at < held.len() {
            let rest = &held[at..];
            match self.protocol.cut(direction, rest) {
                Cut::Message(length) if length > 0 && length <= rest.len() => {
                    self.report_frames(direction, rest, length, bytes.len());
                    self.message(direction, &rest[..length]);
                    at += length;
                }
                Cut::Long(length) if length > 0 => {
                    let there = length.min(rest.len());
                    self.report_frames(direction, rest, length, bytes.len());
                    self.message(direction, &rest[..there]);
                    self.left_to_pass[side] = length - there;
                    at += there;
                }
                Cut::Message(0) | Cut::Long(_) | Cut::Lost => self.is_lost[side] = true,
                Cut::Failed => {
                    self.is_lost = [true; 2];
                    self.is_failed = true;
                }
                Cut::Message(_) | Cut::More => break,
            }
        }
        if !self.is_lost[side] {
            held.drain(..at);
            self.pending[side] = held;
        }
    }
}

impl<P: MessageProtocol> Parser for MessageParser<P> {
    fn protocol(&self) -> AppProtocol {
        self.protocol.protocol()
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if self.has_gap[direction.index()] && !bytes.is_empty() {
            // As in the reference, what the other side goes on to say is not read either.
            self.is_lost = [true; 2];
        }
        if !self.is_lost[direction.index()] && !bytes.is_empty() {
            match self.transport {
                Transport::Udp => self.message(direction, bytes),
                Transport::Tcp => self.stream(direction, bytes),
            }
        }
        if self.is_failed {
            Feed::Fail
        } else if self.is_lost[direction.index()] {
            Feed::Stop
        } else if self.is_handed_over {
            Feed::Upgrade
        } else {
            Feed::More
        }
    }

    fn gap(&mut self, direction: Direction, _: u64) -> Feed {
        self.has_gap[direction.index()] = true;
        self.pending[direction.index()] = Vec::new();
        self.frames.clear(direction);
        Feed::More
    }

    fn end(&mut self, direction: Direction) {
        self.pending[direction.index()] = Vec::new();
        for transaction in self.transactions.iter_mut() {
            transaction.finish(direction);
        }
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn take_unread(&mut self, direction: Direction) -> Vec<u8> {
        std::mem::take(&mut self.pending[direction.index()])
    }

    fn frames(&self) -> Option<&FrameLog> {
        P::HAS_FRAMES.then_some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        P::HAS_FRAMES.then_some(&mut self.frames)
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self.protocol.held_bytes()
            + self.pending.iter().map(Vec::capacity).sum::<usize>()
            + self
                .transactions
                .iter()
                .map(HeldTransaction::held_bytes)
                .sum::<usize>()
    }
}

/// What rules may ask of one message.
pub(super) trait Message: fmt::Debug + Send {
    /// A buffer; `index` counts instances.
    fn buffer(&self, _buffer: Buffer, _index: usize) -> Option<&[u8]> {
        None
    }

    /// A number; `index` counts values.
    fn field(&self, _field: TransactionField, _index: usize) -> Option<u64> {
        None
    }

    /// Whether a condition of its protocol holds, that is more than one number.
    fn holds(&self, _condition: &PacketCondition<'_>) -> bool {
        false
    }

    /// Facts worth telling with an alert, appended to `facts`.
    fn facts(&self, _facts: &mut Vec<(FactKind, Vec<u8>)>) {}

    /// Bytes held beside the message itself.
    fn held_bytes(&self) -> usize {
        0
    }
}

/// A transaction that is one message, complete when it comes.
#[derive(Debug)]
pub(super) struct OneMessage<M> {
    /// The direction that rules ask; both where there is none.
    only: Option<Direction>,
    pub(super) message: M,
    pub(super) events: Events,
}

impl<M> OneMessage<M> {
    /// One that exists in its own direction only.
    pub(super) fn new(direction: Direction, message: M) -> Self {
        Self {
            only: Some(direction),
            message,
            events: Events::default(),
        }
    }

    /// One that rules ask in both directions.
    pub(super) fn of_both(message: M) -> Self {
        Self {
            only: None,
            message,
            events: Events::default(),
        }
    }

    fn is_in(&self, direction: Direction) -> bool {
        self.only.is_none_or(|only| only == direction)
    }
}

impl<M: Message> Transaction for OneMessage<M> {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        Some(&self.message)
            .filter(|_| self.is_in(direction))
            .and_then(|message| message.buffer(buffer, index))
            .map_or(BufferView::Absent, BufferView::Complete)
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        self.is_in(direction)
            .then(|| self.message.field(field, index))
            .flatten()
    }

    fn holds(&self, condition: &PacketCondition<'_>, direction: Direction) -> bool {
        self.is_in(direction) && self.message.holds(condition)
    }

    fn only_direction(&self) -> Option<Direction> {
        self.only
    }

    fn progress(&self, _: Direction) -> u32 {
        1
    }

    fn is_complete(&self, _: Direction) -> bool {
        true
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        self.message.facts(facts);
    }
}

impl<M: Message> HeldTransaction for OneMessage<M> {
    fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.message.held_bytes()
    }
}
