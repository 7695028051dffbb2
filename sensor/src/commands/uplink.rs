//! `lapwing uplink`: the uplink process. It reaches the centre and never sees a packet.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::Context;
use lapwing_sensor::{keyslot, sandbox, settings::Settings};

use super::{kept_files, link, stop_signal};

/// Between looks at the stop flag.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Where the settings are.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Settings of this sensor
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// End when this process ends
    #[arg(long, hide = true, value_name = "PROCESS")]
    supervisor: Option<i32>,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.config)?;
    // Whichever of the two processes comes first makes the key of the outbox.
    keyslot::open(&settings)?;
    let uplink = link::of(&settings)?;
    stop_signal::follow_supervisor(arguments.supervisor)?;
    let stop = stop_signal::flag()?;
    let files = kept_files::of_uplink(&settings)?;
    let confinement = sandbox::confine_uplink(&files).context("cannot give up rights")?;
    tracing::info!(confined = confinement.text(), "rights given up");
    let result = stoppable(&stop, |shutdown| lapwing_uplink::run(uplink, shutdown));
    match result {
        Ok(()) | Err(lapwing_uplink::UplinkError::Stopped) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
    }
}

/// Runs something of the uplink that ends when the flag is set.
pub(super) fn stoppable<T>(
    stop: &AtomicBool,
    work: impl FnOnce(lapwing_uplink::Shutdown) -> T,
) -> T {
    let (stopper, shutdown) = lapwing_uplink::shutdown();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) && !done.load(Ordering::Relaxed) {
                thread::sleep(LOOK_INTERVAL);
            }
            stopper.stop();
        });
        let result = work(shutdown);
        done.store(true, Ordering::Relaxed);
        result
    })
}
