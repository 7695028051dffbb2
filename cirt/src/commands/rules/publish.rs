//! `lapwing-cirt rules publish` and `refresh`.

use jiff::Timestamp;
use lapwing_cirt::exchange::pack;
use lapwing_cirt::output::line;
use lapwing_cirt::rule_repository::RuleRepository;
use lapwing_rules::compile;

use super::rule_files::{RuleFiles, tell_mistakes};
use crate::commands::{Data, actor};

pub(super) fn run(
    data: &Data,
    repository: &RuleRepository,
    files: &RuleFiles,
) -> anyhow::Result<()> {
    let (_, _, store) = data.open()?;
    let (mut sources, mut settings) = files.read()?;
    let approved = pack::parts(&store, Timestamp::now())?;
    settings.indicators.extend(approved.list);
    sources.extend(approved.rules);
    let compiled = compile(&sources, &settings);
    tell_mistakes(&compiled.diagnostics);
    let counts = compiled.counts;
    let published = repository.stage(compiled.canonical)?;
    let digest = hex::encode(published.digest);
    if published.is_known {
        return Ok(line(&format!(
            "pack {digest} is published already; nothing was changed"
        ))?);
    }
    // Before anybody sees it: what is seen has a line in the audit trail, whatever happens.
    store.record_audit(
        &actor(),
        "rules.publish",
        &format!("pack {digest}, {} rules", published.rules),
    )?;
    let version = repository.commit(&published)?;
    line(&format!(
        "published in {}, timestamp {version}",
        repository.folder().display()
    ))?;
    line(&format!("pack     {digest}"))?;
    line(&format!(
        "rules    {} run, {} are not supported, {} were refused",
        published.rules, counts.unsupported, counts.refused
    ))?;
    line(&format!(
        "indicators {}, {} are kept back for want of an agreement with `{}`",
        approved.indicators,
        approved.kept_back,
        pack::SENSORS
    ))?;
    line(&format!("size     {} bytes", published.bytes))?;
    let deltas: Vec<String> = published.deltas.iter().map(u64::to_string).collect();
    line(&match deltas.as_slice() {
        [] => "deltas   none: there is no earlier pack".to_owned(),
        sizes => format!(
            "deltas   {} bytes, from the newest earlier pack on",
            sizes.join(", ")
        ),
    })?;
    Ok(())
}

pub(super) fn refresh(
    data: &Data,
    repository: &RuleRepository,
    days: Option<u32>,
) -> anyhow::Result<()> {
    let (_, _, store) = data.open()?;
    store.record_audit(
        &actor(),
        "rules.refresh",
        &repository.folder().display().to_string(),
    )?;
    let version = repository.refresh(days)?;
    Ok(line(&format!("timestamp {version} signed"))?)
}
