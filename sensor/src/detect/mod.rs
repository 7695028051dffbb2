//! Detection: the prefilter names candidates, candidates are evaluated, effects and rate limits decide what is told.

mod alert;

pub use alert::Alert;

/// What detection keeps of one flow: bits, integers, how far each transaction was inspected, rules already told.
#[derive(Debug, Default)]
pub struct FlowDetection {}
