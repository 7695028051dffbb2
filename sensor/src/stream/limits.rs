//! Every cap of TCP tracking and reassembly.

/// Bytes of each direction that are looked at (reference: `stream.reassembly.depth`).
pub const STREAM_DEPTH_BYTES: u64 = 1024 * 1024;
/// Acknowledged bytes that are worth a raw inspection (reference: `toserver-chunk-size`, `toclient-chunk-size`).
pub const RAW_CHUNK_BYTES: u64 = 2560;
/// Disjoint stretches of bytes kept of one direction: more holes than this at one time is no traffic but an attack.
pub const STRETCHES_MAX: usize = 128;
/// Segments whose extents are remembered for overlap decisions, of one direction.
pub const SEGMENTS_MAX: usize = 2048;
/// Different SYN/ACKs remembered of one handshake (reference: `stream.max-synack-queued`).
pub const SYN_ACKS_MAX: usize = 5;
/// Different SYNs remembered of one handshake (reference: `stream.max-syn-queued`).
pub const SYNS_MAX: usize = 10;
/// Largest window scale that counts (RFC 7323 section 2.3).
pub const WINDOW_SCALE_MAX: u8 = 14;
/// Bytes by which a window may shrink more than what is acknowledged accounts for (the reference's allowance).
pub const WINDOW_SLACK_BYTES: u32 = 32;
/// Bytes of all streams of a worker unless a memory budget says otherwise.
pub const REASSEMBLY_BYTES_DEFAULT: usize = 64 * 1024 * 1024;
/// Age in seconds after which a timestamp is no longer held against a segment (RFC 7323 section 5.5: 24 days).
pub const TIMESTAMP_OUTDATED_SECONDS: u64 = 24 * 24 * 60 * 60;
