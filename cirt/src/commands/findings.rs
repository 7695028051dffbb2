//! `lapwing-cirt findings`: the same filters and data as the page and the API.

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use lapwing_cirt::api::{AddressView, FindingView, FindingsView, findings_csv};
use lapwing_cirt::limits::CLI_ROWS;
use lapwing_cirt::output::{Align, Table, line, raw};
use lapwing_cirt::query::{FindingQuery, RawFilter, Scope};
use lapwing_cirt::store::{FindingPage, Store};

use super::{Data, OutputFormat};

/// Findings that are read at once.
const PART_ROWS: usize = 20_000;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    filter: RawFilter,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = CLI_ROWS)]
    limit: usize,
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    output: OutputFormat,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let filter = arguments.filter.check(Timestamp::now())?;
    let (_, _, store) = arguments.data.open()?;
    let page = read(
        &store,
        &FindingQuery::new(Scope::Nation, filter),
        arguments.limit,
    )?;
    match arguments.output {
        OutputFormat::Json => {
            line(
                &serde_json::to_string_pretty(&FindingsView::from(&page))
                    .context("cannot write JSON")?,
            )?;
        }
        OutputFormat::Csv => raw(&findings_csv(&page.findings).context("cannot write CSV")?)?,
        OutputFormat::Table => print_table(&page)?,
    }
    Ok(())
}

/// As many as were asked for, a part at a time: each part has the time that a question may take.
fn read(store: &Store, query: &FindingQuery, limit: usize) -> anyhow::Result<FindingPage> {
    let mut read = store.findings(query, None, limit.min(PART_ROWS))?;
    while let Some(next) = read.next
        && read.findings.len() < limit
    {
        let rest = limit - read.findings.len();
        let part = store.findings(query, Some(next), rest.min(PART_ROWS))?;
        read.findings.extend(part.findings);
        read.next = part.next;
    }
    Ok(read)
}

fn print_table(page: &FindingPage) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        ("last seen", Align::Left),
        ("severity", Align::Left),
        ("sensor", Align::Left),
        ("source", Align::Left),
        ("destination", Align::Left),
        ("alerts", Align::Right),
        ("finding", Align::Left),
    ]);
    for row in &page.findings {
        let view = FindingView::from(row);
        table.row(vec![
            format!("{:.0}", row.last),
            view.severity.to_owned(),
            view.sensor,
            end(&view.source.address, view.source.port),
            end(&view.destination.address, view.destination.port),
            view.hits.to_string(),
            row.title(),
        ]);
    }
    line(&table.render())?;
    let more = if page.next.is_some() {
        ", and there are more: raise --limit or narrow the filter"
    } else {
        ""
    };
    line(&format!("{} findings{more}", page.findings.len()))?;
    Ok(())
}

/// `192.0.2.1:80`, `~198.51.100.9:1024` for a pseudonym, `withheld:53`.
fn end(address: &AddressView, port: Option<u16>) -> String {
    let mut text = match (&address.address, address.disclosure) {
        (Some(address), "pseudonym") => format!("~{address}"),
        (Some(address), _) => address.clone(),
        (None, _) => "withheld".to_owned(),
    };
    if let Some(port) = port {
        text.push_str(&format!(":{port}"));
    }
    text
}
