//! Reports of the Shadowserver Foundation: what strangers saw of the country's networks, in the inbox beside what our sensors saw.
//!
//! ```text
//! report (CSV) ─► kind, by its file name or its columns ─► rows ─► records, sealed as a sensor seals ─► inbox ─► findings
//! ```
//!
//! * What a partner reports has a sensor of its own, `reports-PEER`: that is whom a finding is attributed to, everywhere.
//! * Rows go through the inbox like batches of a sensor: they survive a rebuild, are grouped, told to those responsible and shared.
//! * The same file again is the same batches, byte for byte, and changes nothing.
//! * A bad row is told with its line and skipped.

mod inbox;
mod kinds;
mod rows;

pub use inbox::{ImportError, Imported, import};
pub use kinds::ReportKind;
pub use rows::{Report, Row, read};

/// The generator number of rules that stand for reports.
pub const REPORT_GENERATOR: u32 = 3_000;
