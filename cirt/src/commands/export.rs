//! `lapwing-cirt export`: findings for a partner, in its format. All of them pass the gate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use lapwing_cirt::exchange::limits::{EXPORT_FINDINGS, FEED_INDICATORS};
use lapwing_cirt::exchange::misp_import::FEED_SUMS;
use lapwing_cirt::exchange::{
    ExchangeSettings, Producer, Released, SharedFinding, Way, csv, eve, idea, intelmq, iodef, misp,
    openpgp, release, selection, statistics, stix, syslog,
};
use lapwing_cirt::output::raw;
use lapwing_cirt::query::{FindingQuery, RawFilter, Scope};
use lapwing_cirt::settings::DataFolder;
use sha2::{Digest as _, Sha256};

use super::{Data, complain};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// How the findings are written
    format: Format,
    /// The partner they are for
    #[arg(long, value_name = "PEER")]
    to: String,
    #[command(flatten)]
    filter: RawFilter,
    /// How many findings at most, the newest first
    #[arg(long, value_name = "N", default_value_t = EXPORT_FINDINGS)]
    limit: usize,
    /// Where to write; standard output without it
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One finding a line, with a header line
    Csv,
    /// Alerts as Suricata writes them, one a line
    Eve,
    /// IDEA0 events, one a line
    Idea,
    /// IntelMQ events, one a line
    Intelmq,
    /// An IODEF version 2 document
    Iodef,
    /// A MISP feed; the output is a folder
    Misp,
    /// A bundle of STIX 2.1
    Stix,
    /// RFC 5424 messages, one a line; a running centre sends them to servers that exchange.toml names
    Syslog,
    /// Counts a day and class, without anybody's systems, as CSV
    Statistics,
}

impl Format {
    const fn way(self) -> Way {
        match self {
            Self::Csv => Way::Csv,
            Self::Eve => Way::Eve,
            Self::Idea => Way::Idea,
            Self::Intelmq => Way::IntelMq,
            Self::Iodef => Way::Iodef,
            Self::Misp => Way::Misp,
            Self::Stix => Way::Stix,
            Self::Syslog => Way::Syslog,
            Self::Statistics => Way::Statistics,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let filter = arguments.filter.check(now)?;
    let (folder, _, store) = arguments.data.open()?;
    let producer = producer(&folder)?;
    let (findings, more) = selection::findings(
        &store,
        &producer,
        &FindingQuery::new(Scope::Nation, filter),
        arguments.limit,
    )?;
    if matches!(arguments.format, Format::Statistics) {
        anyhow::ensure!(
            !more,
            "there are more findings than are counted at once: narrow the filter"
        );
        let rows = statistics::count(&producer, &findings);
        let released = release(&store, &arguments.to, Way::Statistics, now, rows)?;
        tell_refused(released.refused(), "counts", &arguments.to);
        let bytes = statistics::csv(&producer, &released).context("cannot write CSV")?;
        return write_out(&producer, arguments.output.as_deref(), &bytes);
    }
    let released = release(&store, &arguments.to, arguments.format.way(), now, findings)?;
    tell_refused(released.refused(), "findings", &arguments.to);
    if more {
        complain("there are more findings: raise --limit or narrow the filter");
    }
    if released.items().is_empty() {
        bail!("nothing to export");
    }
    if let (Format::Misp, Some(folder)) = (arguments.format, &arguments.output) {
        let indicators = store.published_indicators(FEED_INDICATORS)?;
        let indicators = release(&store, &arguments.to, Way::Misp, now, indicators)?;
        let feed = misp::feed(&producer, &released, Some(&indicators));
        return write_feed(&producer, folder, &feed);
    }
    let bytes = render(arguments.format, &producer, &released, now)?;
    write_out(&producer, arguments.output.as_deref(), &bytes)
}

fn tell_refused(refused: usize, what: &str, peer: &str) {
    if refused > 0 {
        complain(&format!(
            "{refused} {what} do not go to {peer}: `lapwing-cirt peers register {peer}` says why"
        ));
    }
}

fn write_out(producer: &Producer, path: Option<&Path>, bytes: &[u8]) -> anyhow::Result<()> {
    let Some(path) = path else {
        return Ok(raw(bytes)?);
    };
    write(path, bytes)?;
    sign(producer, path, bytes)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Puts a signature beside a file, so that whoever gets it by stick or mail knows whose it is.
fn sign(producer: &Producer, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let settings = &producer.settings;
    if !settings.openpgp_home.is_dir() {
        complain(&format!(
            "{} is not signed: there is no key in {}, see docs/exchange.md",
            path.display(),
            settings.openpgp_home.display()
        ));
        return Ok(());
    }
    let signature = openpgp::sign(&settings.openpgp_home, &settings.contact, bytes)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".asc");
    write(Path::new(&name), signature.as_bytes())
}

/// Writes a feed into a folder: the events first, so that a manifest never names what is not there. Events that the manifest before
/// named and this one does not are deleted: their label became stricter, or the filter is another.
fn write_feed(producer: &Producer, folder: &Path, feed: &misp::Feed) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let before: BTreeMap<String, serde_json::Value> = std::fs::read(folder.join("manifest.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let events = feed
        .events
        .iter()
        .map(|(uuid, text)| (format!("{uuid}.json"), text));
    let rest = [
        ("hashes.csv".to_owned(), &feed.hashes),
        ("manifest.json".to_owned(), &feed.manifest),
    ];
    let mut sums = String::new();
    for (name, text) in events.chain(rest) {
        write(&folder.join(&name), text.as_bytes())?;
        sums.push_str(&format!(
            "{}  {name}\n",
            hex::encode(Sha256::digest(text.as_bytes()))
        ));
    }
    let sums_path = folder.join(FEED_SUMS);
    write(&sums_path, sums.as_bytes())?;
    sign(producer, &sums_path, sums.as_bytes())?;
    let is_gone =
        |name: &&String| !feed.events.contains_key(*name) && uuid::Uuid::try_parse(name).is_ok();
    for name in before.keys().filter(is_gone) {
        let path = folder.join(format!("{name}.json"));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot delete {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn render(
    format: Format,
    producer: &Producer,
    released: &Released<SharedFinding>,
    now: Timestamp,
) -> anyhow::Result<Vec<u8>> {
    match format {
        Format::Csv => csv::findings(released).context("cannot write CSV"),
        Format::Eve => Ok(eve::alerts(released).into_bytes()),
        Format::Idea => Ok(idea::events(producer, released).into_bytes()),
        Format::Intelmq => Ok(intelmq::events(producer, released).into_bytes()),
        Format::Iodef => {
            iodef::document(producer, released, now).context("cannot write the document")
        }
        Format::Misp => bail!("a feed is a folder: say --output DIR"),
        // Counted before anything is rendered.
        Format::Statistics => Ok(Vec::new()),
        Format::Stix => Ok(stix::bundle(producer, released, now).into_bytes()),
        Format::Syslog => Ok(syslog::messages(producer, released)
            .iter()
            .flat_map(|one| format!("{one}\n").into_bytes())
            .collect()),
    }
}

/// Who this centre is towards others.
pub(crate) fn producer(folder: &DataFolder) -> anyhow::Result<Producer> {
    let settings = ExchangeSettings::load(folder)?;
    Ok(Producer::of(folder, settings)?)
}
