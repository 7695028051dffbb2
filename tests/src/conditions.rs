//! Waiting for something to become true, with a deadline, and giving up when a person presses Ctrl-C.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on Ctrl-C and a request to end make every wait fail, so that what was started is taken down in order.
///
/// # Errors
/// When the signals cannot be caught.
pub fn notice_interruption() -> io::Result<()> {
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
    ] {
        signal_hook::flag::register(signal, Arc::clone(&INTERRUPTED))?;
    }
    Ok(())
}

/// Fails when a person asked to stop.
///
/// # Errors
/// As said.
pub fn check_interruption() -> Result<()> {
    if INTERRUPTED.load(Ordering::Relaxed) {
        bail!("interrupted");
    }
    Ok(())
}

/// Looks until `look` gives something, at most until the deadline.
///
/// # Errors
/// When the time is up, `look` fails, or a person interrupts.
pub fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        check_interruption()?;
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {} seconds for {what}, in vain", patience.as_secs());
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Lets time pass, looking after something meanwhile.
///
/// # Errors
/// When `look` fails or a person interrupts.
pub fn tend(duration: Duration, mut look: impl FnMut() -> Result<()>) -> Result<()> {
    let end = Instant::now() + duration;
    loop {
        check_interruption()?;
        look()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(LOOK_INTERVAL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_never_comes_is_named() {
        let error = wait_for("a miracle", Duration::from_millis(1), || Ok(None::<()>)).unwrap_err();
        assert!(error.to_string().contains("a miracle"), "{error}");
    }
}
