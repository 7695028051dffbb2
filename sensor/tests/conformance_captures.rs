//! All captures of the conformance corpus go through without a panic, in bounded memory and time.
//!
//! The corpus is not part of the project: `LAPWING_CONFORMANCE` names its folder; without it the test says that it was
//! skipped.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lapwing_sensor::{
    capture::{CaptureFile, PacketSource, SourceEvent},
    decode::Packet,
    detect::Alert,
    flow::{Flow, StreamWindow},
    pipeline::{Inspector, Pipeline, PipelineSettings},
};

/// Longest time one capture may take, on a machine that does other things as well.
const CAPTURE_TIME_MAX: Duration = Duration::from_secs(20);
const MEMORY_BYTES: usize = 64 * 1024 * 1024;

struct Looker {
    windows: u64,
}

impl Inspector for Looker {
    fn inspect(
        &mut self,
        packet: &Packet<'_>,
        flow: Option<&mut Flow>,
        window: Option<StreamWindow<'_>>,
        _alerts: &mut Vec<Alert>,
    ) {
        assert_eq!(
            packet.direction.is_some(),
            flow.is_some(),
            "a direction is one of a flow"
        );
        if let Some(window) = window {
            assert!(!window.bytes.is_empty());
            assert_eq!(Some(window.direction), packet.direction);
            self.windows += 1;
        }
        if let Some(parser) = flow.and_then(|flow| flow.app.parser_mut()) {
            let end = parser.transactions().end;
            parser.release(end.saturating_sub(1));
        }
    }

    fn forget(&mut self) {}
}

fn captures_below(folder: &Path, captures: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            captures_below(&path, captures);
        } else if path
            .extension()
            .is_some_and(|extension| extension.to_string_lossy().contains("cap"))
        {
            captures.push(path);
        }
    }
}

#[test]
fn every_capture_goes_through() {
    let Some(folder) = env::var_os("LAPWING_CONFORMANCE") else {
        eprintln!("skipped: LAPWING_CONFORMANCE names no conformance corpus");
        return;
    };
    let mut captures = Vec::new();
    captures_below(&Path::new(&folder).join("corpus"), &mut captures);
    assert!(captures.len() > 100, "a corpus has many captures");
    let settings = PipelineSettings {
        memory_bytes: MEMORY_BYTES,
        ..PipelineSettings::default()
    };
    let mut pipeline = Pipeline::new(Looker { windows: 0 }, settings);
    let mut frames = 0_u64;
    let mut broken = 0_u64;
    let mut most_held = 0;
    for path in &captures {
        let begun = Instant::now();
        let Ok(mut source) = CaptureFile::open(path) else {
            broken += 1;
            continue;
        };
        loop {
            match source.next() {
                Ok(SourceEvent::Frame(frame)) => {
                    frames += 1;
                    pipeline.frame(&frame, &mut support::NoAlerts);
                    most_held = most_held.max(pipeline.held_bytes());
                }
                Ok(SourceEvent::Idle | SourceEvent::Wait) => {}
                Ok(SourceEvent::End) => break,
                Err(_) => {
                    broken += 1;
                    break;
                }
            }
        }
        pipeline.finish(&mut support::NoAlerts);
        let panics = pipeline.counters().panics_caught;
        assert_eq!(panics, 0, "{} made the engine panic", path.display());
        let took = begun.elapsed();
        assert!(took < CAPTURE_TIME_MAX, "{} took {took:?}", path.display());
        pipeline.forget();
    }
    let counters = pipeline.counters();
    eprintln!(
        "{} captures ({broken} unreadable or cut), {frames} frames, at most {most_held} bytes held\n{counters:#?}",
        captures.len()
    );
    assert!(most_held < MEMORY_BYTES, "{most_held} bytes held");
    assert!(pipeline.inspector().windows > 1000);
    // Most of what there is can be decoded.
    assert!(counters.decode.without_ip * 10 < counters.decode.packets);
}
