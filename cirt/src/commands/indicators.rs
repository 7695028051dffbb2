//! `lapwing-cirt indicators`: what partners told us to look for, and what becomes of it.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lapwing_cirt::exchange::feedback;
use lapwing_cirt::exchange::indicator::IndicatorState;
use lapwing_cirt::output::{Align, Table, line};

use super::export::producer;
use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: IndicatorsCommand,
}

#[derive(Subcommand)]
enum IndicatorsCommand {
    /// Indicators in a state: waiting, approved, rejected or retired
    List {
        #[arg(default_value = "waiting")]
        state: String,
        /// Only those with a higher number
        #[arg(long, default_value_t = 0)]
        after: u32,
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
    /// Let indicators into the next pack
    Approve {
        #[arg(required = true)]
        numbers: Vec<u32>,
    },
    /// Keep indicators out of packs; a partner is not told
    Reject {
        #[arg(required = true)]
        numbers: Vec<u32>,
        #[arg(long)]
        reason: String,
    },
    /// Keep an indicator out of packs because it is wrong, and tell that to those who said so
    FalsePositive {
        number: u32,
        #[arg(long)]
        reason: String,
    },
    /// What partners say of what we shared
    Feedback {
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, _, store) = arguments.data.open()?;
    match &arguments.command {
        IndicatorsCommand::List {
            state,
            after,
            limit,
        } => {
            let mut table = Table::new(&[
                ("number", Align::Right),
                ("kind", Align::Left),
                ("value", Align::Left),
                ("from", Align::Left),
                ("label", Align::Left),
                ("comment", Align::Left),
                ("reason", Align::Left),
            ]);
            for one in store.indicators(IndicatorState::from_name(state), *after, *limit)? {
                table.row(vec![
                    one.number.to_string(),
                    one.wanted.kind().to_owned(),
                    one.wanted.value().to_owned(),
                    one.peer,
                    one.tlp.label().to_owned(),
                    one.comment,
                    one.reason,
                ]);
            }
            line(&table.render())?;
        }
        IndicatorsCommand::Approve { numbers } => {
            let changed = store.decide_indicators(
                &actor(),
                numbers,
                IndicatorState::Approved,
                "by a person",
            )?;
            line(&format!(
                "{changed} approved; they are in the next pack that is published"
            ))?;
        }
        IndicatorsCommand::Reject { numbers, reason } => {
            let changed =
                store.decide_indicators(&actor(), numbers, IndicatorState::Rejected, reason)?;
            line(&format!("{changed} rejected"))?;
        }
        IndicatorsCommand::FalsePositive { number, reason } => {
            let told = feedback::false_positive(
                &store,
                &producer(&folder)?,
                &actor(),
                *number,
                reason,
                Timestamp::now(),
            )?;
            line(&format!("rejected; {told} partners can read why"))?;
        }
        IndicatorsCommand::Feedback { limit } => {
            let mut table = Table::new(&[
                ("time", Align::Left),
                ("from", Align::Left),
                ("object", Align::Left),
                ("kind", Align::Left),
                ("says", Align::Left),
                ("comment", Align::Left),
            ]);
            for (time, [peer, about, kind, word, comment]) in store.feedback(*limit)? {
                table.row(vec![format!("{time:.0}"), peer, about, kind, word, comment]);
            }
            line(&table.render())?;
        }
    }
    Ok(())
}
