//! One TCP segment as the state machine sees it.

use super::{
    limits,
    sequence::{after, plus},
};
use crate::{
    decode::{Packet, Tcp, TcpOption, tcp_options},
    direction::Direction,
};

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

/// A segment with its options read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) direction: Direction,
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
    pub(super) flags: u8,
    /// As in the header, not scaled.
    pub(super) window: u16,
    pub(super) payload: &'a [u8],
    /// Timestamp value, where there is one.
    pub(super) timestamp: Option<u32>,
    /// The other side's timestamp it echoes.
    pub(super) timestamp_echo: u32,
    pub(super) window_scale: Option<u8>,
    /// Blocks that are acknowledged selectively (RFC 2018).
    pub(super) selected: &'a [u8],
    pub(super) has_fast_open: bool,
    /// It carries a signature (RFC 2385, RFC 5925) that only the ends can check.
    pub(super) is_authenticated: bool,
    /// Packet time in seconds.
    pub(super) seconds: u64,
}

impl<'a> Segment<'a> {
    pub(super) fn new(packet: &Packet<'a>, tcp: &Tcp<'a>, direction: Direction) -> Self {
        let mut segment = Self {
            direction,
            sequence: tcp.sequence,
            acknowledgment: tcp.acknowledgment,
            flags: tcp.flags,
            window: tcp.window,
            payload: packet.payload,
            timestamp: None,
            timestamp_echo: 0,
            window_scale: None,
            selected: &[],
            has_fast_open: false,
            is_authenticated: false,
            seconds: packet.time.seconds(),
        };
        for option in tcp_options(tcp.options) {
            match option {
                TcpOption::Timestamp { value, echo_reply } => {
                    segment.timestamp = Some(value);
                    segment.timestamp_echo = echo_reply;
                }
                TcpOption::WindowScale(shift) => {
                    segment.window_scale = Some(shift.min(limits::WINDOW_SCALE_MAX));
                }
                TcpOption::Sack(blocks) => segment.selected = blocks,
                TcpOption::FastOpen(_) => segment.has_fast_open = true,
                TcpOption::Authentication(_) => segment.is_authenticated = true,
                _ => {}
            }
        }
        segment
    }

    pub(super) fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    pub(super) fn has_any(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Sequence number behind its payload.
    pub(super) fn end(&self) -> u32 {
        plus(self.sequence, self.payload.len())
    }

    /// Whether it acknowledges bytes behind `last_ack` selectively.
    pub(super) fn selects_beyond(&self, last_ack: u32) -> bool {
        self.selected
            .chunks_exact(8)
            .filter_map(|block| block.last_chunk::<4>())
            .any(|right_edge| after(u32::from_be_bytes(*right_edge), last_ack))
    }

    /// Its window under a scale.
    pub(super) fn scaled_window(&self, scale: u8) -> u32 {
        u32::from(self.window) << scale.min(limits::WINDOW_SCALE_MAX)
    }
}
