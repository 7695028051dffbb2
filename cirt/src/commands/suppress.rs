//! `lapwing-cirt suppress`: what is kept out of the inbox and the alarms for a while.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use lapwing_cirt::limits::SUPPRESSION_DAYS;
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::{NewSuppression, Store};

use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: SuppressCommand,
}

#[derive(Subcommand)]
enum SuppressCommand {
    /// Keep findings out from now on: those that all of what is named covers
    Add {
        /// A sid, or gid:sid
        #[arg(long, default_value = "")]
        rule: String,
        #[arg(long, default_value = "")]
        sensor: String,
        /// A provider or sector
        #[arg(long, default_value = "")]
        tenant: String,
        /// A network or an address that one end lies in, in clear
        #[arg(long, default_value = "")]
        network: String,
        /// How long
        #[arg(long, default_value_t = SUPPRESSION_DAYS)]
        days: u32,
        /// Why, for colleagues and the audit trail
        #[arg(long)]
        reason: String,
    },
    /// All of them, and how many findings each took
    List {
        /// Also those that are over
        #[arg(long)]
        all: bool,
    },
    /// End one before its time
    End { suppression: i64 },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    let now = Timestamp::now();
    match &arguments.command {
        SuppressCommand::Add {
            rule,
            sensor,
            tenant,
            network,
            days,
            reason,
        } => {
            let named = [rule.as_str(), sensor, tenant, network];
            let new = NewSuppression::read(named, reason, &days.to_string())
                .map_err(anyhow::Error::msg)?;
            let key = store.suppress(Scope::Nation, &actor(), &new, now)?;
            line(&format!(
                "suppression #{key} holds for {days} days; what was in a group before stays there"
            ))?;
        }
        SuppressCommand::List { all } => list(&store, *all, now)?,
        SuppressCommand::End { suppression } => {
            store.end_suppression(Scope::Nation, &actor(), *suppression, now)?;
            line(&format!("suppression #{suppression} has ended"))?;
        }
    }
    Ok(())
}

fn list(store: &Store, all: bool, now: Timestamp) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        ("number", Align::Right),
        ("state", Align::Left),
        ("rule", Align::Left),
        ("sensor", Align::Left),
        ("tenant", Align::Left),
        ("network", Align::Left),
        ("this week", Align::Right),
        ("in all", Align::Right),
        ("until", Align::Left),
        ("by", Align::Left),
        ("why", Align::Left),
    ]);
    let any = || "any".to_owned();
    for suppression in store.suppressions(Scope::Nation, now)? {
        if !all && !suppression.holds(now) {
            continue;
        }
        let state = suppression.state(now);
        let until = suppression
            .ended
            .map_or(suppression.expires, |(ended, _)| ended);
        table.row(vec![
            suppression.key.to_string(),
            state.to_owned(),
            suppression
                .rule
                .map_or_else(any, |(gid, sid)| format!("{gid}:{sid}")),
            suppression.sensor.unwrap_or_else(any),
            suppression.tenant.unwrap_or_else(any),
            suppression
                .network
                .map_or_else(any, |network| network.to_string()),
            suppression.week_findings.to_string(),
            suppression.findings.to_string(),
            format!("{until:.0}"),
            suppression.created_by,
            suppression.reason,
        ]);
    }
    line(&table.render())?;
    let week = store.suppressed_this_week(Scope::Nation, None, now)?;
    Ok(line(&format!("{week} findings suppressed in seven days"))?)
}
