//! The disk queue between the sensor process, which appends records, and the uplink process,
//! which seals them into batches, sends them and learns that they arrived.
//!
//! # The folder
//!
//! | path | owner | what |
//! |---|---|---|
//! | `identity` | whoever comes first | the epoch: a random number that names this outbox |
//! | `records/LANE-FIRST.seg` | writer | records of one lane, consecutive from number FIRST |
//! | `keys` | writer | the keys that segments are encrypted with, wrapped by the one in the [`Keyslot`] |
//! | `writer.state` | writer | next numbers, what was evicted, an eviction under way |
//! | `sealed/NUMBER.batch` | sender | one sealed batch, byte for byte, until it is acknowledged |
//! | `sender.state` | sender | what was sealed and acknowledged |
//! | `writer.lock`, `sender.lock` | | held while a process is the writer, the sender |
//! | `exchange.lock` | | held while one side decides by the other's state |
//!
//! Every file has one owner, which alone changes it; the other side reads. The two states are
//! replaced as a whole (written aside, synced, renamed). Only two decisions need both sides to
//! stand still, and take `exchange.lock`: the sender's "these records are sealed now" and the
//! writer's "these records are dropped". Locks are `flock`s: a killed process holds none.
//!
//! # A record's way
//!
//! Within its lane a record is, by its number, in exactly one of these places:
//!
//! ```text
//! 0 ── sealed or evicted ── next_to_seal / evicted_to ── queued ── next
//! ```
//!
//! The writer gives it the lane's next number and writes it to the lane's last segment. The
//! sender takes records from the front of the lanes, seals them into a batch file, and so moves
//! `next_to_seal`; that file appearing under its name is the moment at which they are sealed.
//! An ack with the batch's identity and digest removes the file. Segments whose records are
//! all sealed or evicted are removed by the writer.
//!
//! # Promises
//!
//! * `append` returned: a kill -9 of either process at any point loses nothing. A power cut
//!   loses no record of the critical lane and of the others at most what was appended within
//!   [`Settings::commit_after_milliseconds`] or [`Settings::commit_after_bytes`].
//! * Numbers are consecutive in each lane, across restarts, and never given twice to records
//!   of which one was sealed.
//! * The folder stays below [`Settings::max_bytes`]. When it would not, the oldest segment of
//!   the lightest lane that has one goes, and an [`Eviction`](lapwing_wire::Eviction) record
//!   says which numbers, how many of which severity, and why. Sealed batches do not go for want of room.
//! * produced = acknowledged + sealed + queued + evicted, to the unit.
//! * [`OutboxWriter::evict_older_than`] drops what has waited too long, by the same record of an eviction, and
//!   [`OutboxSender::withdraw_older_than`] sealed batches, whose evictions name the batch and its digest: no number and no link of
//!   the chain is missing without a word.
//! * A torn tail is cut off and counted. Bytes that rot in the middle cost the records they
//!   hit; those are evicted with the reason `Damaged`, and the rest of the segment is read.
//!
//! * With a [`Keyslot`] no record is on the disk in clear. Each segment has a key of its own, derived from one of a few that change
//!   with time and are destroyed once no segment needs them. What can be read without the slot's key: how many records there
//!   are in which lane, when they were made, how long they are; and, sealed to the centre, the batches.
//!
//! The formats are in the modules [`mod@segment`], [`mod@sealed_file`] and [`mod@state_file`].

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod error;
mod evict;
pub mod filesystem;
mod keys;
mod keyslot;
mod lanes;
mod layout;
mod peek;
mod recovery;
mod renewal;
mod retention;
pub mod sealed_file;
pub mod segment;
mod segment_cipher;
mod segment_reader;
mod sender;
mod sender_state;
mod settings;
pub mod state_file;
mod status;
mod writer;
mod writer_state;

pub use error::OutboxError;
pub use filesystem::{Disk, Filesystem};
pub use keyslot::{KEY_BYTES, Keyslot};
pub use lanes::LaneSet;
pub use peek::{is_encrypted, peek};
pub use sealed_file::envelope_in;
pub use sender::{AckOutcome, OutboxSender, SealLimits, SealedBatch};
pub use settings::{MIN_OUTBOX_BYTES, Settings};
pub use status::{Status, status};
pub use writer::{Draft, OutboxWriter, Repairs};
