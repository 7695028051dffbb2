//! The rules that the settings name, as a pack.

use std::sync::Arc;

use anyhow::bail;
use lapwing_rules::pack::Pack;
use lapwing_sensor::settings::{RuleSource, Rules};

/// Opens the pack.
pub(crate) fn load(rules: &Rules) -> anyhow::Result<Arc<Pack>> {
    match &rules.source {
        RuleSource::Pack(path) => Ok(Arc::new(Pack::open(path)?)),
        RuleSource::Files(_) => bail!("compile the rule files first"),
    }
}
