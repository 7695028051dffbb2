//! `lapwing-cirt rules import`: sensors send numbers; this is where the words come from.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use lapwing_cirt::limits::{RULE_FILE_BYTES, RULE_MISTAKES_SHOWN};
use lapwing_cirt::output::line;
use lapwing_cirt::rule_texts::read_rule_texts;
use lapwing_rules::source::{Source, Variables};
use lapwing_rules::{Level, Settings};

use super::{Data, actor, complain};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Subcommand)]
enum RulesCommand {
    /// Read rule files; a rule that is known by gid, sid and rev is replaced
    Import {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Values of the variables that the rules use, when they are not the usual ones
        #[arg(long, value_name = "FILE")]
        vars: Option<PathBuf>,
        /// A classification.config that names the class types
        #[arg(long, value_name = "FILE")]
        classification: Option<PathBuf>,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let RulesCommand::Import {
        files,
        vars,
        classification,
    } = &arguments.command;
    let (_, _, store) = arguments.data.open()?;
    let mut settings = Settings::default();
    if let Some(path) = vars {
        settings.variables = Variables::read(&read_text(path)?)
            .with_context(|| format!("{} holds no variables", path.display()))?;
    }
    if let Some(path) = classification {
        settings
            .catalogue
            .read_classification(&read_text(path)?)
            .with_context(|| format!("{} holds no class types", path.display()))?;
    }
    let sources: Vec<Source> = files
        .iter()
        .map(|path| read_source(path))
        .collect::<Result<_, _>>()?;
    let read = read_rule_texts(&sources, settings).context("cannot open what was compiled")?;
    let mistakes: Vec<_> = read
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error)
        .collect();
    for mistake in mistakes.iter().take(RULE_MISTAKES_SHOWN) {
        complain(&mistake.to_string());
    }
    if mistakes.len() > RULE_MISTAKES_SHOWN {
        let more = mistakes.len() - RULE_MISTAKES_SHOWN;
        complain(&format!(
            "{more} more mistakes; `lapwing rules` lists them all"
        ));
    }
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

fn read_source(path: &Path) -> anyhow::Result<Source> {
    Ok(Source {
        name: path.display().to_string().into(),
        bytes: read_bytes(path)?,
    })
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&read_bytes(path)?).into_owned())
}

fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let length = std::fs::metadata(path)
        .with_context(|| format!("cannot read {shown}"))?
        .len();
    if length > RULE_FILE_BYTES {
        bail!("{shown} has {length} bytes, the limit is {RULE_FILE_BYTES}");
    }
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}
