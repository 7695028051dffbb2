//! What the tests and the demonstration stand on: made traffic, cases with their expected findings, and the real
//! programs started as child processes.
//!
//! Nothing of the product depends on this package.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bad_link;
pub mod callgrind;
pub mod cases;
pub mod centre;
pub mod conditions;
pub mod hostile;
pub mod name_spaces;
pub mod postgresql;
pub mod processes;
pub mod programs;
pub mod proxies;
pub mod set_clock;
pub mod site;
pub mod traffic;
pub mod virtual_machine;
