//! `lapwing-traffic`: writes a made capture, from the built-in demonstration or from a scenario file.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum as _};
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_tests::traffic::floods::Flood;
use lapwing_tests::traffic::scenario_file::Scenario;
use lapwing_tests::traffic::trace::Trace;

const NANOSECONDS_AN_HOUR: u64 = 3_600_000_000_000;

/// Makes capture files: the same arguments give the same bytes.
#[derive(Parser)]
#[command(name = "lapwing-traffic", version)]
struct Arguments {
    /// `demo`, `demo-background`, `demo-incidents`, `flood-syn`, `flood-fragments`, `flood-flows`, `flood-slow-posts`,
    /// `flood-gzip-bombs`, or the path of a scenario file (TOML)
    #[arg(long, default_value = "demo")]
    scenario: String,
    /// Seed of the built-in scenarios
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the capture
    #[arg(long)]
    output: PathBuf,
    /// File format; a scenario file may name its own
    #[arg(long)]
    format: Option<FileFormat>,
    /// How often the whole scenario is played
    #[arg(long, default_value_t = 1)]
    repeat: u32,
    /// Hours between the beginnings of two plays
    #[arg(long, default_value_t = 1)]
    shift_hours: u64,
    /// Moves the whole capture later by so many hours
    #[arg(long, default_value_t = 0)]
    start_after_hours: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (mut trace, own_format) = match arguments.scenario.as_str() {
        "demo" => (
            demo::make(arguments.seed, Part::Everything),
            FileFormat::Pcap,
        ),
        "demo-background" => (
            demo::make(arguments.seed, Part::Background),
            FileFormat::Pcap,
        ),
        "demo-incidents" => (
            demo::make(arguments.seed, Part::Incidents),
            FileFormat::Pcap,
        ),
        name => match name
            .strip_prefix("flood-")
            .map(|kind| Flood::from_str(kind, true))
        {
            Some(Ok(flood)) => (flood.make(), FileFormat::Pcap),
            _ => read_scenario(Path::new(name))?,
        },
    };
    trace.shift(arguments.start_after_hours * NANOSECONDS_AN_HOUR);
    trace.repeat(
        arguments.repeat,
        arguments.shift_hours * NANOSECONDS_AN_HOUR,
    );

    let path = &arguments.output;
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut writer = BufWriter::new(file);
    capture_file::write(&trace, arguments.format.unwrap_or(own_format), &mut writer)
        .and_then(|()| writer.flush())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn read_scenario(path: &Path) -> Result<(Trace, FileFormat)> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let scenario = Scenario::parse(&text).with_context(|| format!("in {}", path.display()))?;
    let trace = scenario
        .play()
        .with_context(|| format!("in {}", path.display()))?;
    Ok((trace, scenario.file_format()))
}
