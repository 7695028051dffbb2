//! `lapwing-cirt papers`: manual pages and completions, made from the command line's own definitions, for whoever packages it.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap_complete::Shell;

/// Where to write them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder for pages and completions
    folder: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, mut command: clap::Command) -> anyhow::Result<()> {
    let folder = &arguments.folder;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "lapwing-cirt", folder)?;
    }
    clap_mangen::generate_to(command, folder)?;
    Ok(())
}
