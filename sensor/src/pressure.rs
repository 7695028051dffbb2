//! Whether a worker keeps up with its interface.
//!
//! It is behind when the newest frame it handled is old, or the kernel dropped frames because its ring was full. It has caught up
//! when neither was so for a while; the two marks lie apart, so that it does not go to and fro.

/// A frame handled this long after it came: the worker is behind. Half of what a ring of the default size holds at 250 Mbit/s, and
/// well above the tenth of a second that the kernel gathers frames for.
const BEHIND_NANOSECONDS: u64 = 250_000_000;
/// Frames handled no later than this: the worker keeps up.
const CAUGHT_UP_NANOSECONDS: u64 = 150_000_000;
/// For how long it must keep up before everything is inspected again.
const CALM_NANOSECONDS: u64 = 5_000_000_000;

/// One worker's judgement of itself.
#[derive(Debug, Default)]
pub struct Pressure {
    is_behind: bool,
    dropped: u64,
    /// Since when it has kept up, by the wall clock in nanoseconds.
    calm_since: Option<u64>,
}

impl Pressure {
    /// Takes note of the time at which a frame of `frame_time` is handled, and of all drops so far; whether the worker is behind.
    pub fn note(&mut self, now: u64, frame_time: u64, dropped: u64) -> bool {
        let late = now.saturating_sub(frame_time);
        let has_dropped = dropped > self.dropped;
        self.dropped = dropped;
        if late > BEHIND_NANOSECONDS || has_dropped {
            self.is_behind = true;
            self.calm_since = None;
        } else if late > CAUGHT_UP_NANOSECONDS {
            self.calm_since = None;
        } else if self.is_behind {
            let since = *self.calm_since.get_or_insert(now);
            self.is_behind = now.saturating_sub(since) < CALM_NANOSECONDS;
        }
        self.is_behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_late_worker_is_behind_until_it_was_calm_for_a_while() {
        let mut pressure = Pressure::default();
        let mut note = |at: u64, late: u64| pressure.note(at, at - late, 0);
        assert!(!note(10 * SECOND, SECOND / 10));
        assert!(!note(11 * SECOND, SECOND / 5));
        assert!(note(12 * SECOND, SECOND / 2));
        assert!(note(13 * SECOND, SECOND / 10));
        // Late again, though not so late as to fall behind anew: the calm begins again.
        assert!(note(17 * SECOND, SECOND / 5));
        assert!(note(18 * SECOND, SECOND / 10));
        assert!(note(22 * SECOND, SECOND / 10));
        assert!(!note(23 * SECOND, SECOND / 10));
    }

    #[test]
    fn drops_mean_that_it_is_behind_and_a_clock_set_back_does_not() {
        let mut pressure = Pressure::default();
        assert!(!pressure.note(5 * SECOND, 9 * SECOND, 0));
        assert!(pressure.note(6 * SECOND, 6 * SECOND, 1));
        assert!(pressure.note(7 * SECOND, 7 * SECOND, 1));
        assert!(!pressure.note(12 * SECOND, 12 * SECOND, 1));
    }
}
