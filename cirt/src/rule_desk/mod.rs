//! The rules desk: what a draft of rules would do, before anything ships.
//!
//! A draft is compiled as a sensor's pack is, compared with the rules that are known, and run over stored captures by
//! `lapwing replay`, in a process of its own.

mod back_test;
mod draft;

pub use back_test::{BackTest, BackTestError, back_test, stored_captures};
pub use draft::{Checked, Difference, Remark, check};
