//! `lapwing-cirt export`: findings for a partner, in its format. All of them pass the gate.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use lapwing_cirt::exchange::limits::EXPORT_FINDINGS;
use lapwing_cirt::exchange::{
    ExchangeSettings, Producer, Released, SharedFinding, Way, csv, eve, idea, intelmq, iodef, misp,
    release, selection, stix, syslog,
};
use lapwing_cirt::output::raw;
use lapwing_cirt::query::{FindingQuery, RawFilter, Scope};
use lapwing_cirt::settings::DataFolder;

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
    /// RFC 5424 messages, one a line; to a server over TLS with --server
    Syslog,
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
    let found = findings.len();
    let released = release(&store, &arguments.to, arguments.format.way(), now, findings)?;
    if released.refused() > 0 {
        complain(&format!(
            "{} of {found} findings do not go to {}: `lapwing-cirt peers register {}` says why",
            released.refused(),
            arguments.to,
            arguments.to
        ));
    }
    if more {
        complain("there are more findings: raise --limit or narrow the filter");
    }
    if released.items().is_empty() {
        bail!("nothing to export");
    }
    if let (Format::Misp, Some(folder)) = (arguments.format, &arguments.output) {
        return write_feed(folder, &misp::feed(&producer, &released));
    }
    let bytes = render(arguments.format, &producer, &released, now)?;
    match &arguments.output {
        None => raw(&bytes)?,
        Some(path) => std::fs::write(path, bytes)
            .with_context(|| format!("cannot write {}", path.display()))?,
    }
    Ok(())
}

/// Writes a feed into a folder: the events first, so that a manifest never names what is not there.
fn write_feed(folder: &Path, feed: &misp::Feed) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let events = feed
        .events
        .iter()
        .map(|(uuid, text)| (format!("{uuid}.json"), text));
    let rest = [
        ("hashes.csv".to_owned(), &feed.hashes),
        ("manifest.json".to_owned(), &feed.manifest),
    ];
    for (name, text) in events.chain(rest) {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
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
