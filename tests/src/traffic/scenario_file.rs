//! Scenarios written in TOML: a list of conversations, played one after the other.
//!
//! The cases under `tests/cases` are written in it, so that what a capture holds can be read and reviewed:
//!
//! ```toml
//! link = "ethernet"              # raw, null, linux-cooked, linux-cooked-v2
//! file = "pcap"                  # pcap-nanoseconds, pcapng
//!
//! [[step]]
//! kind = "tcp"
//! client = "10.1.0.5:40000"
//! server = "192.0.2.80:80"
//! segment_bytes = 20             # cut the messages into segments of this size
//! vlans = [100, 7]               # and hop_limit, ipv6_extensions, fragment_bytes, fragment_order
//! repeat = 3                     # the whole conversation again, from the next client port
//! say = [
//!   { from = "client", request = { uri = "/index.html", host = "www.example" } },
//!   { from = "server", response = { body = "hello", coding = "gzip-chunked" } },
//!   { from = "client", text = "raw bytes", delivery = "reversed" },
//!   { from = "client", text = "more of it ", times = 1000 },
//!   { from = "client", hex = "00ff", at = 4 },       # one segment at this offset of the stream
//! ]
//! ```
//! `kind = "segments"` writes down the segments of a connection one by one: see `segments.rs`. The other kinds are `udp` (the same `say`, one datagram each), `icmp` (`source`, `destination`, `type`, `code`, one
//! payload), `frame` (`hex`: a frame as it is) and `pause` (`seconds`). Instead of steps, `builtin = "demo"` or
//! `"demo-background"` names a scenario of [`demo`].

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::capture_file::FileFormat;
use super::entropy::Entropy;
use super::link::LinkType;
use super::network::{FragmentOrder, Ipv6Extension, Route};
use super::segments::Segment;
use super::tcp::{Conversation, Delivery, ETHERNET_SEGMENT_BYTES, Side};
use super::trace::Trace;
use super::{datagram, demo, dns, http, quic, tls};

/// 2026-03-02T08:00:00Z: scenarios begin here.
pub const START_SECONDS: u64 = 1_772_438_400;

/// The seed of built-in scenarios in a file.
const BUILTIN_SEED: u64 = 1;

/// Why a scenario could not be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not TOML, or says something unknown.
    #[error("the scenario cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A message names no payload, or two.
    #[error(
        "a message must have exactly one of text, hex, request, response, client_hello, server_hello, quic, query, answer; this one has {0}"
    )]
    Payload(usize),
    /// A payload is not hexadecimal.
    #[error("{0:?} is not hexadecimal")]
    Hexadecimal(String),
}

/// A scenario as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    #[serde(default)]
    link: LinkType,
    #[serde(default)]
    file: FileFormat,
    builtin: Option<demo::Part>,
    #[serde(default, rename = "step")]
    steps: Vec<Step>,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// When the text is not a scenario; the message says where.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        Ok(toml::from_str(text)?)
    }

    /// The file format the capture should have.
    #[must_use]
    pub fn file_format(&self) -> FileFormat {
        self.file
    }

    /// Makes the packets.
    ///
    /// # Errors
    /// When a payload is not what it claims to be.
    pub fn play(&self) -> Result<Trace, ScenarioError> {
        if let Some(part) = self.builtin {
            return Ok(demo::make(BUILTIN_SEED, part));
        }
        let mut trace = Trace::new(self.link, START_SECONDS);
        for step in &self.steps {
            step.play(&mut trace)?;
            trace.pause_nanoseconds(1_000_000);
        }
        Ok(trace)
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Step {
    Tcp(Talk),
    Udp(Talk),
    Segments(Segments),
    Icmp(Icmp),
    Frame { hex: String },
    Pause { seconds: u64 },
}

/// A conversation over TCP or UDP.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Talk {
    client: SocketAddr,
    server: SocketAddr,
    #[serde(default)]
    vlans: Vec<u16>,
    #[serde(default = "hop_limit")]
    hop_limit: u8,
    #[serde(default)]
    ipv6_extensions: Vec<Ipv6Extension>,
    fragment_bytes: Option<u16>,
    #[serde(default)]
    fragment_order: FragmentOrder,
    #[serde(default = "segment_bytes")]
    segment_bytes: u16,
    client_initial_sequence: Option<u32>,
    /// Whether the capture holds the handshake.
    #[serde(default = "yes")]
    open: bool,
    #[serde(default = "yes")]
    close: bool,
    #[serde(default = "once")]
    repeat: u16,
    #[serde(default)]
    every_milliseconds: u64,
    #[serde(default)]
    say: Vec<Say>,
}

/// A connection segment by segment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Segments {
    client: SocketAddr,
    server: SocketAddr,
    #[serde(default = "yes")]
    open: bool,
    segments: Vec<Segment>,
}

impl Segments {
    fn play(&self, trace: &mut Trace) -> Result<(), ScenarioError> {
        let route = Route {
            hop_limit: hop_limit(),
            ..Route::default()
        };
        let ends = (self.client, self.server);
        if self.open {
            for segment in Segment::handshake() {
                segment.send(trace, &route, ends, &[], None);
            }
        }
        for segment in &self.segments {
            let options = segment.options.as_deref().map(hexadecimal).transpose()?;
            let data = match (&segment.text, &segment.hex) {
                (None, None) => Vec::new(),
                (Some(text), None) => text.as_bytes().to_vec(),
                (None, Some(hex)) => hexadecimal(hex)?,
                (Some(_), Some(_)) => return Err(ScenarioError::Payload(2)),
            };
            segment.send(trace, &route, ends, &data, options.as_deref());
        }
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Icmp {
    source: IpAddr,
    destination: IpAddr,
    r#type: u8,
    #[serde(default)]
    code: u8,
    #[serde(default)]
    vlans: Vec<u16>,
    fragment_bytes: Option<u16>,
    hex: String,
}

/// One message of a conversation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    from: Side,
    text: Option<String>,
    hex: Option<String>,
    request: Option<http::Request>,
    response: Option<http::Response>,
    /// A TLS ClientHello for this server name.
    client_hello: Option<String>,
    /// A TLS ServerHello; the number seeds its random bytes.
    server_hello: Option<u64>,
    /// A datagram of QUIC packets: see `quic.rs`.
    quic: Option<Vec<quic::Packet>>,
    /// A DNS query.
    query: Option<Lookup>,
    /// The response to a DNS query.
    answer: Option<Lookup>,
    /// How often the payload stands there, one behind the other.
    #[serde(default = "once")]
    times: u16,
    #[serde(default)]
    delivery: Delivery,
    at: Option<u32>,
    #[serde(default)]
    after_milliseconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    name: String,
    result: dns::Answer,
    #[serde(default)]
    over_tcp: bool,
}

fn hop_limit() -> u8 {
    64
}

fn segment_bytes() -> u16 {
    ETHERNET_SEGMENT_BYTES
}

fn yes() -> bool {
    true
}

fn once() -> u16 {
    1
}

impl Step {
    fn play(&self, trace: &mut Trace) -> Result<(), ScenarioError> {
        match self {
            Self::Tcp(talk) => talk.repeated(trace, Talk::over_tcp),
            Self::Segments(segments) => segments.play(trace),
            Self::Udp(talk) => talk.repeated(trace, Talk::over_udp),
            Self::Icmp(message) => {
                let route = Route {
                    vlans: message.vlans.clone(),
                    fragment_bytes: message.fragment_bytes,
                    ..Route::default()
                };
                let rest = hexadecimal(&message.hex)?;
                let (source, destination) = (message.source, message.destination);
                datagram::send_icmp(
                    trace,
                    &route,
                    source,
                    destination,
                    message.r#type,
                    message.code,
                    &rest,
                );
                Ok(())
            }
            Self::Frame { hex } => {
                trace.send_frame(hexadecimal(hex)?);
                Ok(())
            }
            Self::Pause { seconds } => {
                trace.pause_nanoseconds(seconds * 1_000_000_000);
                Ok(())
            }
        }
    }
}

impl Talk {
    fn repeated(
        &self,
        trace: &mut Trace,
        play: fn(&Self, &mut Trace, SocketAddr) -> Result<(), ScenarioError>,
    ) -> Result<(), ScenarioError> {
        for round in 0..self.repeat {
            let client = SocketAddr::new(self.client.ip(), self.client.port().wrapping_add(round));
            play(self, trace, client)?;
            trace.pause_nanoseconds(self.every_milliseconds * 1_000_000);
        }
        Ok(())
    }

    fn route(&self) -> Route {
        Route {
            vlans: self.vlans.clone(),
            hop_limit: self.hop_limit,
            ipv6_extensions: self.ipv6_extensions.clone(),
            fragment_bytes: self.fragment_bytes,
            fragment_order: self.fragment_order,
        }
    }

    fn over_tcp(&self, trace: &mut Trace, client: SocketAddr) -> Result<(), ScenarioError> {
        let mut conversation = Conversation::new(trace, self.route(), client, self.server)
            .segment_bytes(self.segment_bytes);
        if let Some(sequence) = self.client_initial_sequence {
            conversation = conversation.client_initial_sequence(sequence);
        }
        if self.open {
            conversation.open();
        }
        for say in &self.say {
            conversation.pause_milliseconds(say.after_milliseconds);
            let data = say.payload(client)?;
            match say.at {
                Some(offset) => conversation.send_at(say.from, offset, &data),
                None => conversation.send_with(say.from, &data, say.delivery),
            }
        }
        if self.say.last().is_some_and(|say| say.at.is_some()) {
            conversation.acknowledge(Side::Server);
        }
        if self.close {
            conversation.close();
        }
        Ok(())
    }

    fn over_udp(&self, trace: &mut Trace, client: SocketAddr) -> Result<(), ScenarioError> {
        for say in &self.say {
            trace.pause_nanoseconds(say.after_milliseconds * 1_000_000);
            let (source, destination) = match say.from {
                Side::Client => (client, self.server),
                Side::Server => (self.server, client),
            };
            datagram::send_udp(
                trace,
                &self.route(),
                source,
                destination,
                &say.payload(client)?,
            );
        }
        Ok(())
    }
}

impl Say {
    fn payload(&self, client: SocketAddr) -> Result<Vec<u8>, ScenarioError> {
        let candidates = [
            self.text.as_ref().map(|text| Ok(text.as_bytes().to_vec())),
            self.hex.as_deref().map(hexadecimal),
            self.request.as_ref().map(|request| Ok(request.bytes())),
            self.response.as_ref().map(|response| Ok(response.bytes())),
            self.client_hello.as_ref().map(|name| {
                Ok(tls::client_hello(
                    name,
                    &mut Entropy::new(u64::from(client.port())),
                ))
            }),
            self.server_hello
                .map(|seed| Ok(tls::server_hello(&mut Entropy::new(seed)))),
            self.quic.as_ref().map(|packets| {
                let packets = packets.iter().map(|packet| packet.bytes(self.from));
                Ok(packets.collect::<Result<Vec<_>, _>>()?.concat())
            }),
            self.query.as_ref().map(|lookup| Ok(lookup.query(client))),
            self.answer.as_ref().map(|lookup| Ok(lookup.answer(client))),
        ];
        let mut given: Vec<_> = candidates.into_iter().flatten().collect();
        match given.len() {
            1 => given
                .remove(0)
                .map(|bytes| bytes.repeat(usize::from(self.times))),
            count => Err(ScenarioError::Payload(count)),
        }
    }
}

impl Lookup {
    fn query(&self, client: SocketAddr) -> Vec<u8> {
        self.framed(dns::query(client.port(), &self.name, &self.result))
    }

    fn answer(&self, client: SocketAddr) -> Vec<u8> {
        self.framed(dns::response(client.port(), &self.name, &self.result).unwrap_or_default())
    }

    fn framed(&self, message: Vec<u8>) -> Vec<u8> {
        if self.over_tcp {
            dns::over_tcp(&message)
        } else {
            message
        }
    }
}

pub(super) fn hexadecimal(text: &str) -> Result<Vec<u8>, ScenarioError> {
    let digits: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    hex::decode(digits).map_err(|_| ScenarioError::Hexadecimal(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_makes_the_same_frames_every_time() {
        let text = r#"
            [[step]]
            kind = "tcp"
            client = "10.1.0.5:40000"
            server = "192.0.2.80:443"
            repeat = 2
            say = [
              { from = "client", client_hello = "www.example" },
              { from = "server", server_hello = 1 },
            ]
        "#;
        let frames = Scenario::parse(text)
            .unwrap()
            .play()
            .unwrap()
            .frames()
            .to_vec();
        assert_eq!(
            frames,
            Scenario::parse(text).unwrap().play().unwrap().frames()
        );
        // Handshake 3, two messages with their acknowledgements 4, end 3; twice.
        assert_eq!(frames.len(), 20);
    }

    #[test]
    fn a_message_with_two_payloads_is_refused() {
        let text = r#"
            [[step]]
            kind = "udp"
            client = "10.1.0.5:40000"
            server = "192.0.2.80:53"
            say = [{ from = "client", text = "a", hex = "00" }]
        "#;
        let error = Scenario::parse(text).unwrap().play().unwrap_err();
        assert!(matches!(error, ScenarioError::Payload(2)), "{error}");
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let error = Scenario::parse("[[step]]\nkind = \"pause\"\nminutes = 1\n").unwrap_err();
        assert!(error.to_string().contains("minutes"), "{error}");
    }
}
