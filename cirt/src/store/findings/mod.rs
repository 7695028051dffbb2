//! Findings: how they are stored, and every way to read them. What lies beneath may change in this folder alone.
//!
//! | table | what for |
//! |---|---|
//! | `finding` | the rows, in order of arrival, found by time or by sensor and time |
//! | `day_total`, `hour_total` | sums; every count over whole days or hours comes from here |
//! | `sighting` | which sensor saw an address or host on which day |
//!
//! No index has keys in random order: a filter by rule, address or host first asks the small tables on which days and
//! at which sensors there is anything ([`cells`]), newest first, and reads only those.

mod activity;
mod cells;
mod conditions;
mod derive;
mod in_order;
mod page;
mod row;
mod sightings;
mod totals;

pub use activity::{Activity, RuleActivity, SensorActivity, TimeBar};
pub(super) use derive::Derived;
pub use page::FindingPage;
pub use row::FindingRow;
pub(super) use row::parse_id;
pub use sightings::{Sighting, SightingKind};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
