//! Frames from a source through a pipeline into the findings thread: the same for an interface and for capture files.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    capture::{CaptureDrops, CaptureError, PacketSource, SourceEvent},
    clock::wall_nanoseconds,
    detect::{Alert, Detector},
    findings::{FindingsInlet, Observation},
    pipeline::{AlertSink, Pipeline},
    pressure::Pressure,
    rule_exchange::RuleInlet,
    time::Timestamp,
};

/// Between two tellings of packet time and counters.
const OBSERVE_INTERVAL: Duration = Duration::from_secs(1);
/// Frames between two looks at the clock.
const FRAMES_A_LOOK: u32 = 64;
/// Longest sleep of a paced replay before the stop flag is looked at.
const NAP_MAX: Duration = Duration::from_millis(100);
/// Packet time between two passes of a repeated replay.
const BETWEEN_PASSES_NANOSECONDS: u64 = Timestamp::NANOSECONDS_PER_SECOND;

/// Why watching ended early.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The source broke; what came before counts.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The findings thread is gone; its own result says why.
    #[error("the findings thread is gone")]
    FindingsGone,
}

/// A pipeline that tells the findings thread.
#[derive(Debug)]
pub struct Watch<'a> {
    pipeline: Pipeline<Detector>,
    findings: ToFindings,
    rules: RuleInlet,
    stop: &'a AtomicBool,
    pace: Option<Pace>,
    /// Added to the packet times of a capture file that is replayed again.
    shift_nanoseconds: u64,
    /// First and last packet time of this pass, shifted.
    pass: Option<(Timestamp, Timestamp)>,
    drops: CaptureDrops,
    pressure: Pressure,
    observed: Instant,
    frames_until_look: u32,
}

#[derive(Debug)]
struct ToFindings {
    inlet: FindingsInlet,
    is_gone: bool,
}

impl AlertSink for ToFindings {
    fn alert(&mut self, alert: &Alert) {
        self.is_gone |= !self.inlet.alert(alert.clone());
    }
}

impl<'a> Watch<'a> {
    /// Watches until the source ends or `stop` is set. `speed` spreads a replay over time: 1 as it was captured, 10 ten
    /// times as fast; none as fast as it goes.
    #[must_use]
    pub fn new(
        pipeline: Pipeline<Detector>,
        findings: FindingsInlet,
        rules: RuleInlet,
        stop: &'a AtomicBool,
        speed: Option<f64>,
    ) -> Self {
        Self {
            pipeline,
            findings: ToFindings {
                inlet: findings,
                is_gone: false,
            },
            rules,
            stop,
            pace: speed.map(|speed| Pace { speed, begun: None }),
            shift_nanoseconds: 0,
            pass: None,
            drops: CaptureDrops::default(),
            pressure: Pressure::default(),
            observed: Instant::now(),
            frames_until_look: FRAMES_A_LOOK,
        }
    }

    /// Handles all that a source gives.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn source(&mut self, source: &mut impl PacketSource) -> Result<(), WatchError> {
        loop {
            if self.findings.is_gone {
                return Err(WatchError::FindingsGone);
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            match source.next()? {
                SourceEvent::End => break,
                SourceEvent::Wait => {}
                SourceEvent::Idle => {
                    // An idle interface: packet time goes on with the wall clock, so that windows close.
                    let now = Timestamp(wall_nanoseconds());
                    self.pipeline.idle(now, &mut self.findings);
                    self.feel_pressure(now, source);
                    self.look(now, source);
                }
                SourceEvent::Frame(mut frame) => {
                    frame.time = Timestamp(frame.time.0.saturating_add(self.shift_nanoseconds));
                    let now = frame.time;
                    if let Some(pace) = &mut self.pace {
                        pace.wait_for(now, self.stop);
                    }
                    let (first, last) = self.pass.unwrap_or((now, now));
                    self.pass = Some((first.min(now), last.max(now)));
                    self.pipeline.frame(&frame, &mut self.findings);
                    self.frames_until_look -= 1;
                    if self.frames_until_look == 0 {
                        self.frames_until_look = FRAMES_A_LOOK;
                        self.feel_pressure(now, source);
                        self.look(now, source);
                    }
                }
            }
        }
        self.drops = source.drops();
        Ok(())
    }

    /// The next frames are the same traffic once more, some time later.
    pub fn begin_next_pass(&mut self) {
        if let Some((first, last)) = self.pass.take() {
            let length = last
                .0
                .saturating_sub(first.0)
                .saturating_add(BETWEEN_PASSES_NANOSECONDS);
            self.shift_nanoseconds = self.shift_nanoseconds.saturating_add(length);
        }
    }

    /// Ends all flows, and tells the totals. False when the findings thread is gone.
    pub fn finish(mut self) -> bool {
        self.pipeline.finish(&mut self.findings);
        self.findings.inlet.observe(None, self.observation()) && !self.findings.is_gone
    }

    fn observation(&self) -> Observation {
        let detector = self.pipeline.inspector().counters();
        Observation::of_engine(self.pipeline.counters(), &detector, self.drops)
    }

    /// Whether a live source is read in time decides how much is inspected. Drops are asked for as often as they are told.
    fn feel_pressure(&mut self, newest: Timestamp, source: &impl PacketSource) {
        if source.is_live() {
            let dropped = self.drops.buffer_full;
            let is_behind = self.pressure.note(wall_nanoseconds(), newest.0, dropped);
            self.pipeline.set_behind(is_behind);
        }
    }

    /// Takes new rules if there are any; tells packet time and counters if it is time.
    fn look(&mut self, now: Timestamp, source: &mut impl PacketSource) {
        self.rules.look(&mut self.pipeline);
        if self.observed.elapsed() < OBSERVE_INTERVAL {
            return;
        }
        self.observed = Instant::now();
        self.drops = source.drops();
        self.findings.is_gone |= !self.findings.inlet.observe(Some(now), self.observation());
    }
}

/// Spreads a replay over time.
#[derive(Debug)]
struct Pace {
    speed: f64,
    /// When the replay began: by the clock, and in packet time.
    begun: Option<(Instant, Timestamp)>,
}

impl Pace {
    fn wait_for(&mut self, time: Timestamp, stop: &AtomicBool) {
        let (began, first) = *self.begun.get_or_insert_with(|| (Instant::now(), time));
        let packet_time = Duration::from_nanos(time.0.saturating_sub(first.0));
        // A speed so low that it cannot be counted means to wait as long as can be.
        let due = Duration::try_from_secs_f64(packet_time.as_secs_f64() / self.speed)
            .unwrap_or(Duration::MAX);
        while let Some(rest) = due
            .checked_sub(began.elapsed())
            .filter(|rest| !rest.is_zero())
        {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(rest.min(NAP_MAX));
        }
    }
}
