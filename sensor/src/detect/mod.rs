//! Detection: the prefilter names candidates, candidates are evaluated, effects and rate limits decide what is told.
//!
//! [`Detector::inspect`] judges one packet in this order:
//!
//! 1. `prefilter` looks for the rules' patterns in payload, stream and header bytes and names candidates; those that ask
//!    what the packet is not (`packet_facts`) are none;
//! 2. `packet_rules` judges them in the order of `rule_index`: header, conditions, then bytes (`content_inspection`);
//! 3. `frame_rules` does the same for each frame that a parser reported in the packet's direction;
//! 4. `transaction_rules` does it for each transaction, as its buffers become known;
//! 5. a rule that matched does its effects at once (bits, integers), so that later rules see them;
//! 6. `alert_queue` applies `pass`, rate limits and `noalert` and makes alerts of the rest.
//!
//! No rule can make this panic or loop: `limits` names every cap, `DetectorCounters` says how often each was hit.

mod alert;
mod alert_queue;
mod app_event;
mod asked_parsers;
mod asn1;
mod backtracking;
mod base64;
mod byte_numbers;
mod checksums;
mod content_inspection;
mod content_search;
mod counters;
mod data_sets;
mod detector;
mod flow_state;
mod frame_rules;
mod header_check;
mod host_bits;
mod indicators;
mod judge;
pub mod limits;
mod packet_conditions;
mod packet_facts;
mod packet_rules;
mod prefilter;
mod regex_cache;
mod renumbering;
mod restriction;
mod round;
mod rpc_call;
mod rule_index;
mod shared_state;
mod text_variables;
mod thresholds;
mod transaction_rules;
mod transforms;
mod whole_rule;

pub use alert::Alert;
pub use counters::DetectorCounters;
pub use detector::Detector;
pub use flow_state::FlowDetection;
pub use renumbering::Renumbering;
pub use restriction::Restriction;
pub use shared_state::SharedState;
