//! The established connection: in-window checks, resets, the first FIN.

use super::{
    connection::{Connection, Refused, TcpState, Tools},
    segment::{ACK, FIN, RST, SYN, Segment},
    sequence::{after, after_or_same, before, before_or_same},
};
use crate::{decode::Packet, direction::Direction};

impl Connection {
    pub(super) fn in_established(
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
        if segment.has(FIN) {
            if segment.has(SYN) {
                packet.event("stream.fin_syn");
            }
            return self.first_fin(segment, packet, tools);
        }
        if segment.has(SYN) {
            return self.syn_in_established(segment, packet);
        }
        if !segment.has(ACK) {
            return Ok(());
        }
        self.check_timestamp(segment, packet)?;
        if segment.direction == Direction::ToClient {
            self.is_confirmed = true;
        }
        if self.ack_in_established(segment, packet, tools).is_err() {
            // Not taken, but as in the reference still looked at as a packet of the open connection.
            tools.counters.invalid_packets += 1;
        }
        Ok(())
    }

    fn ack_in_established(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        if self.check_acknowledgment(segment, packet).is_err() {
            packet.event("stream.est_invalid_ack");
            return Err(Refused);
        }
        if self.is_midstream {
            self.note_first_answer(segment);
        }
        let ignores_windows = self.ignores_windows();
        self.check_not_before_last_ack(segment, packet, "stream.est_pkt_before_last_ack")?;
        let (sender, _) = self.pair(segment.direction);
        let probes_zero_window = segment.payload.len() == 1
            && segment.sequence == sender.next_sequence
            && sender.window == 0;
        if !probes_zero_window {
            if after_or_same(segment.end(), sender.next_sequence) {
                sender.advance(segment.end());
            }
            if after(segment.end(), sender.next_window) && !ignores_windows {
                packet.event("stream.est_packet_out_of_window");
                return Err(Refused);
            }
        }
        self.update_receiver(segment);
        self.note_timestamp(segment);
        self.take(segment, packet, tools);
        Ok(())
    }

    /// Refuses what lies wholly before what the other side acknowledged, except bytes that were acknowledged unseen.
    pub(super) fn check_not_before_last_ack(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        event: &'static str,
    ) -> Result<(), Refused> {
        let (sender, _) = self.pair(segment.direction);
        let may_be_keep_alive =
            segment.payload.len() <= 1 && segment.sequence == sender.next_sequence.wrapping_sub(1);
        if may_be_keep_alive || after_or_same(segment.end(), sender.last_ack) {
            return Ok(());
        }
        if after(sender.last_ack, sender.next_sequence)
            && after(segment.end(), sender.next_sequence)
        {
            if segment.sequence == sender.next_sequence {
                sender.advance(segment.end());
            }
            return Ok(());
        }
        packet.event(event);
        Err(Refused)
    }

    fn syn_in_established(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
    ) -> Result<(), Refused> {
        let [client, server] = &self.sides;
        let event = match (segment.has(ACK), segment.direction) {
            (true, Direction::ToServer) => "stream.est_synack_toserver",
            (true, Direction::ToClient) => {
                if segment.acknowledgment != client.last_ack {
                    "stream.est_synack_resend_with_different_ack"
                } else if segment.sequence != server.initial_sequence {
                    "stream.est_synack_resend_with_diff_seq"
                } else if self.is_confirmed {
                    "stream.est_synack_resend"
                } else {
                    // The ACK was lost behind the tap: another one will come.
                    self.state = TcpState::SynReceived;
                    return Ok(());
                }
            }
            (false, Direction::ToClient) => "stream.est_syn_toclient",
            (false, Direction::ToServer) if segment.sequence != client.initial_sequence => {
                "stream.est_syn_resend_diff_seq"
            }
            (false, Direction::ToServer) => "stream.est_syn_resend",
        };
        packet.event(event);
        Err(Refused)
    }

    /// A valid reset. Bytes that come with it are no part of the stream.
    pub(super) fn reset(&mut self, segment: &Segment<'_>, packet: &mut Packet<'_>) {
        self.state_before_reset = self.state;
        self.state = TcpState::Closed;
        self.is_reset = true;
        if !segment.payload.is_empty() {
            packet.event("stream.rst_with_data");
        }
        let (sender, receiver) = self.pair(segment.direction);
        sender.has_doubtful_reset |= segment.is_authenticated;
        sender.acknowledge_all();
        // As in the reference, whose byte counts show it: the numbers of the reset hold, whatever they are.
        sender.next_sequence = segment.end();
        receiver.next_sequence = segment.acknowledgment;
        if segment.has(ACK) {
            receiver.acknowledge(segment.acknowledgment);
        }
    }

    /// The first FIN of the connection.
    pub(super) fn first_fin(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<(), Refused> {
        self.check_timestamp(segment, packet)?;
        if self.check_acknowledgment(segment, packet).is_err() {
            packet.event("stream.fin_invalid_ack");
            return Err(Refused);
        }
        let (sender, _) = self.pair(segment.direction);
        let right_edge = sender.last_ack.wrapping_add(sender.window);
        // As in the reference: before what was sent it counts, before what was acknowledged not.
        if before(segment.sequence, sender.last_ack)
            || !before_or_same(segment.sequence, right_edge)
        {
            packet.event("stream.fin_out_of_window");
            return Err(Refused);
        }
        self.state = match segment.direction {
            Direction::ToServer => TcpState::CloseWait,
            Direction::ToClient => TcpState::FinWait1,
        };
        let (sender, receiver) = self.pair(segment.direction);
        sender.advance(segment.end());
        // An acknowledgment of bytes that were not captured.
        receiver.advance(segment.acknowledgment);
        self.update_receiver(segment);
        self.note_timestamp(segment);
        self.take(segment, packet, tools);
        Ok(())
    }
}
