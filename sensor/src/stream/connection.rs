//! One TCP connection: its state, its two sides, and who gets their bytes when.

use std::net::IpAddr;

use thin_vec::ThinVec;

use super::{
    StreamConsumer,
    buffer::{Next, ReassemblyBudget},
    handshake::SynAck,
    limits,
    overlap_policy::StreamPolicy,
    segment::{ACK, FIN, RST, SYN, Segment},
    settings::StreamSettings,
    side::Side,
};
use crate::{
    counters::StreamCounters,
    decode::{Packet, Transport},
    direction::Direction,
    flow::StreamWindow,
};

/// State of a connection as seen from the outside. The order matters: what stands behind [`TcpState::TimeWait`] will bring little more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcpState {
    /// A SYN.
    SynSent,
    /// A SYN/ACK for it.
    SynReceived,
    /// The handshake is done.
    Established,
    /// The server's FIN.
    FinWait1,
    /// The server's FIN is acknowledged.
    FinWait2,
    /// Both FINs, the last not yet acknowledged.
    TimeWait,
    /// Both FINs, the client's first.
    LastAck,
    /// The client's FIN.
    CloseWait,
    /// Both FINs at once.
    Closing,
    /// Over, or reset.
    Closed,
}

impl TcpState {
    /// Whether what is left is inspected at once, for little will follow.
    fn flushes(self) -> bool {
        self > Self::TimeWait
    }
}

/// Whether a SYN on a known pair of ends begins something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// It belongs to the flow that is there.
    No,
    /// The old flow is over; begin a new one.
    Yes,
}

/// What a connection borrows from its worker while it handles a packet.
pub struct Tools<'a> {
    /// Bytes that all streams may hold.
    pub budget: &'a mut ReassemblyBudget,
    /// Memory that is used again and again.
    pub scratch: &'a mut Vec<u8>,
    /// What is counted.
    pub counters: &'a mut StreamCounters,
}

/// Why a packet was refused; the event is already noted.
pub(super) struct Refused;

/// One connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) state: TcpState,
    /// By [`Direction::index`]: the client, the server.
    pub(super) sides: [Side; 2],
    /// The reference's settings take every host of IPv4 for a Windows, and others for a BSD.
    pub(super) hosts_are_windows: bool,
    /// Both SYNs had timestamps.
    pub(super) uses_timestamps: bool,
    /// The client offered window scaling.
    pub(super) client_scales: bool,
    /// Both sides sent a SYN (RFC 9293 section 3.5, simultaneous open).
    pub(super) is_four_way: bool,
    /// The server went on after the handshake, so it knows that it is done.
    pub(super) is_confirmed: bool,
    /// The client's SYN asked for fast open (RFC 7413).
    pub(super) is_fast_open: bool,
    /// An ACK with a wrong number was seen in the handshake: some systems would not reset now.
    pub(super) is_evasive: bool,
    /// A reset closed it.
    pub(super) is_reset: bool,
    /// Where it stood when it was closed: a reset that its sender goes on after is taken back.
    pub(super) state_before_reset: TcpState,
    /// Of the settings: connections of which only one side is seen are followed.
    pub(super) follows_one_side: bool,
    /// Its beginning was not seen.
    pub(super) is_midstream: bool,
    /// It was picked up at the answer to a SYN.
    pub(super) begins_with_syn_ack: bool,
    /// Picked up in the middle, and nothing of the other side was seen yet.
    pub(super) awaits_first_answer: bool,
    /// Only one side passes here.
    pub(super) is_one_sided: bool,
    /// Client and server changed places with the packet in hand.
    pub(super) is_reversed: bool,
    /// By [`Direction::index`]: the consumer was told that nothing more comes.
    pub(super) is_ended: [bool; 2],
    /// SYN/ACKs that differ from the first, at most [`limits::SYN_ACKS_MAX`]. Nearly no connection has any.
    pub(super) syn_acks: ThinVec<SynAck>,
    /// Sequence numbers and timestamps of SYNs that differ from the first, at most [`limits::SYNS_MAX`].
    pub(super) syns: ThinVec<(u32, u32)>,
}

impl Connection {
    /// A connection for its first packet, which is yet to be handed to [`Self::process`].
    #[must_use]
    pub fn new(client: IpAddr, server: IpAddr, settings: StreamSettings) -> Self {
        // Bytes of one side are put together as the other one would do it.
        let [client_side, server_side] = [server, client]
            .map(|reader| Side::new(StreamPolicy::of_host(reader), settings.depth_bytes));
        Self {
            state: TcpState::SynSent,
            sides: [client_side, server_side],
            hosts_are_windows: client.is_ipv4(),
            uses_timestamps: false,
            client_scales: false,
            is_four_way: false,
            is_confirmed: false,
            is_fast_open: false,
            is_evasive: false,
            is_reset: false,
            state_before_reset: TcpState::SynSent,
            follows_one_side: settings.async_oneside,
            is_midstream: false,
            begins_with_syn_ack: false,
            awaits_first_answer: false,
            is_one_sided: false,
            is_reversed: false,
            is_ended: [false; 2],
            syn_acks: ThinVec::new(),
            syns: ThinVec::new(),
        }
    }

    /// Whether a packet is the first of a connection.
    #[must_use]
    pub fn begins_with(packet: &Packet<'_>) -> bool {
        match &packet.transport {
            Transport::Tcp(tcp) => tcp.flags & (SYN | ACK | RST | FIN) == SYN,
            _ => false,
        }
    }

    /// Notes what is odd about a packet that belongs to no connection.
    pub fn without_session(packet: &mut Packet<'_>, counters: &mut StreamCounters) {
        let Transport::Tcp(tcp) = packet.transport else {
            return;
        };
        counters.packets_without_session += 1;
        if tcp.flags & ACK == 0 && tcp.acknowledgment != 0 {
            packet.event("stream.pkt_broken_ack");
        }
        if tcp.flags & RST != 0 {
            packet.event("stream.rst_but_no_session");
        } else if tcp.flags & FIN != 0 {
            packet.event("stream.fin_but_no_session");
        }
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> TcpState {
        self.state
    }

    /// Bytes of a direction so far, as `stream_size` counts them.
    #[must_use]
    pub fn stream_bytes(&self, direction: Direction) -> u64 {
        self.sides[direction.index()].sequence_bytes()
    }

    /// Whether a packet of these ends begins a new connection.
    #[must_use]
    pub fn reuse(&self, packet: &Packet<'_>, direction: Direction) -> Reuse {
        let Transport::Tcp(tcp) = &packet.transport else {
            return Reuse::No;
        };
        let is_retransmitted =
            direction == Direction::ToServer && tcp.sequence == self.sides[0].initial_sequence;
        if Self::begins_with(packet) && !is_retransmitted && self.state.flushes() {
            Reuse::Yes
        } else {
            Reuse::No
        }
    }

    /// Handles a packet: moves the state, takes its payload, and hands on what may be read now.
    pub fn process(
        &mut self,
        packet: &mut Packet<'_>,
        direction: Direction,
        consumer: &mut impl StreamConsumer,
        tools: &mut Tools<'_>,
    ) {
        let Transport::Tcp(tcp) = packet.transport else {
            return;
        };
        if tcp.flags & ACK == 0 && tcp.acknowledgment != 0 {
            packet.event("stream.pkt_broken_ack");
        }
        let segment = Segment::new(packet, &tcp, direction);
        let is_first = self.sides[0].next_sequence == self.sides[0].initial_sequence;
        self.is_reversed = false;
        let outcome = if is_first && Self::begins_with(packet) {
            self.begin(&segment, packet, tools)
        } else if is_first {
            self.pick_up(&segment, packet, tools);
            Ok(())
        } else if self.is_passed_over(&segment, packet) {
            Ok(())
        } else {
            self.in_state(&segment, packet, tools)
        };
        packet.sees_stream = outcome.is_ok() && self.state >= TcpState::Established;
        if outcome.is_err() {
            tools.counters.invalid_packets += 1;
        }
        for direction in self.due(&segment) {
            let direction = self.now(direction);
            let everything = self.state == TcpState::Closed && !self.is_reset;
            self.deliver(direction, everything, packet, consumer, tools);
            if self.state == TcpState::Closed {
                self.end(direction, consumer);
            }
        }
        for event in &packet.events {
            if event.starts_with("stream.") {
                tools.counters.event(event);
            }
        }
    }

    /// What a segment does in the state the connection is in.
    pub(super) fn in_state(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        match self.state {
            TcpState::SynSent => self.in_syn_sent(segment, packet, tools),
            TcpState::SynReceived => self.in_syn_received(segment, packet, tools),
            TcpState::Established => self.in_established(segment, packet, tools),
            TcpState::Closed => self.in_closed(segment, packet, tools),
            _ => self.in_closing(segment, packet, tools),
        }
    }

    /// The directions whose bytes are handed on with this segment. An ACK makes those of the other side known; what ends a
    /// side has its own looked at as well, and a reset nothing else. A SYN/ACK that takes fast-open bytes leaves them to what follows.
    fn due(&self, segment: &Segment<'_>) -> impl Iterator<Item = Direction> + use<> {
        let (own, other) = (segment.direction, segment.direction.opposite());
        let ends_late = segment.has(FIN) && self.state.flushes();
        let due = if segment.has(SYN) && !segment.has(FIN) {
            [None, None]
        } else if segment.has(RST) || (ends_late && !segment.has(ACK)) {
            [Some(own), None]
        } else if ends_late || self.state == TcpState::Closed {
            [Some(other), Some(own)]
        } else {
            [Some(other), None]
        };
        due.into_iter().flatten()
    }

    /// The flow is over: hands on everything that is left.
    pub fn finish(
        &mut self,
        packet: &mut Packet<'_>,
        consumer: &mut impl StreamConsumer,
        tools: &mut Tools<'_>,
    ) {
        self.is_reversed = false;
        for direction in Direction::BOTH {
            self.deliver(self.now(direction), true, packet, consumer, tools);
        }
        for direction in Direction::BOTH {
            self.end(direction, consumer);
        }
    }

    /// What a direction that was named before this packet is called now.
    fn now(&self, direction: Direction) -> Direction {
        if self.is_reversed {
            direction.opposite()
        } else {
            direction
        }
    }

    /// Whether its beginning was not seen.
    #[must_use]
    pub fn is_midstream(&self) -> bool {
        self.is_midstream
    }

    /// Whether client and server changed places with the packet in hand.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        self.is_reversed
    }

    fn end(&mut self, direction: Direction, consumer: &mut impl StreamConsumer) {
        if !std::mem::replace(&mut self.is_ended[direction.index()], true) {
            consumer.end(direction);
        }
    }

    /// Takes a segment's payload into the stream of its sender.
    pub(super) fn take(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) {
        let side = &mut self.sides[segment.direction.index()];
        if segment.has(FIN) {
            side.note_fin(segment.end());
        }
        if !segment.payload.is_empty() {
            packet.is_in_stream = side.insert(segment, packet, tools);
        }
    }

    /// Hands what may be read of a direction to the application layer.
    fn deliver(
        &mut self,
        mut direction: Direction,
        everything: bool,
        packet: &mut Packet<'_>,
        consumer: &mut impl StreamConsumer,
        tools: &mut Tools<'_>,
    ) {
        while !self.sides[direction.index()].app_stopped {
            let side = &mut self.sides[direction.index()];
            let (length, goes_on) = match side.next_for_app(everything) {
                Next::Bytes(bytes) => (bytes.len() as u64, consumer.bytes(direction, bytes)),
                // What was seen so far is too little to tell the protocol: the hole may still be filled.
                Next::Hole(_) if consumer.awaits_more(direction) => break,
                Next::Hole(missing) => {
                    packet.event("stream.reassembly_seq_gap");
                    tools.counters.gaps += 1;
                    tools.counters.gap_bytes += missing;
                    (missing, consumer.gap(direction, missing))
                }
                Next::Nothing => break,
            };
            side.app_progress += length;
            side.app_stopped = !goes_on;
            if self.is_midstream && consumer.take_reversal() {
                self.reverse();
                direction = direction.opposite();
            }
        }
        self.sides[direction.index()].release(tools);
    }

    /// Looks at all bytes of both directions, however many: the protocol carries files or commands throughout.
    pub fn lift_depth(&mut self) {
        for side in &mut self.sides {
            if !side.depth_reached {
                side.depth_bytes = u64::MAX;
            }
        }
    }

    /// Whether a direction has carried more than is looked at of a stream.
    #[must_use]
    pub fn is_past_depth(&self, direction: Direction) -> bool {
        self.sides[direction.index()].depth_reached
    }

    /// Has the bytes of a direction inspected with the next packet, however few they are.
    pub fn trigger_raw(&mut self, direction: Direction) {
        self.sides[direction.index()].raw_triggered = true;
    }

    /// Keeps so many bytes before the newest of a direction, to look at them again when something triggers raw inspection.
    pub fn look_back(&mut self, direction: Direction, bytes: u32) {
        self.sides[direction.index()].look_back_bytes = bytes;
    }

    /// What raw inspection is to look at now, if anything; to be followed by [`Self::raw_inspected`]. `at_end`: the flow is over.
    pub fn raw_window(&mut self, direction: Direction, at_end: bool) -> Option<StreamWindow<'_>> {
        let state = self.state;
        let side = &mut self.sides[direction.index()];
        let is_due = at_end
            || state.flushes()
            || side.raw_triggered
            || side.depth_reached
            || side.raw_pending() >= limits::RAW_CHUNK_BYTES;
        if !is_due {
            return None;
        }
        while let Next::Hole(missing) = side.next_for_raw(at_end) {
            side.raw_progress += missing;
        }
        let Next::Bytes(new) = side.next_for_raw(at_end) else {
            return None;
        };
        let new_bytes = new.len();
        let (offset, bytes) = side.with_look_back(new_bytes)?;
        Some(StreamWindow {
            direction,
            offset,
            bytes,
            new_bytes,
            is_end: at_end || state == TcpState::Closed,
        })
    }

    /// Whether bytes of a direction came that raw inspection has not seen, acknowledged or not.
    #[must_use]
    pub fn has_raw(&self, direction: Direction) -> bool {
        let side = &self.sides[direction.index()];
        side.raw_progress < side.buffer.right_edge()
    }

    /// Has no more bytes of a direction inspected.
    pub fn stop_raw(&mut self, direction: Direction, tools: &mut Tools<'_>) {
        let side = &mut self.sides[direction.index()];
        side.raw_progress = u64::MAX;
        side.release(tools);
    }

    /// Everything up to `position` was inspected.
    pub fn raw_inspected(&mut self, direction: Direction, position: u64, tools: &mut Tools<'_>) {
        let side = &mut self.sides[direction.index()];
        side.raw_progress = side.raw_progress.max(position);
        side.raw_triggered = false;
        side.release(tools);
    }

    /// Bytes that it takes beside those of its streams.
    #[must_use]
    pub fn own_bytes(&self) -> usize {
        size_of::<Self>()
            + self.syn_acks.capacity() * size_of::<SynAck>()
            + self.syns.capacity() * size_of::<(u32, u32)>()
    }

    /// Gives all bytes back.
    pub fn clear(&mut self, budget: &mut ReassemblyBudget) {
        for side in &mut self.sides {
            side.buffer.clear(budget);
        }
    }
}
