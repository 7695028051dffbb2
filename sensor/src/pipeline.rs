//! One worker's pipeline: frames in, alerts out.
//!
//! A frame is decoded into packets; each goes to its flow, through the stream stage to the application layer, and is
//! inspected with what became known through it. Everything the pipeline holds is bounded by one memory budget; what a
//! bound costs is counted in [`EngineCounters`]. Flows, streams and parsers share the most of it: each has a bound of its own,
//! and when their sum reaches what they share, the least valuable flow goes with all it holds.
//!
//! **A panic costs one flow.** Whatever goes wrong while a frame is handled is caught here; the flow it happened in is dropped
//! and counted, and the next frame is handled as if nothing had been.

mod app_consumer;
mod end_packet;
mod engine;
mod flow_end;
mod flow_packet;
mod fuzz;
mod inspector;
mod settings;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    capture::CapturedFrame,
    counters::EngineCounters,
    decode::Decoder,
    detect::{Alert, Detector, Renumbering},
    time::Timestamp,
};

use engine::Engine;
#[doc(hidden)]
pub use fuzz::fuzz_entry;
pub use inspector::Inspector;
pub use settings::PipelineSettings;

/// Takes the alerts of a pipeline.
pub trait AlertSink {
    /// One rule that fired once.
    fn alert(&mut self, alert: &Alert);
}

/// One worker's pipeline.
#[derive(Debug)]
pub struct Pipeline<I> {
    settings: PipelineSettings,
    decoder: Decoder,
    engine: Engine<I>,
}

impl<I: Inspector> Pipeline<I> {
    /// A pipeline that has seen nothing yet.
    pub fn new(inspector: I, settings: PipelineSettings) -> Self {
        Self {
            settings,
            decoder: Decoder::new(settings.fragment_bytes(), settings.engine.decode),
            engine: Engine::new(inspector, &settings),
        }
    }

    /// Handles one frame.
    pub fn frame(&mut self, frame: &CapturedFrame<'_>, sink: &mut impl AlertSink) {
        let Self {
            decoder, engine, ..
        } = self;
        // Not the newest time: captures that are replayed one after the other may come from any year.
        engine.now = frame.time;
        let mut decoded = std::mem::take(&mut engine.counters.decode);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            engine.end_what_timed_out(sink);
            decoder.decode(frame, &mut decoded, &mut |packet| {
                engine.packet(packet, sink);
            });
        }));
        engine.counters.decode = decoded;
        if outcome.is_err() {
            engine.drop_flow_in_hand();
        }
    }

    /// No frame came for a while: flows end by the given time.
    pub fn idle(&mut self, now: Timestamp, sink: &mut impl AlertSink) {
        let engine = &mut self.engine;
        engine.now = engine.now.max(now);
        let outcome = catch_unwind(AssertUnwindSafe(|| engine.end_what_timed_out(sink)));
        if outcome.is_err() {
            engine.drop_flow_in_hand();
        }
    }

    /// Nothing more comes: every flow ends, and what is left of it is inspected.
    pub fn finish(&mut self, sink: &mut impl AlertSink) {
        let engine = &mut self.engine;
        while let Some(slot) = engine.flows.any() {
            engine.counters.flow.ended_with_capture += 1;
            let outcome = catch_unwind(AssertUnwindSafe(|| engine.end_flow(slot, sink)));
            if outcome.is_err() {
                engine.drop_flow_in_hand();
            }
        }
    }

    /// Forgets flows, fragments, time, and all that the inspector remembers; the counters go on.
    pub fn forget(&mut self) {
        self.decoder = Decoder::new(self.settings.fragment_bytes(), self.settings.engine.decode);
        self.engine.forget(&self.settings);
    }

    /// Says whether the worker is behind: then large flows are let pass, see [`crate::shedding`].
    pub fn set_behind(&mut self, is_behind: bool) {
        let engine = &mut self.engine;
        engine.counters.shed.times += u64::from(is_behind && !engine.is_behind);
        engine.is_behind = is_behind;
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &EngineCounters {
        &self.engine.counters
    }

    /// Who judges the packets.
    #[must_use]
    pub fn inspector(&self) -> &I {
        &self.engine.inspector
    }

    /// Who judges the packets.
    pub fn inspector_mut(&mut self) -> &mut I {
        &mut self.engine.inspector
    }

    /// Bytes held now in flows, streams, parsers and fragments.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.engine.shared_bytes() + self.decoder.held_bytes()
    }
}

impl Pipeline<Detector> {
    /// Exchanges the rules between two frames; flows and what is known of them stay. The detector before is given back, so that
    /// who asked can let it go without a pause here.
    pub fn exchange(
        &mut self,
        mut next: Box<Detector>,
        renumbering: &Renumbering,
    ) -> Box<Detector> {
        let engine = &mut self.engine;
        next.succeed(&engine.inspector);
        for entry in engine.flows.each_mut() {
            next.renumber(&mut entry.flow.detection, renumbering);
        }
        std::mem::swap(&mut engine.inspector, &mut *next);
        next
    }
}
