//! The pipeline without rules as a function of bytes.

use crate::{
    capture::{CapturedFrame, LinkType},
    decode::Packet,
    detect::Alert,
    flow::{Flow, StreamWindow},
    time::Timestamp,
};

use super::{AlertSink, Inspector, Pipeline, PipelineSettings};

/// The body of the fuzz target: frames with a two-byte length before each, as one capture through a whole pipeline.
#[doc(hidden)]
pub fn fuzz_entry(bytes: &[u8]) {
    struct Nothing;
    impl Inspector for Nothing {
        fn inspect(
            &mut self,
            _packet: &Packet<'_>,
            flow: Option<&mut Flow>,
            _window: Option<StreamWindow<'_>>,
            _alerts: &mut Vec<Alert>,
        ) {
            if let Some(parser) = flow.and_then(|flow| flow.app.parser_mut()) {
                let end = parser.transactions().end;
                parser.release(end.saturating_sub(1));
            }
        }
        fn forget(&mut self) {}
    }
    impl AlertSink for Nothing {
        fn alert(&mut self, _alert: &Alert) {}
    }
    let mut pipeline = Pipeline::new(Nothing, PipelineSettings::default());
    let mut rest = bytes;
    let mut time = Timestamp::default();
    while let Some((length, following)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(following.len());
        let (frame, following) = following.split_at(length);
        rest = following;
        // A second a frame: time-outs are part of what is tried.
        time.0 += Timestamp::NANOSECONDS_PER_SECOND;
        pipeline.frame(
            &CapturedFrame {
                time,
                link_type: LinkType::Ethernet,
                wire_length_bytes: u32::try_from(length).unwrap_or(u32::MAX),
                bytes: frame,
            },
            &mut Nothing,
        );
    }
    pipeline.finish(&mut Nothing);
    assert_eq!(
        pipeline.counters().panics_caught,
        0,
        "the pipeline panicked"
    );
    // Fragments may wait for others; streams and parsers end with their flows.
    let held = pipeline.engine.shared_bytes();
    assert_eq!(held, 0, "bytes were not given back");
}
