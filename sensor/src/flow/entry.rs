//! One flow and what hangs on it.

use std::net::IpAddr;

use crate::{
    app_layer::{AppLayer, Inspected},
    detect::FlowDetection,
    direction::Direction,
    time::Timestamp,
};

/// Number of a flow, unique in one run of one worker; `flow_id` in EVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId(pub u64);

/// How far a flow has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowProgress {
    /// Packets in one direction only, or a TCP handshake not yet done.
    New,
    /// Both directions seen, or the TCP handshake done.
    Established,
    /// TCP closed or reset.
    Closed,
}

/// What was seen in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectionCounters {
    /// Packets.
    pub packets: u64,
    /// Bytes as on the wire.
    pub bytes: u64,
    /// TCP: bytes of the stream so far, from the sequence numbers (`stream_size`).
    pub stream_bytes: u64,
}

/// A stretch of reassembled bytes to inspect now.
#[derive(Clone, Copy, Debug)]
pub struct StreamWindow<'a> {
    /// Who sent it.
    pub direction: Direction,
    /// Position of its first byte in the stream of that direction.
    pub offset: u64,
    /// The bytes; they may begin before what was inspected last time.
    pub bytes: &'a [u8],
    /// How many of them, at the end, were never inspected before.
    pub new_bytes: usize,
    /// Whether the stream ends with them.
    pub is_end: bool,
}

impl<'a> StreamWindow<'a> {
    /// Those that were never inspected before.
    #[must_use]
    pub fn unseen(&self) -> &'a [u8] {
        let seen = self.bytes.len().saturating_sub(self.new_bytes);
        self.bytes.get(seen..).unwrap_or_default()
    }

    /// Position behind its last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// A bidirectional flow.
#[derive(Debug)]
pub struct Flow {
    /// Its number.
    pub id: FlowId,
    /// The client's address.
    pub client: IpAddr,
    /// The client's port.
    pub client_port: u16,
    /// The server's address.
    pub server: IpAddr,
    /// The server's port.
    pub server_port: u16,
    /// IANA protocol number.
    pub protocol: u8,
    /// How far it has come.
    pub progress: FlowProgress,
    /// Time of the first packet.
    pub first_seen: Timestamp,
    /// Time of the newest packet.
    pub last_seen: Timestamp,
    /// Per direction, by [`Direction::index`].
    pub counters: [DirectionCounters; 2],
    /// What of it is still looked at.
    pub inspected: Inspected,
    /// Protocol identification, parser and transactions.
    pub app: AppLayer,
    /// Flow bits, integers, inspected transactions, per-flow rule state.
    pub detection: FlowDetection,
}

impl Flow {
    /// Asks the parser what is still looked at; what was given up is not taken up again.
    pub(crate) fn note_inspected(&mut self) {
        if let Some(parser) = self.app.parser() {
            self.inspected = self.inspected.max(parser.inspected());
        }
    }

    /// Whether payload that comes from now on is not looked at.
    #[must_use]
    pub fn is_ciphertext(&self) -> bool {
        self.inspected >= Inspected::Transactions
    }
}
