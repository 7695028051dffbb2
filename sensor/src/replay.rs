//! Capture files through the same pipeline as live capture.

use std::path::{Path, PathBuf};

use crate::{
    capture::{CaptureError, CaptureFile, CapturedFrame, PacketSource, SourceEvent},
    pipeline::{AlertSink, Inspector, Pipeline},
    time::Timestamp,
};

/// Takes the alerts of captures.
pub trait ReplaySink: AlertSink {
    /// The alerts that follow come from this capture.
    fn begin_capture(&mut self, path: &Path);

    /// A capture could not be read, or not to its end. What came before was handled.
    fn problem(&mut self, error: &CaptureError);

    /// Whether nobody listens any more, so that there is no point in going on.
    fn is_closed(&self) -> bool {
        false
    }
}

/// How captures relate to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worlds {
    /// One after the other, as one stretch of traffic: flows may go on from one to the next.
    Joined,
    /// Each a world of its own: flows, flow bits, rate limits and time begin anew.
    Separate,
}

/// Replays captures in order. How many could not be read to their end.
pub fn replay<I: Inspector>(
    captures: &[PathBuf],
    worlds: Worlds,
    pipeline: &mut Pipeline<I>,
    sink: &mut impl ReplaySink,
) -> usize {
    let mut broken = 0;
    for path in captures {
        if sink.is_closed() {
            break;
        }
        broken += usize::from(!replay_one(path, |time| time, pipeline, sink));
        if worlds == Worlds::Separate {
            pipeline.finish(sink);
            pipeline.forget();
        }
    }
    pipeline.finish(sink);
    broken
}

/// Replays captures `rounds` times as one long stretch of traffic: each begins a second after the newest frame of the one
/// before, whatever times it was taken at. After each round `after_round` is told its number. How many captures of the last
/// round could not be read to their end.
pub fn replay_rounds<I: Inspector>(
    captures: &[PathBuf],
    rounds: u32,
    pipeline: &mut Pipeline<I>,
    sink: &mut impl ReplaySink,
    mut after_round: impl FnMut(u32, &Pipeline<I>),
) -> usize {
    let mut clock = LongClock::default();
    let mut broken = 0;
    for round in 1..=rounds {
        broken = 0;
        for path in captures {
            if sink.is_closed() {
                return broken;
            }
            clock.begin_capture();
            broken += usize::from(!replay_one(path, |time| clock.at(time), pipeline, sink));
        }
        after_round(round, pipeline);
    }
    pipeline.finish(sink);
    broken
}

/// What a capture counts for at most in a long stretch of traffic: a day. A broken one may claim centuries.
const CAPTURE_NANOSECONDS_MAX: u64 = 24 * 60 * 60 * Timestamp::NANOSECONDS_PER_SECOND;

/// Puts the times of captures behind each other.
#[derive(Debug, Default)]
struct LongClock {
    /// Where the capture in hand begins.
    begin: Timestamp,
    /// The newest time given out.
    newest: Timestamp,
    /// Time of the first frame of the capture in hand, as the capture says.
    first: Option<Timestamp>,
}

impl LongClock {
    fn begin_capture(&mut self) {
        let pause = Timestamp::NANOSECONDS_PER_SECOND;
        self.begin = Timestamp(self.newest.0.saturating_add(pause));
        self.first = None;
    }

    fn at(&mut self, time: Timestamp) -> Timestamp {
        let first = *self.first.get_or_insert(time);
        let into = time.0.saturating_sub(first.0).min(CAPTURE_NANOSECONDS_MAX);
        let shifted = Timestamp(self.begin.0.saturating_add(into));
        self.newest = self.newest.max(shifted);
        shifted
    }
}

/// Replays one capture. Whether it could be read to its end.
fn replay_one<I: Inspector>(
    path: &Path,
    time: impl FnMut(Timestamp) -> Timestamp,
    pipeline: &mut Pipeline<I>,
    sink: &mut impl ReplaySink,
) -> bool {
    sink.begin_capture(path);
    match frames_of(path, time, pipeline, sink) {
        Ok(()) => true,
        Err(error) => {
            sink.problem(&error);
            false
        }
    }
}

fn frames_of<I: Inspector>(
    path: &Path,
    mut time: impl FnMut(Timestamp) -> Timestamp,
    pipeline: &mut Pipeline<I>,
    sink: &mut impl ReplaySink,
) -> Result<(), CaptureError> {
    let mut source = CaptureFile::open(path)?;
    loop {
        match source.next()? {
            SourceEvent::Frame(frame) => {
                let shifted = CapturedFrame {
                    time: time(frame.time),
                    ..frame
                };
                pipeline.frame(&shifted, sink);
            }
            SourceEvent::Idle | SourceEvent::Wait => {}
            SourceEvent::End => return Ok(()),
        }
        if sink.is_closed() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_of_any_time_stand_behind_each_other() {
        let second = Timestamp::NANOSECONDS_PER_SECOND;
        let mut clock = LongClock::default();
        let mut times = Vec::new();
        // A capture of later years before one of earlier ones, whose clock goes backwards at its end.
        for capture in [&[5_000, 5_007][..], &[40, 41, 39], &[0, 1_000_000_000]] {
            clock.begin_capture();
            times.extend(
                capture
                    .iter()
                    .map(|at| clock.at(Timestamp(at * second)).seconds()),
            );
        }
        assert_eq!(times, [1, 8, 9, 10, 9, 11, 11 + 24 * 60 * 60]);
    }
}
