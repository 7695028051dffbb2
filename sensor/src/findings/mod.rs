//! From alerts to records on disk: gathered into findings, held against the ISP's policy, appended to the outbox.
//!
//! Invariants: the counts of all findings add up to the alerts; nothing that the policy forbids is ever encoded or
//! written; what is not told is counted with its reason.

mod aggregate;
mod candidate;
pub mod limits;
mod observation;
mod period;
mod recorder;
mod release;
mod software_version;
#[cfg(test)]
mod test_alerts;
mod thread;

pub use aggregate::{Aggregator, Gathering};
pub use candidate::Candidate;
pub use observation::Observation;
pub use period::RuleCounts;
pub use recorder::{About, Recorder, RulesNow, Totals};
pub use release::{Suppressed, Withheld, release};
#[cfg(test)]
pub(crate) use test_alerts::test_alert;
pub use thread::{FindingsError, FindingsInlet, FindingsThread};
