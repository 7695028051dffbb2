//! Detection: the prefilter names candidates, candidates are evaluated, effects and rate limits decide what is told.

mod alert;
mod base64;
mod byte_numbers;
mod content_inspection;
mod content_search;
mod limits;

pub use alert::Alert;

/// What detection keeps of one flow: bits, integers, how far each transaction was inspected, rules already told.
#[derive(Debug, Default)]
pub struct FlowDetection {}
