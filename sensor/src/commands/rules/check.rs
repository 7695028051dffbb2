//! `lapwing rules check`: what is wrong with rule files, and what deserves a look.

use std::{io::Write, process::ExitCode};

use clap::ValueEnum;
use lapwing_rules::{
    Level,
    lint::{Checked, Selection, check},
};

use super::{Form, sources::RuleFiles};

/// What is shown of the remarks.
#[derive(clap::Args)]
pub(super) struct Shown {
    /// How to print what was found
    #[arg(long, visible_alias = "output", value_enum, default_value_t = Form::Text)]
    format: Form,
    /// The least that is shown
    #[arg(long, value_enum, default_value_t = Least::Warning)]
    level: Least,
    /// Do not show remarks of this code or group (correctness, cost, metadata, style); may be repeated
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// Make remarks of this code or group errors; may be repeated
    #[arg(long, value_name = "CODE")]
    deny: Vec<String>,
    /// Name the rules that this version does not run, too
    #[arg(long)]
    unsupported: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Least {
    /// Rules that are not loaded
    Error,
    /// Rules that most likely are not what was meant, too
    Warning,
    /// What is worth a thought, too
    Note,
}

impl Shown {
    fn selection(&self) -> anyhow::Result<Selection> {
        let mut selection = Selection::default().from_level(match self.level {
            Least::Error => Level::Error,
            Least::Warning => Level::Warning,
            Least::Note => Level::Note,
        });
        for name in &self.allow {
            selection.allow(name)?;
        }
        for name in &self.deny {
            selection.deny(name)?;
        }
        Ok(selection)
    }
}

/// Failure if anything is an error.
pub(super) fn run(
    out: &mut impl Write,
    files: &RuleFiles,
    shown: &Shown,
) -> anyhow::Result<ExitCode> {
    let selection = shown.selection()?;
    let (sources, settings) = files.read(false)?;
    let checked = check(&sources, &settings, &selection);
    let unsupported = checked.unsupported.iter().filter(|_| shown.unsupported);
    for diagnostic in checked.diagnostics.iter().chain(unsupported) {
        match shown.format {
            Form::Text => writeln!(out, "{}\n", diagnostic.with_source())?,
            Form::Json => writeln!(out, "{}", serde_json::to_string(diagnostic)?)?,
        }
    }
    if matches!(shown.format, Form::Text) {
        write!(out, "{}", summary(&checked))?;
    }
    let has_errors = count(&checked, Level::Error) > 0;
    Ok(if has_errors {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn count(checked: &Checked, level: Level) -> usize {
    checked
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == level)
        .count()
}

/// What there is, in two lines.
fn summary(checked: &Checked) -> String {
    let counts = checked.counts;
    let mut text = format!(
        "{} rules run, {} are not supported, {} were refused, {} are switched off, {} were replaced by newer revisions\n\
         {} errors, {} warnings, {} notes",
        counts.compiled,
        counts.unsupported,
        counts.refused,
        counts.disabled,
        counts.replaced,
        count(checked, Level::Error),
        count(checked, Level::Warning),
        count(checked, Level::Note),
    );
    if checked.hidden > 0 {
        text.push_str(&format!(
            "; {} more remarks are not shown (`--level note`)",
            checked.hidden
        ));
    }
    text.push('\n');
    if !checked.diagnostics.is_empty() {
        text.push_str("`lapwing rules help CODE` explains a remark\n");
    }
    text
}
