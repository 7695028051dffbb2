//! Findings: how they are stored, and every way to read them. What lies beneath may change in this folder alone.
//!
//! | what | where | what for |
//! |---|---|---|
//! | the findings | the table beside the database (`lapwing-lake`), the newest of them in `fresh_finding` | every row, and every sum over less than a day or an hour |
//! | `finding_run` | database | from a finding's stable name to its key and its days |
//! | `day_total`, `hour_total` | database | sums; every count over whole days or hours comes from here |
//! | sightings | a table beside that of the findings | which sensor saw an address or host on which day |
//!
//! A filter by rule, address or host first asks the sums or the sightings on which days and at which sensors there is anything
//! ([`cells`]), newest first, and only those are looked at in the table of findings.

mod activity;
mod cells;
mod conditions;
mod derive;
mod in_order;
mod page;
mod question;
mod row;
mod sightings;
mod totals;

pub use activity::{Activity, RuleActivity, SensorActivity, TimeBar};
pub(super) use derive::Derived;
pub use page::FindingPage;
pub(super) use question::lake_scope;
pub use row::FindingRow;

pub use sightings::Sighting;

/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
