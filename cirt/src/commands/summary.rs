//! `lapwing-cirt summary`: what happened, and whether the books balance.

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use lapwing_cirt::api::{SummaryView, summary_csv};
use lapwing_cirt::output::{Align, Table, line, raw};
use lapwing_cirt::query::{FindingQuery, RawFilter, Scope};

use super::{Data, OutputFormat};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    filter: RawFilter,
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    output: OutputFormat,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let filter = arguments.filter.check(Timestamp::now())?;
    let (_, _, store) = arguments.data.open()?;
    let query = FindingQuery::new(Scope::Nation, filter);
    let view = SummaryView::of(
        &store.activity(&query)?,
        &store.sensor_totals(Scope::Nation)?,
    );
    match arguments.output {
        OutputFormat::Json => {
            line(&serde_json::to_string_pretty(&view).context("cannot write JSON")?)?
        }
        OutputFormat::Csv => raw(&summary_csv(&view).context("cannot write CSV")?)?,
        OutputFormat::Table => print_tables(&view)?,
    }
    Ok(())
}

fn print_tables(view: &SummaryView) -> anyhow::Result<()> {
    let severity = &view.by_severity;
    line(&format!(
        "{} findings of {} alerts: {} high, {} medium, {} low, {} info",
        view.findings, view.hits, severity.high, severity.medium, severity.low, severity.info
    ))?;
    if !view.rules.is_empty() {
        let mut rules = Table::new(&[
            ("severity", Align::Left),
            ("findings", Align::Right),
            ("alerts", Align::Right),
            ("sensors", Align::Right),
            ("rule", Align::Left),
            ("message", Align::Left),
        ]);
        for rule in &view.rules {
            rules.row(vec![
                rule.severity.to_owned(),
                rule.findings.to_string(),
                rule.hits.to_string(),
                rule.sensors.to_string(),
                format!("{}:{}:{}", rule.gid, rule.sid, rule.rev),
                rule.message.clone().unwrap_or_default(),
            ]);
        }
        line("")?;
        line(&rules.render())?;
    }
    let mut books = Table::new(&[
        ("sensor", Align::Left),
        ("produced", Align::Right),
        ("stored", Align::Right),
        ("evicted", Align::Right),
        ("missing", Align::Right),
        ("doubled", Align::Right),
        ("waiting there", Align::Right),
        ("findings", Align::Right),
        ("batches", Align::Right),
        ("came again", Align::Right),
        ("unreadable", Align::Right),
        ("in conflict", Align::Right),
    ]);
    let mut balanced = true;
    for sensor in &view.sensors {
        balanced &= sensor.gone == 0 && sensor.doubled == 0;
        books.row(vec![
            sensor.sensor.clone(),
            sensor.produced.to_string(),
            sensor.stored.to_string(),
            sensor.evicted.to_string(),
            sensor.missing.to_string(),
            sensor.doubled.to_string(),
            sensor
                .queued
                .map_or_else(|| "-".to_owned(), |queued| queued.to_string()),
            sensor.findings.to_string(),
            sensor.batches.to_string(),
            sensor.batch_repeats.to_string(),
            sensor.batches_unreadable.to_string(),
            sensor.batches_conflicting.to_string(),
        ]);
    }
    line("")?;
    line("records by sensor (produced = stored + evicted + missing)")?;
    line(&books.render())?;
    let waiting: u64 = view
        .sensors
        .iter()
        .map(|sensor| sensor.batches_waiting)
        .sum();
    if waiting > 0 {
        line(&format!(
            "{waiting} stored batches wait to be loaded; start the centre, or run rebuild"
        ))?;
    }
    line(if balanced {
        "the books balance: none gone, none doubled"
    } else {
        "the books do not balance"
    })?;
    Ok(())
}
