//! Capture files through the same pipeline as live capture.

use std::path::{Path, PathBuf};

use crate::{
    capture::{CaptureError, CaptureFile, PacketSource, SourceEvent},
    pipeline::{AlertSink, Inspector, Pipeline},
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
        sink.begin_capture(path);
        if let Err(error) = replay_one(path, pipeline, sink) {
            sink.problem(&error);
            broken += 1;
        }
        if worlds == Worlds::Separate {
            pipeline.finish(sink);
            pipeline.forget();
        }
    }
    pipeline.finish(sink);
    broken
}

fn replay_one<I: Inspector>(
    path: &Path,
    pipeline: &mut Pipeline<I>,
    sink: &mut impl ReplaySink,
) -> Result<(), CaptureError> {
    let mut source = CaptureFile::open(path)?;
    loop {
        match source.next()? {
            SourceEvent::Frame(frame) => pipeline.frame(&frame, sink),
            SourceEvent::Idle => {}
            SourceEvent::End => return Ok(()),
        }
        if sink.is_closed() {
            return Ok(());
        }
    }
}
