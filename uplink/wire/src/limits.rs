//! Every cap on what may arrive from the other end, with its unit.
//!
//! A length or count read from the wire is compared with its cap before anything is
//! allocated for it.

/// Bytes of one frame's body on the stream.
pub const MAX_FRAME_BODY_BYTES: usize = 1024 * 1024 + 4096;
/// Bytes of one envelope: header, ciphertext and signature.
pub const MAX_ENVELOPE_BYTES: usize = 1024 * 1024;
/// Bytes of a batch after decompression.
pub const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Records in one batch.
pub const MAX_RECORDS_IN_BATCH: usize = 16_384;
/// Record ranges a batch may name (one a lane is usual).
pub const MAX_RANGES_IN_BATCH: usize = 64;
/// Blocks (record kinds) in one batch.
pub const MAX_BLOCKS_IN_BATCH: usize = 64;
/// Columns in one block.
pub const MAX_COLUMNS_IN_BLOCK: usize = 256;
/// Fields in one record that is written as a row.
pub const MAX_FIELDS_IN_ROW: usize = 256;
/// Facts of one finding.
pub const MAX_FACTS_IN_FINDING: usize = 32;
/// Bytes of one fact's value; the writer cuts longer ones.
pub const MAX_FACT_VALUE_BYTES: usize = 1024;
/// Facts of all findings of a batch.
pub const MAX_FACTS_IN_BATCH: usize = 131_072;
/// Bytes of all fact values of a batch after each shared value is written out.
pub const MAX_FACT_BYTES_IN_BATCH: usize = 16 * 1024 * 1024;
/// Bytes of an application protocol's short name.
pub const MAX_APP_PROTOCOL_BYTES: usize = 24;
/// Bytes of a version, name or state text.
pub const MAX_TEXT_BYTES: usize = 256;
/// Named counters of one summary.
pub const MAX_COUNTERS_IN_SUMMARY: usize = 200;
/// Top lists of one summary.
pub const MAX_TOP_LISTS: usize = 16;
/// Entries of one top list.
pub const MAX_TOP_ENTRIES: usize = 64;
/// Bytes of a certificate signing request or certificate (DER).
pub const MAX_CERTIFICATE_BYTES: usize = 8 * 1024;
/// Certificates in an issuing chain.
pub const MAX_CHAIN_CERTIFICATES: usize = 4;
/// Bytes of a path below the rule repository.
pub const MAX_REPOSITORY_PATH_BYTES: usize = 256;
/// Bytes of a file that one message brings.
pub const MAX_FILE_PART_BYTES: usize = 64 * 1024;
/// Bytes of one signed answer.
pub const MAX_ANSWER_BYTES: usize = 512 * 1024;
/// Facts about the machine in a request to enrol.
pub const MAX_MACHINE_FACTS: usize = 32;
/// Addresses of the centre in a voucher.
pub const MAX_CENTRE_ADDRESSES: usize = 8;
/// Characters of a voucher string.
pub const MAX_VOUCHER_CHARACTERS: usize = 2048;
/// Seconds a centre may ask a sensor to wait.
pub const MAX_RETRY_AFTER_SECONDS: u32 = 24 * 3600;
/// Envelopes that may wait for an answer at the same time.
pub const MAX_ENVELOPES_IN_FLIGHT: usize = 64;
/// Frames of an unknown type that one session skips before it ends.
pub const MAX_UNKNOWN_FRAMES: u64 = 1024;
/// Milliseconds a side waits for the other's hello.
pub const HELLO_TIMEOUT_MILLISECONDS: u64 = 60_000;
