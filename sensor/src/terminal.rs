//! What the program says to a person: results on standard output, one line for a failure on standard error, logs on
//! standard error.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use tracing_subscriber::EnvFilter;

/// Exit status of a wrong command line.
const USAGE_STATUS: u8 = 2;

/// Starts logging to standard error. `LAPWING_LOG` chooses what is told, as `info` or `lapwing_sensor=debug`.
pub(crate) fn start_logging(is_long_running: bool) {
    let default = if is_long_running { "info" } else { "warn" };
    let filter = EnvFilter::try_from_env("LAPWING_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// Writes text to standard output, as given.
pub(crate) fn write(text: impl fmt::Display) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    write!(output, "{text}")?;
    output.flush()?;
    Ok(())
}

/// Tells a failure in one line. A reader that went away (`lapwing … | head`) is not a failure.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    say(&format!("{error:#}"));
    ExitCode::FAILURE
}

/// Tells what is wrong with the command line in one line; help and version go to standard output in full.
pub(crate) fn report_usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if !error.use_stderr() {
        // Nobody is left to tell when standard output is closed.
        drop(io::stdout().write_all(text.as_bytes()));
        return ExitCode::SUCCESS;
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        drop(io::stderr().write_all(text.as_bytes()));
        return ExitCode::from(USAGE_STATUS);
    }
    let said = text.lines().take_while(|line| !line.starts_with("Usage:"));
    let said = said.collect::<Vec<_>>().join(" ");
    let said = said.trim().trim_start_matches("error: ");
    say(&format!("{said} (see lapwing --help)"));
    ExitCode::from(USAGE_STATUS)
}

/// One line on standard error, whatever `text` holds.
pub(crate) fn say(text: &str) {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Standard error may be closed; there is no further place to tell it.
    drop(writeln!(io::stderr(), "lapwing: {line}"));
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pipe_is_found_under_its_context() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(is_broken_pipe(&error.context("cannot write")));
        assert!(!is_broken_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
