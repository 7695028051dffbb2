//! Rule files and what goes with them, from the command line to a compilation.

use std::path::{Path, PathBuf};

use anyhow::Context;
use lapwing_rules::{
    Compiled, Settings, compile, limits,
    source::{Catalogue, Source, Variables},
};
use lapwing_sensor::whole_file;

/// Rule files and what goes with them.
#[derive(clap::Args)]
pub(crate) struct RuleFiles {
    /// Rules in the Suricata language
    #[arg(required = true, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Values of $HOME_NET and other variables: a suricata.yaml, or lines `NAME: value` under [address-groups] and [port-groups]
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
    /// Class types (classification.config) in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    classification: Option<PathBuf>,
    /// Reference systems (reference.config) in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    references: Option<PathBuf>,
}

impl RuleFiles {
    /// Reads the files and compiles the rules.
    pub(super) fn compile(&self, keep_texts: bool) -> anyhow::Result<Compiled> {
        let mut catalogue = Catalogue::default();
        if let Some(path) = &self.classification {
            catalogue
                .read_classification(&read_text(path)?)
                .with_context(|| path.display().to_string())?;
        }
        if let Some(path) = &self.references {
            catalogue
                .read_references(&read_text(path)?)
                .with_context(|| path.display().to_string())?;
        }
        let settings = Settings {
            variables: variables(self.vars.as_deref())?,
            catalogue,
            keep_texts,
        };
        Ok(compile(&read_sources(&self.rules)?, &settings))
    }
}

fn variables(path: Option<&Path>) -> anyhow::Result<Variables> {
    match path {
        Some(path) => {
            Variables::read(&read_text(path)?).with_context(|| path.display().to_string())
        }
        None => Ok(Variables::default()),
    }
}

fn read_sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    paths
        .iter()
        .map(|path| {
            Ok(Source {
                name: path.display().to_string().into(),
                bytes: read(path)?,
            })
        })
        .collect()
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let max_bytes = usize::try_from(limits::RULE_FILE_BYTES).unwrap_or(usize::MAX);
    whole_file::read(path, max_bytes).with_context(|| format!("cannot read {}", path.display()))
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    let bytes = read(path)?;
    String::from_utf8(bytes).with_context(|| format!("{}: not a text", path.display()))
}
