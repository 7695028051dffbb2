//! The rules that a command line or the settings name, as a pack: opened, or compiled from rule files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use lapwing_rules::{
    Compiled, Level,
    limits::RULE_FILE_BYTES,
    pack::Pack,
    source::{Source, Variables},
};
use lapwing_sensor::{
    settings::{RuleSource, Rules},
    whole_file,
};

use crate::terminal;

/// Bytes of a file of variables.
const MAX_VARIABLES_BYTES: usize = 16 << 20;

/// The pack that the settings name.
pub(crate) fn from_settings(rules: &Rules) -> anyhow::Result<Arc<Pack>> {
    let pack = match &rules.source {
        RuleSource::Pack(path) => open_pack(path)?,
        RuleSource::Files(files) => pack_of_files(files, rules.variables.as_deref())?,
    };
    if pack.rule_count() == 0 {
        bail!("none of the rules can be run: a sensor without rules sees nothing");
    }
    Ok(Arc::new(pack))
}

/// Opens a compiled pack.
pub(crate) fn open_pack(path: &Path) -> anyhow::Result<Pack> {
    Pack::open(path).with_context(|| format!("{}: no usable pack", path.display()))
}

/// Compiles rule files. Each refused rule is told in one line on standard error; the others make the pack.
pub(crate) fn pack_of_files(files: &[PathBuf], variables: Option<&Path>) -> anyhow::Result<Pack> {
    let compiled = compile_files(files, variables)?;
    let errors = compiled
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error);
    for error in errors {
        terminal::say(&error.to_string());
    }
    let counts = compiled.counts;
    tracing::info!(
        compiled = counts.compiled,
        unsupported = counts.unsupported,
        refused = counts.refused,
        "rules compiled"
    );
    Pack::from_bytes(compiled.pack).context("the rules do not make a usable pack")
}

/// Compiles rule files with variables over the defaults.
fn compile_files(files: &[PathBuf], variables: Option<&Path>) -> anyhow::Result<Compiled> {
    let variables = match variables {
        None => Variables::default(),
        Some(path) => {
            let bytes = read(path, MAX_VARIABLES_BYTES)?;
            Variables::read(&String::from_utf8_lossy(&bytes))
                .with_context(|| path.display().to_string())?
        }
    };
    let max_bytes = usize::try_from(RULE_FILE_BYTES).unwrap_or(usize::MAX);
    let sources = files.iter().map(|path| {
        Ok(Source {
            name: path.display().to_string().into(),
            bytes: read(path, max_bytes)?,
        })
    });
    let sources = sources.collect::<anyhow::Result<Vec<_>>>()?;
    let settings = lapwing_rules::Settings {
        variables,
        ..lapwing_rules::Settings::default()
    };
    Ok(lapwing_rules::compile(&sources, &settings))
}

fn read(path: &Path, max_bytes: usize) -> anyhow::Result<Vec<u8>> {
    whole_file::read(path, max_bytes).with_context(|| format!("cannot read {}", path.display()))
}
