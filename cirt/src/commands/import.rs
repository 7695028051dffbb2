//! `lapwing-cirt import`: what partners know comes in, from files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use ipnet::IpNet;
use jiff::Timestamp;
use lapwing_cirt::enrolment::load_sealing_key;
use lapwing_cirt::exchange::inbound::{self, Outcome, Taken};
use lapwing_cirt::exchange::indicator::Wanted;
use lapwing_cirt::exchange::limits::{FEED_FILE_BYTES, HARMLESS_ENTRIES};
use lapwing_cirt::exchange::misp_import::{self, FEED_SUMS, Feed};
use lapwing_cirt::exchange::{Tlp, openpgp, shadowserver};
use lapwing_cirt::limits::RULE_MISTAKES_SHOWN;
use lapwing_cirt::loader::Loader;
use lapwing_cirt::output::line;
use lapwing_cirt::settings::DataFolder;
use lapwing_cirt::store::{NewIndicator, Store};

use sha2::{Digest as _, Sha256};

use super::export::producer;
use super::{Data, actor, complain};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(subcommand)]
    command: ImportCommand,
}

#[derive(Subcommand)]
enum ImportCommand {
    /// Indicators from CSV: a header line, then kind and value, and a comment if there is one
    Csv {
        file: PathBuf,
        /// The partner who said so
        #[arg(long, value_name = "PEER")]
        from: String,
        /// How far they may travel
        #[arg(long, default_value = "amber")]
        tlp: Tlp,
        /// Its signature over the file, by the key that is on file for the partner (`notify contact`)
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
    },
    /// A bundle of STIX 2.1
    Stix {
        file: PathBuf,
        /// The partner who said so
        #[arg(long, value_name = "PEER")]
        from: String,
        /// Its signature over the file, by the key that is on file for the partner (`notify contact`)
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
    },
    /// A MISP feed in a folder
    Misp {
        folder: PathBuf,
        /// The partner who said so
        #[arg(long, value_name = "PEER")]
        from: String,
    },
    /// A report of the Shadowserver Foundation (CSV): its rows become findings, attributed to the partner
    Shadowserver {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The partner who reports
        #[arg(long, value_name = "PEER", default_value = "shadowserver")]
        from: String,
    },
    /// A list of what must not be looked for: names or networks, one a line, also as `rank,name`; replaces the list of this name
    Harmless {
        file: PathBuf,
        /// What the list is called
        #[arg(long)]
        list: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, _, store) = arguments.data.open()?;
    let now = Timestamp::now();
    match &arguments.command {
        ImportCommand::Csv {
            file,
            from,
            tlp,
            signature,
        } => {
            check_signature(&store, from, signature.as_deref(), &read(file)?)?;
            let producer = producer(&folder)?;
            let mut outcome = Outcome::default();
            let indicators = csv_indicators(file, *tlp, now, &mut outcome)?;
            outcome.indicators =
                store.take_indicators(from, &indicators, &producer.settings.own_networks, now)?;
            tell(&outcome)
        }
        ImportCommand::Stix {
            file,
            from,
            signature,
        } => {
            let bytes = read(file)?;
            check_signature(&store, from, signature.as_deref(), &bytes)?;
            let objects = inbound::envelope(&bytes).map_err(anyhow::Error::msg)?;
            let (peer, _) = store.peer(from)?;
            tell(&inbound::take(
                &store,
                &producer(&folder)?,
                &peer,
                objects,
                now,
            )?)
        }
        ImportCommand::Misp { folder: feed, from } => {
            let (peer, _) = store.peer(from)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let producer = producer(&folder)?;
            check_feed(&store, from, feed)?;
            let feed = Feed::Folder(feed);
            tell(&runtime.block_on(misp_import::import(&store, &producer, &peer, &feed, now))?)
        }
        ImportCommand::Shadowserver { files, from } => {
            for file in files {
                report(&folder, &store, file, from, now)?;
            }
            Loader::new(load_sealing_key(&folder)?).run(&store)?;
            Ok(())
        }
        ImportCommand::Harmless { file, list } => {
            let (names, networks) = harmless(file)?;
            store.set_harmless(&actor(), list, &names, &networks)?;
            Ok(line(&format!(
                "{list}: {} names, {} networks",
                names.len(),
                networks.len()
            ))?)
        }
    }
}

/// Holds a file against the signature that came with it.
fn check_signature(
    store: &Store,
    peer: &str,
    signature: Option<&Path>,
    bytes: &[u8],
) -> anyhow::Result<()> {
    let Some(path) = signature else {
        return Ok(());
    };
    let key = key_of(store, peer)?.with_context(|| {
        format!(
            "there is no key of {peer} on file: `lapwing-cirt notify contact {peer} --openpgp FILE`"
        )
    })?;
    let signature = String::from_utf8_lossy(&read(path)?).into_owned();
    openpgp::verify(&key, &signature, bytes).with_context(|| {
        format!(
            "{} is no signature of {peer} over this file",
            path.display()
        )
    })
}

/// Where a feed in a folder is signed and the partner's key is on file, every file must be what was signed.
fn check_feed(store: &Store, peer: &str, feed: &Path) -> anyhow::Result<()> {
    let sums = feed.join(FEED_SUMS);
    let signature = feed.join(format!("{FEED_SUMS}.asc"));
    if !signature.is_file() || key_of(store, peer)?.is_none() {
        return Ok(());
    }
    let bytes = read(&sums)?;
    check_signature(store, peer, Some(&signature), &bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let signed: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name, sum))
        .collect();
    let entries =
        std::fs::read_dir(feed).with_context(|| format!("cannot read {}", feed.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.ends_with(".json") {
            continue;
        }
        let sum = hex::encode(Sha256::digest(read(&path)?));
        if signed.get(&*name) != Some(&sum.as_str()) {
            bail!("{} is not what {peer} signed", path.display());
        }
    }
    Ok(())
}

fn key_of(store: &Store, peer: &str) -> anyhow::Result<Option<String>> {
    let contact = store.contacts()?.into_iter().find(|one| one.peer == peer);
    Ok(contact.and_then(|one| one.openpgp))
}

/// Takes one report; a line that cannot be used is told and skipped.
fn report(
    folder: &DataFolder,
    store: &Store,
    file: &Path,
    from: &str,
    now: Timestamp,
) -> anyhow::Result<()> {
    let bytes = read(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let report = shadowserver::read(&name, &bytes)
        .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    for (number, problem) in report.problems.iter().take(RULE_MISTAKES_SHOWN) {
        complain(&format!("{}:{number}: {problem}", file.display()));
    }
    let imported = shadowserver::import(folder, store, from, &report, &bytes, now)?;
    Ok(line(&format!(
        "{}: {}, {} rows, {} new, {} not used",
        file.display(),
        report.kind.name,
        imported.rows,
        imported.new,
        report.problems.len()
    ))?)
}

/// Says what came and what was wrong.
pub(crate) fn tell(outcome: &Outcome) -> anyhow::Result<()> {
    let problems: Vec<(&str, &str)> = outcome.problems().collect();
    for (id, problem) in problems.iter().take(RULE_MISTAKES_SHOWN) {
        complain(&format!("{id}: {problem}"));
    }
    if problems.len() > RULE_MISTAKES_SHOWN {
        complain(&format!(
            "{} more were not used",
            problems.len() - RULE_MISTAKES_SHOWN
        ));
    }
    let taken = outcome.indicators;
    line(&format!(
        "{} things read, {} not used; {} new indicators ({} approved by rule, {} rejected), {} known, {} taken back",
        outcome.objects.len(),
        problems.len(),
        taken.new,
        taken.approved,
        taken.rejected,
        taken.known,
        taken.retired
    ))?;
    if taken.refused > 0 {
        bail!("{} indicators found no room", taken.refused);
    }
    Ok(())
}

fn csv_indicators(
    path: &Path,
    tlp: Tlp,
    now: Timestamp,
    outcome: &mut Outcome,
) -> anyhow::Result<Vec<NewIndicator>> {
    let bytes = read(path)?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes.as_slice());
    let headers = reader
        .headers()
        .context("cannot read the header line")?
        .clone();
    let place = |name: &str| {
        headers
            .iter()
            .position(|header| header.eq_ignore_ascii_case(name))
    };
    let (Some(kind), Some(value)) = (place("kind"), place("value")) else {
        bail!("the first line names no columns `kind` and `value`");
    };
    let comment = place("comment");
    let mut indicators = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let id = format!("{}:{}", path.display(), number + 2);
        let parsed = record
            .map_err(|error| error.to_string())
            .and_then(|record| {
                let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
                let wanted = Wanted::parse(&cell(kind), &cell(value))?;
                Ok((wanted, comment.map(cell).unwrap_or_default()))
            });
        let problem = match parsed {
            Ok((wanted, comment)) => {
                indicators.push(NewIndicator {
                    name_there: format!("csv {} {}", wanted.kind(), wanted.value()),
                    wanted: vec![wanted],
                    comment,
                    tlp,
                    until: None,
                    revoked: false,
                });
                None
            }
            Err(problem) => Some(problem),
        };
        outcome.objects.push(Taken {
            id,
            version: now,
            problem,
        });
    }
    Ok(indicators)
}

fn harmless(path: &Path) -> anyhow::Result<(Vec<String>, Vec<IpNet>)> {
    let (mut names, mut networks) = (Vec::new(), Vec::new());
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        // Lists of top domains begin with the rank.
        let entry = line.rsplit(',').next().unwrap_or(line).trim();
        let network = entry
            .parse::<IpNet>()
            .or_else(|_| entry.parse::<std::net::IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => networks.push(network),
            Err(_) => names.push(entry.trim_end_matches('.').to_ascii_lowercase()),
        }
        if names.len() + networks.len() > HARMLESS_ENTRIES {
            bail!(
                "{} has more than {HARMLESS_ENTRIES} entries",
                path.display()
            );
        }
    }
    Ok((names, networks))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let length = std::fs::metadata(path)
        .with_context(|| format!("cannot read {shown}"))?
        .len();
    if length > FEED_FILE_BYTES as u64 {
        bail!("{shown} has {length} bytes, the limit is {FEED_FILE_BYTES}");
    }
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}
