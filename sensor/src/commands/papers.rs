//! `lapwing papers`: manual pages and completions, made from the command line's own definitions, for whoever packages it.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::CommandLine;

/// Where to write them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder for pages and completions
    folder: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let folder = arguments.folder;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut command = CommandLine::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "lapwing", &folder)?;
    }
    clap_mangen::generate_to(command, &folder)?;
    Ok(ExitCode::SUCCESS)
}
