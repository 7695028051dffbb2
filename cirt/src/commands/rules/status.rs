//! `lapwing-cirt rules status`.

use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::rule_repository::RuleRepository;

pub(super) fn run(repository: &RuleRepository, json: bool) -> anyhow::Result<()> {
    let status = repository.status()?;
    if json {
        return Ok(line(&serde_json::to_string(&status)?)?);
    }
    let mut table = Table::new(&[
        ("role", Align::Left),
        ("version", Align::Right),
        ("ends", Align::Left),
        ("needs", Align::Left),
        ("keys", Align::Left),
    ]);
    for role in &status.roles {
        let short = |id: &String| id.chars().take(16).collect::<String>();
        table.row(vec![
            role.role.to_owned(),
            role.version.to_string(),
            role.ends
                .map_or_else(|| "never signed".to_owned(), |ends| ends.to_string()),
            format!("{} of {}", role.threshold, role.keys.len()),
            role.keys.iter().map(short).collect::<Vec<_>>().join(" "),
        ]);
    }
    line(&table.render())?;
    match &status.pack {
        Some(digest) => line(&format!("pack {digest}, {} bytes", status.pack_bytes))?,
        None => line("no pack is published yet")?,
    }
    for delta in &status.deltas {
        line(&format!("{}, {} bytes", delta.name, delta.bytes))?;
    }
    Ok(())
}
