//! `lapwing-cirt audit`.

use anyhow::bail;
use clap::{Args, Subcommand};
use lapwing_cirt::output::{Align, Table, line};

use super::Data;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// The newest lines, newest first
    List {
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Check that no line was changed, taken out or put in, and print the digest of the whole trail
    Verify,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    match arguments.command {
        AuditCommand::List { limit } => {
            let mut table = Table::new(&[
                ("when", Align::Left),
                ("who", Align::Left),
                ("what", Align::Left),
                ("to what", Align::Left),
            ]);
            for entry in store.audit_trail(limit)? {
                table.row(vec![
                    format!("{:.0}", entry.at),
                    entry.actor,
                    entry.action,
                    entry.subject,
                ]);
            }
            line(&table.render())?;
        }
        AuditCommand::Verify => {
            let verdict = store.verify_audit()?;
            if let Some(broken) = verdict.broken_at {
                bail!("line {broken} of the audit trail is not what it was when it was written");
            }
            line(&format!(
                "{} lines, unbroken, digest {}",
                verdict.lines,
                hex::encode(verdict.head)
            ))?;
        }
    }
    Ok(())
}
