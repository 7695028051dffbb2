//! `lapwing-cirt`: the command line of the centre.

mod commands;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// The centre of a Lapwing network: collects what sensors found and shows it to people.
#[derive(Parser)]
#[command(name = "lapwing-cirt", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new centre in an empty folder
    Init(commands::init::Arguments),
    /// Run the centre
    Serve(commands::serve::Arguments),
    /// Write a voucher that lets one sensor enrol
    Voucher(commands::voucher::Arguments),
    /// Exchange a stick with sensors that no link reaches
    Courier(commands::courier::Arguments),
    /// List, show, approve and revoke sensors
    Sensors(commands::sensors::Arguments),
    /// Print findings, newest first
    Findings(commands::findings::Arguments),
    /// Say how far one finding may travel (TLP)
    Mark(commands::mark::Arguments),
    /// Print sums, and whether the books of the sensors balance
    Summary(commands::summary::Arguments),
    /// Groups of findings in the order people should look at them, and the work on them
    Inbox(commands::inbox::Arguments),
    /// Keep findings out of the inbox and the alarms for a while, and see how many there were
    Suppress(commands::suppress::Arguments),
    /// Who else saw an address or a host name
    Who(commands::sql::WhoArguments),
    /// Ask the store in SQL: read-only, limited in time and rows
    Sql(commands::sql::SqlArguments),
    /// Write a weekly or monthly report, national or of one tenant, as HTML or PDF
    Report(commands::report::Arguments),
    /// Give new images to the boards of sensors
    Images(commands::images::Arguments),
    /// Tell the centre what rules say, so that pages can name what fired
    Rules(commands::rules::Arguments),
    /// Add, list, disable and reset users
    User(commands::user::Arguments),
    /// Add and list tenants: providers and sectors whose people see only their own
    Tenant(commands::tenant::Arguments),
    /// Tell people of what matters by mail or webhook, without their looking at a page
    Alarms(commands::alarms::Arguments),
    /// Read the audit trail, and check that nobody changed it
    Audit(commands::audit::Arguments),
    /// Drop all derived tables and make them again from the stored batches
    Rebuild(commands::rebuild::Arguments),
    /// Partners, what is agreed with them, and the register of what went to them
    Peers(commands::peers::Arguments),
    /// Give findings to a partner, as far as the agreement goes
    Export(commands::export::Arguments),
    /// Take in what partners know, from files
    Import(commands::import::Arguments),
    /// What partners told us to look for, and what becomes of it
    Indicators(commands::indicators::Arguments),
    /// Tell those who are responsible, and see whether it helped
    Notify(commands::notify::Arguments),
    /// The table of findings: what it takes, putting it in order, dropping old days
    Table(commands::table::Arguments),
    /// Write a copy of the database and the findings while the centre runs
    Backup(commands::backup::Arguments),
    /// Make a centre's database and findings from such a copy
    Restore(commands::backup::RestoreArguments),
    /// Write manual pages and completions
    #[command(hide = true)]
    Papers(commands::papers::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Init(arguments) => commands::init::run(&arguments),
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Voucher(arguments) => commands::voucher::run(&arguments),
        Command::Courier(arguments) => commands::courier::run(&arguments),
        Command::Sensors(arguments) => commands::sensors::run(&arguments),
        Command::Findings(arguments) => commands::findings::run(&arguments),
        Command::Mark(arguments) => commands::mark::run(&arguments),
        Command::Summary(arguments) => commands::summary::run(&arguments),
        Command::Inbox(arguments) => commands::inbox::run(&arguments),
        Command::Suppress(arguments) => commands::suppress::run(&arguments),
        Command::Who(arguments) => commands::sql::who(&arguments),
        Command::Sql(arguments) => commands::sql::sql(&arguments),
        Command::Report(arguments) => commands::report::run(&arguments),
        Command::Images(arguments) => commands::images::run(&arguments),
        Command::Rules(arguments) => commands::rules::run(&arguments),
        Command::User(arguments) => commands::user::run(&arguments),
        Command::Tenant(arguments) => commands::tenant::run(&arguments),
        Command::Alarms(arguments) => commands::alarms::run(&arguments),
        Command::Audit(arguments) => commands::audit::run(&arguments),
        Command::Rebuild(arguments) => commands::rebuild::run(&arguments),
        Command::Peers(arguments) => commands::peers::run(&arguments),
        Command::Export(arguments) => commands::export::run(&arguments),
        Command::Import(arguments) => commands::import::run(&arguments),
        Command::Indicators(arguments) => commands::indicators::run(&arguments),
        Command::Notify(arguments) => commands::notify::run(&arguments),
        Command::Table(arguments) => commands::table::run(&arguments),
        Command::Backup(arguments) => commands::backup::run(&arguments),
        Command::Restore(arguments) => commands::backup::restore(&arguments),
        Command::Papers(arguments) => commands::papers::run(&arguments, Cli::command()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::report(&error);
            ExitCode::FAILURE
        }
    }
}
