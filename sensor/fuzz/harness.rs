//! The whole engine as a function of bytes: what the fuzz target drives, and what a normal test runs over its corpus.
//!
//! An input is a list of frames. Before each stand three bytes: which link type, and the frame's length (big-endian).
//! A second of packet time passes with each frame, so time-outs are part of what is tried.

use std::{fs, path::Path, sync::Arc};

use lapwing_rules::{
    Settings, compile,
    pack::Pack,
    source::{Language, Source},
};
use lapwing_sensor::{
    capture::{CapturedFrame, LinkType},
    detect::{Alert, Detector},
    pipeline::{AlertSink, Pipeline, PipelineSettings},
    time::Timestamp,
};

/// Link types that an input can name.
const LINK_TYPES: [LinkType; 8] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Loopback,
    LinkType::LinuxCooked,
    LinkType::LinuxCooked2,
    LinkType::Ppp,
    LinkType::PppOverEthernet,
    LinkType::CiscoHdlc,
];

/// Counts alerts.
#[derive(Default)]
struct Alerts(u64);

impl AlertSink for Alerts {
    fn alert(&mut self, _alert: &Alert) {
        self.0 += 1;
    }
}

/// One engine that is used again for every input, as if each were a capture of its own.
pub(crate) struct Engine {
    pipeline: Pipeline<Detector>,
}

impl Engine {
    /// An engine with the rules of every case under `cases`, renumbered so that all of them load.
    ///
    /// # Panics
    /// If the folder cannot be read or holds no rule that runs.
    pub(crate) fn with_rules_of_cases(cases: &Path) -> Self {
        let mut folders: Vec<_> = fs::read_dir(cases)
            .expect("the cases are there")
            .map(|entry| entry.expect("a folder").path().join("rules.rules"))
            .filter(|path| path.is_file())
            .collect();
        folders.sort();
        let mut text = String::new();
        for path in folders {
            text.push_str(&fs::read_to_string(path).expect("rules are text"));
            text.push('\n');
        }
        let mut sid = 0;
        let renumbered: String = text
            .split("sid:")
            .enumerate()
            .map(|(piece, rest)| {
                if piece == 0 {
                    return rest.to_owned();
                }
                sid += 1;
                format!(
                    "sid:{sid}{}",
                    rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ')
                )
            })
            .collect();
        let source = Source {
            name: "cases.rules".into(),
            bytes: renumbered.into_bytes(),
        };
        // The newest one has the keywords of all.
        let settings = Settings {
            language: Language::Version8,
            ..Settings::default()
        };
        let compiled = compile(&[source], &settings);
        assert!(compiled.counts.compiled > 50, "{:?}", compiled.counts);
        let pack = Pack::from_bytes(compiled.pack).expect("a pack just written opens");
        let detector = Detector::new(Arc::new(pack));
        Self {
            pipeline: Pipeline::new(detector, PipelineSettings::default()),
        }
    }

    /// Runs one input from its first frame to the end of all flows. How many alerts there were.
    ///
    /// # Panics
    /// If a flow panicked, which the engine itself survives and counts.
    pub(crate) fn run(&mut self, input: &[u8]) -> u64 {
        let mut alerts = Alerts::default();
        let mut time = Timestamp::default();
        let mut rest = input;
        while let Some((&[link_type, high, low], following)) = rest.split_first_chunk::<3>() {
            let length = usize::from(u16::from_be_bytes([high, low])).min(following.len());
            let (bytes, following) = following.split_at(length);
            rest = following;
            time.0 += Timestamp::NANOSECONDS_PER_SECOND;
            let frame = CapturedFrame {
                time,
                link_type: LINK_TYPES[usize::from(link_type) % LINK_TYPES.len()],
                wire_length_bytes: u32::try_from(length).unwrap_or(u32::MAX),
                bytes,
            };
            self.pipeline.frame(&frame, &mut alerts);
        }
        self.pipeline.finish(&mut alerts);
        assert_eq!(self.pipeline.counters().panics_caught, 0, "a flow panicked");
        self.pipeline.forget();
        alerts.0
    }
}
