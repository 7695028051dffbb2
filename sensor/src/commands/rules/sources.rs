//! Rule files and what goes with them, from the command line to a compilation.

use std::path::PathBuf;

use anyhow::Context;
use lapwing_rules::{
    Compiled, Settings, compile,
    source::{Catalogue, Language, ListFiles, Source},
};

use crate::commands::load_rules::{
    language, read_reputations, read_sources, read_text, read_variables,
};

/// Rule files and what goes with them.
#[derive(clap::Args)]
pub(crate) struct RuleFiles {
    /// Rules in the Suricata language: files, or folders of `*.rules`
    #[arg(required = true, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// The version of the rule language they are written in: 7 or 8, which adds LDAP and WebSocket
    #[arg(long, value_name = "NUMBER", default_value = "7", value_parser = language)]
    language: Language,
    /// Values of $HOME_NET and other variables: a suricata.yaml, or lines `NAME: value` under [address-groups] and [port-groups]
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
    /// Class types (classification.config) in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    classification: Option<PathBuf>,
    /// Reference systems (reference.config) in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    references: Option<PathBuf>,
    /// Limits of alerts kept apart from the rules (threshold.config); may be given several times
    #[arg(long, value_name = "FILE", num_args = 1)]
    thresholds: Vec<PathBuf>,
    /// Lists of indicators: CSV files with a first line of kind,value,id and perhaps severity,list,list_name; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1)]
    indicators: Vec<PathBuf>,
    /// Categories of reputations of addresses, for iprep: lines number,name,what it is
    #[arg(long, value_name = "FILE")]
    iprep_categories: Option<PathBuf>,
    /// Reputations of addresses, for iprep: lines address or network,category,score; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1, requires = "iprep_categories")]
    iprep: Vec<PathBuf>,
}

impl RuleFiles {
    /// Reads the files and compiles the rules.
    pub(super) fn compile(&self, keep_texts: bool) -> anyhow::Result<Compiled> {
        let (sources, settings) = self.read(keep_texts)?;
        Ok(compile(&sources, &settings))
    }

    /// Reads the files and what goes with them.
    pub(super) fn read(&self, keep_texts: bool) -> anyhow::Result<(Vec<Source>, Settings)> {
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
            language: self.language,
            variables: read_variables(self.vars.as_deref())?,
            catalogue,
            thresholds: read_sources(&self.thresholds)?,
            list_files: ListFiles::BesideTheRules,
            reputations: read_reputations(self.iprep_categories.as_deref(), &self.iprep)?,
            indicators: read_sources(&self.indicators)?,
            keep_texts,
        };
        Ok((read_sources(&self.rules)?, settings))
    }
}
