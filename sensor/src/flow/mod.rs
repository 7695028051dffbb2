//! Flows: who talks with whom, in which state, and what the later stages keep about it.

mod entry;

pub use entry::{DirectionCounters, Flow, FlowId, FlowProgress, StreamWindow};
