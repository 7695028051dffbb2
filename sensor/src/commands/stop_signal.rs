//! SIGTERM, SIGINT and SIGHUP, as flags that the loops look at.

use std::sync::{Arc, atomic::AtomicBool};

use anyhow::Context;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

/// A flag that becomes true when this process is asked to stop. A second signal ends it at once.
pub(crate) fn flag() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // The first signal finds the flag unset and only sets it.
        flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .context("cannot listen for signals")?;
    }
    Ok(stop)
}

/// A flag that becomes true with each SIGHUP: rules are to be read again.
pub(crate) fn hangup() -> anyhow::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    flag::register(SIGHUP, Arc::clone(&asked)).context("cannot listen for signals")?;
    Ok(asked)
}

/// Lets this process be asked to stop when its supervisor dies, however that dies.
pub(crate) fn follow_supervisor(supervisor: Option<i32>) -> anyhow::Result<()> {
    let Some(supervisor) = supervisor else {
        return Ok(());
    };
    set_parent_process_death_signal(Some(Signal::TERM)).context("cannot follow the supervisor")?;
    // It may have died before the call above.
    if getppid().map(Pid::as_raw_pid) == Some(supervisor) {
        Ok(())
    } else {
        anyhow::bail!("the supervisor is gone")
    }
}
