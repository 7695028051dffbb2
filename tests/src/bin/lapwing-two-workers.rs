//! How well two workers share a machine: two pinned workers of one process, each with its half of a capture in memory, held
//! against two independent processes side by side, which is as good as the machine gets, and against one alone.
//!
//! `lapwing-two-workers PACK CAPTURE [ROUNDS]`
//!
//! Only handling frames is timed; reading, splitting and opening the pack are not.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lapwing_rules::pack::Pack;
use lapwing_sensor::capture::{
    CaptureFile, CapturedFrame, FlowHash, LinkType, PacketSource, SourceEvent,
};
use lapwing_sensor::detect::{Alert, Detector};
use lapwing_sensor::pipeline::{AlertSink, Pipeline, PipelineSettings};
use lapwing_sensor::rule_exchange::RuleOutlet;
use lapwing_sensor::time::Timestamp;
use rustix::thread::{CpuSet, sched_setaffinity};

/// Bytes of regular expressions that one worker may keep.
const REGEX_BYTES: usize = 6 << 20;

/// The frames of one worker, one behind the other in memory.
#[derive(Default)]
struct Half {
    heads: Vec<(Timestamp, u32, LinkType, usize)>,
    bytes: Vec<u8>,
}

struct Count(u64);

impl AlertSink for Count {
    fn alert(&mut self, _alert: &Alert) {
        self.0 += 1;
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--half", number, pack, capture] => {
            child(number.parse()?, pack.as_ref(), capture.as_ref())
        }
        [pack, capture] => compare(pack, capture, 5),
        [pack, capture, rounds] => compare(pack, capture, rounds.parse()?),
        _ => bail!("usage: lapwing-two-workers PACK CAPTURE [ROUNDS]"),
    }
}

fn split(capture: &Path) -> Result<[Half; 2]> {
    let hash = FlowHash::new([0x2545_f491, 0x6c07_8965]);
    let mut halves = [Half::default(), Half::default()];
    let mut source = CaptureFile::open(capture)?;
    while let SourceEvent::Frame(frame) = source.next()? {
        let worker = usize::try_from(hash.worker_of(&frame, 2))?;
        let half = &mut halves[worker];
        half.bytes.extend_from_slice(frame.bytes);
        half.heads.push((
            frame.time,
            frame.wire_length_bytes,
            frame.link_type,
            frame.bytes.len(),
        ));
    }
    Ok(halves)
}

/// Handles a half on one core. How long it took, and how many alerts there were.
fn handle(
    half: &Half,
    detector: Detector,
    core: usize,
    begin: &Barrier,
) -> Result<(Duration, u64)> {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only)?;
    let mut pipeline = Pipeline::new(detector, PipelineSettings::default());
    let mut alerts = Count(0);
    begin.wait();
    let begun = Instant::now();
    let mut at = 0;
    for (time, wire_length_bytes, link_type, length) in &half.heads {
        let frame = CapturedFrame {
            time: *time,
            link_type: *link_type,
            wire_length_bytes: *wire_length_bytes,
            bytes: &half.bytes[at..at + length],
        };
        at += length;
        pipeline.frame(&frame, &mut alerts);
    }
    pipeline.finish(&mut alerts);
    Ok((begun.elapsed(), alerts.0))
}

/// One independent process: says that it is ready, waits for a line, and says how long its half took.
#[expect(clippy::print_stdout, reason = "what the parent reads")]
fn child(number: usize, pack: &Path, capture: &Path) -> Result<()> {
    let halves = split(capture)?;
    let half = halves.get(number).context("there are two halves")?;
    let detector = Detector::with_regex_cache(Arc::new(Pack::open(pack)?), REGEX_BYTES);
    println!("ready");
    std::io::stdin().read_line(&mut String::new())?;
    let (took, alerts) = handle(half, detector, number, &Barrier::new(1))?;
    println!("{} {alerts}", took.as_nanos());
    Ok(())
}

/// Runs independent processes on these halves at the same time. The longest time, and all alerts.
fn apart(pack: &str, capture: &str, halves: &[&str]) -> Result<(Duration, u64)> {
    let mut children = Vec::new();
    for half in halves {
        let mut child: Child = Command::new(std::env::current_exe()?)
            .args(["--half", half, pack, capture])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        output.read_line(&mut String::new())?;
        children.push((child, output));
    }
    for (child, _) in &mut children {
        child.stdin.take().context("no input")?.write_all(b"go\n")?;
    }
    let (mut longest, mut alerts) = (Duration::ZERO, 0);
    for (mut child, mut output) in children {
        let mut line = String::new();
        output.read_line(&mut line)?;
        child.wait()?;
        let (took, count) = line
            .trim()
            .split_once(' ')
            .context("a child said nothing")?;
        longest = longest.max(Duration::from_nanos(took.parse()?));
        alerts += count.parse::<u64>()?;
    }
    Ok((longest, alerts))
}

/// Two workers of one process. The longest time, and all alerts.
fn together(pack: &str, halves: &[Half; 2]) -> Result<(Duration, u64)> {
    let (_outlet, detectors) = RuleOutlet::new(
        Arc::new(Pack::open(pack.as_ref())?),
        Arc::default(),
        2,
        REGEX_BYTES,
    );
    let begin = Barrier::new(2);
    thread::scope(|scope| {
        let workers = detectors.into_iter().zip(halves).enumerate();
        let threads: Vec<_> = workers
            .map(|(core, ((_inlet, detector), half))| {
                let begin = &begin;
                scope.spawn(move || handle(half, detector, core, begin))
            })
            .collect();
        let (mut longest, mut alerts) = (Duration::ZERO, 0);
        for thread in threads {
            let told = thread
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))??;
            longest = longest.max(told.0);
            alerts += told.1;
        }
        Ok((longest, alerts))
    })
}

#[expect(clippy::print_stdout, reason = "its only output")]
fn compare(pack: &str, capture: &str, rounds: u32) -> Result<()> {
    let halves = split(capture.as_ref())?;
    println!(
        "frames: {} and {}",
        halves[0].heads.len(),
        halves[1].heads.len()
    );
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let mut alone = Duration::ZERO;
        for half in ["0", "1"] {
            alone += apart(pack, capture, &[half])?.0;
        }
        let (side_by_side, apart_alerts) = apart(pack, capture, &["0", "1"])?;
        let (shared, alerts) = together(pack, &halves)?;
        let of_ceiling = side_by_side.as_secs_f64() / shared.as_secs_f64();
        println!(
            "round {round}: both halves one after the other {:.3} s, two processes {:.3} s, two workers {:.3} s: {of_ceiling:.3} of \
             the ceiling; alerts {apart_alerts} and {alerts}",
            alone.as_secs_f64(),
            side_by_side.as_secs_f64(),
            shared.as_secs_f64(),
        );
        ratios.push(of_ceiling);
    }
    ratios.sort_by(f64::total_cmp);
    if let (Some(low), Some(middle), Some(high)) =
        (ratios.first(), ratios.get(ratios.len() / 2), ratios.last())
    {
        println!("two workers reach {middle:.3} of the ceiling ({low:.3} to {high:.3})");
    }
    Ok(())
}
