//! What the site's policy takes away from a pack: rules and indicators that do not run, and what is not looked at at all.

use std::collections::BTreeSet;

use lapwing_rules::pack::IndicatorView;

use crate::{app_layer::ParserSet, policy::Mode};

/// What a detector leaves out of its pack. By default nothing.
#[derive(Clone, Debug, Default)]
pub struct Restriction {
    /// Rules that do not run, by index.
    pub rules: BTreeSet<u32>,
    /// Indicators that are not told.
    pub indicators: BTreeSet<IndicatorView>,
    /// Lists of indicators of which none is told.
    pub lists: BTreeSet<u16>,
    /// What is looked at.
    pub mode: Mode,
}

impl Restriction {
    /// The parsers that may start.
    #[must_use]
    pub fn parsers(&self) -> ParserSet {
        ParserSet::of(|protocol| self.mode.parses(protocol))
    }

    pub(crate) fn refuses_indicator(&self, found: &IndicatorView) -> bool {
        self.lists.contains(&found.list)
            || (!self.indicators.is_empty() && self.indicators.contains(found))
    }
}
