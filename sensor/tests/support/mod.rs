//! What the engine's tests share: frames made field by field, and an inspector that writes down what it is shown.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]

use std::net::{IpAddr, Ipv4Addr};

use lapwing_sensor::{
    capture::{CapturedFrame, LinkType},
    decode::{Packet, PacketOrigin},
    detect::Alert,
    direction::Direction,
    flow::{Flow, StreamWindow},
    pipeline::{AlertSink, Inspector, Pipeline, PipelineSettings},
    time::Timestamp,
};

pub const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
pub const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
pub const CLIENT_PORT: u16 = 40_000;
pub const SERVER_PORT: u16 = 8_099;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;
pub const URG: u8 = 0x20;

/// An Ethernet frame around a network packet.
pub fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An IPv4 packet. `fragment` is the flags and offset field as it stands in the header.
pub fn ipv4_fragment(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    identification: u16,
    fragment: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
    packet.extend(identification.to_be_bytes());
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(payload);
    packet
}

/// A whole IPv4 packet.
pub fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(source, destination, protocol, 7, 0, payload)
}

/// A UDP datagram.
pub fn udp(source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(source_port.to_be_bytes());
    datagram.extend(destination_port.to_be_bytes());
    datagram.extend(u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// A TCP segment of the test connection.
#[derive(Clone, Debug)]
pub struct Segment {
    pub direction: Direction,
    pub sequence: u32,
    pub acknowledgment: u32,
    pub flags: u8,
    pub window: u16,
    pub urgent: u16,
    pub payload: Vec<u8>,
}

impl Segment {
    pub fn frame(&self) -> Vec<u8> {
        let (source, destination, source_port, destination_port) = match self.direction {
            Direction::ToServer => (CLIENT, SERVER, CLIENT_PORT, SERVER_PORT),
            Direction::ToClient => (SERVER, CLIENT, SERVER_PORT, CLIENT_PORT),
        };
        let mut segment = Vec::new();
        segment.extend(source_port.to_be_bytes());
        segment.extend(destination_port.to_be_bytes());
        segment.extend(self.sequence.to_be_bytes());
        segment.extend(self.acknowledgment.to_be_bytes());
        segment.extend([0x50, self.flags]);
        segment.extend(self.window.to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(self.urgent.to_be_bytes());
        segment.extend(&self.payload);
        ethernet(0x0800, &ipv4(source, destination, 6, &segment))
    }
}

/// What the inspector was shown of one packet.
#[derive(Clone, Debug)]
pub struct Shown {
    pub origin: PacketOrigin,
    pub direction: Option<Direction>,
    pub is_established: bool,
    pub is_in_stream: bool,
    pub has_ip: bool,
    pub source: Option<IpAddr>,
    pub vlans: Vec<u16>,
    pub payload: Vec<u8>,
    pub events: Vec<&'static str>,
    /// Offset and bytes of the stream window.
    pub window: Option<(u64, Vec<u8>)>,
    pub flow: Option<u64>,
}

/// An inspector that raises nothing and writes down everything.
#[derive(Debug, Default)]
pub struct Recorder {
    pub shown: Vec<Shown>,
    /// Payload that makes it panic, as a faulty rule would.
    pub panics_on: Option<Vec<u8>>,
}

impl Inspector for Recorder {
    fn inspect(
        &mut self,
        packet: &Packet<'_>,
        flow: Option<&mut Flow>,
        window: Option<StreamWindow<'_>>,
        _alerts: &mut Vec<Alert>,
    ) {
        let is_fatal = self
            .panics_on
            .as_deref()
            .is_some_and(|payload| payload == packet.payload);
        assert!(!is_fatal, "the inspector was told to panic");
        self.shown.push(Shown {
            origin: packet.origin,
            direction: packet.direction,
            is_established: packet.is_established,
            is_in_stream: packet.is_in_stream,
            has_ip: packet.ip.is_some(),
            source: packet.ip.map(|ip| ip.source),
            vlans: packet.vlans.to_vec(),
            payload: packet.payload.to_vec(),
            events: packet.events.to_vec(),
            window: window.map(|window| (window.offset, window.bytes.to_vec())),
            flow: flow.map(|flow| flow.id.0),
        });
    }

    fn forget(&mut self) {
        self.shown.clear();
    }
}

/// A sink for alerts that never come.
pub struct NoAlerts;

impl AlertSink for NoAlerts {
    fn alert(&mut self, _alert: &Alert) {}
}

/// A pipeline around a recorder, with a clock of its own.
pub struct Bench {
    pub pipeline: Pipeline<Recorder>,
    pub time: Timestamp,
}

impl Default for Bench {
    fn default() -> Self {
        Self::with(PipelineSettings::default())
    }
}

impl Bench {
    pub fn with(settings: PipelineSettings) -> Self {
        Self {
            pipeline: Pipeline::new(Recorder::default(), settings),
            time: Timestamp(1_700_000_000 * Timestamp::NANOSECONDS_PER_SECOND),
        }
    }

    /// Lets time pass.
    pub fn wait_seconds(&mut self, seconds: u64) {
        self.time.0 += seconds * Timestamp::NANOSECONDS_PER_SECOND;
    }

    pub fn frame(&mut self, link_type: LinkType, bytes: &[u8]) {
        self.time.0 += 1_000_000;
        let frame = CapturedFrame {
            time: self.time,
            link_type,
            wire_length_bytes: u32::try_from(bytes.len()).unwrap(),
            bytes,
        };
        self.pipeline.frame(&frame, &mut NoAlerts);
    }

    pub fn ethernet(&mut self, bytes: &[u8]) {
        self.frame(LinkType::Ethernet, bytes);
    }

    pub fn finish(&mut self) {
        self.pipeline.finish(&mut NoAlerts);
    }

    pub fn shown(&self) -> &[Shown] {
        &self.pipeline.inspector().shown
    }

    pub fn last(&self) -> &Shown {
        self.shown().last().unwrap()
    }

    /// All stream bytes of a direction that were shown for raw inspection, in order.
    pub fn raw(&self, direction: Direction) -> Vec<u8> {
        self.shown()
            .iter()
            .filter(|shown| shown.direction == Some(direction))
            .filter_map(|shown| shown.window.as_ref())
            .flat_map(|(_, bytes)| bytes.clone())
            .collect()
    }

    /// All events, in order.
    pub fn events(&self) -> Vec<&'static str> {
        self.shown()
            .iter()
            .flat_map(|shown| shown.events.clone())
            .collect()
    }
}

/// The test connection with both ends behaving.
pub struct Talk {
    pub bench: Bench,
    /// Next sequence numbers, by direction.
    pub next: [u32; 2],
}

pub const CLIENT_ISN: u32 = 0xffff_ff00;
pub const SERVER_ISN: u32 = 5_000;

impl Talk {
    /// After the three-way handshake.
    pub fn established() -> Self {
        let mut talk = Self {
            bench: Bench::default(),
            next: [CLIENT_ISN, SERVER_ISN],
        };
        talk.segment(Direction::ToServer, 0, 0, SYN, b"");
        talk.next[0] = talk.next[0].wrapping_add(1);
        talk.segment(Direction::ToClient, 0, 0, SYN | ACK, b"");
        talk.next[1] = talk.next[1].wrapping_add(1);
        talk.segment(Direction::ToServer, 0, 0, ACK, b"");
        talk
    }

    /// A segment at an offset from the next sequence number and with an offset to the right acknowledgment; moves nothing.
    pub fn segment(
        &mut self,
        direction: Direction,
        sequence_offset: i32,
        acknowledgment_offset: i32,
        flags: u8,
        payload: &[u8],
    ) {
        let own = self.next[direction.index()];
        let other = self.next[direction.opposite().index()];
        let segment = Segment {
            direction,
            sequence: own.wrapping_add_signed(sequence_offset),
            acknowledgment: if flags & ACK == 0 {
                0
            } else {
                other.wrapping_add_signed(acknowledgment_offset)
            },
            flags,
            window: 65_000,
            urgent: 0,
            payload: payload.to_vec(),
        };
        self.bench.ethernet(&segment.frame());
    }

    /// Bytes as they should be.
    pub fn say(&mut self, direction: Direction, payload: &[u8]) {
        self.segment(direction, 0, 0, ACK | PSH, payload);
        let next = &mut self.next[direction.index()];
        *next = next.wrapping_add(u32::try_from(payload.len()).unwrap());
    }

    /// An acknowledgment of everything so far, by the receiver of `direction`.
    pub fn acknowledge(&mut self, direction: Direction) {
        self.segment(direction.opposite(), 0, 0, ACK, b"");
    }

    /// What raw inspection saw of a direction in the end.
    pub fn finished(mut self, direction: Direction) -> Vec<u8> {
        self.bench.finish();
        self.bench.raw(direction)
    }
}
