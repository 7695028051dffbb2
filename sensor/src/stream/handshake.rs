//! From the first SYN to the established connection: the three-way handshake, fast open, and both sides opening at once.

use super::{
    connection::{Connection, Refused, TcpState, Tools},
    limits,
    segment::{ACK, FIN, RST, SYN, Segment},
    sequence::{after, before_or_same, plus},
};
use crate::{decode::Packet, direction::Direction};

/// What a SYN/ACK said, kept until an ACK tells which one the client took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SynAck {
    sequence: u32,
    acknowledgment: u32,
    window: u16,
    window_scale: Option<u8>,
    timestamp: Option<u32>,
    seconds: u64,
}

impl SynAck {
    fn new(segment: &Segment<'_>) -> Self {
        Self {
            sequence: segment.sequence,
            acknowledgment: segment.acknowledgment,
            window: segment.window,
            window_scale: segment.window_scale,
            timestamp: segment.timestamp,
            seconds: segment.seconds,
        }
    }

    fn same_but_for_time(&self, other: &Self) -> bool {
        Self {
            seconds: 0,
            ..*self
        } == Self {
            seconds: 0,
            ..*other
        }
    }
}

impl Connection {
    /// The SYN that made this connection.
    pub(super) fn begin(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        tools.counters.sessions += 1;
        let [client, server] = &mut self.sides;
        client.begin(segment.sequence);
        if let Some(timestamp) = segment.timestamp {
            client.offers_timestamps = true;
            client.began_with_timestamp_zero = timestamp == 0;
            client.last_timestamp = timestamp;
            client.timestamp_seconds = segment.seconds;
        }
        server.window = u32::from(segment.window);
        if let Some(scale) = segment.window_scale {
            self.client_scales = true;
            server.scale = scale;
        }
        if segment.has_fast_open {
            self.is_fast_open = true;
            if !segment.payload.is_empty() {
                let after_syn = Segment {
                    sequence: plus(segment.sequence, 1),
                    ..*segment
                };
                client.advance(after_syn.end());
                self.take(&after_syn, packet, tools);
            }
        }
        Ok(())
    }

    pub(super) fn in_syn_sent(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        let answers = segment.has(SYN) && segment.has(ACK);
        if !answers {
            self.check_echo(segment, packet)?;
        }
        if segment.has(RST) {
            return self.reset_in_syn_sent(segment, packet);
        }
        if segment.has(FIN) {
            return Ok(());
        }
        match (segment.has(SYN), segment.has(ACK), segment.direction) {
            (true, true, Direction::ToServer) if self.is_four_way => {
                self.four_way_syn_ack(segment, packet)
            }
            (true, true, Direction::ToServer) => {
                packet.event("stream.3whs_synack_in_wrong_direction");
                Err(Refused)
            }
            (true, true, Direction::ToClient) => self.syn_ack(segment, packet, tools),
            (true, false, Direction::ToClient) => {
                // Both sides open at once.
                self.is_four_way = true;
                let [client, server] = &mut self.sides;
                server.begin(segment.sequence);
                client.window = u32::from(segment.window);
                client.scale = segment.window_scale.unwrap_or(0);
                if let Some(timestamp) = segment.timestamp {
                    server.offers_timestamps = true;
                    server.last_timestamp = timestamp;
                    server.timestamp_seconds = segment.seconds;
                }
                Ok(())
            }
            (true, false, Direction::ToServer) => self.another_syn(segment, packet),
            (false, true, Direction::ToServer) => self.ack_without_answer(segment, packet, tools),
            _ => Ok(()),
        }
    }

    /// Whoever answers the SYN has seen it, and echoes its timestamp: an answer that was made up does not.
    fn check_echo(&self, segment: &Segment<'_>, packet: &mut Packet<'_>) -> Result<(), Refused> {
        let client = &self.sides[0];
        let echo = segment.timestamp_echo;
        let is_known = echo == client.last_timestamp
            || (client.offers_timestamps && client.last_timestamp == 0)
            || self.syns.iter().any(|(_, timestamp)| *timestamp == echo);
        if segment.direction == Direction::ToServer || echo == 0 || is_known {
            return Ok(());
        }
        packet.event("stream.pkt_invalid_timestamp");
        Err(Refused)
    }

    /// A SYN again: with another sequence number or timestamp it is kept, for the SYN/ACK to tell which one counts.
    fn another_syn(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        let syn = (segment.sequence, segment.timestamp.unwrap_or(0));
        let client = &self.sides[0];
        if syn == (client.initial_sequence, client.last_timestamp) || self.syns.contains(&syn) {
            return Ok(());
        }
        if self.syns.len() >= limits::SYNS_MAX {
            packet.event("stream.3whs_syn_flood");
            return Err(Refused);
        }
        self.syns.push(syn);
        Ok(())
    }

    fn syn_ack(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        let acknowledged = segment.acknowledgment.wrapping_sub(1);
        let client = &mut self.sides[0];
        let answered = self.syns.iter().find(|(sequence, timestamp)| {
            *sequence == acknowledged
                && (segment.timestamp_echo == 0 || *timestamp == segment.timestamp_echo)
        });
        if let Some((sequence, timestamp)) = answered {
            client.last_timestamp = *timestamp;
            if *sequence != client.initial_sequence {
                client.buffer.clear(tools.budget);
                client.begin(*sequence);
            }
        }
        let client = &self.sides[0];
        let expected = plus(client.initial_sequence, 1);
        if self.is_fast_open && client.next_sequence != expected {
            if segment.acknowledgment == expected {
                // The server did not take the bytes of the SYN; the client will send them again.
                packet.event("stream.3whs_synack_tfo_data_ignored");
                self.sides[0].next_sequence = expected;
            } else if segment.acknowledgment != client.next_sequence {
                packet.event("stream.3whs_synack_with_wrong_ack");
                return Err(Refused);
            }
        } else if segment.acknowledgment != expected {
            packet.event("stream.3whs_synack_with_wrong_ack");
            return Err(Refused);
        }
        self.check_echo(segment, packet)?;
        self.adopt_syn_ack(&SynAck::new(segment));
        Ok(())
    }

    /// Takes over what a SYN/ACK says.
    fn adopt_syn_ack(&mut self, syn_ack: &SynAck) {
        // With fast open either side may go on at once.
        self.state = if self.is_fast_open {
            TcpState::Established
        } else {
            TcpState::SynReceived
        };
        self.is_four_way = false;
        let [client, server] = &mut self.sides;
        server.begin(syn_ack.sequence);
        client.window = u32::from(syn_ack.window);
        client.scale = match syn_ack.window_scale {
            Some(scale) if self.client_scales => scale,
            _ => 0,
        };
        if syn_ack.window_scale.is_none() {
            // Scaling counts only where both offer it.
            server.scale = 0;
        }
        match syn_ack.timestamp {
            Some(timestamp) if client.offers_timestamps => {
                self.uses_timestamps = true;
                server.began_with_timestamp_zero = timestamp == 0;
                server.last_timestamp = timestamp;
                server.timestamp_seconds = syn_ack.seconds;
            }
            _ => {
                self.uses_timestamps = false;
                client.last_timestamp = 0;
                server.last_timestamp = 0;
            }
        }
        client.acknowledge(syn_ack.acknowledgment);
        server.next_window = server.last_ack.wrapping_add(server.window);
        client.next_window = client.last_ack.wrapping_add(client.window);
    }

    /// The client's SYN/ACK for the server's SYN of a simultaneous open.
    fn four_way_syn_ack(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        let [client, server] = &mut self.sides;
        if segment.acknowledgment != plus(server.initial_sequence, 1) {
            packet.event("stream.4whs_synack_with_wrong_ack");
            return Err(Refused);
        }
        if segment.sequence != client.initial_sequence {
            packet.event("stream.4whs_synack_with_wrong_syn");
            return Err(Refused);
        }
        self.state = TcpState::SynReceived;
        server.window = u32::from(segment.window);
        if segment.window_scale.is_none() || client.scale == 0 {
            client.scale = 0;
            server.scale = 0;
        }
        self.uses_timestamps = client.offers_timestamps && server.offers_timestamps;
        server.next_window = server.last_ack.wrapping_add(server.window);
        client.next_window = client.last_ack.wrapping_add(client.window);
        Ok(())
    }

    fn reset_in_syn_sent(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        let initial_sequence = self.sides[0].initial_sequence;
        let acknowledges_syn = segment.direction == Direction::ToClient
            && segment.acknowledgment == plus(initial_sequence, 1);
        if segment.has(ACK) && segment.acknowledgment != 0 && !acknowledges_syn {
            packet.event("stream.pkt_invalid_ack");
            packet.event("stream.rst_invalid_ack");
            return Err(Refused);
        }
        let closes = match segment.direction {
            // A client that takes its SYN back would acknowledge itself, which is refused above.
            Direction::ToServer => false,
            // A refusal: a server that never sent anything counts from 0.
            Direction::ToClient => segment.sequence == self.sides[1].next_sequence,
        };
        if !closes {
            return Err(Refused);
        }
        self.state_before_reset = self.state;
        self.state = TcpState::Closed;
        self.is_reset = true;
        let (sender, _) = self.pair(segment.direction);
        // Anybody who saw the SYN could have made it up: a SYN/ACK may follow.
        sender.has_doubtful_reset = true;
        Ok(())
    }

    pub(super) fn in_syn_received(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        if segment.has(RST) {
            self.check_reset(segment, packet)?;
            // After an ACK with a wrong number the hosts at issue take a reset for a stray one.
            if !(self.is_evasive && segment.direction == Direction::ToServer) {
                self.reset(segment, packet);
            }
            return Ok(());
        }
        if segment.has(FIN) {
            return self.first_fin(segment, packet, tools);
        }
        if segment.has(SYN) {
            return self.syn_in_syn_received(segment, packet);
        }
        if !segment.has(ACK) {
            return Ok(());
        }
        self.ack_in_syn_received(segment, packet, tools)
    }

    fn syn_in_syn_received(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        let [client, server] = &self.sides;
        let event = match (segment.has(ACK), segment.direction) {
            (true, Direction::ToServer) => "stream.3whs_synack_toserver_on_syn_recv",
            (true, Direction::ToClient) => {
                if segment.acknowledgment != client.last_ack {
                    "stream.3whs_synack_resend_with_different_ack"
                } else if segment.sequence != server.initial_sequence {
                    return self.keep_syn_ack(SynAck::new(segment), packet);
                } else {
                    return Ok(());
                }
            }
            (false, Direction::ToClient) => "stream.3whs_syn_toclient_on_syn_recv",
            (false, Direction::ToServer) if segment.sequence != client.initial_sequence => {
                "stream.3whs_syn_resend_diff_seq_on_syn_recv"
            }
            (false, Direction::ToServer) => return Ok(()),
        };
        packet.event(event);
        Err(Refused)
    }

    fn keep_syn_ack(&mut self, syn_ack: SynAck, packet: &mut Packet<'_>) -> Result<(), Refused> {
        if self
            .syn_acks
            .iter()
            .any(|kept| kept.same_but_for_time(&syn_ack))
        {
            return Ok(());
        }
        if self.syn_acks.len() >= limits::SYN_ACKS_MAX {
            packet.event("stream.3whs_synack_flood");
            return Err(Refused);
        }
        self.syn_acks.push(syn_ack);
        Ok(())
    }

    fn ack_in_syn_received(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        let kept = self.syn_acks.iter().copied().find(|kept| {
            segment.direction == Direction::ToServer
                && segment.acknowledgment.wrapping_sub(1) == kept.sequence
                && segment.sequence == kept.acknowledgment
        });
        if let Some(syn_ack) = kept {
            self.adopt_syn_ack(&syn_ack);
        }
        self.check_timestamp(segment, packet)?;
        if self.begins_with_syn_ack && self.goes_on_from_syn_ack(segment) {
            self.establish(segment, packet, tools);
            packet.is_established |=
                segment.direction == Direction::ToServer && !segment.payload.is_empty();
            return Ok(());
        }
        if segment.direction == Direction::ToClient {
            if self.is_four_way {
                if segment.sequence != self.sides[1].next_sequence {
                    packet.event("stream.4whs_wrong_seq");
                    return Err(Refused);
                }
                if self.check_acknowledgment(segment, packet).is_err() {
                    packet.event("stream.4whs_invalid_ack");
                    return Err(Refused);
                }
                self.establish(segment, packet, tools);
                return Ok(());
            }
            // The client's ACK may be missing in the capture, or, with fast open, yet to come.
            let [client, server] = &self.sides;
            if segment.sequence != server.next_sequence
                || after(segment.acknowledgment, client.next_sequence)
            {
                packet.event("stream.3whs_wrong_seq_wrong_ack");
                return Err(Refused);
            }
            self.check_acknowledgment(segment, packet)?;
            if !segment.payload.is_empty() {
                self.establish(segment, packet, tools);
            }
            return Ok(());
        }
        let [client, server] = &self.sides;
        let is_right_ack = segment.acknowledgment == server.next_sequence;
        // After ignored fast-open bytes the client begins again behind its SYN.
        let is_right_sequence = segment.sequence == client.next_sequence
            || (self.is_fast_open && segment.sequence == client.last_ack);
        if is_right_sequence && is_right_ack {
            self.establish(segment, packet, tools);
            // As in the reference: with bytes on it this ACK is a packet of the established connection already.
            packet.is_established |= !segment.payload.is_empty();
            return Ok(());
        }
        if is_right_sequence {
            // The right sequence number with a wrong acknowledgment: some hosts answer with a reset, others go on.
            self.is_evasive = true;
            packet.event("stream.3whs_right_seq_wrong_ack_evasion");
            return Err(Refused);
        }
        // Right but further on: what came between was not captured.
        let is_ahead = after(segment.sequence, client.next_sequence)
            && before_or_same(segment.sequence, client.next_window)
            && is_right_ack;
        if is_ahead {
            self.establish(segment, packet, tools);
            return Ok(());
        }
        packet.event("stream.3whs_wrong_seq_wrong_ack");
        Err(Refused)
    }

    /// The handshake is done with this segment, which may carry bytes.
    fn establish(&mut self, segment: &Segment<'_>, packet: &mut Packet<'_>, tools: &mut Tools<'_>) {
        self.state = TcpState::Established;
        let (sender, _) = self.pair(segment.direction);
        sender.advance(segment.end());
        self.update_receiver(segment);
        self.note_timestamp(segment);
        self.take(segment, packet, tools);
    }
}
