//! One decoded packet: checked views over captured bytes.

use std::net::IpAddr;

use crate::{direction::Direction, time::Timestamp};

use super::limits::{PACKET_EVENTS_MAX, VlanTags};

/// Where a packet's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketOrigin {
    /// Straight from the capture.
    Wire,
    /// From inside a tunnel of the packet before it.
    Tunnel,
    /// Put together from fragments.
    Reassembled,
    /// Made by the engine when a flow ends, so that what is left of its streams and transactions is inspected.
    FlowEnd,
    /// Made by the engine before a packet with which a conversation goes over to another protocol, or to ciphertext that no
    /// parser reads, so that what was said until then is inspected first.
    Handover,
}

/// The IP layer.
#[derive(Clone, Copy, Debug)]
pub struct IpLayer<'a> {
    /// 4 or 6.
    pub version: u8,
    /// Source.
    pub source: IpAddr,
    /// Destination.
    pub destination: IpAddr,
    /// The protocol behind all extension headers (IANA number).
    pub protocol: u8,
    /// The whole header, with options or extension headers.
    pub header: &'a [u8],
    /// Everything behind the header, without link padding.
    pub payload: &'a [u8],
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Type of service or traffic class.
    pub tos: u8,
    /// Identification; for IPv6 that of the fragment header, else 0.
    pub id: u32,
    /// Whether this packet is a fragment (not put together).
    pub is_fragment: bool,
    /// Fragment offset in units of 8 bytes.
    pub fragment_offset: u16,
    /// Bits as `fragbits` counts them: M=1, D=2, R=4.
    pub fragment_bits: u8,
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Tcp<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number.
    pub acknowledgment: u32,
    /// FIN=0x01 SYN=0x02 RST=0x04 PSH=0x08 ACK=0x10 URG=0x20 ECE=0x40 CWR=0x80.
    pub flags: u8,
    /// Window as in the header, not scaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// The whole header with options.
    pub header: &'a [u8],
    /// Options only.
    pub options: &'a [u8],
}

/// An ICMP or ICMPv6 message.
#[derive(Clone, Copy, Debug)]
pub struct Icmp<'a> {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Identifier, where the type has one.
    pub id: Option<u16>,
    /// Sequence number, where the type has one.
    pub sequence: Option<u16>,
    /// The whole header (8 bytes or what there is).
    pub header: &'a [u8],
    /// ICMPv4 errors: that it is one, and whose packet it quotes.
    pub error: Option<IcmpError>,
}

/// An ICMPv4 message about another packet.
#[derive(Clone, Copy, Debug)]
pub struct IcmpError {
    /// Ends and protocol of that packet, where the message says that its destination was not reached and it was TCP or UDP.
    pub quoted: Option<(Ends, u8)>,
}

/// The transport layer.
#[derive(Clone, Copy, Debug)]
pub enum Transport<'a> {
    /// TCP.
    Tcp(Tcp<'a>),
    /// UDP: ports and the 8-byte header.
    Udp {
        source_port: u16,
        destination_port: u16,
        header: &'a [u8],
    },
    /// SCTP: ports.
    Sctp {
        source_port: u16,
        destination_port: u16,
    },
    /// ICMP version 4.
    Icmpv4(Icmp<'a>),
    /// ICMP version 6.
    Icmpv6(Icmp<'a>),
    /// An encapsulating security payload (RFC 4303): encrypted, but a flow.
    EncapsulatingSecurity,
    /// Another protocol, a fragment, or bytes that could not be decoded.
    None,
}

/// Source and destination of a packet with ports (0 where there are none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Source port, or 0.
    pub source_port: u16,
    /// Destination port, or 0.
    pub destination_port: u16,
}

/// One decoded packet.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// Packet time.
    pub time: Timestamp,
    /// Where its bytes come from.
    pub origin: PacketOrigin,
    /// VLAN identifiers, outermost first; part of the flow key.
    pub vlans: VlanTags,
    /// The IP layer, if there is one.
    pub ip: Option<IpLayer<'a>>,
    /// The transport layer.
    pub transport: Transport<'a>,
    /// What the transport carries; for IP without known transport what IP carries; never link padding.
    pub payload: &'a [u8],
    /// Length on the wire in bytes, also where the capture was cut.
    pub wire_length_bytes: u32,
    /// How many tunnels it was taken out of; part of the flow key.
    pub tunnel_depth: u8,
    /// Events by the reference's names: those of decoding without the prefix (`decoder.ipv4.pkt_too_small` →
    /// `ipv4.pkt_too_small`), those of the stream engine with theirs (`stream.fin_out_of_window`).
    pub events: heapless::Vec<&'static str, PACKET_EVENTS_MAX>,
    /// Direction within the flow; `None` until the flow stage, and for packets that belong to no flow.
    pub direction: Option<Direction>,
    /// Whether the flow was established when the packet arrived, as `flow:established` asks.
    pub is_established: bool,
    /// Whether its payload was taken into the stream, so that rules which look at streams meet it there and need not
    /// look at this packet. False for what the stream engine refused: such payload is looked at by itself.
    pub is_in_stream: bool,
    /// Whether the stream and the protocol of its flow are looked at with it: not before its connection is open, not with
    /// what the connection refused, and not with a message about another packet.
    pub sees_stream: bool,
    /// The conversation was ciphertext before it came: no pattern is looked for in its payload.
    pub is_ciphertext: bool,
    /// There are bytes all the same for rules without a pattern: the first of its direction since then.
    pub has_last_bytes: bool,
}

impl Packet<'_> {
    /// A packet of which nothing is known but when it came and how long it was.
    #[must_use]
    pub fn undecoded(time: Timestamp, wire_length_bytes: u32) -> Self {
        Self {
            time,
            origin: PacketOrigin::Wire,
            vlans: VlanTags::new(),
            ip: None,
            transport: Transport::None,
            payload: &[],
            wire_length_bytes,
            tunnel_depth: 0,
            events: heapless::Vec::new(),
            direction: None,
            is_established: false,
            is_in_stream: false,
            sees_stream: true,
            is_ciphertext: false,
            has_last_bytes: false,
        }
    }

    /// Notes an event, once; those beyond [`PACKET_EVENTS_MAX`] are dropped.
    pub fn event(&mut self, name: &'static str) {
        if !self.events.contains(&name) {
            self.events.push(name).ok();
        }
    }

    /// The two ends, or `None` where there is no IP layer.
    #[must_use]
    pub fn ends(&self) -> Option<Ends> {
        let ip = self.ip.as_ref()?;
        let (source_port, destination_port) = match &self.transport {
            Transport::Tcp(tcp) => (tcp.source_port, tcp.destination_port),
            Transport::Udp {
                source_port,
                destination_port,
                ..
            }
            | Transport::Sctp {
                source_port,
                destination_port,
            } => (*source_port, *destination_port),
            Transport::Icmpv4(_)
            | Transport::Icmpv6(_)
            | Transport::EncapsulatingSecurity
            | Transport::None => (0, 0),
        };
        Some(Ends {
            source: ip.source,
            destination: ip.destination,
            source_port,
            destination_port,
        })
    }
}
