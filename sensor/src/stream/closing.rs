//! The end of a connection: from the first FIN to the last ACK.

use super::{
    connection::{Connection, Refused, TcpState, Tools},
    segment::{ACK, FIN, RST, SYN, Segment},
    sequence::{after, before, before_or_same},
};
use crate::{decode::Packet, direction::Direction};

/// Event names of one state.
struct Events {
    invalid_ack: &'static str,
    wrong_sequence: &'static str,
    fin_wrong_sequence: &'static str,
}

impl TcpState {
    fn events(self) -> Events {
        let (invalid_ack, wrong_sequence, fin_wrong_sequence) = match self {
            Self::FinWait1 => (
                "stream.fin1_invalid_ack",
                "stream.fin1_ack_wrong_seq",
                "stream.fin1_fin_wrong_seq",
            ),
            Self::FinWait2 => (
                "stream.fin2_invalid_ack",
                "stream.fin2_ack_wrong_seq",
                "stream.fin2_fin_wrong_seq",
            ),
            Self::CloseWait => (
                "stream.closewait_invalid_ack",
                "stream.closewait_ack_out_of_window",
                "stream.closewait_fin_out_of_window",
            ),
            Self::Closing => (
                "stream.closing_invalid_ack",
                "stream.closing_ack_wrong_seq",
                "stream.closing_ack_wrong_seq",
            ),
            Self::LastAck => (
                "stream.lastack_invalid_ack",
                "stream.lastack_ack_wrong_seq",
                "stream.lastack_ack_wrong_seq",
            ),
            _ => (
                "stream.timewait_invalid_ack",
                "stream.timewait_ack_wrong_seq",
                "stream.timewait_ack_wrong_seq",
            ),
        };
        Events {
            invalid_ack,
            wrong_sequence,
            fin_wrong_sequence,
        }
    }
}

impl Connection {
    /// Any state after the first FIN or reset.
    pub(super) fn in_closing(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        if segment.has(RST) {
            self.check_reset(segment, packet)?;
            self.reset(segment, packet);
            return Ok(());
        }
        if segment.has(SYN) && !segment.has(FIN) {
            packet.event("stream.shutdown_syn_resend");
            return Err(Refused);
        }
        if !segment.has(FIN) && !segment.has(ACK) {
            return Ok(());
        }
        // As in the reference: what ends a connection that both sides have ended changes nothing.
        if segment.has(FIN) && matches!(self.state, TcpState::TimeWait | TcpState::LastAck) {
            return Ok(());
        }
        self.check_timestamp(segment, packet)?;
        let events = self.state.events();
        if segment.has(FIN) && self.state != TcpState::Closing {
            self.another_fin(segment, packet, tools, &events)
        } else {
            self.ack_after_fin(segment, packet, tools, &events)
        }
    }

    /// Whether a segment brings nothing but bytes that were sent before; that is an event.
    fn is_retransmission(&mut self, segment: &Segment<'_>, packet: &mut Packet<'_>) -> bool {
        let (sender, _) = self.pair(segment.direction);
        let is_repeated = !segment.payload.is_empty()
            && (before(segment.sequence, sender.last_ack)
                || before_or_same(segment.end(), sender.next_sequence));
        if is_repeated {
            packet.event("stream.pkt_retransmission");
        }
        is_repeated
    }

    fn another_fin(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
        events: &Events,
    ) -> Result<(), Refused> {
        let state = self.state;
        let (sender, receiver) = self.pair(segment.direction);
        // The same FIN again, with the number that stands for it.
        let is_same_fin = state == TcpState::FinWait2
            && segment.sequence == sender.next_sequence.wrapping_sub(1)
            && segment.acknowledgment == receiver.last_ack;
        let is_repeated = is_same_fin || self.is_retransmission(segment, packet);
        let (sender, _) = self.pair(segment.direction);
        let right_edge = sender.last_ack.wrapping_add(sender.window);
        let edge = match state {
            TcpState::FinWait1 => segment.end(),
            _ => segment.sequence,
        };
        let is_out_of_window =
            before(segment.sequence, sender.next_sequence) || after(edge, right_edge);
        if is_out_of_window && !is_repeated {
            packet.event(events.fin_wrong_sequence);
            return Err(Refused);
        }
        if self.check_acknowledgment(segment, packet).is_err() {
            packet.event(events.invalid_ack);
            return Err(Refused);
        }
        if !is_repeated {
            self.state = match (state, segment.direction) {
                // The client's FIN again changes nothing.
                (TcpState::CloseWait, Direction::ToServer) => state,
                (TcpState::CloseWait, Direction::ToClient) => TcpState::LastAck,
                (TcpState::FinWait1, _) if !segment.has(ACK) => TcpState::Closing,
                _ => TcpState::TimeWait,
            };
        }
        self.go_on(segment, packet, tools);
        Ok(())
    }

    fn ack_after_fin(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
        events: &Events,
    ) -> Result<(), Refused> {
        let state = self.state;
        let is_repeated = self.is_retransmission(segment, packet);
        let (sender, _) = self.pair(segment.direction);
        let is_next = segment.sequence == sender.next_sequence;
        let is_behind_fin = segment.sequence == sender.next_sequence.wrapping_add(1);
        let is_wrong = match state {
            TcpState::FinWait1 | TcpState::FinWait2 => {
                !is_repeated && after(segment.end(), sender.next_window)
            }
            TcpState::CloseWait => after(
                segment.sequence,
                sender.last_ack.wrapping_add(sender.window),
            ),
            TcpState::Closing => !is_next,
            TcpState::LastAck => {
                !is_repeated
                    && !before(segment.sequence, sender.next_sequence)
                    && !is_next
                    && !is_behind_fin
            }
            _ => !is_repeated && !is_next && !is_behind_fin,
        };
        let is_before_last_ack = state == TcpState::CloseWait
            && !segment.payload.is_empty()
            && before_or_same(segment.end(), sender.last_ack);
        // The reference looks at the sequence number first where both sides have ended.
        let sequence_first = matches!(state, TcpState::Closing | TcpState::TimeWait);
        if is_wrong && sequence_first {
            packet.event(events.wrong_sequence);
            return Err(Refused);
        }
        if self.check_acknowledgment(segment, packet).is_err() {
            packet.event(events.invalid_ack);
            return Err(Refused);
        }
        if is_before_last_ack {
            packet.event("stream.closewait_pkt_before_last_ack");
            return Err(Refused);
        }
        if is_wrong {
            packet.event(events.wrong_sequence);
            return Err(Refused);
        }
        if !is_repeated {
            self.state = match (state, segment.direction) {
                (TcpState::FinWait1, _) if is_next => TcpState::FinWait2,
                (TcpState::Closing, _) => TcpState::TimeWait,
                (TcpState::LastAck, Direction::ToServer) if is_next || is_behind_fin => {
                    TcpState::Closed
                }
                (TcpState::TimeWait, _) => TcpState::Closed,
                _ => state,
            };
        }
        self.go_on(segment, packet, tools);
        Ok(())
    }

    /// Numbers, window and bytes of a valid segment.
    fn go_on(&mut self, segment: &Segment<'_>, packet: &mut Packet<'_>, tools: &mut Tools<'_>) {
        self.note_timestamp(segment);
        let (sender, receiver) = self.pair(segment.direction);
        if segment.sequence == sender.next_sequence {
            sender.advance(segment.end());
        }
        if segment.has(ACK) {
            // An acknowledgment of bytes that were not captured.
            receiver.advance(segment.acknowledgment);
        }
        self.update_receiver(segment);
        self.take(segment, packet, tools);
    }

    /// Over. A side that goes on after a reset which seemed its own, but which its peer may have refused, did not send it:
    /// the connection goes on from where it was.
    pub(super) fn in_closed(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        if segment.has(RST) {
            return Ok(());
        }
        let (sender, receiver) = self.pair(segment.direction);
        if !sender.has_doubtful_reset || receiver.has_doubtful_reset {
            return Ok(());
        }
        self.state = self.state_before_reset;
        let outcome = self.in_state(segment, packet, tools);
        if outcome.is_err() {
            self.state = TcpState::Closed;
            return outcome;
        }
        let (sender, _) = self.pair(segment.direction);
        sender.has_doubtful_reset = false;
        self.is_reset = false;
        packet.event("stream.suspected_rst_inject");
        outcome
    }
}
