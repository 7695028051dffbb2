//! `lapwing replay`: capture files through the same pipeline as live capture.

use std::{
    fs,
    io::{self, BufWriter, StdoutLock},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::ValueEnum;
use lapwing_rules::{pack::Pack, source::Language};
use lapwing_sensor::{
    capture::CaptureError,
    detect::{Alert, Detector},
    memory_shares::MemoryShares,
    output::{AlertFormat, AlertWriter},
    pipeline::{AlertSink, Inspector, Pipeline, PipelineSettings},
    replay::{ReplaySink, Worlds, replay, replay_rounds},
    settings::{EngineSettings, Settings, quantity::parse_bytes},
};

use super::load_rules::{self, Beside};
use crate::terminal;

/// What to replay, against which rules, and how to print.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rules in the Suricata language; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1, conflicts_with = "pack")]
    rules: Vec<PathBuf>,
    /// The version of the rule language of --rules: 7, or 8, which adds LDAP and WebSocket; without it, what --config says
    #[arg(long, value_name = "NUMBER", requires = "rules", value_parser = load_rules::language)]
    language: Option<Language>,
    /// A compiled pack
    #[arg(long, value_name = "FILE")]
    pack: Option<PathBuf>,
    /// Values of $HOME_NET and other variables, for --rules
    #[arg(long, value_name = "FILE", requires = "rules")]
    vars: Option<PathBuf>,
    /// Limits of alerts kept apart from the rules (threshold.config), for --rules
    #[arg(long, value_name = "FILE", num_args = 1, requires = "rules")]
    thresholds: Vec<PathBuf>,
    /// Lists of indicators (CSV), for --rules
    #[arg(long, value_name = "FILE", num_args = 1, requires = "rules")]
    indicators: Vec<PathBuf>,
    /// Categories of reputations of addresses (number,name,what it is), for iprep in --rules
    #[arg(long, value_name = "FILE", requires = "rules")]
    iprep_categories: Option<PathBuf>,
    /// Reputations of addresses (address or network,category,score)
    #[arg(long, value_name = "FILE", num_args = 1, requires = "iprep_categories")]
    iprep: Vec<PathBuf>,
    /// How to print alerts
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Treat each capture as a world of its own: flows, flow bits, rate limits and time begin anew
    #[arg(long)]
    separate: bool,
    /// Replay the captures so many times as one long stretch of traffic, and say after each round how much memory is held
    #[arg(long, value_name = "N", conflicts_with = "separate", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// What flows, streams, parsers and regular expressions may hold, as "64 MiB"; the setting `memory` of a sensor
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
    /// Follow flows and streams as a sensor with these settings (sensor.toml): decode, stream, defrag, flow_timeouts
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look into what mobile networks carry of their subscribers (GTP-U); the setting `decode.gtp_user` of a sensor
    #[arg(long)]
    gtp_user: bool,
    /// Say at the end what was counted and given up, and the peak of memory: one line of JSON on standard error
    #[arg(long)]
    counters: bool,
    /// Capture files, pcap or pcapng
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// For people: one line for each rule between the same two addresses
    Table,
    /// One JSON array, every field by its full name
    Json,
    /// Suricata's EVE JSON, one line an alert
    Eve,
}

impl From<Output> for AlertFormat {
    fn from(output: Output) -> Self {
        match output {
            Output::Table => Self::Table,
            Output::Json => Self::Json,
            Output::Eve => Self::Eve,
        }
    }
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let site = match &arguments.config {
        Some(path) => Some(Settings::read(path)?),
        None => None,
    };
    let language = arguments
        .language
        .or(site.as_ref().map(|site| site.rules.language));
    let pack = Arc::new(load_pack(&arguments, language.unwrap_or_default())?);
    let engine = site.map(|site| site.engine).unwrap_or_default();
    let mut pipeline = pipeline(&pack, engine, &arguments);
    let mut printer = Printer {
        writer: AlertWriter::new(BufWriter::new(io::stdout().lock()), arguments.output.into()),
        pack,
        capture: String::new(),
        failure: None,
    };
    let worlds = if arguments.separate {
        Worlds::Separate
    } else {
        Worlds::Joined
    };
    let broken = match arguments.rounds {
        None => replay(&arguments.captures, worlds, &mut pipeline, &mut printer),
        Some(rounds) => replay_rounds(
            &arguments.captures,
            rounds,
            &mut pipeline,
            &mut printer,
            tell_memory,
        ),
    };
    if let Some(failure) = printer.failure {
        return Err(failure).context("cannot write the alerts");
    }
    printer.writer.finish().context("cannot write the alerts")?;
    if arguments.counters {
        terminal::say(&counters(&pipeline)?);
    }
    Ok(if broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A pipeline that keeps to a setting of memory, if there is one.
fn pipeline(
    pack: &Arc<Pack>,
    mut engine: EngineSettings,
    arguments: &Arguments,
) -> Pipeline<Detector> {
    let pack = Arc::clone(pack);
    engine.decode.gtp_user |= arguments.gtp_user;
    let settings = PipelineSettings {
        engine,
        ..PipelineSettings::default()
    };
    let Some(memory_bytes) = arguments.memory else {
        return Pipeline::new(Detector::new(pack), settings);
    };
    let shares = MemoryShares::of(memory_bytes);
    let settings = PipelineSettings {
        memory_bytes: shares.engine_bytes,
        ..settings
    };
    let detector = Detector::with_regex_cache(pack, shares.regex_cache_bytes);
    Pipeline::new(detector, settings)
}

/// What was counted, as one line of JSON.
fn counters(pipeline: &Pipeline<Detector>) -> serde_json::Result<String> {
    serde_json::to_string(&serde_json::json!({
        "engine": pipeline.counters(),
        "detection": pipeline.inspector().counters(),
        "resident_kibibytes_max": memory_of_process("VmHWM:"),
    }))
}

/// One line on what the process and the pipeline hold now.
fn tell_memory<I: Inspector>(round: u32, pipeline: &Pipeline<I>) {
    let kibibytes = |field| {
        memory_of_process(field)
            .map_or_else(|| "unknown".to_owned(), |kibibytes| kibibytes.to_string())
    };
    terminal::say(&format!(
        "round {round}: resident_kibibytes {} anonymous_kibibytes {} held_bytes {} alerts {}",
        kibibytes("VmRSS:"),
        kibibytes("RssAnon:"),
        pipeline.held_bytes(),
        pipeline.counters().alerts,
    ));
}

/// A line of proc(5)'s `status` that says how much memory, in KiB.
fn memory_of_process(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

fn load_pack(arguments: &Arguments, language: Language) -> anyhow::Result<Pack> {
    match &arguments.pack {
        Some(path) => load_rules::open_pack(path),
        None if arguments.rules.is_empty() => {
            bail!("nothing to look for: give rules with --rules FILE or a pack with --pack FILE")
        }
        None => load_rules::pack_of_files(
            &arguments.rules,
            &Beside {
                language,
                variables: arguments.vars.as_deref(),
                thresholds: &arguments.thresholds,
                indicators: &arguments.indicators,
                reputation_categories: arguments.iprep_categories.as_deref(),
                reputations: &arguments.iprep,
            },
        ),
    }
}

/// Prints alerts as they come.
struct Printer {
    writer: AlertWriter<BufWriter<StdoutLock<'static>>>,
    pack: Arc<Pack>,
    /// Path of the capture in hand, as given.
    capture: String,
    /// Why nothing more can be printed.
    failure: Option<io::Error>,
}

impl AlertSink for Printer {
    fn alert(&mut self, alert: &Alert) {
        if self.failure.is_none() {
            self.failure = self
                .writer
                .write(alert, &self.pack, Some(&self.capture))
                .err();
        }
    }
}

impl ReplaySink for Printer {
    fn begin_capture(&mut self, path: &Path) {
        self.capture = path.display().to_string();
    }

    fn problem(&mut self, error: &CaptureError) {
        terminal::say(&error.to_string());
    }

    fn is_closed(&self) -> bool {
        self.failure.is_some()
    }
}
