//! Canonical packs: what is signed and sent. A small change of the rules is a small change of these bytes.
//!
//! The pack that a sensor maps shares strings, sets and expressions between rules by number, so one rule more moves numbers
//! everywhere. A canonical pack says the same in records that stand alone, in the order of their keys. From it the
//! mapped pack follows byte by byte: [`derive()`] makes it on arrival and holds it against the digest that the canonical
//! pack states and a signature covers. A [`make_delta`] names the records that differ; [`apply_delta`] gives the very
//! bytes of the new canonical pack, or an error.
//!
//! How the mapped pack follows is part of the format's version: a program that derives other bytes from the same records must
//! raise it, or it refuses what others signed. Programs of one version derive the same, whatever their build.
//!
//! All of it works on bytes in order and within the caps of [`crate::limits`]; nothing here knows who signed what.
//!
//! ```
//! # use lapwing_rules::{Settings, compile, pack::{CanonicalPack, Pack, apply_delta, derive, make_delta}, source::Source};
//! # let rule = |sid: u32| format!("alert tcp any any -> any any (msg:\"x\"; content:\"seen{sid}\"; sid:{sid};)\n");
//! # let compiled = |text: String| compile(&[Source { name: "x".into(), bytes: text.into_bytes() }], &Settings::default()).canonical;
//! let old = CanonicalPack::from_bytes(compiled(rule(1)))?;
//! let new = CanonicalPack::from_bytes(compiled(rule(1) + &rule(2)))?;
//! let delta = make_delta(&old, &new)?;
//!
//! let mut arrived = Vec::new();
//! apply_delta(&old, &delta, &mut arrived)?;
//! assert_eq!(arrived, new.bytes());
//!
//! let mut mapped = Vec::new();
//! derive(&new, &mut mapped)?;
//! assert_eq!(Pack::from_bytes(mapped)?.rule_count(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The file
//!
//! All numbers are little-endian; LEB128 where a length is said to be variable.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic [`CANONICAL_MAGIC`] |
//! | 8 | 4 | format version, that of [`super::format::VERSION`] |
//! | 12 | 4 | zero |
//! | 16 | 8 | length of the whole file in bytes |
//! | 24 | 32 | SHA-256 of everything from offset 56 on: the canonical pack's *digest*, its identity |
//! | 56 | 32 | digest of the pack that is derived from it |
//! | 88 | 8 | length of that pack in bytes |
//! | 96 | | records |
//!
//! A record is: length of its key (variable), key, length of its body (variable), body. Keys ascend bytewise and are distinct.
//! Their first byte is the kind of the record; numbers in keys are big-endian, so that their order is that of the numbers.
//!
//! | kind | key behind it | body |
//! |---|---|---|
//! | 16 address set | first 16 bytes of the SHA-256 of the body | number of IPv4 ranges (variable), each first and last address (u32), then IPv6 ranges (u128) to the end |
//! | 24 list | its name | see `list_record.rs` |
//! | 32 rule | gid, sid (u32) | see `rule_record.rs` |
//! | 48 unsupported rule | gid, sid (u32) | rev (variable), length of the message (variable), message, reason |
//! | 64 indicator, 65 list of indicators | see `indicators.rs` | |
//!
//! Address sets of more than [`SHARED_SET_RANGES`] ranges stand once, in records of their own; smaller ones in the rules.
//!
//! # The delta
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic [`DELTA_MAGIC`] |
//! | 8 | 4 | format version |
//! | 12 | 4 | length of the compressed keys in bytes |
//! | 16 | 4 | length of the keys in bytes |
//! | 20 | 4 | length of the bodies in bytes |
//! | 24 | 32 | digest of the canonical pack it starts from |
//! | 56 | 96 | the first 96 bytes of the canonical pack it leads to |
//! | 152 | | keys, a zstd frame |
//! | | | bodies, a zstd frame to the end |
//!
//! Keys: for each record that differs, in ascending order: 0 (gone) or 1 (new or changed), how many bytes its key shares
//! with the key before (variable), length of the rest (variable), the rest. Bodies: for each that is not gone, in the same
//! order, length (variable) and body; the frame is compressed against the old pack's records that are nearest in key
//! (`delta.rs` says which), so a changed rule costs little more than what changed in it.

mod delta;
mod derive;
mod error;
mod file;
mod groups;
mod indicators;
mod list_record;
mod rule_record;
mod writer;

pub use delta::{apply_delta, make_delta};
pub use derive::derive;
pub use error::CanonicalError;
pub use file::{CanonicalPack, RecordKind};
pub(crate) use rule_record::Trigger;
pub(crate) use writer::CanonicalWriter;

/// First bytes of every canonical pack.
pub const CANONICAL_MAGIC: [u8; 8] = *b"LAPWCANO";
/// First bytes of every delta.
pub const DELTA_MAGIC: [u8; 8] = *b"LAPWDELT";
/// Bytes before the first record of a canonical pack.
pub const CANONICAL_HEADER_BYTES: usize = 96;
/// Where what the digest covers begins.
const DIGEST_COVERS_FROM: usize = 56;
/// Bytes before the keys of a delta: what it costs whatever changed.
pub const DELTA_HEADER_BYTES: usize = 152;
/// Address sets of more ranges than this are records of their own.
pub const SHARED_SET_RANGES: usize = 32;
