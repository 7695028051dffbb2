//! Rule files and what goes with them, from the command line to something that compiles.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use lapwing_cirt::limits::{RULE_FILE_BYTES, RULE_MISTAKES_SHOWN};
use lapwing_rules::source::{Language, ListFiles, Source, Variables};
use lapwing_rules::{Diagnostic, Level, Settings};

use crate::commands::complain;

/// Rule files and what goes with them.
#[derive(Args)]
pub(super) struct RuleFiles {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The version of the rule language they are written in: 7 or 8, which adds LDAP and WebSocket
    #[arg(long, value_name = "NUMBER", default_value = "7", value_parser = language)]
    language: Language,
    /// Values of the variables that the rules use, when they are not the usual ones
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
    /// A classification.config that names the class types
    #[arg(long, value_name = "FILE")]
    classification: Option<PathBuf>,
    /// A reference.config that names the reference systems
    #[arg(long, value_name = "FILE")]
    references: Option<PathBuf>,
    /// A threshold.config with limits of alerts; may be given several times
    #[arg(long, value_name = "FILE")]
    thresholds: Vec<PathBuf>,
    /// A list of indicators (CSV); may be given several times
    #[arg(long, value_name = "FILE")]
    indicators: Vec<PathBuf>,
}

impl RuleFiles {
    /// Reads the files.
    pub(super) fn read(&self) -> anyhow::Result<(Vec<Source>, Settings)> {
        let mut settings = Settings {
            language: self.language,
            list_files: ListFiles::BesideTheRules,
            ..Settings::default()
        };
        if let Some(path) = &self.vars {
            let folder = path.parent().unwrap_or(Path::new(""));
            let file =
                |name: &str| read_text(&folder.join(name)).map_err(|error| format!("{error:#}"));
            settings.variables = Variables::read_with(&read_text(path)?, &file)
                .with_context(|| format!("{} holds no variables", path.display()))?;
        }
        if let Some(path) = &self.classification {
            settings
                .catalogue
                .read_classification(&read_text(path)?)
                .with_context(|| format!("{} holds no class types", path.display()))?;
        }
        if let Some(path) = &self.references {
            settings
                .catalogue
                .read_references(&read_text(path)?)
                .with_context(|| format!("{} holds no reference systems", path.display()))?;
        }
        let thresholds = self.thresholds.iter().map(|path| read_source(path));
        settings.thresholds = thresholds.collect::<Result<_, _>>()?;
        let indicators = self.indicators.iter().map(|path| read_source(path));
        settings.indicators = indicators.collect::<Result<_, _>>()?;
        let sources = self.files.iter().map(|path| read_source(path));
        Ok((sources.collect::<Result<_, _>>()?, settings))
    }
}

fn language(text: &str) -> Result<Language, String> {
    let number = text.parse().ok();
    number
        .and_then(Language::from_number)
        .ok_or_else(|| "the rule language has the versions 7 and 8".to_owned())
}

/// Tells the mistakes in rules, up to a limit.
pub(super) fn tell_mistakes(diagnostics: &[Diagnostic]) {
    let mistakes: Vec<_> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error)
        .collect();
    for mistake in mistakes.iter().take(RULE_MISTAKES_SHOWN) {
        complain(&mistake.to_string());
    }
    if mistakes.len() > RULE_MISTAKES_SHOWN {
        let more = mistakes.len() - RULE_MISTAKES_SHOWN;
        complain(&format!(
            "{more} more mistakes; `lapwing rules check` lists them all"
        ));
    }
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
