//! How the work of people is put in order: which group comes first and why, how incidents are classified, who may be
//! told. Pure rules over what the store counted.

mod classification;
mod rank;

pub use crate::exchange::Tlp;
pub use classification::{CLASSES, class_is_known, suggested_class};
pub use rank::{Facts, Rank, Reason, Tier, rank};
