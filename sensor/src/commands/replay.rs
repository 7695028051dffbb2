//! `lapwing replay`: capture files through the same pipeline as live capture.

use std::{path::PathBuf, process::ExitCode};

/// What to replay, against which rules, and how to print.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Capture files, pcap or pcapng
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!(
        "{}: this build cannot replay",
        arguments
            .captures
            .first()
            .map_or_else(String::new, |path| path.display().to_string())
    )
}
