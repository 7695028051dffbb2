//! Rule text to rules: lines, tokens, options, whole rules, and what is wrong with each.
//!
//! Nothing here stops at the first mistake. A rule that the reference refuses is refused with one diagnostic; a rule that is
//! valid but uses something this version does not run is kept apart with the reasons.

mod carriers;
mod catalogue;
pub(crate) mod draft;
mod file_line;
mod groups;
pub mod keyword_reference;
pub mod keyword_table;
mod keywords;
mod language;
pub(crate) mod list_files;
mod logical_lines;
mod packet_events;
mod parser;
mod prefilter_option;
pub(crate) mod problem;
mod protocols;
pub(crate) mod ranges;
mod reputations;
pub mod support;
pub(crate) mod syntax;
pub(crate) mod threshold_config;
pub(crate) mod validate;
pub(crate) mod values;
mod variables;

pub use catalogue::{Catalogue, CatalogueError, ClassType};
pub(crate) use groups::{AddressSet, PortSet};
pub use language::Language;
pub use list_files::ListFiles;
pub(crate) use logical_lines::LogicalLines;
pub use parser::Source;
pub(crate) use parser::{ParsedRule, bits_set_by_disabled_rules, disabled_rule, is_read, parse};
pub use reputations::Reputations;
pub use variables::{Files, Variables, VariablesError};
