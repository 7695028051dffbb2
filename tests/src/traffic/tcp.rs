//! Whole TCP conversations: handshake, segments of at most the agreed size, acknowledgements, an orderly end, and,
//! where a case asks for it, segments that come out of order, twice, overlapping or not at all.

use std::net::{IpAddr, SocketAddr};

use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::tcp::{self, MutableTcpPacket, TcpFlags, TcpOption};
use serde::Deserialize;

use super::network::Route;
use super::trace::Trace;

const TCP_HEADER_BYTES: usize = 20;
/// MSS (4), SACK permitted (2), two no-operations, window scale (3) and one no-operation: 12 bytes of options.
const SYN_OPTION_BYTES: usize = 12;
const WINDOW: u16 = 64_240;
/// The largest segment on an Ethernet without options.
pub const ETHERNET_SEGMENT_BYTES: u16 = 1_460;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The end that opened the conversation.
    Client,
    /// The other end.
    Server,
}

impl Side {
    /// The other side.
    #[must_use]
    pub fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// In what state the segments of one message arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// In order, once.
    #[default]
    InOrder,
    /// Last segment first.
    Reversed,
    /// Every segment twice.
    Doubled,
    /// The first segment is captured only after all others, as a retransmission.
    FirstLate,
    /// The second segment never reaches the capture, though the peer acknowledges it.
    SecondMissing,
}

/// One end's place in its sequence space.
#[derive(Clone, Copy, Debug)]
struct End {
    initial: u32,
    /// Bytes sent so far, SYN and FIN included.
    sent: u32,
}

impl End {
    fn next(self) -> u32 {
        self.initial.wrapping_add(self.sent)
    }
}

/// A conversation in the making; every call adds frames to the trace.
#[derive(Debug)]
pub struct Conversation<'a> {
    trace: &'a mut Trace,
    route: Route,
    client: SocketAddr,
    server: SocketAddr,
    segment_bytes: usize,
    round_trip_nanoseconds: u64,
    ends: [End; 2],
}

impl<'a> Conversation<'a> {
    /// A conversation that has not begun: call [`Conversation::open`] next, or not, for a capture that starts in the middle.
    pub fn new(trace: &'a mut Trace, route: Route, client: SocketAddr, server: SocketAddr) -> Self {
        // Initial numbers that differ between conversations and are the same in every run.
        let seed = u32::from(client.port()) << 16 ^ u32::from(server.port());
        let end = |salt: u32| End {
            initial: seed.wrapping_mul(0x9e37_79b1) ^ salt,
            sent: 0,
        };
        Self {
            trace,
            route,
            client,
            server,
            segment_bytes: usize::from(ETHERNET_SEGMENT_BYTES),
            round_trip_nanoseconds: 20_000_000,
            ends: [end(0x1357_9bdf), end(0x0246_8ace)],
        }
    }

    /// Sets the largest segment that data is cut into.
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u16) -> Self {
        self.segment_bytes = usize::from(bytes.max(1));
        self
    }

    /// Sets the time an answer takes.
    #[must_use]
    pub fn round_trip_milliseconds(mut self, milliseconds: u64) -> Self {
        self.round_trip_nanoseconds = milliseconds * 1_000_000;
        self
    }

    /// Sets the client's initial sequence number; near the top of the range the stream wraps around.
    #[must_use]
    pub fn client_initial_sequence(mut self, sequence: u32) -> Self {
        self.end_mut(Side::Client).initial = sequence;
        self
    }

    /// The three-way handshake.
    pub fn open(&mut self) {
        self.begin();
        self.flagged(Side::Server, TcpFlags::SYN | TcpFlags::ACK);
        self.end_mut(Side::Server).sent = 1;
        self.wait();
        self.flagged(Side::Client, TcpFlags::ACK);
    }

    /// A SYN and nothing else: a connection attempt that nobody answers.
    pub fn begin(&mut self) {
        self.flagged(Side::Client, TcpFlags::SYN);
        self.end_mut(Side::Client).sent = 1;
        self.wait();
    }

    /// The server refuses the connection attempt.
    pub fn refuse(&mut self) {
        self.begin();
        self.flagged(Side::Server, TcpFlags::RST | TcpFlags::ACK);
    }

    /// Sends data as segments in order and has them acknowledged.
    pub fn send(&mut self, from: Side, data: &[u8]) {
        self.send_with(from, data, Delivery::InOrder);
    }

    /// Sends data in the given state of disorder and has it acknowledged.
    pub fn send_with(&mut self, from: Side, data: &[u8], delivery: Delivery) {
        let base = self.end(from).next();
        let mut segments: Vec<(u32, &[u8])> = Vec::new();
        let mut offset = 0_u32;
        for chunk in data.chunks(self.segment_bytes) {
            segments.push((base.wrapping_add(offset), chunk));
            offset = offset.wrapping_add(sequence_length(chunk));
        }
        match delivery {
            Delivery::InOrder => {}
            Delivery::Reversed => segments.reverse(),
            Delivery::Doubled => {
                segments = segments
                    .iter()
                    .flat_map(|segment| [*segment, *segment])
                    .collect()
            }
            Delivery::FirstLate => {
                if !segments.is_empty() {
                    segments.rotate_left(1);
                }
            }
            Delivery::SecondMissing => {
                if segments.len() > 1 {
                    segments.remove(1);
                }
            }
        }
        for (index, (sequence, chunk)) in segments.iter().enumerate() {
            self.segment(from, *sequence, TcpFlags::PSH | TcpFlags::ACK, chunk);
            // Long transfers are acknowledged on the way, as real receivers do (RFC 5681, section 4.2).
            if delivery == Delivery::InOrder && index % 2 == 1 && index + 1 < segments.len() {
                self.end_mut(from).sent = sequence
                    .wrapping_add(sequence_length(chunk))
                    .wrapping_sub(self.end(from).initial);
                self.flagged(from.peer(), TcpFlags::ACK);
            }
        }
        self.end_mut(from).sent = base
            .wrapping_add(offset)
            .wrapping_sub(self.end(from).initial);
        self.wait();
        self.flagged(from.peer(), TcpFlags::ACK);
    }

    /// Puts one segment anywhere in the sender's stream: `offset_bytes` counts from its first byte of data. The peer
    /// does not answer; call [`Conversation::acknowledge`] when it should.
    pub fn send_at(&mut self, from: Side, offset_bytes: u32, data: &[u8]) {
        let start = offset_bytes.wrapping_add(1);
        let sequence = self.end(from).initial.wrapping_add(start);
        self.segment(from, sequence, TcpFlags::PSH | TcpFlags::ACK, data);
        let reached = start.wrapping_add(sequence_length(data));
        let end = self.end_mut(from);
        end.sent = end.sent.max(reached);
    }

    /// A bare acknowledgement of all that the other side has sent.
    pub fn acknowledge(&mut self, from: Side) {
        self.wait();
        self.flagged(from, TcpFlags::ACK);
    }

    /// An orderly end that the client begins.
    pub fn close(&mut self) {
        for side in [Side::Client, Side::Server] {
            self.flagged(side, TcpFlags::FIN | TcpFlags::ACK);
            self.end_mut(side).sent = self.end(side).sent.wrapping_add(1);
            self.wait();
        }
        self.flagged(Side::Client, TcpFlags::ACK);
    }

    /// A sudden end.
    pub fn reset(&mut self, from: Side) {
        self.flagged(from, TcpFlags::RST | TcpFlags::ACK);
    }

    /// Lets time pass within the conversation.
    pub fn pause_milliseconds(&mut self, milliseconds: u64) {
        self.trace.pause_nanoseconds(milliseconds * 1_000_000);
    }

    fn wait(&mut self) {
        self.trace
            .pause_nanoseconds(self.round_trip_nanoseconds / 2);
    }

    fn flagged(&mut self, from: Side, flags: u8) {
        let sequence = self.end(from).next();
        self.segment(from, sequence, flags, &[]);
    }

    fn segment(&mut self, from: Side, sequence: u32, flags: u8, data: &[u8]) {
        let acknowledgement = if flags & TcpFlags::ACK == 0 {
            0
        } else {
            self.end(from.peer()).next()
        };
        let (source, destination) = match from {
            Side::Client => (self.client, self.server),
            Side::Server => (self.server, self.client),
        };
        let header = Header {
            source,
            destination,
            sequence,
            acknowledgement,
            flags,
            window: WINDOW,
            urgent: 0,
        };
        let segment = header.with(data, None);
        self.trace.send(
            &self.route,
            source.ip(),
            destination.ip(),
            IpNextHeaderProtocols::Tcp,
            &segment,
        );
    }

    fn end(&self, side: Side) -> End {
        self.ends[usize::from(side == Side::Server)]
    }

    fn end_mut(&mut self, side: Side) -> &mut End {
        &mut self.ends[usize::from(side == Side::Server)]
    }
}

/// The fields of a segment that differ between segments.
pub(super) struct Header {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) sequence: u32,
    pub(super) acknowledgement: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    pub(super) urgent: u16,
}

impl Header {
    /// The segment with `data`. Its options are those of an ordinary segment, or `options` as they are.
    pub(super) fn with(&self, data: &[u8], options: Option<&[u8]>) -> Vec<u8> {
        let option_bytes = match options {
            Some(options) => options.len().next_multiple_of(4),
            None if self.flags & TcpFlags::SYN == 0 => 0,
            None => SYN_OPTION_BYTES,
        };
        let header_bytes = TCP_HEADER_BYTES + option_bytes;
        let mut buffer = vec![0; header_bytes + data.len()];
        let mut packet = MutableTcpPacket::new(&mut buffer).expect("the buffer holds the header");
        packet.set_source(self.source.port());
        packet.set_destination(self.destination.port());
        packet.set_sequence(self.sequence);
        packet.set_acknowledgement(self.acknowledgement);
        packet.set_flags(self.flags);
        packet.set_window(self.window);
        packet.set_urgent_ptr(self.urgent);
        packet
            .set_data_offset(u8::try_from(header_bytes / 4).expect("a header is at most 15 words"));
        if let Some(options) = options {
            packet.get_options_raw_mut()[..options.len()].copy_from_slice(options);
        } else if option_bytes > 0 {
            packet.set_options(&[
                TcpOption::mss(ETHERNET_SEGMENT_BYTES),
                TcpOption::sack_perm(),
                TcpOption::nop(),
                TcpOption::nop(),
                TcpOption::wscale(7),
                TcpOption::nop(),
            ]);
        }
        packet.set_payload(data);
        let view = packet.to_immutable();
        let checksum = match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                tcp::ipv4_checksum(&view, &source, &destination)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                tcp::ipv6_checksum(&view, &source, &destination)
            }
            _ => 0,
        };
        packet.set_checksum(checksum);
        buffer
    }
}

fn sequence_length(data: &[u8]) -> u32 {
    u32::try_from(data.len()).expect("a message is shorter than the sequence space")
}

#[cfg(test)]
mod tests {
    use pnet_packet::Packet;
    use pnet_packet::ethernet::EthernetPacket;
    use pnet_packet::ipv4::Ipv4Packet;
    use pnet_packet::tcp::TcpPacket;

    use super::*;
    use crate::traffic::link::LinkType;

    /// The segments of a trace: flags, sequence number relative to the first, and data.
    fn segments(trace: &Trace) -> Vec<(u16, u8, u32, Vec<u8>)> {
        let mut first = std::collections::HashMap::new();
        trace
            .frames()
            .iter()
            .map(|frame| {
                let ethernet = EthernetPacket::new(&frame.bytes).unwrap();
                let ip = Ipv4Packet::new(ethernet.payload()).unwrap();
                let tcp = TcpPacket::new(ip.payload()).unwrap();
                assert_eq!(
                    tcp.get_checksum(),
                    tcp::ipv4_checksum(&tcp, &ip.get_source(), &ip.get_destination())
                );
                let base = *first.entry(tcp.get_source()).or_insert(tcp.get_sequence());
                let relative = tcp.get_sequence().wrapping_sub(base);
                (
                    tcp.get_source(),
                    tcp.get_flags(),
                    relative,
                    tcp.payload().to_vec(),
                )
            })
            .collect()
    }

    fn conversation(trace: &mut Trace) -> Conversation<'_> {
        let client = "10.0.0.1:40000".parse().unwrap();
        let server = "192.0.2.1:80".parse().unwrap();
        Conversation::new(trace, Route::default(), client, server).segment_bytes(4)
    }

    #[test]
    fn a_conversation_has_a_handshake_data_and_an_end() {
        let mut trace = Trace::new(LinkType::Ethernet, 0);
        let mut talk = conversation(&mut trace);
        talk.open();
        talk.send(Side::Client, b"hello world");
        talk.close();
        let got = segments(&trace);
        let data: Vec<u8> = got.iter().flat_map(|segment| segment.3.clone()).collect();
        assert_eq!(data, b"hello world");
        assert_eq!(got[0].1, TcpFlags::SYN);
        assert_eq!(got[1].1, TcpFlags::SYN | TcpFlags::ACK);
        let offsets: Vec<u32> = got
            .iter()
            .filter(|s| !s.3.is_empty())
            .map(|s| s.2)
            .collect();
        assert_eq!(offsets, [1, 5, 9]);
        let last_from_client = got.iter().rfind(|segment| segment.0 == 40000).unwrap();
        assert_eq!(
            last_from_client.2, 13,
            "SYN, eleven bytes and FIN are counted"
        );
    }

    #[test]
    fn disorder_changes_the_order_and_not_the_bytes() {
        for (delivery, expected) in [
            (Delivery::Reversed, vec![9, 5, 1]),
            (Delivery::Doubled, vec![1, 1, 5, 5, 9, 9]),
            (Delivery::FirstLate, vec![5, 9, 1]),
            (Delivery::SecondMissing, vec![1, 9]),
        ] {
            let mut trace = Trace::new(LinkType::Ethernet, 0);
            let mut talk = conversation(&mut trace);
            talk.open();
            talk.send_with(Side::Client, b"hello world", delivery);
            let offsets: Vec<u32> = segments(&trace)
                .iter()
                .filter(|s| !s.3.is_empty())
                .map(|s| s.2)
                .collect();
            assert_eq!(offsets, expected, "{delivery:?}");
        }
    }
}
