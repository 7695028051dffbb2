//! What a finding costs in our batches, and beside them the same findings as EVE JSON and STIX, packed and not.
//!
//! Captures go through the real programs: the sensor under a policy that opens everything, its outbox, the uplink, and a centre that
//! exports. `lapwing-finding-sizes --rules FILE… CAPTURE…`; without captures a made one.
#![allow(clippy::print_stdout, reason = "the figures are what it is run for")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use flate2::{Compression, write::GzEncoder};
use lapwing_sensor::keyslot;
use lapwing_tests::centre::Centre;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::run;
use lapwing_tests::programs::program;
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_wire::{FactKind, Record, RecordBody, encode_records};

/// The dictionary that ships with the protocol.
const DICTIONARY: &[u8] = include_bytes!("../../../uplink/wire/src/dictionary/batch-1.zdict");
const BATCHES: [usize; 3] = [1000, 100, 10];
const SENSOR: &str = "sizes";
const RECORDS_MAX: usize = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Parser)]
struct Arguments {
    /// Rule files; without any our starter rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// Captures, in this order; without any a made one
    captures: Vec<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let (site, centre) = Site::enrolled(folder.path(), SENSOR)?;
    if !arguments.rules.is_empty() {
        let mut compile = Command::new(program("lapwing"));
        compile.args(["rules", "compile", "--output"]);
        run(compile
            .arg(folder.path().join("starter.pack"))
            .args(&arguments.rules))?;
    }
    open_everything(folder.path())?;
    let captures = if arguments.captures.is_empty() {
        let made = folder.path().join("made.pcap");
        let mut file = File::create(&made)?;
        capture_file::write(
            &demo::make(24, Part::Incidents),
            FileFormat::Pcap,
            &mut file,
        )?;
        vec![made]
    } else {
        arguments.captures
    };
    run(site.command_of(&["sensor"]).arg("--replay").args(&captures))?;
    let findings = findings_of(site.state())?;
    ensure!(!findings.is_empty(), "nothing was found");

    let mut uplink = site.start_uplink()?;
    wait_for("everything to be acknowledged", PATIENCE, || {
        uplink.must_run()?;
        let status = site.outbox()?;
        Ok((status.queued_records + status.sealed_records == 0).then_some(()))
    })?;
    uplink.stop(PATIENCE)?;
    wait_for("everything to be loaded", PATIENCE, || {
        let books = centre.books(SENSOR)?;
        Ok((books.findings == findings.len() as u64).then_some(()))
    })?;
    let [eve, stix] = exported(&centre, folder.path())?;
    let lines: Vec<&[u8]> = eve.split_inclusive(|byte| *byte == b'\n').collect();
    ensure!(lines.len() == findings.len(), "{} lines", lines.len());

    println!("{} findings, bytes each before sealing", findings.len());
    println!(
        "| batch of | zstd 3 | zstd 3, dictionary | zstd 19, dictionary | EVE | EVE, gzip 6 | EVE, zstd 19 |"
    );
    println!("|---|---|---|---|---|---|---|");
    for batch in BATCHES {
        let ours = |level, dictionary: &[u8]| {
            mean(&findings, batch, |records| {
                zstd(&encode_records(records), level, dictionary)
            })
        };
        println!(
            "| {batch} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |",
            ours(3, &[])?,
            ours(3, DICTIONARY)?,
            ours(19, DICTIONARY)?,
            eve.len() as f64 / findings.len() as f64,
            mean(&lines, batch, |lines| gzip(&lines.concat()))?,
            mean(&lines, batch, |lines| zstd(&lines.concat(), 19, &[]))?,
        );
    }
    println!(
        "STIX of all of them: {:.0} bytes each, {:.0} with gzip",
        stix.len() as f64 / findings.len() as f64,
        gzip(&stix)? as f64 / findings.len() as f64
    );
    Ok(())
}

/// A policy under which everything leaves, in the place of the site's own.
fn open_everything(folder: &Path) -> Result<()> {
    let policy = folder.join("policy.toml");
    let facts: Vec<&str> = FactKind::NAMED.iter().map(|kind| kind.name()).collect();
    let text = fs::read_to_string(&policy)?;
    let (before, rest) = text.split_once("facts = [").context("no facts")?;
    let (_, behind) = rest.split_once(']').context("no end of the facts")?;
    let text = format!("{before}facts = {facts:?}{behind}")
        .replace("severities = [1, 2, 3] ", "severities = [1, 2, 3, 4] ")
        .replace("home = \"withhold\"", "home = \"clear\"");
    fs::write(&policy, text)?;
    let mut sign = Command::new(program("lapwing"));
    sign.args(["policy", "sign", "--key"]);
    run(sign.arg(folder.join("isp.key")).arg(&policy)).map(drop)
}

/// The findings that wait, in the order of their lanes.
fn findings_of(state: &Path) -> Result<Vec<Record>> {
    let outbox = state.join("outbox");
    let slot = keyslot::open_in(state, &outbox, None)?;
    let mut records = lapwing_outbox::peek(&outbox, RECORDS_MAX, Some(&slot))?;
    records.retain(|record| matches!(record.body, RecordBody::Finding(_)));
    records.sort_by_key(|record| record.header.time.monotonic_milliseconds);
    Ok(records)
}

/// As the centre gives them to a tool of its own organisation: EVE and STIX.
fn exported(centre: &Centre, folder: &Path) -> Result<[Vec<u8>; 2]> {
    let exchange =
        "organisation = \"CIRT of Examplia\"\ncountry = \"EX\"\ncontact = \"cirt@cirt.example\"\n";
    fs::write(folder.join("centre/exchange.toml"), exchange)?;
    run(centre
        .command("peers")
        .args(["add", "reader", "--kind", "own"]))?;
    run(centre.command("peers").args([
        "agree",
        "reader",
        "--reference",
        "sizes",
        "--ceiling",
        "amber+strict",
        "--kinds",
        "finding",
    ]))?;
    let export = |format: &str| -> Result<Vec<u8>> {
        let output = folder.join(format);
        let limit = RECORDS_MAX.to_string();
        let mut command = centre.command("export");
        command.args([format, "--to", "reader", "--limit", &limit, "--output"]);
        run(command.arg(&output))?;
        Ok(fs::read(output)?)
    };
    Ok([export("eve")?, export("stix")?])
}

/// Bytes an item, packed in batches.
fn mean<T>(items: &[T], batch: usize, packed: impl Fn(&[T]) -> Result<usize>) -> Result<f64> {
    let mut total = 0;
    for batch in items.chunks(batch) {
        total += packed(batch)?;
    }
    Ok(total as f64 / items.len() as f64)
}

fn zstd(bytes: &[u8], level: i32, dictionary: &[u8]) -> Result<usize> {
    let mut compressor = zstd::bulk::Compressor::with_dictionary(level, dictionary)?;
    Ok(compressor.compress(bytes)?.len())
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
