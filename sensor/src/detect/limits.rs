//! Every cap of detection. What a rule or the traffic asks beyond them is not done, and is counted.

/// Steps of one content inspection: matches tried, retries included. The reference has the same.
pub const INSPECTION_STEPS_MAX: u32 = 3_000;

/// Bytes that one content inspection may search through before it gives up: a retry that walks a long body for each of
/// its many occurrences ends here.
pub const INSPECTION_SEARCHED_BYTES_MAX: u64 = 64 << 20;

/// Byte variables of one rule; numbers beyond read as 0.
pub const BYTE_VARIABLES_MAX: usize = 256;

/// Decoded bytes of one `base64_decode`.
pub const BASE64_DECODED_BYTES_MAX: usize = 65_535;

/// Digits of a number written in text that is read from the traffic.
pub const TEXT_NUMBER_BYTES_MAX: usize = 23;

/// Alerts told of one packet; further ones are counted only. `packet-alert-max` of the reference's settings.
pub const ALERTS_PER_PACKET_MAX: usize = 255;

/// Instances of a buffer that are looked at in one transaction (`dns.query`, `tls.certs`, files).
pub const BUFFER_INSTANCES_MAX: usize = 256;

/// Values of a transaction's numeric field that are looked at (`dns.rrtype`).
pub const FIELD_VALUES_MAX: usize = 256;

/// Transactions of one flow that are inspected for one packet.
pub const TRANSACTIONS_PER_PACKET_MAX: usize = 512;

/// Rules that wait in one transaction for buffers that are still to come.
pub const PENDING_RULES_PER_TRANSACTION_MAX: usize = 256;

/// Transactions of one flow that detection keeps notes of.
pub const TRANSACTION_NOTES_PER_FLOW_MAX: usize = 256;

/// Flow bits and flow integers kept of one flow.
pub const FLOW_VARIABLES_MAX: usize = 128;

/// Bits kept of hosts and host pairs, all together.
pub const HOST_BITS_MAX: usize = 16_384;

/// Counters of `threshold` and `detection_filter`, all together.
pub const THRESHOLD_ENTRIES_MAX: usize = 32_768;

/// Compiled regular expressions and their caches, in bytes, unless the settings say otherwise.
pub const REGEX_CACHE_BYTES: usize = 12 << 20;

/// Program of one regular expression, in bytes.
pub const REGEX_PROGRAM_BYTES_MAX: usize = 10 << 20;

/// States that the lazy automaton of one regular expression keeps, in bytes.
pub const REGEX_LAZY_BYTES: usize = 256 << 10;
