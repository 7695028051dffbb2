//! Connections that are not seen whole: those picked up in the middle, and those of which one side is seen only.
//!
//! Where the beginning is missing, so are the window scales: the largest is assumed, and windows are not held against a
//! segment. Who is the client is guessed from who was seen first, and put right by what the protocol says
//! ([`Connection::reverse`]). Where one side is missing nobody acknowledges anything, so its sequence numbers say
//! how far the stream may be read.

use super::{
    connection::{Connection, Refused, TcpState, Tools},
    limits,
    segment::{ACK, FIN, RST, SYN, Segment},
    settings::StreamSettings,
};
use crate::{
    decode::{Packet, Transport},
    direction::Direction,
};

/// How a packet begins a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// A SYN: its sender is the client.
    Syn,
    /// The answer to a SYN that was not seen: its receiver is the client.
    SynAck,
    /// In the middle: who was seen first is taken for the client.
    Middle,
}

impl Beginning {
    /// How this packet begins a connection where there is none, if it does.
    #[must_use]
    pub fn of(packet: &Packet<'_>, settings: StreamSettings) -> Option<Self> {
        let Transport::Tcp(tcp) = &packet.transport else {
            return None;
        };
        let has = |flags| tcp.flags & flags == flags;
        let is_one_sided_or_late = settings.midstream || settings.async_oneside;
        if has(RST) {
            None
        } else if has(FIN) {
            (settings.midstream && !packet.payload.is_empty()).then_some(Self::Middle)
        } else if has(SYN | ACK) {
            is_one_sided_or_late.then_some(Self::SynAck)
        } else if has(SYN) {
            Some(Self::Syn)
        } else {
            (settings.midstream && has(ACK)).then_some(Self::Middle)
        }
    }
}

impl Connection {
    /// The first segment that was seen, where that is not the client's SYN.
    pub(super) fn pick_up(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) {
        tools.counters.sessions += 1;
        tools.counters.picked_up += 1;
        self.is_midstream = true;
        // As in the reference, one that begins with its end is not taken for one-sided.
        self.is_one_sided = self.follows_one_side && !segment.has(FIN);
        if segment.has(SYN) {
            self.pick_up_at_syn_ack(segment);
        } else {
            self.pick_up_in_the_middle(segment, packet, tools);
        }
    }

    /// The SYN was not seen; what it said is guessed from the answer.
    fn pick_up_at_syn_ack(&mut self, segment: &Segment<'_>) {
        self.state = TcpState::SynReceived;
        self.begins_with_syn_ack = true;
        let [client, server] = &mut self.sides;
        server.begin(segment.sequence);
        server.window = u32::from(segment.window);
        server.next_window = server.last_ack.wrapping_add(server.window);
        client.begin(segment.acknowledgment.wrapping_sub(1));
        client.next_window = client.last_ack.wrapping_add(client.window);
        // A server scales only where its client does.
        if let Some(scale) = segment.window_scale {
            client.scale = scale;
            server.scale = limits::WINDOW_SCALE_MAX;
        }
        self.take_timestamps(segment, Direction::ToClient);
    }

    /// The handshake of a connection that was picked up at the answer to a SYN goes on. Whether this segment ends it: of either
    /// side, as only one of them may be seen.
    pub(super) fn goes_on_from_syn_ack(&mut self, segment: &Segment<'_>) -> bool {
        let [client, server] = &mut self.sides;
        let goes_on = match segment.direction {
            Direction::ToServer => {
                segment.sequence == client.next_sequence
                    && segment.acknowledgment == server.next_sequence
            }
            Direction::ToClient => segment.sequence == server.next_sequence,
        };
        if goes_on {
            for side in [client, server] {
                side.scale = limits::WINDOW_SCALE_MAX;
                side.window = segment.scaled_window(side.scale);
                side.next_window = side.last_ack.wrapping_add(side.window);
            }
        }
        goes_on
    }

    fn pick_up_in_the_middle(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) {
        self.state = if segment.has(FIN) {
            TcpState::FinWait1
        } else {
            TcpState::Established
        };
        self.awaits_first_answer = true;
        let (sender, receiver) = self.pair(segment.direction);
        sender.begin(segment.sequence.wrapping_sub(1));
        sender.advance(segment.end());
        sender.scale = limits::WINDOW_SCALE_MAX;
        sender.window = segment.scaled_window(limits::WINDOW_SCALE_MAX);
        sender.next_window = sender.last_ack.wrapping_add(sender.window);
        receiver.begin(segment.acknowledgment.wrapping_sub(1));
        receiver.scale = limits::WINDOW_SCALE_MAX;
        receiver.next_window = receiver.last_ack;
        self.take_timestamps(segment, segment.direction);
        self.take(segment, packet, tools);
    }

    /// Timestamps of both sides, as the first segment that was seen names them.
    fn take_timestamps(&mut self, segment: &Segment<'_>, direction: Direction) {
        let Some(timestamp) = segment.timestamp else {
            return;
        };
        self.uses_timestamps = true;
        let (sender, receiver) = self.pair(direction);
        for (side, timestamp) in [(sender, timestamp), (receiver, segment.timestamp_echo)] {
            side.offers_timestamps = true;
            side.last_timestamp = timestamp;
            side.began_with_timestamp_zero = timestamp == 0;
            side.timestamp_seconds = segment.seconds;
        }
    }

    /// The first answer to a connection that was picked up in the middle tells the server's window.
    pub(super) fn note_first_answer(&mut self, segment: &Segment<'_>) {
        if segment.direction == Direction::ToClient && std::mem::take(&mut self.awaits_first_answer)
        {
            let [_, server] = &mut self.sides;
            server.window = segment.scaled_window(server.scale);
            server.next_window = server.last_ack.wrapping_add(server.window);
        }
    }

    /// Windows are known to both sides alone.
    pub(super) fn ignores_windows(&self) -> bool {
        self.is_midstream || self.is_one_sided
    }

    /// The client goes on though no answer to its SYN was seen: only one side passes here.
    pub(super) fn ack_without_answer(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        if !self.follows_one_side {
            return Ok(());
        }
        if segment.sequence != self.sides[0].next_sequence {
            packet.event("stream.3whs_async_wrong_seq");
            return Err(Refused);
        }
        self.is_one_sided = true;
        self.state = TcpState::Established;
        let [client, server] = &mut self.sides;
        client.window = u32::from(segment.window);
        client.acknowledge(segment.sequence);
        client.next_window = client.last_ack.wrapping_add(client.window);
        client.advance(segment.end());
        server.begin(segment.acknowledgment.wrapping_sub(1));
        server.next_window = server.last_ack;
        self.uses_timestamps = client.offers_timestamps && segment.timestamp.is_some();
        self.note_timestamp(segment);
        self.take(segment, packet, tools);
        Ok(())
    }

    /// What was taken for the client is the server.
    pub(super) fn reverse(&mut self) {
        self.sides.swap(0, 1);
        self.is_ended.swap(0, 1);
        self.is_reversed = !self.is_reversed;
    }
}
