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
        self.check_timestamp(segment, packet)?;
        let events = self.state.events();
        if self.check_acknowledgment(segment, packet).is_err() {
            packet.event(events.invalid_ack);
            return Err(Refused);
        }
        let is_repeated = self.is_retransmission(segment);
        if segment.has(FIN) {
            self.another_fin(segment, packet, tools, is_repeated, &events)
        } else {
            self.ack_after_fin(segment, packet, tools, is_repeated, &events)
        }
    }

    /// Whether everything in a segment was sent and acknowledged before.
    fn is_retransmission(&mut self, segment: &Segment<'_>) -> bool {
        let state = self.state;
        let (sender, _) = self.pair(segment.direction);
        if segment.has(FIN) && state != TcpState::CloseWait {
            return before(segment.sequence, sender.next_sequence)
                && before_or_same(segment.end(), sender.next_sequence);
        }
        !segment.payload.is_empty() && before_or_same(segment.end(), sender.last_ack)
    }

    fn another_fin(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
        is_repeated: bool,
        events: &Events,
    ) -> Result<(), Refused> {
        let state = self.state;
        let (sender, _) = self.pair(segment.direction);
        let right_edge = sender.last_ack.wrapping_add(sender.window);
        // The same FIN again comes with the number it had; after it the sender's next number may have moved on by one.
        let is_expected = segment.sequence == sender.next_sequence
            || segment.sequence == sender.next_sequence.wrapping_sub(1);
        let is_refused = match state {
            TcpState::CloseWait => {
                before(segment.sequence, sender.next_sequence) && !is_expected
                    || after(segment.sequence, right_edge)
            }
            _ => !is_expected || after(segment.end(), right_edge),
        };
        if is_refused && !is_repeated {
            packet.event(events.fin_wrong_sequence);
            return Err(Refused);
        }
        if !is_repeated {
            self.state = match (state, segment.direction) {
                // The same side again changes nothing.
                (TcpState::CloseWait, Direction::ToServer)
                | (TcpState::FinWait1, Direction::ToClient) => state,
                (TcpState::CloseWait, Direction::ToClient) => TcpState::LastAck,
                (TcpState::FinWait1, Direction::ToServer) if segment.has(ACK) => TcpState::TimeWait,
                (TcpState::FinWait1, Direction::ToServer) => TcpState::Closing,
                (TcpState::FinWait2, Direction::ToServer) => TcpState::TimeWait,
                _ => state,
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
        is_repeated: bool,
        events: &Events,
    ) -> Result<(), Refused> {
        let state = self.state;
        if state == TcpState::CloseWait && !segment.payload.is_empty() {
            self.check_not_before_last_ack(
                segment,
                packet,
                "stream.closewait_pkt_before_last_ack",
            )?;
        }
        let (sender, receiver) = self.pair(segment.direction);
        let is_wrong = match state {
            TcpState::FinWait1 | TcpState::FinWait2 | TcpState::CloseWait => {
                let right_edge = match state {
                    TcpState::CloseWait => sender.last_ack.wrapping_add(sender.window),
                    _ => sender.next_window,
                };
                after(segment.end(), right_edge)
            }
            _ => {
                segment.sequence != sender.next_sequence
                    && segment.sequence != sender.next_sequence.wrapping_add(1)
            }
        };
        if is_wrong && !is_repeated {
            packet.event(events.wrong_sequence);
            return Err(Refused);
        }
        let acknowledges_fin = after(segment.acknowledgment, receiver.next_sequence)
            || segment.acknowledgment == receiver.next_sequence;
        if !is_repeated {
            self.state = match (state, segment.direction) {
                (TcpState::FinWait1, Direction::ToServer) if acknowledges_fin => TcpState::FinWait2,
                (TcpState::Closing, _) => TcpState::TimeWait,
                (TcpState::LastAck, Direction::ToServer) | (TcpState::TimeWait, _) => {
                    TcpState::Closed
                }
                _ => state,
            };
        }
        self.go_on(segment, packet, tools);
        Ok(())
    }

    /// Numbers, window and bytes of a valid segment.
    fn go_on(&mut self, segment: &Segment<'_>, packet: &mut Packet<'_>, tools: &mut Tools<'_>) {
        let (sender, _) = self.pair(segment.direction);
        sender.advance(segment.end());
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
