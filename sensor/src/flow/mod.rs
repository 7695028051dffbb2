//! Flows: who talks with whom, in which state, and what the later stages keep about it.
//!
//! [`FlowTable`] holds the flows of one worker; it is bounded, and what it gives up is counted. Time is packet time.

mod bypass;
mod entry;
mod expectations;
mod key;
mod table;
mod timeouts;

pub use bypass::Bypass;
pub use entry::{DirectionCounters, Flow, FlowId, FlowProgress, StreamWindow};
pub use expectations::Expectations;
pub use key::{End, FlowKey};
pub use table::{FlowEntry, FlowTable, Found, Slot};
pub use timeouts::{FlowTimeouts, TimedProtocol};
