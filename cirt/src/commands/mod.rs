//! One file a command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lapwing_cirt::settings::{DataFolder, Settings};
use lapwing_cirt::store::Store;

pub(crate) mod alarms;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod courier;
pub(crate) mod export;
pub(crate) mod findings;
pub(crate) mod images;
pub(crate) mod import;
pub(crate) mod inbox;
pub(crate) mod indicators;
pub(crate) mod init;
pub(crate) mod mark;
pub(crate) mod notify;
pub(crate) mod papers;
pub(crate) mod peers;
pub(crate) mod rebuild;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod sensors;
pub(crate) mod serve;
pub(crate) mod sql;
pub(crate) mod summary;
pub(crate) mod suppress;
pub(crate) mod table;
pub(crate) mod tenant;
pub(crate) mod user;
pub(crate) mod voucher;

/// Where the centre keeps its data.
#[derive(Args)]
pub(crate) struct Data {
    /// Folder of the centre's data
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "/var/lib/lapwing-cirt"
    )]
    data: PathBuf,
}

impl Data {
    pub(crate) fn folder(&self) -> DataFolder {
        DataFolder::new(&self.data)
    }

    /// Settings and database of a centre that has been made.
    pub(crate) fn open(&self) -> anyhow::Result<(DataFolder, Settings, Store)> {
        let folder = self.folder();
        let settings = Settings::load(&folder)?;
        let store = Store::of(&folder, &settings)?;
        Ok((folder, settings, store))
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Table,
    Json,
    Csv,
}

/// Who the audit trail names for what is done on the command line.
pub(crate) fn actor() -> String {
    let user = std::env::var("SUDO_USER")
        .or_else(|_| std::env::var("USER"))
        .unwrap_or_else(|_| "unknown".to_owned());
    format!("cli:{user}")
}

/// Prints an error and its causes in one line.
pub(crate) fn report(error: &anyhow::Error) {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause
            .to_string()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if !causes.iter().any(|known| known.contains(&text)) {
            causes.push(text);
        }
    }
    complain(&causes.join(": "));
}

/// Prints one line on standard error.
#[expect(
    clippy::print_stderr,
    reason = "the one place where a command complains"
)]
pub(crate) fn complain(text: &str) {
    eprintln!("lapwing-cirt: {text}");
}
