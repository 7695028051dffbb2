//! The ledger: what left this site, envelope by envelope, in lines that cannot be changed unnoticed.
//!
//! It belongs to the ISP. The uplink writes a line before it acts: no envelope is sealed that was not entered first, and no byte of
//! it goes into a socket before the line that says so is on the disk. Where a line cannot be written nothing leaves.
//!
//! ```text
//! ledger/NNNNNNNNNNNN.lines    lines from number N on; a file that has grown to 4 MiB is followed by the next one
//! ledger/lock                  locked while a line is written
//! ledger/head                  JSON: {"lines": number of the last line, "hash": its hash}
//! ledger/envelopes/EPOCH-BATCH.envelope    the bytes of envelopes as they were sent, the oldest removed beyond 64 MiB
//!
//! line = HASH SPACE JSON LF    HASH = hex SHA-256 of the hash before it (64 zeros before line 1, as text) followed by JSON
//! ```
//!
//! Every line has `line` (its number, from 1), `time` (milliseconds since 1970) and `what`, and by that:
//!
//! | what | fields |
//! |---|---|
//! | `sealed` | `sensor`, `epoch`, `batch`, `digest`, `bytes`, `records` (counts by kind), `policies` (digests), `key` (the content key, wrapped for the ISP; null without a ledger key) |
//! | `connected` | `connection` (number), `from`, `to` (`address:port`; of the proxy where there is one) |
//! | `sent` | `epoch`, `batch`, `digest`, `bytes`, `way` (`tls` or `courier`), `connection` (null for a courier) |
//! | `closed` | `connection`, `sent` (bytes of TCP payload to the centre, to the byte), `received`, `envelopes` (bytes of envelopes that were begun), `other` (what else was said: frames, questions), `tls` (handshake, record headers and tags), `proxy` (the request to a proxy before TLS begins; absent in lines of older programs) |
//! | `cut` | `connection`, whose end was not seen: the process was killed; `sent` as last known |
//!
//! `sent` = `envelopes` + `other` + `tls` + `proxy` in each `closed` line, and the sum over all of them is what a packet capture of the uplink
//! holds as TCP payload. An envelope that was begun and not finished counts with the bytes that went out.
//! `tools/verify-ledger.py` checks all this without any code of ours.

mod connection;
mod line;
mod reader;
mod verify;
mod writer;

use std::path::{Path, PathBuf};

pub(crate) use connection::ConnectionBooks;
pub use line::{Entry, Line, Way};
pub use reader::{LedgerError, Lines};
pub use verify::{Problem, Report, has_hash, verify};
pub use writer::{Carried, Ledger, LedgerKey};

/// Where the ledger of a sensor is whose identity is in this folder.
pub fn folder_beside(identity_folder: &Path) -> PathBuf {
    identity_folder.with_file_name("ledger")
}

/// Bytes of a file of lines after which the next one is begun.
const FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of a line.
const MAX_LINE_BYTES: usize = 16 * 1024;
/// Bytes of all kept envelopes.
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// The hash before the first line.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
