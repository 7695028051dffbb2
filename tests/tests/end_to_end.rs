//! The whole system with real processes, and kill -9 at random moments: of the centre, of the uplink, of the sensor.
//!
//! Each run of the sensor gets traffic of its own hours, so that no two runs can make the same finding. Then:
//! * the sensor's own books, the centre's books and the stored findings agree to the unit,
//! * no finding is stored twice,
//! * of every run that was not killed, exactly the findings of an undisturbed run are there.
//!
//! `LAPWING_END_TO_END_SEED` repeats a run, `LAPWING_END_TO_END_KILLS` makes it longer.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use lapwing_tests::centre::{Centre, Finding};
use lapwing_tests::conditions::{tend, wait_for};
use lapwing_tests::processes::Process;
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_tests::traffic::entropy::Entropy;
use lapwing_tests::traffic::scenario_file::START_SECONDS;

const SENSOR: &str = "end-to-end";
const KILLS: u64 = 50;
const NANOSECONDS_A_SECOND: u64 = 1_000_000_000;
/// The incidents are over after this time; then the next round of them begins.
const ROUND_SECONDS: u64 = 600;
const ROUNDS_A_RUN: u32 = 24;
/// Between the traffic of two runs.
const RUN_SECONDS: u64 = ROUND_SECONDS * 30;
/// How long everything may take to arrive once nothing is killed any more.
const ARRIVAL_PATIENCE: Duration = Duration::from_secs(90);

/// Everything that runs, and what is known about it.
struct System {
    centre: Centre,
    site: Site,
    uplink: Process,
    sensor: Process,
    folder: PathBuf,
    /// Runs of the sensor begun so far; the last one is going on.
    runs: u64,
    finished: BTreeSet<u64>,
}

impl System {
    fn start(folder: &Path) -> Result<Self> {
        let (site, centre) = Site::enrolled(folder, SENSOR)?;
        let uplink = site.start_uplink()?;
        let sensor = site.start_sensor(&capture(folder, 0)?)?;
        Ok(Self {
            centre,
            site,
            uplink,
            sensor,
            folder: folder.to_owned(),
            runs: 1,
            finished: BTreeSet::new(),
        })
    }

    fn begin_next_run(&mut self) -> Result<()> {
        self.sensor = self.site.start_sensor(&capture(&self.folder, self.runs)?)?;
        self.runs += 1;
        Ok(())
    }

    /// Lets everything run for a while; when the sensor has told a capture to its end, it gets the next.
    fn run_for(&mut self, duration: Duration) -> Result<()> {
        tend(duration, || {
            self.uplink.must_run()?;
            if self.sensor.has_ended_well()? {
                self.finished.insert(self.runs - 1);
                self.begin_next_run()?;
            }
            Ok(())
        })
    }

    fn kill_one(&mut self, entropy: &mut Entropy) -> Result<()> {
        match entropy.below(3) {
            0 => {
                self.centre.kill()?;
                self.run_for(Duration::from_millis(entropy.below(500)))?;
                self.centre.start()
            }
            1 => {
                self.uplink.kill()?;
                self.uplink = self.site.start_uplink()?;
                Ok(())
            }
            _ => {
                self.sensor.kill()?;
                self.begin_next_run()
            }
        }
    }

    /// Lets the last run end and everything arrive.
    fn settle(&mut self) -> Result<()> {
        self.sensor.finish(ARRIVAL_PATIENCE)?;
        self.finished.insert(self.runs - 1);
        wait_for("everything to be acknowledged", ARRIVAL_PATIENCE, || {
            self.uplink.must_run()?;
            let status = self.site.outbox()?;
            Ok((status.queued_records == 0 && status.sealed_records == 0).then_some(()))
        })
    }
}

/// The traffic of a run of the sensor.
fn capture(folder: &Path, run: u64) -> Result<PathBuf> {
    let mut trace = demo::make(run, Part::Incidents);
    trace.repeat(ROUNDS_A_RUN, ROUND_SECONDS * NANOSECONDS_A_SECOND);
    trace.shift(run * RUN_SECONDS * NANOSECONDS_A_SECOND);
    let path = folder.join("input.pcap");
    // A new file, for a killed sensor's successor must not see the old one change.
    drop(fs::remove_file(&path));
    let mut writer = BufWriter::new(File::create(&path)?);
    capture_file::write(&trace, FileFormat::Pcap, &mut writer)?;
    writer.flush()?;
    Ok(path)
}

fn run_of(finding: &Finding) -> u64 {
    let seconds = u64::try_from(finding.first.as_second()).unwrap();
    (seconds - START_SECONDS) / RUN_SECONDS
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
    })
}

#[test]
fn nothing_is_lost_or_doubled_whatever_is_killed() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = setting("LAPWING_END_TO_END_SEED").unwrap_or(now.as_secs());
    let kills = setting("LAPWING_END_TO_END_KILLS").unwrap_or(KILLS);
    eprintln!("LAPWING_END_TO_END_SEED={seed} LAPWING_END_TO_END_KILLS={kills}");
    let folder = tempfile::tempdir().unwrap();
    if let Err(error) = check(folder.path(), seed, kills) {
        let kept = folder.keep();
        panic!(
            "seed {seed}: {error:#}; everything is kept in {}",
            kept.display()
        );
    }
}

fn check(folder: &Path, seed: u64, kills: u64) -> Result<()> {
    let mut entropy = Entropy::new(seed);
    let mut system = System::start(folder)?;
    for kill in 0..kills {
        system.run_for(Duration::from_millis(entropy.between(5, 600)))?;
        system
            .kill_one(&mut entropy)
            .with_context(|| format!("kill {kill}"))?;
    }
    system.settle()?;

    let status = system.site.outbox()?;
    let books = wait_for(
        "the centre to have sorted what it stored",
        ARRIVAL_PATIENCE,
        || {
            let books = system.centre.books(SENSOR)?;
            Ok((books.stored + books.evicted >= status.produced_records).then_some(books))
        },
    )
    .with_context(|| {
        format!(
            "the sensor says {status:?}, the centre {:?}",
            system.centre.books(SENSOR)
        )
    })?;
    anyhow::ensure!(status.damaged_records == 0, "damaged records: {status:?}");
    anyhow::ensure!(
        (
            books.produced,
            books.stored,
            books.evicted,
            books.missing,
            books.doubled
        ) == (
            status.produced_records,
            status.acknowledged_records,
            status.evicted_records,
            0,
            0
        ),
        "the sensor says {status:?}, the centre {books:?}"
    );

    let findings = system.centre.findings()?;
    anyhow::ensure!(
        findings.len() as u64 == books.findings,
        "{} findings, {books:?}",
        findings.len()
    );
    let ids: BTreeSet<&String> = findings.iter().map(|finding| &finding.id).collect();
    anyhow::ensure!(
        ids.len() == findings.len(),
        "two findings have the same name"
    );
    // What was seen, without the name: the same thing told twice under two names is a double as well.
    let seen: BTreeSet<_> = findings
        .iter()
        .map(|finding| {
            (
                &finding.rule,
                &finding.source,
                &finding.destination,
                finding.first,
            )
        })
        .collect();
    anyhow::ensure!(
        seen.len() == findings.len(),
        "{} findings are told twice",
        findings.len() - seen.len()
    );

    let mut of_run: BTreeMap<u64, usize> = BTreeMap::new();
    for finding in &findings {
        *of_run.entry(run_of(finding)).or_default() += 1;
    }
    // The last run is never killed: what an undisturbed run finds.
    let whole = of_run.get(&(system.runs - 1)).copied().unwrap_or(0);
    anyhow::ensure!(
        whole >= usize::try_from(ROUNDS_A_RUN)? * 6,
        "an undisturbed run has only {whole} findings"
    );
    for run in &system.finished {
        let found = of_run.get(run).copied().unwrap_or(0);
        anyhow::ensure!(
            found == whole,
            "run {run} was not killed and has {found} findings instead of {whole}"
        );
    }
    anyhow::ensure!(
        of_run.values().all(|found| *found <= whole),
        "a run has more than {whole} findings: {of_run:?}"
    );
    eprintln!(
        "{kills} kills, {} runs of the sensor ({} whole): {} records, {} findings, {} batches, {} came again",
        system.runs,
        system.finished.len(),
        books.stored,
        books.findings,
        books.batches,
        books.batch_repeats
    );
    Ok(())
}
