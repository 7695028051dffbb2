//! The rules that a command line or the settings name, as a pack: opened, or compiled from rule files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use lapwing_rules::{
    Compiled, Level,
    limits::RULE_FILE_BYTES,
    pack::Pack,
    source::{Language, ListFiles, Reputations, Source, Variables},
};
use lapwing_sensor::{
    settings::{RuleSource, Rules},
    whole_file,
};

use crate::terminal;

/// Mistakes in rules told one by one where the rules are only a means; a file that is no rule file has thousands.
const ERRORS_TOLD_MAX: usize = 20;

/// What goes with rule files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside<'a> {
    pub(crate) language: Language,
    pub(crate) variables: Option<&'a Path>,
    pub(crate) thresholds: &'a [PathBuf],
    pub(crate) indicators: &'a [PathBuf],
    pub(crate) reputation_categories: Option<&'a Path>,
    pub(crate) reputations: &'a [PathBuf],
}

/// The pack that the settings name.
pub(crate) fn from_settings(rules: &Rules) -> anyhow::Result<Arc<Pack>> {
    let pack = match &rules.source {
        RuleSource::Pack(path) => open_pack(path)?,
        RuleSource::Files(files) => {
            let beside = Beside {
                language: rules.language,
                variables: rules.variables.as_deref(),
                thresholds: &rules.thresholds,
                indicators: &[],
                reputation_categories: rules.reputation_categories.as_deref(),
                reputations: &rules.reputations,
            };
            pack_of_files(files, &beside)?
        }
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

/// Compiles rule files. Each refused rule is told in one line on standard error, up to a limit; the others make the pack.
pub(crate) fn pack_of_files(files: &[PathBuf], beside: &Beside<'_>) -> anyhow::Result<Pack> {
    let compiled = compile_files(files, beside)?;
    let mut errors = compiled
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error);
    for error in errors.by_ref().take(ERRORS_TOLD_MAX) {
        terminal::say(&error.to_string());
    }
    let untold = errors.count();
    if untold > 0 {
        terminal::say(&format!(
            "{untold} more mistakes in the rules; `lapwing rules check FILE` tells them all"
        ));
    }
    let counts = compiled.counts;
    if counts.unsupported > 0 {
        terminal::say(&format!(
            "{} of the rules need what this version does not run and are left out; `lapwing rules coverage FILE` names them",
            counts.unsupported
        ));
    }
    tracing::info!(
        compiled = counts.compiled,
        unsupported = counts.unsupported,
        refused = counts.refused,
        "rules compiled"
    );
    Pack::from_bytes(compiled.pack).context("the rules do not make a usable pack")
}

/// Compiles rule files with variables over the defaults.
fn compile_files(files: &[PathBuf], beside: &Beside<'_>) -> anyhow::Result<Compiled> {
    let settings = lapwing_rules::Settings {
        language: beside.language,
        variables: read_variables(beside.variables)?,
        thresholds: read_sources(beside.thresholds)?,
        list_files: ListFiles::BesideTheRules,
        reputations: read_reputations(beside.reputation_categories, beside.reputations)?,
        indicators: read_sources(beside.indicators)?,
        ..lapwing_rules::Settings::default()
    };
    Ok(lapwing_rules::compile(&read_sources(files)?, &settings))
}

/// A version of the rule language as people write it.
pub(super) fn language(text: &str) -> Result<Language, String> {
    let number = text.parse().ok();
    number
        .and_then(Language::from_number)
        .ok_or_else(|| "the rule language has the versions 7 and 8".to_owned())
}

/// The variables of a file, or the defaults.
pub(super) fn read_variables(path: Option<&Path>) -> anyhow::Result<Variables> {
    match path {
        Some(path) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            let file =
                |name: &str| read_text(&folder.join(name)).map_err(|error| format!("{error:#}"));
            Variables::read_with(&read_text(path)?, &file)
                .with_context(|| path.display().to_string())
        }
        None => Ok(Variables::default()),
    }
}

/// What is known of addresses; nothing where there is no file of categories.
pub(super) fn read_reputations(
    categories: Option<&Path>,
    files: &[PathBuf],
) -> anyhow::Result<Reputations> {
    let Some(categories) = categories else {
        return Ok(Reputations::default());
    };
    let categories = read_source(categories)?;
    let files: Vec<Source> = files
        .iter()
        .map(|path| read_source(path))
        .collect::<anyhow::Result<_>>()?;
    Ok(Reputations::read(&categories, &files))
}

/// Rule files, read and not yet understood. Of a folder the `*.rules` in it, by name.
pub(super) fn read_sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        if path.is_dir() {
            files.extend(rule_files(path)?);
        } else {
            files.push(path.clone());
        }
    }
    files.iter().map(|path| read_source(path)).collect()
}

fn read_source(path: &Path) -> anyhow::Result<Source> {
    let bytes = read(path)?;
    // Rules are text; without this, each line of a capture given by mistake would be told as a broken rule.
    if bytes.contains(&0) {
        bail!("{}: not a rule file: it is not text", path.display());
    }
    Ok(Source {
        name: path.display().to_string().into(),
        bytes,
    })
}

/// The rule files of a folder.
fn rule_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot_read = || format!("cannot read {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let path = entry.with_context(cannot_read)?.path();
        if path.is_file()
            && path
                .extension()
                .is_some_and(|extension| extension == "rules")
        {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("{}: there is no file `*.rules` in it", folder.display());
    }
    files.sort();
    Ok(files)
}

/// A text that goes with rules.
pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("{}: not a text", path.display()))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let max_bytes = usize::try_from(RULE_FILE_BYTES).unwrap_or(usize::MAX);
    whole_file::read(path, max_bytes).with_context(|| format!("cannot read {}", path.display()))
}
