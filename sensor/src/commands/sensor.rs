//! `lapwing sensor`: the sensor process. It may open the capture device and never a network socket.

use std::{
    path::{Path, PathBuf},
    process::{self, ExitCode},
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context, bail};
use lapwing_outbox::OutboxWriter;
use lapwing_rules::{model::Severity, pack::Pack};
use lapwing_sensor::{
    capture::{CaptureFile, LiveCapture, LiveCaptureSettings},
    clock::wall_milliseconds,
    detect::Detector,
    findings::{
        About, FindingsThread, Gathering, Recorder, RuleCounts, Totals, limits::open_findings_max,
    },
    memory_shares::MemoryShares,
    pipeline::{Pipeline, PipelineSettings},
    policy::PolicyInForce,
    sandbox,
    settings::Settings,
    status::{PolicyStatus, RuleStatus, SensorStatus},
    watch::{Watch, WatchError},
};
use lapwing_wire::PackDigest;

use super::{load_rules, stop_signal};
use crate::terminal;

/// Rules of this severity are told with their first alert.
const URGENT: Severity = Severity(1);

/// What to capture.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings of this sensor
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Handle these capture files in place of the interface, and end
    #[arg(long, value_name = "CAPTURE", num_args = 1..)]
    replay: Vec<PathBuf>,
    /// Spread a replay over time: 1 is as captured, 10 ten times as fast
    #[arg(long, value_name = "SPEED", requires = "replay", value_parser = speed)]
    pace: Option<f64>,
    /// Replay so many times, each later in packet time
    #[arg(long, value_name = "TIMES", requires = "replay", default_value_t = 1)]
    repeat: u32,
    /// End when this process ends
    #[arg(long, hide = true, value_name = "PROCESS")]
    supervisor: Option<i32>,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("write a number above 0, as 1 or 10".to_owned()),
    }
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.config)?;
    stop_signal::follow_supervisor(arguments.supervisor)?;
    let stop = stop_signal::flag()?;
    let pack = load_rules::from_settings(&settings.rules)?;
    let mut source = Source::open(&arguments, &settings, &stop)?;
    let outbox = OutboxWriter::open(&settings.outbox_folder(), settings.outbox())?;
    sandbox::confine_sensor().context("cannot give up rights")?;

    let repairs = outbox.repairs();
    tracing::info!(
        epoch = %outbox.epoch(),
        torn_tails = repairs.torn_tails,
        torn_bytes = repairs.torn_bytes,
        "outbox open"
    );
    let about = about(&settings, &pack, matches!(source, Source::Live(_)));
    let policy = PolicyInForce::read(settings.policy.clone(), &settings.state);
    let status = first_status(&about, source.name());
    let recorder = Recorder::new(about, outbox, policy);
    let state = settings.state.clone();
    let findings = FindingsThread::start(recorder, move |recorder| {
        write_status(&status, recorder, &state)
    })?;

    let shares = MemoryShares::of(settings.memory_bytes);
    let detector = Detector::with_regex_cache(pack, shares.regex_cache_bytes);
    let pipeline = Pipeline::new(
        detector,
        PipelineSettings {
            memory_bytes: shares.engine_bytes,
            ..PipelineSettings::default()
        },
    );
    let mut watch = Watch::new(pipeline, &findings, &stop, arguments.pace);
    tracing::info!(source = source.name(), "watching");
    let watched = source.watch(&mut watch, arguments.repeat);
    let observed = watch.finish();
    // Everything that was seen is told, also when the source broke.
    let totals = findings.finish(observed)?;
    tell(&totals)?;
    match watched {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
    }
}

/// Where frames come from.
enum Source {
    Live(LiveCapture),
    Replay {
        name: String,
        captures: Vec<PathBuf>,
    },
}

impl Source {
    fn open(
        arguments: &Arguments,
        settings: &Settings,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        if !arguments.replay.is_empty() {
            let names = arguments
                .replay
                .iter()
                .map(|path| path.display().to_string());
            return Ok(Self::Replay {
                name: names.collect::<Vec<_>>().join(", "),
                captures: arguments.replay.clone(),
            });
        }
        let Some(capture) = &settings.capture else {
            bail!(
                "{}: no [capture] interface is set; write one, or replay capture files with --replay",
                arguments.config.display()
            );
        };
        let live = LiveCaptureSettings {
            snap_length_bytes: capture.snapshot_bytes,
            buffer_bytes: capture.buffer_bytes,
            filter: capture.filter.clone(),
            ..LiveCaptureSettings::new(&capture.interface)
        };
        Ok(Self::Live(LiveCapture::open(live, Arc::clone(stop))?))
    }

    fn name(&self) -> String {
        use lapwing_sensor::capture::PacketSource;
        match self {
            Self::Live(live) => live.name().to_owned(),
            Self::Replay { name, .. } => name.clone(),
        }
    }

    fn watch(&mut self, watch: &mut Watch<'_>, repeat: u32) -> Result<(), WatchError> {
        match self {
            Self::Live(live) => watch.source(live),
            Self::Replay { captures, .. } => {
                for _ in 0..repeat {
                    for path in captures.iter() {
                        watch.source(&mut CaptureFile::open(path)?)?;
                    }
                    watch.begin_next_pass();
                }
                Ok(())
            }
        }
    }
}

fn about(settings: &Settings, pack: &Pack, is_live: bool) -> About {
    let unsupported = u64::try_from(pack.unsupported().count()).unwrap_or(u64::MAX);
    About {
        gathering: Gathering {
            window_nanoseconds: u64::try_from(settings.window.as_nanos()).unwrap_or(u64::MAX),
            open_findings_max: open_findings_max(
                MemoryShares::of(settings.memory_bytes).findings_bytes,
            ),
            urgent: URGENT,
        },
        heartbeat: settings.heartbeat,
        rules: RuleCounts {
            loaded: u64::from(pack.rule_count()),
            unsupported,
        },
        pack: PackDigest(*pack.digest()),
        is_live,
    }
}

/// What of the status does not change.
fn first_status(about: &About, source: String) -> SensorStatus {
    SensorStatus {
        process: i32::try_from(process::id()).unwrap_or_default(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_milliseconds: wall_milliseconds(),
        source,
        rules: RuleStatus {
            loaded: about.rules.loaded,
            unsupported: about.rules.unsupported,
            pack: about.pack.to_string(),
        },
        ..SensorStatus::default()
    }
}

fn write_status(first: &SensorStatus, recorder: &Recorder, state: &Path) {
    let observed = recorder.observed();
    let totals = recorder.totals();
    let status = SensorStatus {
        written_milliseconds: wall_milliseconds(),
        state: recorder.state().name().to_owned(),
        policy: match recorder.policy().current() {
            Ok(signed) => PolicyStatus::InForce {
                serial: signed.policy.serial,
                site: signed.policy.site.clone(),
                digest: signed.digest.to_string(),
            },
            Err(reason) => PolicyStatus::None {
                reason: reason.with_causes(),
            },
        },
        packets: observed.packets,
        bytes: observed.bytes,
        dropped_packets: observed
            .kernel_drops
            .saturating_add(observed.interface_drops),
        alerts: totals.alerts,
        findings: totals.findings,
        findings_suppressed: totals.findings_suppressed,
        findings_appended: totals.findings_appended,
        records_appended: totals.records_appended,
        records_lost: totals.records_lost,
        counters: observed.counters.clone(),
        ..first.clone()
    };
    if let Err(error) = status.write(state) {
        tracing::warn!(%error, "cannot write the status file");
    }
}

fn tell(totals: &Totals) -> anyhow::Result<()> {
    let Totals {
        alerts,
        findings,
        findings_appended,
        findings_suppressed,
        records_appended,
        records_lost,
    } = totals;
    terminal::write(format_args!(
        "{alerts} alerts, {findings} findings: {findings_appended} told, {findings_suppressed} kept here by policy; \
         {records_appended} records in the outbox, {records_lost} lost\n"
    ))
}
