//! `lapwing rules`: check, compile and explain rules.

use std::process::ExitCode;

/// What to do with which rules.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(Arguments {}: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("this build cannot work on rules")
}
