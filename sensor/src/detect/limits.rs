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

/// Texts that expressions capture, kept of one flow or packet.
pub const TEXT_VARIABLES_MAX: usize = 16;

/// Bytes of one of them.
pub const TEXT_VARIABLE_BYTES_MAX: usize = 1_024;

/// What rules added to lists of the pack or took out of them, all lists together; 24 bytes each.
pub const DATA_SET_CHANGES_MAX: usize = 32_768;

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

/// Steps of one search of an expression that needs backtracking, as pcre2 counts them.
pub const BACKTRACKING_STEPS_MAX: u32 = 100_000;

/// Nested steps of one such search.
pub const BACKTRACKING_DEPTH_MAX: u32 = 20_000;

/// Memory of one such search, in KiB; it is freed behind the search.
pub const BACKTRACKING_HEAP_KIB: u32 = 2_048;

/// What one such expression takes of the cache, in bytes: the most that pcre2 compiles it into, as it does not tell how much.
pub const BACKTRACKING_PROGRAM_BYTES: usize = 64 << 10;

/// What one such search costs at least of [`INSPECTION_SEARCHED_BYTES_MAX`]: 256 of them end an inspection.
pub const BACKTRACKING_SEARCH_COST_BYTES: u64 = 256 << 10;

/// ASN.1 objects one after the other, and as deep in one another, that `asn1` looks at. The reference has the same.
pub const ASN1_OBJECTS_MAX: usize = 30;

/// Bytes that `asn1` looks at.
pub const ASN1_BYTES_MAX: usize = 65_535;
