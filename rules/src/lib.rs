//! The Suricata rule language, from text to a pack that a small board only maps.
//!
//! Four stages, each with its own promise:
//!
//! 1. `source` reads rule text and never stops at the first mistake: it gives rules and diagnostics.
//! 2. [`model`] is a rule with every name resolved; nothing in it can be half-understood.
//! 3. `compile` chooses prefilter patterns, groups rules and writes a pack: same rules in, same bytes out.
//! 4. [`pack`] opens a pack by checking every offset once; after that its views cannot fail.
//!
//! This package knows no packets, no sockets and no clock.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod compile;
mod diagnostic;
pub mod difference;
mod fuzz;
pub mod help;
pub mod indicator;
pub mod layout;
pub mod limits;
pub mod lint;
pub mod model;
pub mod pack;
pub mod source;

pub use compile::{Compiled, Counts, Settings, compile};
pub use diagnostic::{Diagnostic, Level};

pub use fuzz::fuzz_entry;
pub use lapwing_trust as trust;
