//! `lapwing-cirt alarms`: whom alarms are told to, of what, and what became of each message.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use lapwing_cirt::alarms::worker::Teller;
use lapwing_cirt::alarms::{AlarmKind, TargetText, watch, worker};
use lapwing_cirt::exchange;
use lapwing_cirt::limits::{ALARM_MESSAGES_LISTED, ALARM_PAUSE_MINUTES};
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::settings::{DataFolder, Settings};
use lapwing_cirt::store::Store;

use super::{Data, actor, complain};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: AlarmsCommand,
}

#[derive(Subcommand)]
enum AlarmsCommand {
    /// Name somebody who can be told
    Target {
        name: String,
        /// A mail address, or one that begins with https://
        address: String,
        /// Of the text: en, fr, es, pt, ar or ru
        #[arg(long, default_value = "en")]
        language: String,
        /// At least so many minutes between two messages; what comes meanwhile goes together
        #[arg(long, value_name = "MINUTES", default_value_t = ALARM_PAUSE_MINUTES)]
        pause: u32,
        /// Certificates of a webhook's authority (PEM), where browsers do not know it
        #[arg(long, value_name = "FILE")]
        authority: Option<PathBuf>,
        /// The webhook may be on this machine itself
        #[arg(long)]
        allow_loopback: bool,
    },
    /// Remove a target, its rules, and what waits for it
    Remove { name: String },
    /// Send a target a message that says nothing but that messages arrive; the running centre sends it
    Test { name: String },
    /// Tell a target of something from now on
    Tell {
        target: String,
        /// group, sensor or batch
        kind: AlarmKind,
        /// group: infection, critical, widespread, grave, other, noise; sensor: offline, blind, starved and the other
        /// conditions; batch: conflicting-batch, forged-batch, unreadable-batch, broken-chain, two-outboxes
        #[arg(required = true)]
        words: Vec<String>,
        /// Only what is at this provider or sector
        #[arg(long)]
        tenant: Option<String>,
    },
    /// End a rule
    End { rule: i64 },
    /// Targets and rules
    List,
    /// The newest messages and what became of them
    Messages,
    /// Look for what is new and send what is due now; a running centre does so by itself
    Send,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, settings, store) = arguments.data.open()?;
    let now = Timestamp::now();
    match &arguments.command {
        AlarmsCommand::Target {
            name,
            address,
            language,
            pause,
            authority,
            allow_loopback,
        } => {
            let authority = match authority {
                Some(path) => std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?,
                None => String::new(),
            };
            let text = TargetText {
                name,
                address,
                language,
                pause_minutes: *pause,
                authority: &authority,
                allows_loopback: *allow_loopback,
            };
            let new = text.check().map_err(anyhow::Error::msg)?;
            store.add_alarm_target(&actor(), &new, now)?;
            if let Some(secret) = &new.secret {
                line(&format!("secret {secret} (its bodies are signed with it)"))?;
            }
            line(&format!(
                "{name} can be told; next: lapwing-cirt alarms test {name}, lapwing-cirt alarms tell {name} group infection critical"
            ))?;
        }
        AlarmsCommand::Remove { name } => {
            store.remove_alarm_target(&actor(), name, now)?;
            line(&format!("{name} is told no more"))?;
        }
        AlarmsCommand::Test { name } => {
            teller(&folder, &settings)?.queue_test(&store, &actor(), name, now)?;
            line("the running centre sends it; see: lapwing-cirt alarms messages")?;
        }
        AlarmsCommand::Tell {
            target,
            kind,
            words,
            tenant,
        } => {
            let words = kind
                .read_words(&words.join(" "))
                .map_err(anyhow::Error::msg)?;
            let target = store.alarm_target(target)?;
            let rule = watch::NewRule {
                target: &target,
                kind: *kind,
                words: &words,
                tenant: tenant.as_deref(),
            };
            let key = watch::add_rule(&store, &folder, &actor(), &rule, now)?;
            line(&format!(
                "rule #{key}: {} is told of what comes from now on",
                target.name
            ))?;
        }
        AlarmsCommand::End { rule } => {
            store.end_alarm_rule(&actor(), *rule, now)?;
            line(&format!("rule #{rule} has ended"))?;
        }
        AlarmsCommand::List => list(&store)?,
        AlarmsCommand::Messages => messages(&store)?,
        AlarmsCommand::Send => {
            let mut failed = 0;
            let tried = worker::round(&store, &teller(&folder, &settings)?, now)?;
            for one in &tried {
                match &one.problem {
                    None => line(&format!("{}: {} sent", one.target, one.id))?,
                    Some(problem) => {
                        failed += 1;
                        complain(&format!("{}: {}: {problem}", one.target, one.id));
                    }
                }
            }
            anyhow::ensure!(
                failed == 0,
                "{failed} messages were not taken; they are tried again"
            );
            line(&format!("{} messages sent", tried.len()))?;
        }
    }
    Ok(())
}

fn teller(folder: &DataFolder, settings: &Settings) -> anyhow::Result<Teller> {
    Ok(Teller {
        folder: folder.clone(),
        centre: settings.name.to_string(),
        producer: exchange::producer(folder)?,
    })
}

fn list(store: &Store) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        ("target", Align::Left),
        ("address", Align::Left),
        ("language", Align::Left),
        ("pause", Align::Right),
    ]);
    for target in store.alarm_targets()? {
        table.row(vec![
            target.name,
            target.address,
            target.language,
            format!("{} min", target.pause.as_mins()),
        ]);
    }
    line(&table.render())?;
    let mut table = Table::new(&[
        ("rule", Align::Right),
        ("tells", Align::Left),
        ("of", Align::Left),
        ("at", Align::Left),
        ("since", Align::Left),
        ("by", Align::Left),
    ]);
    for rule in store.alarm_rules()? {
        table.row(vec![
            rule.key.to_string(),
            rule.target_name,
            format!("{}: {}", rule.kind, rule.words.join(", ")),
            rule.tenant
                .map_or_else(|| "the nation".to_owned(), |(_, name)| name),
            format!("{:.0}", rule.created),
            rule.created_by,
        ]);
    }
    Ok(line(&table.render())?)
}

fn messages(store: &Store) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        ("made", Align::Left),
        ("target", Align::Left),
        ("state", Align::Left),
        ("attempts", Align::Right),
        ("events", Align::Right),
        ("message", Align::Left),
        ("problem", Align::Left),
    ]);
    for message in store.alarm_messages(ALARM_MESSAGES_LISTED)? {
        table.row(vec![
            format!("{:.0}", message.made),
            message.target,
            message.state,
            message.attempts.to_string(),
            message.events.to_string(),
            message.subject,
            message.problem.unwrap_or_default(),
        ]);
    }
    Ok(line(&table.render())?)
}
