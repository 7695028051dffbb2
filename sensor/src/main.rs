//! The edge program `lapwing`: capture, detection and findings, and the ISP's side of policy and uplink.
//!
//! Each subcommand stands in its own file under `commands/`. This file alone turns an error into one line on standard
//! error and an exit status: 0 done, 1 failed, 2 wrong usage.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod commands;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let command_line = match commands::CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return terminal::report_usage(&error),
    };
    terminal::start_logging(command_line.command.is_long_running());
    match command_line.command.run() {
        Ok(code) => code,
        Err(error) => terminal::report(&error),
    }
}
