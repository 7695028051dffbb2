//! A nation's findings and who saw what: Parquet files in two [Delta Lake](https://delta.io) tables, in a local folder or an S3-compatible
//! store, asked with DataFusion in this process. Any engine that reads Delta can work on the same files.
//!
//! ```text
//! loader ──► control store: fresh rows, load units ──► Lake::apply ──► files by day, one commit a unit
//!                       │                                               │
//!                       └────────── fresh rows ──► View (one table) ◄───┘ ──► typed questions, SQL
//! ```
//!
//! The package knows no sensor, no inbox and no page. Whose rows may be seen and of which time are parts of every
//! question; there is no way to leave them out. What it promises:
//! * the rows of a load unit are in the table once, however often it is applied and whoever was killed meanwhile;
//! * a question sees a row once, whether it is fresh or committed, or on its way;
//! * every answer stays within its memory and its time, or is refused.

mod answer;
mod apply;
mod ask;
mod copy;
mod error;
mod files;
mod finding;
mod fresh;
mod hosts;
mod lake;
pub mod limits;
mod maintain;
mod place;
mod question;
mod schema;
mod sighting;
mod sql;
mod view;
mod who;

pub use apply::Applied;
pub use ask::{Bar, PageEnd, Tally};
pub use error::LakeError;
pub use finding::{End, Finding};
pub use fresh::FreshRows;
pub use lake::Lake;
pub use maintain::{Dropped, Size};
pub use place::Place;
pub use question::{Condition, Question, Rule, Scope, TimeRange};
pub use sighting::SightingKind;
pub use sql::{SqlAnswer, SqlColumn, SqlLimits, SqlTable, lake_tables, tables_of};
pub use view::Fresh;
pub use who::{Cell, Seen, Sought};
