//! `make demo`: the whole way on made traffic, with the real programs.
//!
//! A centre, a site with its sensor and uplink; traffic with six incidents an hour; the centre is killed in the middle
//! and the sensor goes on; the centre comes back; in the end produced = stored, none lost, none doubled.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Parser;
use lapwing_outbox::Status;
use lapwing_tests::cases::starter_rules;
use lapwing_tests::centre::{Books, Centre};
use lapwing_tests::conditions::{check_interruption, notice_interruption, wait_for};
use lapwing_tests::processes::run;
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_tests::traffic::scenario_file::START_SECONDS;

const SENSOR: &str = "demo-sensor";
const SECONDS_AN_HOUR: u64 = 3_600;
const NANOSECONDS_A_SECOND: u64 = 1_000_000_000;
/// Hours of traffic: before the centre is killed, while it is gone, and after it is back.
const HOURS: [u64; 3] = [3, 4, 1];
/// How long the last record may take to arrive.
const ARRIVAL_PATIENCE: Duration = Duration::from_secs(40);
/// How long the page is kept open at most.
const A_WORKING_DAY: Duration = Duration::from_secs(10 * 3600);

/// Shows Lapwing from the wire to the page, on made traffic.
#[derive(Parser)]
#[command(name = "lapwing-demo", version)]
struct Arguments {
    /// End at once instead of keeping the page open until Enter
    #[arg(long)]
    no_wait: bool,
    /// Seed of the traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match notice_interruption()
        .context("cannot listen for signals")
        .and_then(|()| show(&arguments))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("\nthe demonstration ended: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the books balance.
fn show(arguments: &Arguments) -> Result<bool> {
    let started = Instant::now();
    // Removed with everything in it when this function returns, whichever way.
    let folder = tempfile::Builder::new().prefix("lapwing-demo-").tempdir()?;
    let root = folder.path();

    step("traffic: background and six incidents an hour");
    let captures = make_captures(root, arguments.seed)?;
    let bytes: u64 = captures
        .iter()
        .filter_map(|path| path.metadata().ok())
        .map(|metadata| metadata.len())
        .sum();
    done(&format!(
        "{} captures, {} MB",
        captures.len(),
        bytes / 1_000_000
    ));

    step("site: our starter rules compiled into a pack");
    let site = Site::prepare(root, SENSOR)?;
    site.compile_rules()?;
    done("starter.pack");
    step("site: a key for the ISP, and a minimal policy signed with it");
    site.sign_policy()?;
    done("subscribers' addresses stay inside");

    step("centre: made and started");
    let mut centre = Centre::init(root)?;
    centre.import_rules(&starter_rules()?)?;
    centre.start()?;
    done(&centre.page());
    step("sensor: enrolled with a voucher, its key born on the device");
    site.enrol(&centre.voucher(SENSOR)?)?;
    let mut uplink = site.start_uplink()?;
    done(SENSOR);

    let (before, rest) = captures.split_at(usize::try_from(HOURS[0])?);
    let (during, after) = rest.split_at(usize::try_from(HOURS[1])?);
    watch(&site, "sensor: watching, the centre is there", before)?;
    step("uplink: everything so far acknowledged");
    let status = wait_until_sent(&site)?;
    done(&format!("{} records", status.acknowledged_records));

    step("centre: killed, without warning");
    centre.kill()?;
    done("");
    watch(&site, "sensor: watching, the centre is gone", during)?;
    step("outbox: what waits on the sensor's disk");
    let waiting = site.outbox()?;
    done(&format!(
        "{} records",
        waiting.queued_records + waiting.sealed_records
    ));

    step("centre: started again");
    centre.start()?;
    done(&centre.page());
    watch(&site, "sensor: watching, the centre is back", after)?;
    step("uplink: everything acknowledged");
    let status = wait_until_sent(&site)?;
    uplink.must_run()?;
    uplink.stop(Duration::from_secs(10))?;
    let books = centre.books(SENSOR)?;
    done(&format!("{} records", status.acknowledged_records));

    step("centre: the sensor's place named, the inbox ranked");
    run(centre
        .command("tenant")
        .args(["add", "north-net", "--title", "North Net"]))?;
    run(centre
        .command("sensors")
        .args(["place", SENSOR, "--tenant", "north-net"]))?;
    let inbox = run(centre.command("inbox").arg("list"))?;
    done(inbox.lines().last().unwrap_or_default());

    let balanced = report(&status, &books, started.elapsed());
    say(&format!(
        "\n  page      {}\n  user      {}\n  password  {}",
        centre.page(),
        centre.user,
        centre.password
    ));
    say("            (the centre made its own certificate: your browser will ask)");
    say("\n  worth opening:");
    for (page, what) in [
        ("inbox", "groups of findings, gravest first, each with why"),
        (
            "summary",
            "a nation at a glance: over time, by provider, by rule",
        ),
        (
            "findings?q=severity:high",
            "the query language, with completion",
        ),
        (
            "sensors",
            "each sensor's condition in one word, and its books",
        ),
        ("reports", "the weekly report"),
        ("audit", "who did what; a changed line is seen"),
    ] {
        say(&format!("    {}{page:<26} {what}", centre.page()));
    }
    if arguments.no_wait || !io::stdin().is_terminal() {
        say(
            "\nEverything is taken down again. In a terminal, without --no-wait, the page stays open.",
        );
    } else {
        say("\nPress Enter to take everything down again.");
        wait_for_enter()?;
    }
    Ok(balanced)
}

/// One capture for each hour, the last one just over; no two hours have the same traffic.
fn make_captures(root: &Path, seed: u64) -> Result<Vec<PathBuf>> {
    let hours: u64 = HOURS.iter().sum();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let first_hour_seconds = now.saturating_sub(hours * SECONDS_AN_HOUR);
    let move_nanoseconds = first_hour_seconds.saturating_sub(START_SECONDS) * NANOSECONDS_A_SECOND;
    (0..hours)
        .map(|hour| {
            check_interruption()?;
            let mut trace = demo::make(seed + hour, Part::Everything);
            trace.shift(move_nanoseconds + hour * SECONDS_AN_HOUR * NANOSECONDS_A_SECOND);
            let path = root.join(format!("hour-{hour}.pcap"));
            let mut writer = BufWriter::new(File::create(&path)?);
            capture_file::write(&trace, FileFormat::Pcap, &mut writer)?;
            writer.flush()?;
            Ok(path)
        })
        .collect()
}

fn watch(site: &Site, what: &str, captures: &[PathBuf]) -> Result<()> {
    step(what);
    let before = site.outbox()?.produced_records;
    for capture in captures {
        site.run_sensor(capture)?;
    }
    let produced = site.outbox()?.produced_records - before;
    done(&format!(
        "{} hours of traffic, {produced} records",
        captures.len()
    ));
    Ok(())
}

fn wait_until_sent(site: &Site) -> Result<Status> {
    wait_for(
        "the centre to acknowledge everything",
        ARRIVAL_PATIENCE,
        || {
            let status = site.outbox()?;
            Ok((status.queued_records == 0 && status.sealed_records == 0).then_some(status))
        },
    )
}

/// Prints the table and says whether it balances.
fn report(status: &Status, books: &Books, took: Duration) -> bool {
    let produced = status.produced_records;
    let lost = produced.saturating_sub(books.stored + books.evicted);
    say("\n  records");
    for (name, count) in [
        ("produced by the sensor", produced),
        ("stored at the centre", books.stored),
        ("evicted from a full disk, and told", books.evicted),
        ("lost", lost),
        ("stored twice", books.doubled),
    ] {
        say(&format!("    {name:<36}{count:>8}"));
    }
    say(&format!(
        "    {:<36}{:>8}",
        "findings among them", books.findings
    ));
    say(&format!(
        "    {:<36}{:>8}",
        "batches sent, of them again",
        format!("{} / {}", books.batches, books.batch_repeats)
    ));
    let balanced = produced > 0 && lost == 0 && books.missing == 0 && books.doubled == 0;
    let verdict = if balanced {
        "produced = stored: none lost, none doubled"
    } else {
        "THE BOOKS DO NOT BALANCE"
    };
    say(&format!("\n  {verdict}; {:.1} seconds", took.as_secs_f64()));
    balanced
}

/// Waits for Enter, or for an interruption.
fn wait_for_enter() -> Result<()> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // An input that ends or breaks counts as Enter; whoever waits may be gone by then.
        if io::stdin().read_line(&mut line).is_ok() {
            sender.send(()).ok();
        }
    });
    // A sender that is gone without a word is an input that broke.
    wait_for("Enter", A_WORKING_DAY, || match receiver.try_recv() {
        Ok(()) | Err(TryRecvError::Disconnected) => Ok(Some(())),
        Err(TryRecvError::Empty) => Ok(None),
    })
}

fn step(what: &str) {
    put(&format!("  {what:<62}"));
}

fn done(result: &str) {
    say(&format!(" {result}"));
}

fn say(line: &str) {
    put(&format!("{line}\n"));
}

/// Progress must be seen at once. When nobody reads it, the demonstration goes on all the same.
fn put(text: &str) {
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .ok();
}
