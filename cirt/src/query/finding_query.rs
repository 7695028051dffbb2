//! A question about findings, as the store takes it: whose, which, and how long it may take.

use std::time::Duration;

use super::{FindingFilter, Scope};
use crate::limits::QUERY_DEADLINE;

/// Which findings are meant.
#[derive(Clone, Debug)]
pub struct FindingQuery {
    /// Whose rows may be seen.
    pub scope: Scope,
    pub filter: FindingFilter,
    /// The store gives up after this.
    pub deadline: Duration,
}

impl FindingQuery {
    /// Findings that pass a filter, within a scope.
    #[must_use]
    pub const fn new(scope: Scope, filter: FindingFilter) -> Self {
        Self {
            scope,
            filter,
            deadline: QUERY_DEADLINE,
        }
    }

    /// All findings within a scope.
    #[must_use]
    pub fn all(scope: Scope) -> Self {
        Self::new(scope, FindingFilter::default())
    }

    /// The same question with another deadline.
    #[must_use]
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}
