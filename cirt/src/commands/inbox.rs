//! `lapwing-cirt inbox`: groups in the order people should look at them, and the work on them.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::query::{Scope, SeverityClass};
use lapwing_cirt::store::{GroupChange, Store};
use lapwing_cirt::triage::Tlp;

use super::sql::sightings_table;
use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: InboxCommand,
}

#[derive(Subcommand)]
enum InboxCommand {
    /// All groups that are not closed, gravest first
    List {
        /// The closed ones instead
        #[arg(long)]
        closed: bool,
    },
    /// One group: where it was seen, and what was done
    Show { group: i64 },
    /// Give a group to a user
    Assign { group: i64, user: String },
    /// Say something about a group
    Comment { group: i64, text: String },
    /// Classify a group by the reference taxonomy (RSIT), for example malicious-code:infected-system
    Classify { group: i64, class: String },
    /// Say who may be told: clear, green, amber, amber+strict or red
    Tlp { group: i64, tlp: Tlp },
    /// Close a group; it comes back by itself when it is seen again
    Close {
        group: i64,
        #[arg(default_value = "")]
        reason: String,
    },
    /// Open a closed group again
    Reopen { group: i64 },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, _, store) = arguments.data.open()?;
    let (group, change) = match &arguments.command {
        InboxCommand::List { closed } => return list(&store, *closed),
        InboxCommand::Show { group } => return show(&store, *group),
        InboxCommand::Assign { group, user } => (group, GroupChange::Assign(Some(user.clone()))),
        InboxCommand::Comment { group, text } => (group, GroupChange::Comment(text.clone())),
        InboxCommand::Classify { group, class } => (group, GroupChange::Classify(class.clone())),
        InboxCommand::Tlp { group, tlp } => (group, GroupChange::SetTlp(*tlp)),
        InboxCommand::Close { group, reason } => (group, GroupChange::Close(reason.clone())),
        InboxCommand::Reopen { group } => (group, GroupChange::Reopen),
    };
    store.change_group(Scope::Nation, &actor(), *group, &change, Timestamp::now())?;
    Ok(line(&format!("group {group}: done"))?)
}

fn list(store: &Store, closed: bool) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        ("group", Align::Right),
        ("tier", Align::Left),
        ("severity", Align::Left),
        ("findings", Align::Right),
        ("sensors", Align::Right),
        ("providers", Align::Right),
        ("last seen", Align::Left),
        ("assigned", Align::Left),
        ("what", Align::Left),
    ]);
    let groups = store.groups(Scope::Nation, closed, Timestamp::now())?;
    for group in &groups {
        table.row(vec![
            group.key.to_string(),
            group.rank.tier.as_str().to_owned(),
            SeverityClass::of(group.severity).to_string(),
            group.findings.to_string(),
            group.sensors.to_string(),
            group.tenants.to_string(),
            format!("{:.0}", group.last),
            group.assignee.clone().unwrap_or_else(|| "-".to_owned()),
            group
                .message
                .clone()
                .unwrap_or_else(|| format!("{}:{}", group.gid, group.sid)),
        ]);
    }
    line(&table.render())?;
    Ok(line(&format!("{} groups", groups.len()))?)
}

fn show(store: &Store, key: i64) -> anyhow::Result<()> {
    let group = store
        .group(Scope::Nation, key, Timestamp::now())?
        .with_context(|| format!("there is no group {key}"))?;
    line(&format!(
        "{} ({}:{}), {}, {}, {}",
        group.message.as_deref().unwrap_or("unknown rule"),
        group.gid,
        group.sid,
        group.state.as_str(),
        group.tlp.label(),
        if group.class.is_empty() {
            "not classified"
        } else {
            &group.class
        },
    ))?;
    let places = store.group_places(Scope::Nation, key)?;
    line(&sightings_table(places).render())?;
    for event in store.group_events(key)? {
        line(&format!(
            "{:.0}  {}  {}  {}",
            event.at, event.actor, event.kind, event.detail
        ))?;
    }
    Ok(())
}
