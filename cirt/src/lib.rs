//! The centre of a national early-warning network: sensors hand in what they found, people read it.
//!
//! ```text
//! sensor ── TLS ──► collector ──► inbox ──► loader ──► findings ──► query ──► web pages, JSON, CSV, command line
//!                    │  (bytes, synced,      (derived, may be
//!                    │   before the answer)   rebuilt at any time)
//!            enrolment (vouchers, approval, certificates)
//! ```
//!
//! What holds everywhere:
//! * a sensor is told "stored" only when its bytes are committed and synced ([`store`]);
//! * taking the same batch again changes nothing; other bytes under the same identity raise an alarm;
//! * findings are derived from the inbox: `lapwing-cirt rebuild` drops and remakes them;
//! * SQL stands in [`store`] only; filters are one type for pages, API and command line ([`query`]);
//! * what goes to others passes one gate and stands in the sharing register ([`exchange`]);
//! * the centre connects to nobody but the peers and servers that staff named.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod alarms;
pub mod api;
mod causes;
pub mod centre;
pub mod collector;
pub mod control;
pub mod courier;
pub mod enrolment;
pub mod exchange;
pub mod fleet;
pub mod image_repository;
pub mod language;
mod leader_rounds;
pub mod limits;
pub mod loader;
pub mod output;
pub mod people;
pub mod query;
pub mod reconciliation;
pub mod report;
pub mod rule_desk;
pub mod rule_repository;
pub mod rule_texts;
pub mod secrets;
pub mod settings;
pub mod store;
pub mod triage;
pub mod web;
