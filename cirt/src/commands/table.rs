//! `lapwing-cirt table`: the table of findings: what it takes, putting it in order, dropping old days.

use anyhow::ensure;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use lapwing_cirt::output::{Align, Table, line};

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: TableCommand,
}

#[derive(Subcommand)]
enum TableCommand {
    /// Where it lies, what it takes, and how long findings are kept
    Show,
    /// Make few files of days that lie in many, and delete what nothing needs any more; the running centre does so by itself
    Care,
    /// Drop the findings of all days before one; sums of them stay
    Drop {
        /// The first day that is kept: 2026-05-01
        #[arg(long)]
        before: Date,
        /// They do not come back, unless the table is rebuilt from the stored batches
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, settings, store) = arguments.data.open()?;
    match &arguments.command {
        TableCommand::Show => {
            line(&store.table_location()?)?;
            let mut table = Table::new(&[
                ("table", Align::Left),
                ("files", Align::Right),
                ("rows", Align::Right),
                ("bytes", Align::Right),
                ("version", Align::Right),
            ]);
            for (name, size) in ["findings", "sightings"]
                .into_iter()
                .zip(store.table_sizes()?)
            {
                table.row(vec![
                    name.to_owned(),
                    size.files.to_string(),
                    size.rows.to_string(),
                    size.bytes.to_string(),
                    size.version.to_string(),
                ]);
            }
            line(&table.render())?;
            Ok(line(&settings.keep_findings_days.map_or_else(
                || "findings are kept for ever".to_owned(),
                |days| {
                    format!(
                        "findings are kept {days} days; what was dropped stands in the audit trail"
                    )
                },
            ))?)
        }
        TableCommand::Care => {
            let care = store.care_for_the_table()?;
            Ok(line(&format!(
                "{} days and months put into few files, {} files deleted",
                care.days, care.files
            ))?)
        }
        TableCommand::Drop { before, yes } => {
            ensure!(
                *yes,
                "findings of all days before {before} would be dropped: say --yes"
            );
            let dropped = store.drop_findings_before(&actor(), *before)?;
            Ok(line(&format!(
                "{} findings dropped, {} files",
                dropped.findings, dropped.files
            ))?)
        }
    }
}
