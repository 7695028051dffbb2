//! What people ask for. Pages, API and command line all fill in [`RawFilter`]; [`FindingFilter`] is the checked form
//! that the store answers.

mod cursor;
mod filter;
mod finding_query;
mod language;
mod rule_filter;
mod scope;
mod severity;
mod time;

pub use cursor::Cursor;
pub(crate) use filter::percent_encode;
pub use filter::{FilterError, FindingFilter, RawFilter};
pub use finding_query::FindingQuery;
pub use language::{Completion, complete};
pub use rule_filter::RuleFilter;
pub use scope::{Scope, TenantKey};
pub use severity::{SeverityClass, SeveritySet};
