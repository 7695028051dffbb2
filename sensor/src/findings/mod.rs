//! From alerts to records on disk: gathered into findings, held against the ISP's policy, appended to the outbox.
//!
//! Invariants: the counts of all findings add up to the alerts; nothing that the policy forbids is ever encoded or
//! written; what is not told is counted with its reason.

mod aggregate;
mod candidate;
mod clock;
pub mod limits;
mod release;
#[cfg(test)]
mod test_alerts;

pub use aggregate::{Aggregator, Gathering};
pub use candidate::Candidate;
pub use clock::{Clock, wall_milliseconds};
pub use release::{Suppressed, Withheld, release};
