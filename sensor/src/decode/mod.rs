//! From captured bytes to a [`Packet`]: link layers, tags, tunnels, IP, transport.
//!
//! Odd bytes never fail: what was understood is in the packet, what was not is an event by the reference's name. One frame
//! may give several packets: what a tunnel holds and what fragments were put together to come before the packet that
//! carried them, as in the reference.
//!
//! Files by layer: `link_layer`, `tags` (802.1Q and kin), `labels` (MPLS), `service_header` (NSH), `ppp`, `ipv4`, `ipv6`, `defragment`, `transport`, `tcp_options`,
//! `icmp`, `tunnels`. Every cap stands in `limits`.

mod bytes;
mod defragment;
mod icmp;
mod ipv4;
mod ipv6;
mod labels;
pub mod limits;
mod link_layer;
mod packet;
mod ppp;
mod service_header;
mod tags;
mod tcp_options;
mod transport;
mod tunnels;

pub use defragment::{Defragmenter, OverlapPolicy};
pub use limits::{PACKET_EVENTS_MAX, VLAN_TAGS_MAX, VlanTags};
pub use packet::{Ends, Icmp, IcmpError, IpLayer, Packet, PacketOrigin, Tcp, Transport};
pub use tcp_options::{TcpOption, tcp_options};

use crate::{capture::CapturedFrame, counters::DecodeCounters};

/// The decoder of one worker: it keeps the fragments that wait for others, and nothing else.
#[derive(Debug, Default)]
pub struct Decoder {
    defragmenter: Defragmenter,
    settings: DecodeSettings,
}

/// What a site sets of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeSettings {
    /// Packets of mobile subscribers in GTP-U (UDP port 2152) are looked into, beyond what the reference looks into.
    pub gtp_user: bool,
    /// Seconds without a new fragment after which an incomplete packet is given up.
    pub fragment_timeout_seconds: u64,
}

impl Default for DecodeSettings {
    fn default() -> Self {
        Self {
            gtp_user: false,
            fragment_timeout_seconds: limits::DEFRAGMENT_TIMEOUT_SECONDS,
        }
    }
}

impl Decoder {
    /// A decoder that holds at most `fragment_bytes` of incomplete packets.
    #[must_use]
    pub fn new(fragment_bytes: usize, settings: DecodeSettings) -> Self {
        Self {
            defragmenter: Defragmenter::new(fragment_bytes, settings.fragment_timeout_seconds),
            settings,
        }
    }

    /// Decodes one frame and gives each packet in it to `emit`.
    pub fn decode(
        &mut self,
        frame: &CapturedFrame<'_>,
        counters: &mut DecodeCounters,
        emit: &mut dyn FnMut(&mut Packet<'_>),
    ) {
        counters.frames += 1;
        counters.bytes += u64::from(frame.wire_length_bytes);
        let mut packet = Packet::undecoded(frame.time, frame.wire_length_bytes);
        let mut walk = Walk {
            defragmenter: &mut self.defragmenter,
            settings: self.settings,
            counters,
            emit,
            layers: 0,
        };
        walk.link_layer(frame.link_type, &mut packet, frame.bytes);
        walk.finish(&mut packet);
    }

    /// Fragments that are held, in bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.defragmenter.held_bytes()
    }
}

/// What is passed on while one frame is taken apart.
struct Walk<'walk> {
    defragmenter: &'walk mut Defragmenter,
    settings: DecodeSettings,
    counters: &'walk mut DecodeCounters,
    emit: &'walk mut dyn FnMut(&mut Packet<'_>),
    /// Headers taken off so far.
    layers: u8,
}

impl Walk<'_> {
    /// Counts one more header; false and an event where there were too many.
    fn enter_layer(&mut self, packet: &mut Packet<'_>) -> bool {
        if self.layers >= limits::LAYERS_MAX {
            packet.event("too_many_layers");
            return false;
        }
        self.layers += 1;
        true
    }

    /// Counts the packet and hands it out.
    fn finish(&mut self, packet: &mut Packet<'_>) {
        self.counters.packets += 1;
        for event in &packet.events {
            self.counters.event(event);
        }
        if packet.ip.is_none() {
            self.counters.without_ip += 1;
        }
        (self.emit)(packet);
    }
}
