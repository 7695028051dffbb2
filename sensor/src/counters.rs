//! What one worker counts: everything seen, and everything lost with the reason.
//!
//! Plain numbers of one thread; whoever wants them asks the pipeline for a copy.

use std::collections::BTreeMap;

use serde::Serialize;

/// Everything a worker counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EngineCounters {
    /// Decoding and defragmentation.
    pub decode: DecodeCounters,
    /// Flows.
    pub flow: FlowCounters,
    /// TCP reassembly.
    pub stream: StreamCounters,
    /// What was not inspected because the worker was behind.
    pub shed: ShedCounters,
    /// Alerts raised.
    pub alerts: u64,
    /// Panics that were caught; each cost the flow it happened in.
    pub panics_caught: u64,
}

/// What decoding saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DecodeCounters {
    /// Frames from the capture.
    pub frames: u64,
    /// Their bytes, as on the wire.
    pub bytes: u64,
    /// Packets handed on: frames, what tunnels held, what was put together.
    pub packets: u64,
    pub ipv4: u64,
    pub ipv6: u64,
    pub tcp: u64,
    pub udp: u64,
    pub sctp: u64,
    pub icmpv4: u64,
    pub icmpv6: u64,
    pub arp: u64,
    /// Packets taken out of tunnels.
    pub tunnelled: u64,
    /// Encapsulating security payloads: nothing to look into.
    pub encrypted_ip: u64,
    /// IP protocols without a decoder.
    pub other_ip_protocols: u64,
    /// EtherTypes without a decoder.
    pub unknown_ether_type: u64,
    /// IPv6 packets of which not even the fixed header was there; the reference has no event for them.
    pub ipv6_cut: u64,
    /// PPP with compressed TCP/IP headers.
    pub unsupported_ppp: u64,
    /// Packets without a usable IP header.
    pub without_ip: u64,
    /// IP fragments.
    pub fragments: u64,
    /// Packets put together from fragments.
    pub reassembled: u64,
    /// Incomplete packets given up because memory was short.
    pub fragmented_packets_evicted: u64,
    /// Incomplete packets given up because nothing came for too long.
    pub fragmented_packets_timed_out: u64,
    /// Fragments ignored because their packet had too many.
    pub fragments_over_limit: u64,
    /// Decode events by name: what could not be decoded, or was odd.
    pub events: BTreeMap<&'static str, u64>,
}

impl DecodeCounters {
    /// Counts an event.
    pub fn event(&mut self, name: &'static str) {
        *self.events.entry(name).or_default() += 1;
    }
}

/// What was not inspected because the worker was behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShedCounters {
    /// Times the worker fell behind.
    pub times: u64,
    /// Flows that were let pass, in whole or in part.
    pub flows: u64,
    /// Packets of them that were not inspected.
    pub packets: u64,
    /// Their bytes, as on the wire.
    pub bytes: u64,
}

/// What became of flows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowCounters {
    /// Packets that the site's policy keeps the engine from looking at.
    pub out_of_scope: u64,
    /// Flows begun.
    pub created: u64,
    /// Flows in which the second of the two ends was heard, too.
    pub answered: u64,
    /// Flows held now.
    pub active: u64,
    /// Flows ended because nothing came for too long.
    pub timed_out: u64,
    /// TCP flows ended because the same ends began anew.
    pub reused: u64,
    /// Flows ended at the end of the capture.
    pub ended_with_capture: u64,
    /// Flows ended early, before their time-out, because the table was full: closed, new or established ones.
    pub evicted_closed: u64,
    pub evicted_new: u64,
    pub evicted_established: u64,
    /// Flows dropped because handling them panicked.
    pub dropped_after_panic: u64,
}

/// What TCP reassembly saw and lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StreamCounters {
    /// Sessions.
    pub sessions: u64,
    /// Those among them whose beginning was not seen.
    pub picked_up: u64,
    /// Packets of no session: mid-stream, or after an end.
    pub packets_without_session: u64,
    /// Packets the state machine refused.
    pub invalid_packets: u64,
    /// Segments taken into a stream.
    pub segments: u64,
    /// Segments that overlapped what was there with other bytes.
    pub overlaps_with_different_bytes: u64,
    /// Holes told to parsers.
    pub gaps: u64,
    /// Bytes missing in them.
    pub gap_bytes: u64,
    /// Directions in which the stream depth was reached.
    pub depth_reached: u64,
    /// Segments not kept because the reassembly budget was spent.
    pub segments_over_budget: u64,
    /// Segments not kept because a direction held too many pieces.
    pub segments_over_limit: u64,
    /// Stream events by name.
    pub events: BTreeMap<&'static str, u64>,
}

impl StreamCounters {
    /// Counts an event.
    pub fn event(&mut self, name: &'static str) {
        *self.events.entry(name).or_default() += 1;
    }
}
