//! The engine: packets in, alerts and findings out.
//!
//! Stages, in the order a packet meets them; each knows only those before it:
//!
//! [`capture`] → [`decode`] → [`flow`] → [`stream`] → [`app_layer`] → [`detect`] → `findings` → outbox.
//!
//! One worker owns one pipeline with its own flow table; workers share nothing but the mapped rule pack. Time is packet
//! time. No stage opens a network socket; no stage panics on what a packet holds.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod app_layer;
pub mod capture;
pub mod check;
pub mod clock;
pub mod counters;
pub mod decode;
pub mod detect;
pub mod direction;
pub mod findings;
pub mod flow;
pub mod give_back;
pub mod interfaces;
pub mod keyslot;
pub mod memory_shares;
pub mod output;
pub mod pipeline;
pub mod policy;
pub mod pressure;
pub mod replay;
pub mod rule_exchange;
pub mod rule_update;
pub mod sandbox;
pub mod settings;
pub mod shedding;
pub mod status;
mod steady_table;
pub mod stream;
pub mod time;
pub mod watch;
pub mod whole_file;
