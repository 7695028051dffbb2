//! The table of findings against plain lists in memory.
#![allow(clippy::unwrap_used)]

mod load;
mod questions;
mod sample;
mod units;
