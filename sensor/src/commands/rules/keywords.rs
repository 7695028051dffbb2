//! `lapwing rules keywords`: the keyword reference at the command line.

use std::{io::Write, process::ExitCode};

use anyhow::bail;
use lapwing_rules::source::keyword_table::{self, KEYWORDS};

/// Prints the entry of one keyword, or a line for each that there is.
pub(super) fn run(out: &mut impl Write, name: Option<&str>) -> anyhow::Result<ExitCode> {
    match name {
        Some(name) => entry(out, name)?,
        None => list(out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn entry(out: &mut impl Write, name: &str) -> anyhow::Result<()> {
    let Some(keyword) = keyword_table::find(name) else {
        match keyword_table::similar(name) {
            Some(similar) => bail!("`{name}` is no keyword; perhaps `{similar}` is meant"),
            None => bail!("`{name}` is no keyword; without a name, all are listed"),
        }
    };
    write!(out, "{}", keyword.entry())?;
    Ok(())
}

fn list(out: &mut impl Write) -> anyhow::Result<()> {
    let mut section = "";
    for keyword in KEYWORDS {
        if keyword.section != section {
            if !section.is_empty() {
                writeln!(out)?;
            }
            section = keyword.section;
            writeln!(out, "{section}")?;
        }
        let mark = if keyword.is_run() { ' ' } else { '-' };
        writeln!(out, "{mark} {:<32}{}", keyword.name, keyword.description)?;
    }
    let run = KEYWORDS.iter().filter(|keyword| keyword.is_run()).count();
    writeln!(
        out,
        "\n{run} of {} keywords run; those marked `-` do not",
        KEYWORDS.len()
    )?;
    Ok(())
}
