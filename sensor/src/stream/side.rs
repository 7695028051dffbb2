//! What is known of one sender of a connection.

use super::{
    buffer::{Inserted, Next, StreamBuffer},
    connection::Tools,
    overlap_policy::StreamPolicy,
    segment::Segment,
    sequence::{after, distance, plus},
};
use crate::decode::Packet;

/// One sender: its sequence numbers, the window it was granted, its bytes.
#[derive(Debug)]
pub(super) struct Side {
    /// Sequence number of its SYN.
    pub(super) initial_sequence: u32,
    /// What its next segment should begin with.
    pub(super) next_sequence: u32,
    /// Highest acknowledgment by the other side.
    pub(super) last_ack: u32,
    /// Right edge of what it may send.
    pub(super) next_window: u32,
    /// Window the other side grants it, scaled.
    pub(super) window: u32,
    /// Scale of that window, as the other side announced.
    pub(super) scale: u8,
    /// Its newest timestamp, and when it came.
    pub(super) last_timestamp: u32,
    pub(super) timestamp_seconds: u64,
    /// Whether its SYN had a timestamp.
    pub(super) offers_timestamps: bool,
    /// Whether that timestamp was 0.
    pub(super) began_with_timestamp_zero: bool,
    /// Its newest segment was a keep-alive.
    pub(super) is_keep_alive: bool,
    /// It seems to have sent a reset that its peer may have refused.
    pub(super) has_doubtful_reset: bool,
    pub(super) policy: StreamPolicy,

    pub(super) buffer: StreamBuffer,
    /// Position of [`Self::last_ack`] in the stream; the point from which sequence numbers become positions.
    acked: u64,
    has_fin: bool,
    pub(super) app_progress: u64,
    pub(super) app_stopped: bool,
    pub(super) raw_progress: u64,
    pub(super) raw_triggered: bool,
    /// Bytes before the application layer's position that a triggered raw inspection sees again.
    pub(super) look_back_bytes: u32,
    pub(super) depth_reached: bool,
    /// Bytes of the stream that are looked at.
    pub(super) depth_bytes: u64,
}

impl Side {
    pub(super) fn new(policy: StreamPolicy, depth_bytes: u64) -> Self {
        Self {
            initial_sequence: 0,
            next_sequence: 0,
            last_ack: 0,
            next_window: 0,
            window: 0,
            scale: 0,
            last_timestamp: 0,
            timestamp_seconds: 0,
            offers_timestamps: false,
            began_with_timestamp_zero: false,
            is_keep_alive: false,
            has_doubtful_reset: false,
            policy,
            buffer: StreamBuffer::default(),
            acked: 0,
            has_fin: false,
            app_progress: 0,
            app_stopped: false,
            raw_progress: 0,
            raw_triggered: false,
            look_back_bytes: 0,
            depth_reached: false,
            depth_bytes,
        }
    }

    /// Its stream begins behind this SYN.
    pub(super) fn begin(&mut self, initial_sequence: u32) {
        self.initial_sequence = initial_sequence;
        self.next_sequence = plus(initial_sequence, 1);
        self.last_ack = self.next_sequence;
        self.acked = 0;
    }

    /// Position of a sequence number in the stream; negative before its beginning.
    fn position(&self, sequence: u32) -> i64 {
        i64::try_from(self.acked)
            .unwrap_or(i64::MAX)
            .saturating_add(i64::from(distance(self.last_ack, sequence)))
    }

    /// Takes an acknowledgment by the other side, if it is news.
    pub(super) fn acknowledge(&mut self, acknowledgment: u32) {
        if after(acknowledgment, self.last_ack) {
            let more = distance(self.last_ack, acknowledgment);
            self.acked += u64::try_from(more).unwrap_or(0);
            self.last_ack = acknowledgment;
        }
    }

    /// Moves the next expected sequence number on.
    pub(super) fn advance(&mut self, next_sequence: u32) {
        if after(next_sequence, self.next_sequence) {
            self.next_sequence = next_sequence;
        }
    }

    /// Moves the right edge of what it may send.
    pub(super) fn grant(&mut self, next_window: u32) {
        if after(next_window, self.next_window) {
            self.next_window = next_window;
        }
    }

    /// Remembers that its FIN came, where that does not stand before the stream.
    pub(super) fn note_fin(&mut self, sequence: u32) {
        self.has_fin = self.position(sequence) >= 0;
    }

    /// Whether its FIN was seen.
    pub(super) fn has_fin(&self) -> bool {
        self.has_fin
    }

    /// Bytes sent so far by the sequence numbers, as `stream_size` counts them.
    pub(super) fn sequence_bytes(&self) -> u64 {
        u64::from(self.next_sequence.wrapping_sub(self.initial_sequence))
    }

    /// How far the stream may be read: what was acknowledged, or everything that is there.
    fn readable(&self, everything: bool) -> u64 {
        let acked = self.acked;
        let limit = if everything {
            acked.max(self.buffer.right_edge())
        } else {
            acked
        };
        limit.min(self.depth_bytes)
    }

    /// From where on the application layer's bytes may be looked at again.
    fn looked_back(&self) -> u64 {
        self.app_progress
            .saturating_sub(u64::from(self.look_back_bytes))
    }

    /// What the application layer has not seen yet: the next stretch, as far as it may be read.
    pub(super) fn next_for_app(&self, everything: bool) -> Next<'_> {
        let limit = self.readable(everything);
        match clipped(&self.buffer, self.app_progress, limit) {
            // Bytes may still come for a hole of which nothing was acknowledged, the number of the FIN left out.
            Next::Hole(_) if self.acked <= self.app_progress + u64::from(self.has_fin()) => {
                Next::Nothing
            }
            next => next,
        }
    }

    /// What raw inspection has not seen yet.
    pub(super) fn next_for_raw(&self, everything: bool) -> Next<'_> {
        let limit = self.readable(everything);
        clipped(&self.buffer, self.raw_progress, limit)
    }

    /// The next `new_bytes` for raw inspection with what it is to see again before them, and the position of the first.
    pub(super) fn with_look_back(&self, new_bytes: usize) -> Option<(u64, &[u8])> {
        let end = self
            .raw_progress
            .checked_add(u64::try_from(new_bytes).ok()?)?;
        let mut start = self.raw_progress;
        if self.raw_triggered && self.look_back_bytes > 0 && !self.app_stopped {
            start = start.min(self.looked_back());
        }
        self.buffer.contiguous(start, self.raw_progress, end)
    }

    /// A valid reset: the other side will not acknowledge what was sent before it any more, and will not throw it away.
    pub(super) fn acknowledge_all(&mut self) {
        let sent = self.buffer.right_edge();
        if let Some(more) = sent
            .checked_sub(self.acked)
            .and_then(|more| u32::try_from(more).ok())
        {
            self.acknowledge(self.last_ack.wrapping_add(more));
        }
    }

    /// Acknowledged bytes that raw inspection has not seen.
    pub(super) fn raw_pending(&self) -> u64 {
        self.readable(false).saturating_sub(self.raw_progress)
    }

    /// Enters a segment's payload, urgent bytes as all others. Whether it is in the stream now.
    pub(super) fn insert(
        &mut self,
        segment: &Segment<'_>,
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> bool {
        let position = self.position(segment.sequence);
        let end = position.saturating_add(i64::try_from(segment.payload.len()).unwrap_or(i64::MAX));
        if position < -1 && end > 0 {
            // As in the reference: what begins before the SYN and reaches into the stream is taken, and never seen.
            return true;
        }
        self.insert_at(position, segment.payload, packet, tools)
    }

    fn insert_at(
        &mut self,
        position: i64,
        payload: &[u8],
        packet: &mut Packet<'_>,
        tools: &mut Tools<'_>,
    ) -> bool {
        // What lies before the beginning belongs to no stream.
        let skipped = usize::try_from(position.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let payload = payload.get(skipped..).unwrap_or_default();
        let position = u64::try_from(position.max(0)).unwrap_or(0);
        let room = self.depth_bytes.saturating_sub(position);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if payload.len() >= room && !self.depth_reached {
            self.depth_reached = true;
            tools.counters.depth_reached += 1;
            packet.event("stream.reassembly_depth_reached");
        }
        let payload = payload.get(..room).unwrap_or(payload);
        if payload.is_empty() {
            return false;
        }
        let inserted =
            self.buffer
                .insert(position, payload, self.policy, tools.budget, tools.scratch);
        match inserted {
            Inserted::Taken { differs } => {
                tools.counters.segments += 1;
                if differs {
                    tools.counters.overlaps_with_different_bytes += 1;
                    packet.event("stream.reassembly_overlap_different_data");
                }
                true
            }
            Inserted::BeforeStart => {
                packet.event("stream.reassembly_segment_before_base_seq");
                false
            }
            Inserted::OverBudget => {
                tools.counters.segments_over_budget += 1;
                packet.event("stream.reassembly_insert_memcap");
                false
            }
            Inserted::OverLimit => {
                tools.counters.segments_over_limit += 1;
                packet.event("stream.reassembly_insert_limit");
                false
            }
        }
    }

    /// Gives up what no reader needs any more.
    pub(super) fn release(&mut self, tools: &mut Tools<'_>) {
        let needed = if self.app_stopped {
            self.raw_progress
        } else {
            self.raw_progress.min(self.looked_back())
        };
        // What was not acknowledged may come again, and is compared with what came before.
        self.buffer.release(needed.min(self.acked), tools.budget);
    }
}

/// What a reader at `position` may have up to `limit`.
fn clipped(buffer: &StreamBuffer, position: u64, limit: u64) -> Next<'_> {
    let allowed = limit.saturating_sub(position);
    if allowed == 0 {
        return Next::Nothing;
    }
    match buffer.next(position) {
        Next::Bytes(bytes) => {
            let length = usize::try_from(allowed).unwrap_or(usize::MAX);
            Next::Bytes(bytes.get(..length).unwrap_or(bytes))
        }
        // The hole as a whole, once any of it was acknowledged; but none where nothing stands behind it.
        Next::Hole(missing) => Next::Hole(missing),
        Next::Nothing => Next::Nothing,
    }
}
