//! `lapwing run`: the sensor and the uplink as two processes with different rights, watched and started again.

use std::{
    env,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use lapwing_sensor::settings::Settings;
use rustix::process::{Pid, Signal, kill_process};

use super::{board_updates::BoardUpdates, metrics, rule_updates::RuleUpdates, stop_signal};

/// The part that has rules.
const SENSOR: &str = "sensor";
/// Between looks at the children.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Pause before the first restart; doubled with each further one.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest pause before a restart.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A process that ran this long has recovered: the next pause is short again.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);
/// What a process gets to finish its work after it was asked to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// Where the settings are.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings of this sensor
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // A mistake in the settings is told once, here, and not by each child again and again.
    let settings = Settings::read(&arguments.config)?;
    let mut board_updates = BoardUpdates::new(&settings);
    let mut rule_updates = RuleUpdates::begin(&settings, &arguments.config)?;
    metrics::serve(settings)?;
    let stop = stop_signal::flag()?;
    let mut parts = [SENSOR, "uplink"].map(|name| Part::new(name, &arguments.config));
    let reload = stop_signal::hangup()?;
    while !stop.load(Ordering::Relaxed) {
        for part in &mut parts {
            part.look()?;
        }
        if reload.swap(false, Ordering::Relaxed) {
            for part in &parts {
                part.read_again();
            }
        }
        board_updates.look();
        rule_updates.look();
        thread::sleep(LOOK_INTERVAL);
    }
    tracing::info!("stopping");
    // The sensor first: what it still tells, the uplink may still send.
    for part in &mut parts {
        part.stop()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One of the two processes.
struct Part {
    name: &'static str,
    config: PathBuf,
    running: Option<(Child, Instant)>,
    start_at: Instant,
    pause: Duration,
}

impl Part {
    fn new(name: &'static str, config: &std::path::Path) -> Self {
        Self {
            name,
            config: config.to_owned(),
            running: None,
            start_at: Instant::now(),
            pause: PAUSE_MIN,
        }
    }

    /// Starts it if it is time; notices when it ended.
    fn look(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        if let Some((child, started)) = &mut self.running {
            let ended = child
                .try_wait()
                .with_context(|| format!("cannot watch the {}", self.name))?;
            let Some(status) = ended else {
                return Ok(());
            };
            if now.duration_since(*started) >= RECOVERED_AFTER {
                self.pause = PAUSE_MIN;
            }
            tracing::error!(part = self.name, %status, pause_seconds = self.pause.as_secs(), "process ended");
            self.running = None;
            self.start_at = now + self.pause;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        } else if now >= self.start_at {
            let child = self.start()?;
            tracing::info!(part = self.name, process = child.id(), "process started");
            self.running = Some((child, now));
        }
        Ok(())
    }

    fn start(&self) -> anyhow::Result<Child> {
        let program = env::current_exe().context("cannot find the program itself")?;
        let supervisor = std::process::id().to_string();
        Command::new(program)
            .arg(self.name)
            .arg("--config")
            .arg(&self.config)
            .args(["--supervisor", &supervisor])
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start the {}", self.name))
    }

    /// Passes on that rules are to be read again. The uplink has none.
    fn read_again(&self) {
        if let Some((child, _)) = self.running.as_ref().filter(|_| self.name == SENSOR)
            && let Err(error) = kill_process(Pid::from_child(child), Signal::HUP)
        {
            tracing::debug!(part = self.name, %error, "process ended by itself");
        }
    }

    /// Asks it to stop, waits, and ends it where that does not help.
    fn stop(&mut self) -> anyhow::Result<()> {
        let Some((mut child, _)) = self.running.take() else {
            return Ok(());
        };
        if let Err(error) = kill_process(Pid::from_child(&child), Signal::TERM) {
            tracing::debug!(part = self.name, %error, "process ended by itself");
        }
        let deadline = Instant::now() + STOP_PATIENCE;
        while Instant::now() < deadline {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(LOOK_INTERVAL);
        }
        tracing::error!(
            part = self.name,
            "process did not stop in time and is ended"
        );
        child.kill()?;
        child.wait()?;
        Ok(())
    }
}
