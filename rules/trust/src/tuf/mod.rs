//! A repository of signed files, and its client, as The Update Framework has them (TUF
//! specification 1.0, <https://theupdateframework.github.io/specification/latest/>).
//!
//! # Format
//!
//! A repository is two folders of plain files:
//!
//! ```text
//! metadata/1.root.json, 2.root.json, ...   every root there ever was, each signed by the keys of
//!                                          the one before and by its own
//! metadata/timestamp.json                  names the version of the snapshot; soon ends
//! metadata/7.snapshot.json                 names the version of every targets file
//! metadata/5.targets.json                  names the targets: length, SHA-256, notes
//! targets/<SHA-256>.rules.pack             a target
//! ```
//!
//! Every metadata file is an [`Envelope`](crate::Envelope) whose `signed` begins with a
//! [`Header`]. Numbers before file names are versions; `timestamp.json` alone is replaced in
//! place. In a repository without consistent snapshots (`consistent_snapshot` false) only roots
//! have numbers, and targets lie under their own names. Keys are Ed25519; keys of other types
//! may be named and count for nothing. A key's id is the SHA-256 of its canonical form, and one
//! that is not is refused. Members that are not known are passed over.
//!
//! One member is ours: `x-lapwing-issued`, when a file was made. A board that lost its clock
//! learns from it how late it is at least.
//!
//! # What the client promises
//!
//! [`TrustedSet`] holds what is believed and takes new bytes in the order of the specification's
//! section 5; [`TrustedSet::refresh`] asks a [`Repository`] for them. Nothing is taken that is
//!
//! * not signed by the threshold of the role's keys, a key counting once;
//! * of an older version than what was taken before, in any role; a snapshot may not drop or
//!   turn back a file that it named;
//! * mixed from different states of the repository;
//! * longer than its cap in [`limits`](crate::limits) or than what names it says;
//! * past its end, at the best time known: the clock that the caller gives, or the newest
//!   `x-lapwing-issued` that was believed, whichever is later. A clock that fell back to 1970
//!   therefore refuses nothing that is in order, and lets nothing in that is known to be over.
//!
//! When a new root takes away the key that signed the timestamp or snapshot taken before, both
//! are forgotten: this is how versions come down again after a thief of that key raised them.
//!
//! A [`TrustedState`] is what must be kept between two updates: bytes, which the caller stores.

mod delegations;
mod error;
mod file_check;
mod header;
mod name;
mod refresh;
mod root;
mod snapshot;
mod state;
mod targets;
mod trusted_set;
mod utc_time;

pub use delegations::{DelegatedRole, Delegations};
pub use error::TufError;
pub use file_check::FileCheck;
pub use header::{Header, Metadata, SPEC_VERSION, Signed};
pub use refresh::{Repository, Target};
pub use root::{RoleKeys, Root, TopRole};
pub use snapshot::{FileMeta, Snapshot, Timestamp};
pub use state::TrustedState;
pub use targets::{TargetFile, Targets};
pub use trusted_set::TrustedSet;
pub use utc_time::{UtcTime, utc_text};
