//! `lapwing rules help`: the help pages of remarks.

use std::{io::Write, process::ExitCode};

use anyhow::bail;
use lapwing_rules::help;

/// Prints the page of one code, or a line for each that there is.
pub(super) fn run(out: &mut impl Write, code: Option<&str>) -> anyhow::Result<ExitCode> {
    match code {
        Some(code) => match help::find(code) {
            Some(topic) => write!(out, "{}", topic.plain())?,
            None => bail!("`{code}` is not the code of a remark; without a code, all are listed"),
        },
        None => list(out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(out: &mut impl Write) -> anyhow::Result<()> {
    let mut group = None;
    for topic in help::topics() {
        if group != Some(topic.group()) {
            if group.is_some() {
                writeln!(out)?;
            }
            group = Some(topic.group());
            let name = topic.group().map_or("mistakes", |group| group.name());
            writeln!(out, "{name}")?;
        }
        writeln!(
            out,
            "  {:<32}{:<13}{}",
            topic.code(),
            topic.level().to_string(),
            topic.summary()
        )?;
    }
    Ok(())
}
