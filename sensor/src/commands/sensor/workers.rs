//! The workers of a sensor: one thread a pipeline, nothing shared but the pack, all ended together.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::reload::Reload;
use anyhow::{Context, bail};
use crossbeam_channel::{RecvTimeoutError, bounded};
use lapwing_sensor::{
    capture::{CaptureFile, LiveCapture},
    detect::Detector,
    findings::FindingsThread,
    pipeline::{Pipeline, PipelineSettings},
    rule_exchange::RuleInlet,
    watch::{Watch, WatchError},
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Between two looks at what else there is to do.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Where the frames of one worker come from.
pub(super) enum Source {
    Live(LiveCapture),
    Replay {
        captures: Vec<PathBuf>,
        repeat: u32,
        /// How fast, where it is not as fast as it goes.
        pace: Option<f64>,
    },
}

impl Source {
    fn pace(&self) -> Option<f64> {
        match self {
            Self::Live(_) => None,
            Self::Replay { pace, .. } => *pace,
        }
    }

    fn watch(&mut self, watch: &mut Watch<'_>) -> Result<(), WatchError> {
        match self {
            Self::Live(live) => watch.source(live),
            Self::Replay {
                captures, repeat, ..
            } => {
                for _ in 0..*repeat {
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

/// Runs one worker for each source until all have ended. The first that fails ends the others.
pub(super) fn run(
    workers: Vec<(Source, (RuleInlet, Detector))>,
    mut reload: Reload,
    settings: PipelineSettings,
    findings: &FindingsThread,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let count = workers.len();
    let (ended, endings) = bounded::<()>(count);
    thread::scope(|scope| {
        let mut threads = Vec::with_capacity(count);
        for (number, (mut source, (rules, detector))) in workers.into_iter().enumerate() {
            let ended = ended.clone();
            let pipeline = Pipeline::new(
                detector,
                PipelineSettings {
                    memory_bytes: settings.memory_bytes / count,
                    worker: u16::try_from(number).unwrap_or(u16::MAX),
                    ..settings
                },
            );
            let inlet = findings.inlet(number);
            let thread = thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn_scoped(scope, move || {
                    // Told when it is dropped, also in a panic.
                    let _ended = ended;
                    if count > 1 {
                        stay_on_core(number);
                    }
                    let mut watch = Watch::new(pipeline, inlet, rules, stop, source.pace());
                    let watched = source.watch(&mut watch);
                    if watched.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    // Everything that was seen is told, also when the source broke.
                    let told = watch.finish();
                    watched?;
                    if told {
                        Ok(())
                    } else {
                        Err(WatchError::FindingsGone)
                    }
                })
                .context("cannot start a worker")?;
            threads.push(thread);
        }
        drop(ended);
        while threads.iter().any(|thread| !thread.is_finished()) {
            if let Err(RecvTimeoutError::Disconnected) = endings.recv_timeout(LOOK_INTERVAL) {
                break;
            }
            if threads.iter().any(thread::ScopedJoinHandle::is_finished) && count > 1 {
                stop.store(true, Ordering::Relaxed);
            }
            reload.look();
        }
        let mut result = Ok(());
        for thread in threads {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => result = result.and(Err(error.into())),
                Err(_) => bail!("a worker ended in a panic"),
            }
        }
        result
    })
}

/// Keeps the calling thread on one of the cores it may run on, so that its flows stay in that core's caches.
fn stay_on_core(number: usize) {
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|core| allowed.is_set(*core))
        .collect();
    let Some(core) = number
        .checked_rem(cores.len())
        .and_then(|at| cores.get(at).copied())
    else {
        return;
    };
    let mut only = CpuSet::new();
    only.set(core);
    if let Err(error) = sched_setaffinity(None, &only) {
        tracing::debug!(%error, "a worker is not held to a core");
    }
}
