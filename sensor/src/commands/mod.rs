//! The command line: one file a subcommand, each with its `Arguments` and a `run`.

mod board_updates;
mod budget;
mod check;
mod check_config;
mod courier;
mod enroll;
mod interfaces;
mod kept_files;
mod ledger;
mod link;
mod load_rules;
mod metrics;
mod papers;
mod policy;
mod replay;
mod report;
mod rule_updates;
mod rules;
mod run;
mod sensor;
mod status;
mod stop_signal;
mod uplink;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Lapwing's edge program: watches a mirrored link, tells what matters, and only what the site's policy allows.
#[derive(Parser)]
#[command(name = "lapwing", version, arg_required_else_help = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run capture files through the engine and print the alerts
    Replay(replay::Arguments),
    /// Check, compile and explain rules
    Rules(rules::Arguments),
    /// Capture, detect and write what the policy lets be told into the outbox
    Sensor(sensor::Arguments),
    /// Carry what waits in the outbox to the centre
    Uplink(uplink::Arguments),
    /// Give this sensor its identity, with a voucher from the centre
    Enroll(enroll::Arguments),
    /// Carry findings to the centre on a stick, and its answers back
    Courier(courier::Arguments),
    /// Say what a link would cost, and what the CIRT would see for it
    Budget(budget::Arguments),
    /// Show how the sensor is
    Status(status::Arguments),
    /// Write, sign, check and explain what may leave this network
    Policy(policy::Arguments),
    /// Read and check what left this network
    Ledger(ledger::Arguments),
    /// For the ISP: which of its own addresses show which trouble, as a page, a table or a list
    Report(report::Arguments),
    /// Check a sensor's settings and what they name
    CheckConfig(check_config::Arguments),
    /// List the network interfaces, or make one a capture port
    Interfaces(interfaces::Arguments),
    /// Say PASS or FAIL: machine, centre, and whether the mirror is real
    Check(check::Arguments),
    /// Write manual pages and completions
    #[command(hide = true)]
    Papers(papers::Arguments),
    /// Run sensor and uplink, and start them again when they fail
    Run(run::Arguments),
}

impl Command {
    /// Whether it runs until told to stop, and so logs what it does.
    pub(crate) fn is_long_running(&self) -> bool {
        match self {
            Self::Run(_) | Self::Sensor(_) | Self::Uplink(_) => true,
            Self::Replay(_)
            | Self::Rules(_)
            | Self::Policy(_)
            | Self::Ledger(_)
            | Self::Report(_)
            | Self::Check(_)
            | Self::CheckConfig(_)
            | Self::Papers(_)
            | Self::Enroll(_)
            | Self::Courier(_)
            | Self::Budget(_)
            | Self::Interfaces(_)
            | Self::Status(_) => false,
        }
    }

    /// Runs it. An error becomes one line on standard error and exit status 1.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Replay(arguments) => replay::run(arguments),
            Self::Rules(arguments) => rules::run(arguments),
            Self::Sensor(arguments) => sensor::run(arguments),
            Self::Uplink(arguments) => uplink::run(arguments),
            Self::Enroll(arguments) => enroll::run(arguments),
            Self::Courier(arguments) => courier::run(arguments),
            Self::Budget(arguments) => budget::run(arguments),
            Self::Status(arguments) => status::run(arguments),
            Self::Policy(arguments) => policy::run(arguments),
            Self::Ledger(arguments) => ledger::run(arguments),
            Self::Report(arguments) => report::run(arguments),
            Self::CheckConfig(arguments) => check_config::run(arguments),
            Self::Interfaces(arguments) => interfaces::run(arguments),
            Self::Check(arguments) => check::run(arguments),
            Self::Papers(arguments) => papers::run(arguments),
            Self::Run(arguments) => run::run(arguments),
        }
    }
}
