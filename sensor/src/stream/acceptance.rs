//! Which segments an end system would take: acknowledgments, timestamps, resets, keep-alives, window updates.

use super::{
    connection::{Connection, Refused, TcpState},
    limits,
    segment::{ACK, FIN, RST, SYN, Segment},
    sequence::{after, before, before_or_same, distance},
    side::Side,
};
use crate::{decode::Packet, direction::Direction};

impl Connection {
    /// The side a segment comes from, and the other one.
    pub(super) fn pair(&mut self, direction: Direction) -> (&mut Side, &mut Side) {
        let [client, server] = &mut self.sides;
        match direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        }
    }

    /// Whether the acknowledgment is one the receiver could have sent meanwhile; else an event.
    pub(super) fn check_acknowledgment(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        if !segment.has(ACK) {
            return Ok(());
        }
        let state = self.state;
        let (_, receiver) = self.pair(segment.direction);
        let acknowledgment = segment.acknowledgment;
        let is_too_old = before(acknowledgment, receiver.last_ack)
            && receiver.window != 0
            && before(
                acknowledgment,
                receiver.last_ack.wrapping_sub(receiver.window),
            );
        let is_ahead = after(acknowledgment, receiver.last_ack)
            && after(acknowledgment, receiver.next_window)
            && state > TcpState::SynSent;
        if is_too_old || is_ahead {
            packet.event("stream.pkt_invalid_ack");
            return Err(Refused);
        }
        Ok(())
    }

    /// Protection against wrapped sequence numbers (RFC 7323 section 5); keeps the newest timestamp.
    pub(super) fn check_timestamp(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        if !self.uses_timestamps {
            return Ok(());
        }
        let Some(timestamp) = segment.timestamp else {
            return Ok(());
        };
        let (sender, _) = self.pair(segment.direction);
        let is_known = sender.last_timestamp != 0;
        let age = segment.seconds.saturating_sub(sender.timestamp_seconds);
        if is_known
            && before(timestamp, sender.last_timestamp)
            && age < limits::TIMESTAMP_OUTDATED_SECONDS
        {
            packet.event("stream.pkt_invalid_timestamp");
            return Err(Refused);
        }
        if before_or_same(segment.sequence, sender.next_sequence) && timestamp != 0 {
            sender.last_timestamp = timestamp;
            sender.timestamp_seconds = segment.seconds;
        }
        Ok(())
    }

    /// Whether a reset closes the connection at the receiver: Windows, as BSD, asks for exactly the next sequence number.
    pub(super) fn check_reset(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        self.check_timestamp(segment, packet)?;
        if segment.has(ACK)
            && segment.acknowledgment != 0
            && self.check_acknowledgment(segment, packet).is_err()
        {
            packet.event("stream.rst_invalid_ack");
            return Err(Refused);
        }
        let (sender, _) = self.pair(segment.direction);
        // Its FIN, if there was one, took a number too.
        let after_fin =
            sender.has_fin() && segment.sequence == sender.next_sequence.wrapping_add(1);
        if segment.sequence == sender.next_sequence || after_fin {
            Ok(())
        } else {
            Err(Refused)
        }
    }

    /// Segments that change nothing: keep-alives and their answers, window updates that make no sense, late ACKs.
    pub(super) fn is_passed_over(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> bool {
        let state = self.state;
        let (sender, receiver) = self.pair(segment.direction);
        if segment.has_any(SYN | FIN | RST) {
            return false;
        }
        let is_keep_alive = state >= TcpState::Established
            && segment.payload.len() <= 1
            && segment.has(ACK)
            && segment.acknowledgment == receiver.last_ack
            && segment.sequence == sender.next_sequence.wrapping_sub(1)
            && sender.next_sequence != sender.initial_sequence.wrapping_add(1);
        if is_keep_alive {
            sender.is_keep_alive = true;
            return true;
        }
        let is_open = state >= TcpState::Established && state != TcpState::Closed;
        if is_open && !segment.payload.is_empty() {
            // All of it was acknowledged before: the receiver throws it away.
            if before_or_same(segment.end(), sender.last_ack) {
                packet.event("stream.pkt_spurious_retransmission");
                receiver.is_keep_alive = false;
                return true;
            }
        }
        let answers_keep_alive = receiver.is_keep_alive
            && segment.payload.is_empty()
            && segment.has(ACK)
            && segment.acknowledgment == receiver.next_sequence
            && segment.sequence == sender.next_sequence
            && segment.acknowledgment == receiver.last_ack;
        receiver.is_keep_alive = false;
        if answers_keep_alive {
            return true;
        }
        if state < TcpState::Established || state == TcpState::Closed {
            return false;
        }
        let acknowledges_fin =
            receiver.has_fin() && segment.acknowledgment == receiver.next_sequence.wrapping_add(1);
        if acknowledges_fin {
            return false;
        }
        let window = segment.scaled_window(receiver.scale);
        let shrinks_by = receiver.window.saturating_sub(window);
        // The window may shrink by what is acknowledged beyond what was captured, not by more.
        let unseen = distance(receiver.next_sequence, segment.acknowledgment);
        if u32::try_from(unseen).is_ok_and(|unseen| unseen > 0 && shrinks_by > unseen)
            && after(segment.sequence, sender.next_sequence)
        {
            packet.event("stream.pkt_bad_window_update");
            return true;
        }
        // A late ACK without bytes; its window is of the past.
        segment.payload.is_empty()
            && segment.has(ACK)
            && (before(segment.acknowledgment, receiver.last_ack)
                || before(segment.sequence, sender.last_ack))
    }

    /// Takes what a valid segment says about the other side's bytes: acknowledgment and window.
    pub(super) fn update_receiver(&mut self, segment: &Segment<'_>) {
        let (_, receiver) = self.pair(segment.direction);
        receiver.window = segment.scaled_window(receiver.scale);
        if segment.has(ACK) {
            receiver.acknowledge(segment.acknowledgment);
        }
        receiver.grant(receiver.last_ack.wrapping_add(receiver.window));
    }
}
