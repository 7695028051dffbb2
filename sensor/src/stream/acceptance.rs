//! Which segments an end system would take: acknowledgments, timestamps, resets, keep-alives, window updates.

use super::{
    connection::{Connection, Refused, TcpState},
    limits,
    segment::{ACK, FIN, RST, SYN, Segment},
    sequence::{after, before, before_or_same},
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
        let is_one_sided = self.is_one_sided;
        let (_, receiver) = self.pair(segment.direction);
        let acknowledgment = segment.acknowledgment;
        let is_too_old = before(acknowledgment, receiver.last_ack)
            && receiver.window != 0
            && before(
                acknowledgment,
                receiver.last_ack.wrapping_sub(receiver.window),
            );
        let is_ahead =
            after(acknowledgment, receiver.last_ack) && after(acknowledgment, receiver.next_window);
        if is_too_old || (is_ahead && !is_one_sided) {
            packet.event("stream.pkt_invalid_ack");
            return Err(Refused);
        }
        Ok(())
    }

    /// Protection against wrapped sequence numbers (RFC 7323 section 5); else an event.
    pub(super) fn check_timestamp(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        if self.is_timestamp_in_order(segment) {
            return Ok(());
        }
        packet.event("stream.pkt_invalid_timestamp");
        Err(Refused)
    }

    fn is_timestamp_in_order(&mut self, segment: &Segment<'_>) -> bool {
        let Some(timestamp) = segment.timestamp.filter(|_| self.uses_timestamps) else {
            return true;
        };
        let forgives_zero = self.hosts_are_windows;
        let (sender, _) = self.pair(segment.direction);
        let is_next = segment.sequence == sender.next_sequence;
        // Windows takes any timestamp after a handshake that had 0 for one.
        if sender.began_with_timestamp_zero && forgives_zero && is_next {
            return true;
        }
        let age = segment.seconds.saturating_sub(sender.timestamp_seconds);
        let is_outdated = age > limits::TIMESTAMP_OUTDATED_SECONDS;
        // One less is taken for the same, as some systems do.
        let is_earlier = before(timestamp.wrapping_add(1), sender.last_timestamp);
        let is_stale = sender.last_timestamp != 0 && is_outdated;
        !(is_earlier || is_stale) || (is_next && is_outdated)
    }

    /// Keeps the timestamp of a segment that is accepted; as in the reference it counts only where the segment begins at the
    /// next number.
    pub(super) fn note_timestamp(&mut self, segment: &Segment<'_>) {
        let is_in_order = self.is_timestamp_in_order(segment);
        let Some(timestamp) = segment.timestamp.filter(|_| self.uses_timestamps) else {
            return;
        };
        let forgives_zero = self.hosts_are_windows;
        let (sender, _) = self.pair(segment.direction);
        sender.began_with_timestamp_zero &= !forgives_zero;
        if !is_in_order {
            return;
        }
        if segment.sequence == sender.next_sequence {
            sender.last_timestamp = timestamp;
        }
        sender.timestamp_seconds = segment.seconds;
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
        // Whether a signed reset is right only the ends can tell: it counts, until its sender goes on after it.
        if segment.is_authenticated {
            return Ok(());
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
            sender.is_keep_alive = false;
            return false;
        }
        let is_keep_alive = state >= TcpState::Established
            && segment.payload.len() <= 1
            && segment.acknowledgment == receiver.last_ack
            && segment.sequence == sender.next_sequence.wrapping_sub(1);
        if is_keep_alive {
            sender.is_keep_alive = true;
            return true;
        }
        let is_open = state >= TcpState::Established && state != TcpState::Closed;
        // All of it was acknowledged before. Where nothing answered the SYN the reference compares with 0 as well.
        let end = segment.end();
        let is_resent = before_or_same(end, sender.last_ack)
            || state == TcpState::SynSent && before_or_same(end, 0);
        if !segment.payload.is_empty() && is_resent {
            packet.event("stream.pkt_spurious_retransmission");
        }
        let window = segment.scaled_window(receiver.scale);
        let continues = segment.sequence == sender.next_sequence;
        let answers_keep_alive = receiver.is_keep_alive
            && segment.payload.is_empty()
            && segment.window != 0
            && window == receiver.window
            && segment.acknowledgment == receiver.next_sequence
            && continues;
        if answers_keep_alive {
            receiver.is_keep_alive = false;
            return true;
        }
        sender.is_keep_alive = false;
        if !is_open {
            return false;
        }
        let ends_shutdown = state != TcpState::Established
            && segment.flags == ACK
            && segment.payload.is_empty()
            && segment.sequence == sender.next_sequence.wrapping_add(1)
            && segment.acknowledgment == receiver.next_sequence.wrapping_add(1);
        let updates_window = segment.payload.is_empty()
            && window != receiver.window
            && segment.acknowledgment == receiver.last_ack
            && continues;
        if ends_shutdown || updates_window {
            return false;
        }
        // A window that shrinks by more than the segment brought and what it acknowledges can account for, with numbers that were
        // never seen.
        let shrinks_by = receiver.window.saturating_sub(window);
        let acknowledged_bytes = segment.acknowledgment.wrapping_sub(receiver.last_ack);
        if usize::try_from(shrinks_by).is_ok_and(|bytes| bytes > segment.payload.len())
            && shrinks_by > acknowledged_bytes.saturating_add(limits::WINDOW_SLACK_BYTES)
            && after(segment.acknowledgment, receiver.next_sequence)
            && after(segment.sequence, sender.next_sequence)
        {
            packet.event("stream.pkt_bad_window_update");
            return true;
        }
        // A late ACK without bytes; its window is of the past.
        segment.payload.is_empty()
            && segment.has(ACK)
            && continues
            && before(segment.acknowledgment, receiver.last_ack)
            && !segment.selects_beyond(receiver.last_ack)
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
