//! TCP segments one by one, as an attacker makes them: every number is written in the scenario, relative to the sender's SYN.
//!
//! ```toml
//! [[step]]
//! kind = "segments"
//! client = "10.1.0.5:40000"
//! server = "192.0.2.80:80"
//! open = true                    # the handshake first
//! segments = [
//!   { from = "client", flags = "PA", sequence = 1, acknowledgment = 1, text = "GET / HTTP/1.0\r\n\r\n" },
//!   { from = "server", flags = "R", sequence = 1 },
//! ]
//! ```
//! Flags are the letters of `FSRPAUEC`; `window`, `urgent` and `options` (hex) may be given as well.

use std::net::SocketAddr;

use pnet_packet::ip::IpNextHeaderProtocols;
use serde::Deserialize;

use super::network::Route;
use super::tcp::{Header, Side};
use super::trace::Trace;

const FLAG_LETTERS: &str = "FSRPAUEC";
const NANOSECONDS_BETWEEN: u64 = 10_000_000;
/// Initial sequence numbers of client and server.
const INITIAL: [u32; 2] = [1_000, 5_000];

/// One segment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Segment {
    from: Side,
    flags: String,
    #[serde(default)]
    sequence: u32,
    /// Left out: 0 in the header.
    acknowledgment: Option<u32>,
    pub(super) text: Option<String>,
    pub(super) hex: Option<String>,
    #[serde(default = "window")]
    window: u16,
    #[serde(default)]
    urgent: u16,
    pub(super) options: Option<String>,
    #[serde(default)]
    after_milliseconds: u64,
}

fn window() -> u16 {
    65_000
}

impl Segment {
    fn bare(from: Side, flags: &str, sequence: u32, acknowledgment: Option<u32>) -> Self {
        Self {
            from,
            flags: flags.to_owned(),
            sequence,
            acknowledgment,
            text: None,
            hex: None,
            window: window(),
            urgent: 0,
            options: None,
            after_milliseconds: 0,
        }
    }

    /// The three-way handshake.
    pub(super) fn handshake() -> [Self; 3] {
        [
            Self::bare(Side::Client, "S", 0, None),
            Self::bare(Side::Server, "SA", 0, Some(1)),
            Self::bare(Side::Client, "A", 1, Some(1)),
        ]
    }

    /// Sends it with `data` and `options`, between the ends of the conversation.
    pub(super) fn send(
        &self,
        trace: &mut Trace,
        route: &Route,
        (client, server): (SocketAddr, SocketAddr),
        data: &[u8],
        options: Option<&[u8]>,
    ) {
        trace.pause_nanoseconds(NANOSECONDS_BETWEEN + self.after_milliseconds * 1_000_000);
        let ((source, own), (destination, other)) = match self.from {
            Side::Client => ((client, INITIAL[0]), (server, INITIAL[1])),
            Side::Server => ((server, INITIAL[1]), (client, INITIAL[0])),
        };
        let flags = FLAG_LETTERS
            .chars()
            .enumerate()
            .filter(|(_, letter)| self.flags.contains(*letter))
            .fold(0, |flags, (bit, _)| flags | 1 << bit);
        let header = Header {
            source,
            destination,
            sequence: own.wrapping_add(self.sequence),
            acknowledgement: self
                .acknowledgment
                .map_or(0, |number| other.wrapping_add(number)),
            flags,
            window: self.window,
            urgent: self.urgent,
        };
        let segment = header.with(data, Some(options.unwrap_or_default()));
        trace.send(
            route,
            source.ip(),
            destination.ip(),
            IpNextHeaderProtocols::Tcp,
            &segment,
        );
    }
}
