//! The files that sensor and uplink keep when they give up rights, from their settings.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use lapwing_sensor::{
    sandbox::Files,
    settings::{RuleSource, Settings},
};

/// Of the sensor: its state to write, and what the settings and the command line name to read.
pub(crate) fn of_sensor(settings: &Settings, captures: &[PathBuf]) -> anyhow::Result<Files> {
    let mut files = of_state(settings)?;
    match &settings.rules.source {
        RuleSource::Pack(pack) => add_replaced(&mut files, pack),
        RuleSource::Files(rules) => rules.iter().for_each(|path| add_replaced(&mut files, path)),
    }
    let rules = settings.rules.thresholds.iter();
    for path in rules
        .chain(&settings.rules.variables)
        .chain(&settings.rules.reputation_categories)
        .chain(&settings.rules.reputations)
    {
        add_replaced(&mut files, path);
    }
    add_policy(&mut files, settings);
    if let Some(policy) = &settings.policy
        && let Some(keys) = &policy.pseudonym_keys
    {
        add_replaced(&mut files, keys);
    }
    if let Some(board) = &settings.board {
        add_replaced(&mut files, &board.status);
    }
    files.read.extend(captures.iter().cloned());
    Ok(files)
}

/// Of the uplink: its state, and the policy that what waits is held against once more.
pub(crate) fn of_uplink(settings: &Settings) -> anyhow::Result<Files> {
    let mut files = of_state(settings)?;
    add_policy(&mut files, settings);
    Ok(files)
}

fn add_policy(files: &mut Files, settings: &Settings) {
    if let Some(policy) = &settings.policy {
        add_replaced(files, &policy.file);
        add_replaced(files, &policy.isp_key);
    }
}

fn of_state(settings: &Settings) -> anyhow::Result<Files> {
    let state = &settings.state;
    fs::create_dir_all(state).with_context(|| format!("cannot make {}", state.display()))?;
    Ok(Files {
        written: vec![state.clone()],
        read: Vec::new(),
    })
}

/// Adds a file that may be replaced while the process runs, or a folder: the folder it is in, and the one it leads to.
fn add_replaced(files: &mut Files, path: &Path) {
    if path.is_dir() {
        files.read.push(path.to_owned());
        return;
    }
    let folder_of = |path: &Path| match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    files.read.push(folder_of(path));
    if let Ok(real) = fs::canonicalize(path) {
        files.read.push(folder_of(&real));
    }
}
