//! `lapwing-cirt peers`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use lapwing_cirt::exchange::agreement::{joined, split};
use lapwing_cirt::exchange::limits::REGISTER_ROWS;
use lapwing_cirt::exchange::worker::{self, Done};
use lapwing_cirt::exchange::{Agreement, Country, PeerKind, Tlp};
use lapwing_cirt::limits::RULE_MISTAKES_SHOWN;
use lapwing_cirt::output::{Align, Table, line};
use lapwing_cirt::secrets::{random_token, token_hash};
use lapwing_cirt::settings::Name;
use lapwing_cirt::store::Source;

use super::export::producer;
use super::{Data, actor};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: PeersCommand,
}

#[derive(Subcommand)]
enum PeersCommand {
    /// Add a partner; nothing goes there before there is an agreement
    Add {
        name: Name,
        /// cirt, provider, own (a tool of our own organisation) or public (everybody)
        #[arg(long)]
        kind: PeerKind,
        /// Its country, two letters
        #[arg(long)]
        country: Option<Country>,
    },
    /// Put an agreement in force; the one before it ends
    Agree {
        name: String,
        /// What the signed paper is called
        #[arg(long)]
        reference: Name,
        /// The strictest label that may go there: clear, green, amber, or amber+strict for our own tools
        #[arg(long)]
        ceiling: Tlp,
        /// What may go there: finding, indicator, sighting, statistic, separated by commas
        #[arg(long)]
        kinds: String,
        /// Only what concerns these countries, separated by commas; without it any
        #[arg(long, default_value = "")]
        countries: String,
        /// Keep back statistics that count fewer than this
        #[arg(long, default_value_t = 5)]
        smallest_count: u64,
        /// When it begins to hold; at once without it
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// When it no longer holds
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
    },
    /// End the agreement with a partner: from now on nothing goes there
    End { name: String },
    /// Shut a partner out
    Disable { name: String },
    /// Let a partner in again
    Enable { name: String },
    /// Give a partner a new password for the servers, shown once
    Password { name: String },
    /// Kinds of indicators from a partner that go into packs without anybody's approval; none takes it back
    Trust {
        name: String,
        /// address, domain, host, url, ja3, ja3s, ja4, sha1, sha256, rule, separated by commas
        #[arg(long, default_value = "")]
        kinds: String,
        /// How grave their hits are, 1 the gravest
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
        severity: u8,
    },
    /// Name a server of a partner that is polled or pushed to
    Source(SourceArguments),
    /// Poll the servers of all partners, and push to them, now
    Poll,
    /// Publish what is new for those who poll us now
    Publish,
    /// Send new findings to the servers of syslog that exchange.toml names now
    Forward,
    /// Findings that were handed to a partner because they concern it, and when it took them
    Receipts {
        name: String,
        #[arg(long, default_value_t = REGISTER_ROWS)]
        limit: usize,
    },
    /// All partners and what is agreed
    List,
    /// What went to whom under which label and agreement, and what was refused
    Register {
        /// Only this partner
        name: Option<String>,
        /// How many lines at most
        #[arg(long, default_value_t = REGISTER_ROWS)]
        limit: usize,
    },
}

#[derive(Args)]
struct SourceArguments {
    name: String,
    /// Address of a TAXII 2.1 server: its discovery or an API root
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "misp",
        conflicts_with = "misp"
    )]
    taxii: Option<String>,
    /// Id, alias or title of the collection
    #[arg(long, default_value = "", requires = "taxii")]
    collection: String,
    /// Push what the partner may have into the collection, instead of polling it
    #[arg(long, requires = "taxii")]
    push: bool,
    /// Address of a MISP feed
    #[arg(long, value_name = "URL")]
    misp: Option<String>,
    #[arg(long, requires = "password_file")]
    user: Option<String>,
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Certificates of the server's authority (PEM), where browsers do not know it
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, _, store) = arguments.data.open()?;
    match &arguments.command {
        PeersCommand::Add {
            name,
            kind,
            country,
        } => {
            store.add_peer(&actor(), name, *kind, *country)?;
            line(&format!(
                "{name} added; nothing goes there before there is an agreement"
            ))?;
        }
        PeersCommand::Agree {
            name,
            reference,
            ceiling,
            kinds,
            countries,
            smallest_count,
            from,
            until,
        } => {
            let agreement = Agreement {
                reference: reference.clone(),
                ceiling: *ceiling,
                kinds: split(kinds).map_err(anyhow::Error::msg)?,
                countries: split(countries).map_err(anyhow::Error::msg)?,
                smallest_count: *smallest_count,
                from: from.unwrap_or_else(Timestamp::now),
                until: *until,
            };
            store.agree(&actor(), name, &agreement)?;
            line(&format!(
                "agreement {reference} with {name} holds: {}",
                terms(&agreement)
            ))?;
        }
        PeersCommand::End { name } => {
            store.end_agreement(&actor(), name)?;
            line(&format!("the agreement with {name} has ended"))?;
        }
        PeersCommand::Disable { name } => {
            store.set_peer_disabled(&actor(), name, true)?;
            line(&format!("{name} is shut out"))?;
        }
        PeersCommand::Enable { name } => {
            store.set_peer_disabled(&actor(), name, false)?;
            line(&format!("{name} is let in"))?;
        }
        PeersCommand::Password { name } => {
            let password = random_token();
            store.set_peer_password(&actor(), name, &token_hash(&password))?;
            line(&format!("user {name}, password {password} (shown once)"))?;
        }
        PeersCommand::Trust {
            name,
            kinds,
            severity,
        } => {
            store.trust(&actor(), name, kinds, *severity)?;
            line(&format!(
                "{name}: {}",
                if kinds.is_empty() {
                    "nothing without approval"
                } else {
                    kinds.as_str()
                }
            ))?;
        }
        PeersCommand::Source(source) => {
            let source = source.read()?;
            store.add_source(&actor(), &source)?;
            let what = if source.kind == "taxii-push" {
                "pushed to"
            } else {
                "polled"
            };
            line(&format!(
                "{} {} is {what}",
                source.address, source.collection
            ))?;
        }
        PeersCommand::Poll => {
            let producer = producer(&folder)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let mut failed = 0;
            for (source, result) in runtime.block_on(worker::poll_all(&store, &producer)) {
                line(&format!(
                    "{} {} {}",
                    source.peer, source.address, source.collection
                ))?;
                match result {
                    Ok(Done::Polled(outcome)) => super::import::tell(&outcome)?,
                    Ok(Done::Pushed(pushed)) => {
                        for (id, problem) in pushed.problems.iter().take(RULE_MISTAKES_SHOWN) {
                            super::complain(&format!("{id}: {problem}"));
                        }
                        line(&format!(
                            "{} objects pushed, {} not taken",
                            pushed.objects,
                            pushed.problems.len()
                        ))?;
                    }
                    Err(failure) => {
                        failed += 1;
                        super::complain(&failure);
                    }
                }
            }
            anyhow::ensure!(failed == 0, "{failed} servers could not be polled");
        }
        PeersCommand::Publish => {
            let published = worker::publish_all(&store, &producer(&folder)?)?;
            line(&format!(
                "{} findings, {} new objects, of them {} sightings of indicators of partners",
                published.findings, published.objects, published.sightings
            ))?;
        }
        PeersCommand::Forward => {
            let producer = producer(&folder)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let mut failed = 0;
            for (server, result) in runtime.block_on(worker::forward_all(&store, &producer)) {
                match result {
                    Ok(done) => line(&format!(
                        "{} {}:{}: {} sent, {} kept back, {} skipped",
                        server.peer,
                        server.host,
                        server.port,
                        done.sent,
                        done.refused,
                        done.skipped
                    ))?,
                    Err(failure) => {
                        failed += 1;
                        super::complain(&format!("{}: {failure}", server.host));
                    }
                }
            }
            anyhow::ensure!(failed == 0, "{failed} servers could not be reached");
        }
        PeersCommand::Receipts { name, limit } => {
            let mut table = Table::new(&[
                ("finding", Align::Left),
                ("object", Align::Left),
                ("handed", Align::Left),
                ("taken", Align::Left),
                ("by", Align::Left),
            ]);
            store.peer(name)?;
            for receipt in store.receipts(name, *limit)? {
                let (taken, by) = receipt.received.map_or_else(
                    || ("not yet".to_owned(), String::new()),
                    |(time, way)| (format!("{time:.0}"), way),
                );
                table.row(vec![
                    receipt.finding,
                    receipt.object,
                    format!("{:.0}", receipt.handed),
                    taken,
                    by,
                ]);
            }
            line(&table.render())?;
        }
        PeersCommand::List => {
            let mut table = Table::new(&[
                ("name", Align::Left),
                ("kind", Align::Left),
                ("country", Align::Left),
                ("state", Align::Left),
                ("agreement", Align::Left),
                ("terms", Align::Left),
            ]);
            for (peer, agreement) in store.peers()? {
                table.row(vec![
                    peer.name,
                    peer.kind.to_string(),
                    peer.country
                        .map(|country| country.to_string())
                        .unwrap_or_default(),
                    if peer.disabled.is_some() {
                        "disabled"
                    } else {
                        "active"
                    }
                    .to_owned(),
                    agreement
                        .as_ref()
                        .map_or_else(|| "none".to_owned(), |one| one.reference.to_string()),
                    agreement.as_ref().map(terms).unwrap_or_default(),
                ]);
            }
            line(&table.render())?;
        }
        PeersCommand::Register { name, limit } => {
            let mut table = Table::new(&[
                ("entry", Align::Right),
                ("time", Align::Left),
                ("to", Align::Left),
                ("agreement", Align::Left),
                ("by", Align::Left),
                ("kind", Align::Left),
                ("label", Align::Left),
                ("items", Align::Right),
                ("outcome", Align::Left),
            ]);
            for entry in store.sharing_register(name.as_deref(), *limit)? {
                table.row(vec![
                    entry.id.to_string(),
                    format!("{:.0}", entry.at),
                    entry.peer,
                    entry.agreement.unwrap_or_else(|| "none".to_owned()),
                    entry.way,
                    entry.kind,
                    entry.tlp.label().to_owned(),
                    entry.items.to_string(),
                    entry
                        .refusal
                        .map_or_else(|| "sent".to_owned(), |why| format!("refused: {why}")),
                ]);
            }
            line(&table.render())?;
        }
    }
    Ok(())
}

impl SourceArguments {
    fn read(&self) -> anyhow::Result<Source> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let password = self.password_file.as_ref().map(read).transpose()?;
        let (kind, address) = match (&self.taxii, &self.misp) {
            (Some(address), _) if self.push => ("taxii-push", address),
            (Some(address), _) => ("taxii", address),
            (None, Some(address)) => ("misp", address),
            (None, None) => anyhow::bail!("say --taxii or --misp"),
        };
        anyhow::ensure!(
            address.starts_with("https://"),
            "{address}: say an address that begins with https://"
        );
        Ok(Source {
            peer: self.name.clone(),
            kind: kind.to_owned(),
            address: address.clone(),
            collection: self.collection.clone(),
            login: self
                .user
                .clone()
                .zip(password.map(|text| text.trim().to_owned())),
            authority: self.authority.as_ref().map(read).transpose()?,
            ..Source::default()
        })
    }
}

/// What an agreement says, in one line.
fn terms(agreement: &Agreement) -> String {
    let mut text = format!(
        "{} up to {}",
        joined(&agreement.kinds),
        agreement.ceiling.label()
    );
    if !agreement.countries.is_empty() {
        text.push_str(&format!(", only {}", joined(&agreement.countries)));
    }
    text.push_str(&format!(", statistics from {}", agreement.smallest_count));
    if let Some(until) = agreement.until {
        text.push_str(&format!(", until {until:.0}"));
    }
    text
}
