//! How a sensor is, in one word, with what causes it. Quiet is not the same as blind.

mod condition;

pub use condition::{Cause, Condition, Observed, Verdict, a_day_before, condition};
