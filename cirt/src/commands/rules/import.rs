//! `lapwing-cirt rules import`: sensors send numbers; this is where the words come from.

use anyhow::{Context as _, bail};
use lapwing_cirt::output::line;
use lapwing_cirt::rule_texts::read_rule_texts;

use super::rule_files::{RuleFiles, tell_mistakes};
use crate::commands::{Data, actor};

pub(super) fn run(data: &Data, files: &RuleFiles) -> anyhow::Result<()> {
    let (_, _, store) = data.open()?;
    let (sources, settings) = files.read()?;
    let read = read_rule_texts(&sources, settings).context("cannot open what was compiled")?;
    tell_mistakes(&read.diagnostics);
    if read.rules.is_empty() {
        bail!("no rule was imported");
    }
    store.import_rules(&actor(), &read.rules)?;
    line(&format!(
        "{} rules imported, {} refused, {} known now",
        read.rules.len(),
        read.refused,
        store.rule_count()?
    ))?;
    Ok(())
}
