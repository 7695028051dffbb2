//! What a site sets of the engine: `[decode]`, `[stream]`, `[defrag]` and `[flow_timeouts]` of `sensor.toml`, with the names that
//! they have in `suricata.yaml` and its defaults.

use super::{
    document::Section,
    file::{bytes, duration},
};
use crate::{
    decode::DecodeSettings,
    flow::{FlowProgress, FlowTimeouts, TimedProtocol},
    stream::StreamSettings,
};

/// Longest time that anything is waited for.
const TIMEOUT_SECONDS_MAX: u64 = 86_400;
/// Bytes of a direction of a stream that may be looked at.
const DEPTH_BYTES: std::ops::RangeInclusive<u64> = 1 << 12..=1 << 40;

/// How the engine follows what it sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSettings {
    /// Decoding and defragmentation.
    pub decode: DecodeSettings,
    /// TCP.
    pub stream: StreamSettings,
    /// How long flows are kept.
    pub timeouts: FlowTimeouts,
}

/// Reads the sections.
pub(super) fn engine(root: &Section<'_>) -> EngineSettings {
    let mut settings = EngineSettings::default();
    let EngineSettings {
        decode,
        stream,
        timeouts,
    } = &mut settings;
    root.section("decode", |section| {
        set(&mut decode.gtp_user, section.boolean("gtp_user"));
    });
    root.section("defrag", |section| {
        let seconds = seconds(section, "timeout", 1);
        set(&mut decode.fragment_timeout_seconds, seconds);
    });
    root.section("stream", |section| {
        set(&mut stream.midstream, section.boolean("midstream"));
        set(&mut stream.async_oneside, section.boolean("async_oneside"));
        set(
            &mut stream.depth_bytes,
            bytes(section, "depth", DEPTH_BYTES),
        );
    });
    root.section("flow_timeouts", |section| {
        for (key, protocol) in [
            ("tcp", TimedProtocol::Tcp),
            ("udp", TimedProtocol::Udp),
            ("icmp", TimedProtocol::Icmp),
            ("other", TimedProtocol::Other),
        ] {
            section.section(key, |section| {
                timeouts_of(section, protocol, timeouts);
            });
        }
    });
    settings
}

fn timeouts_of(section: &Section<'_>, protocol: TimedProtocol, timeouts: &mut FlowTimeouts) {
    let mut read = |key, progress, least| {
        if let Some(seconds) = seconds(section, key, least) {
            timeouts.set(protocol, progress, seconds);
        }
    };
    read("new", FlowProgress::New, 1);
    read("established", FlowProgress::Established, 1);
    if protocol == TimedProtocol::Tcp {
        // Nothing else says that it is over.
        read("closed", FlowProgress::Closed, 0);
    }
}

fn seconds(section: &Section<'_>, key: &'static str, least: u64) -> Option<u64> {
    duration(section, key, least..=TIMEOUT_SECONDS_MAX).map(|duration| duration.as_secs())
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::parse;

    fn engine_of(text: &str) -> Result<EngineSettings, String> {
        let text = format!("state = '/s'\n[rules]\npack = 'p'\n{text}");
        parse(&text, Path::new(""))
            .map(|settings| settings.engine)
            .map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn what_is_not_set_is_as_in_the_reference() {
        assert_eq!(engine_of(""), Ok(EngineSettings::default()));
        let settings = engine_of(
            "[stream]\nmidstream = true\ndepth = '8 MiB'\n[defrag]\ntimeout = '30 s'\n[flow_timeouts.tcp]\nclosed = '0 s'\n",
        )
        .unwrap();
        assert!(settings.stream.midstream && !settings.stream.async_oneside);
        assert_eq!(settings.stream.depth_bytes, 8 << 20);
        assert_eq!(settings.decode.fragment_timeout_seconds, 30);
        let mut timeouts = FlowTimeouts::default();
        timeouts.set(TimedProtocol::Tcp, FlowProgress::Closed, 0);
        assert_eq!(settings.timeouts, timeouts);
    }

    #[test]
    fn all_mistakes_are_told_with_their_place() {
        let mistakes = engine_of(
            "[stream]\nmidstream = 'yes'\ndepth = '1 B'\n[defrag]\ntimeout = '0 s'\n[flow_timeouts.udp]\nclosed = '1 s'\n\
             [flow_timeouts.tcp]\nnew = '48 h'\n",
        )
        .unwrap_err();
        for expected in [
            "line 5: stream.midstream: must be true or false",
            "line 6: stream.depth: must be from 4096 to",
            "line 8: defrag.timeout: must be from 1 s to 86400 s",
            "line 10: flow_timeouts.udp.closed: unknown key",
            "line 12: flow_timeouts.tcp.new: must be from 1 s",
        ] {
            assert!(mistakes.contains(expected), "{expected}: {mistakes}");
        }
    }
}
