//! `lapwing sensor`: the sensor process. It may open the capture device and never a network socket.

mod reload;
mod workers;

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    process::{self, ExitCode},
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use anyhow::{Context, bail};
use lapwing_outbox::OutboxWriter;
use lapwing_rules::{model::Severity, pack::Pack};
use lapwing_sensor::{
    capture::{LiveCapture, LiveCaptureSettings},
    clock::wall_milliseconds,
    findings::{
        About, FindingsThread, Gathering, Observation, Recorder, Totals, limits::open_findings_max,
    },
    give_back::Keeper,
    interfaces, keyslot,
    memory_shares::MemoryShares,
    pipeline::PipelineSettings,
    policy::{Admission, PolicyInForce},
    rule_exchange::RuleOutlet,
    sandbox::{self, Confinement},
    settings::Settings,
    status::{PolicyStatus, RuleStatus, SensorStatus, WorkerStatus},
};
use reload::Reload;
use workers::Source;

use super::{kept_files, link, load_rules, stop_signal};
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
    /// Keep everything in this folder in place of the one that the settings name
    #[arg(long, hide = true, value_name = "FOLDER")]
    state: Option<PathBuf>,
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
    let mut settings = Settings::read(&arguments.config)?;
    if let Some(state) = &arguments.state {
        settings.state.clone_from(state);
    }
    stop_signal::follow_supervisor(arguments.supervisor)?;
    let stop = stop_signal::flag()?;
    let watched = Watched {
        name: arguments.config,
        captures: arguments.replay,
        pace: arguments.pace,
        repeat: arguments.repeat,
    };
    tell(&watch(settings, &watched, &stop)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What is watched: capture files, or the interface of the settings where there are none.
pub(super) struct Watched {
    /// The settings, for messages.
    pub(super) name: PathBuf,
    pub(super) captures: Vec<PathBuf>,
    pub(super) pace: Option<f64>,
    pub(super) repeat: u32,
}

/// Watches until the captures end or `stop` is set; what may be told is then in the outbox of the settings.
pub(super) fn watch(
    settings: Settings,
    watched: &Watched,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Totals> {
    let pack = load_rules::from_settings(&settings.rules)?;
    let (sources, source_name) = open_sources(watched, &settings, stop)?;
    let keyslot = keyslot::open(&settings)?;
    let outbox = OutboxWriter::open(&settings.outbox_folder(), settings.outbox(Some(keyslot)))?;
    keyslot::forget_former(&settings)?;
    let give_back =
        link::ledger_key(&settings)?.map(|key| Keeper::new(settings.give_back_folder(), key));
    let at_rest = keyslot::at_rest(&settings);
    let files = kept_files::of_sensor(&settings, &watched.captures)?;
    let confinement = sandbox::confine_sensor(&files).context("cannot give up rights")?;
    tracing::info!(confined = confinement.text(), "rights given up");

    let repairs = outbox.repairs();
    tracing::info!(
        epoch = %outbox.epoch(),
        torn_tails = repairs.torn_tails,
        torn_bytes = repairs.torn_bytes,
        "outbox open"
    );
    let policy = PolicyInForce::read(settings.policy.clone(), &settings.state);
    let admission = reload::admit(&policy, &pack);
    reload::leave_word(&settings.state, &policy, &pack, &admission);
    let restriction = Arc::new(admission.restriction.clone());
    let about = about(&settings, &pack, admission, watched.captures.is_empty());
    let policy_of_rules = PolicyInForce::read(settings.policy.clone(), &settings.state);
    let status = SensorStatus {
        at_rest,
        ..first_status(source_name.clone(), confinement)
    };
    let recorder = Recorder::new(about, outbox, policy).giving_back(give_back);
    let state = settings.state.clone();
    let findings = FindingsThread::start(recorder, move |recorder| {
        write_status(&status, recorder, &state)
    })?;

    tracing::info!(source = source_name, workers = sources.len(), "watching");
    let shares = MemoryShares::of(settings.memory_bytes);
    let pipeline = PipelineSettings {
        memory_bytes: shares.engine_bytes,
        engine: settings.engine,
        ..PipelineSettings::default()
    };
    let (outlet, inlets) = RuleOutlet::new(
        pack,
        restriction,
        sources.len(),
        shares.regex_cache_bytes / sources.len(),
    );
    let reload = Reload::new(
        settings.rules,
        outlet,
        findings.inlet(0),
        policy_of_rules,
        settings.state,
    )?;
    let workers = sources.into_iter().zip(inlets).collect();
    let ended = workers::run(workers, reload, pipeline, &findings, stop);
    let totals = findings.finish()?;
    ended.map(|()| totals)
}

/// What each worker handles, and a name for all of it.
fn open_sources(
    watched: &Watched,
    settings: &Settings,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<(Vec<Source>, String)> {
    if !watched.captures.is_empty() {
        let names = watched
            .captures
            .iter()
            .map(|path| path.display().to_string());
        let name = names.collect::<Vec<_>>().join(", ");
        let replay = Source::Replay {
            captures: watched.captures.clone(),
            repeat: watched.repeat,
            pace: watched.pace,
        };
        return Ok((vec![replay], name));
    }
    let Some(capture) = &settings.capture else {
        bail!(
            "{}: no [capture] interface is set; write one, or replay capture files with --replay",
            watched.name.display()
        );
    };
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    let live = LiveCaptureSettings {
        workers: capture.workers.unwrap_or_else(cores),
        snap_length_bytes: capture.snapshot_bytes,
        buffer_bytes: capture.buffer_bytes,
        promiscuous: capture.promiscuous,
        filter: capture.filter.clone(),
        ..LiveCaptureSettings::new(&capture.interfaces)
    };
    for interface in &live.interfaces {
        if let Some(command) = interfaces::offload_command(interface) {
            tracing::warn!(
                interface,
                "the interface joins packets before they are seen; turn that off with: {command}"
            );
        }
    }
    let captures = LiveCapture::open(&live, stop)?;
    let sources = captures.into_iter().map(Source::Live).collect();
    Ok((sources, live.interfaces.join(", ")))
}

fn about(settings: &Settings, pack: &Pack, admission: Arc<Admission>, is_live: bool) -> About {
    About {
        gathering: Gathering {
            window_nanoseconds: u64::try_from(settings.window.as_nanos()).unwrap_or(u64::MAX),
            open_findings_max: open_findings_max(
                MemoryShares::of(settings.memory_bytes).findings_bytes,
            ),
            urgent: URGENT,
        },
        heartbeat: settings.heartbeat,
        rules: reload::now_running(pack, admission),
        is_live,
        tells_digests: settings.uplink.is_dear(),
        board_status: settings.board.as_ref().map(|board| board.status.clone()),
    }
}

/// What of the status does not change.
fn first_status(source: String, confinement: Confinement) -> SensorStatus {
    SensorStatus {
        process: i32::try_from(process::id()).unwrap_or_default(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        started_milliseconds: wall_milliseconds(),
        source,
        confinement,
        ..SensorStatus::default()
    }
}

fn write_status(first: &SensorStatus, recorder: &Recorder, state: &Path) {
    let observed = recorder.observed();
    let totals = recorder.totals();
    let (rules, refused) = recorder.rules();
    let status = SensorStatus {
        written_milliseconds: wall_milliseconds(),
        state: recorder.state().name().to_owned(),
        policy: match recorder.policy().current() {
            Ok(in_force) => PolicyStatus::InForce {
                serial: in_force.policy().serial,
                site: in_force.policy().site.clone(),
                digest: in_force.digest().to_string(),
            },
            Err(reason) => PolicyStatus::None {
                reason: reason.with_causes(),
            },
        },
        rules: RuleStatus {
            loaded: rules.counts.loaded,
            unsupported: rules.counts.unsupported,
            pack: rules.pack.to_string(),
            refused: refused.map(str::to_owned),
            refused_by_policy: rules
                .admission
                .counts
                .iter()
                .map(|(reason, count)| (reason.name().to_owned(), *count))
                .collect(),
            refused_rules: rules
                .admission
                .told
                .iter()
                .map(|refusal| refusal.said())
                .collect(),
        },
        packets: observed.packets,
        bytes: observed.bytes,
        dropped_packets: observed
            .kernel_drops
            .saturating_add(observed.interface_drops),
        decoded_packets: observed.decoded_packets,
        flows: observed.flows,
        answered_flows: observed.answered_flows,
        bytes_not_inspected: observed.bytes_not_inspected,
        workers: recorder.workers().iter().map(worker_status).collect(),
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

fn worker_status(seen: &Observation) -> WorkerStatus {
    WorkerStatus {
        packets: seen.packets,
        bytes: seen.bytes,
        ring_drops: seen.kernel_drops,
        interface_drops: seen.interface_drops,
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
