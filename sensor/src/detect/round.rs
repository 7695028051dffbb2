//! What is the same for all rules while one packet is judged.

use std::net::{IpAddr, Ipv4Addr};

use lapwing_rules::{model::AppProtocol, pack::TransportClass};

use crate::{
    decode::{Ends, Packet, PacketOrigin, Transport},
    direction::Direction,
    flow::{Flow, StreamWindow},
};

/// One packet with its flow and its stretch of stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round<'p> {
    pub(crate) packet: &'p Packet<'p>,
    /// Unspecified addresses where there is no IP layer.
    pub(crate) ends: Ends,
    pub(crate) flow: Option<&'p Flow>,
    pub(crate) window: Option<StreamWindow<'p>>,
    pub(crate) app_protocol: Option<AppProtocol>,
}

impl<'p> Round<'p> {
    pub(crate) fn new(
        packet: &'p Packet<'p>,
        flow: Option<&'p Flow>,
        window: Option<StreamWindow<'p>>,
    ) -> Self {
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self {
            packet,
            ends: packet.ends().unwrap_or(Ends {
                source: nowhere,
                destination: nowhere,
                source_port: 0,
                destination_port: 0,
            }),
            flow,
            window: window.filter(|window| !window.bytes.is_empty()),
            app_protocol: flow
                .filter(|_| packet.sees_stream)
                .and_then(|flow| flow.app.protocol()),
        }
    }

    /// Direction within the flow; packets without one count as sent by a client.
    pub(crate) fn direction(&self) -> Direction {
        self.packet.direction.unwrap_or(Direction::ToServer)
    }

    /// Whether the engine made the packet, and nothing was captured.
    pub(crate) fn is_made(&self) -> bool {
        matches!(
            self.packet.origin,
            PacketOrigin::FlowEnd | PacketOrigin::Handover
        )
    }

    /// The payload, where the packet itself is to be looked at.
    pub(crate) fn payload(&self) -> &'p [u8] {
        if self.is_made() || self.packet.is_ciphertext && !self.packet.has_last_bytes {
            &[]
        } else {
            self.packet.payload
        }
    }

    /// Whether there is a payload or a stretch of stream to look at.
    pub(crate) fn has_bytes(&self) -> bool {
        self.window.is_some() || !self.payload().is_empty()
    }

    pub(crate) fn is_tcp(&self) -> bool {
        matches!(self.packet.transport, Transport::Tcp(_))
            || self.packet.ip.as_ref().is_some_and(|ip| ip.protocol == 6)
    }

    /// Whether rules over the stream have to look at the packet itself: the stream did not take its payload, and there is
    /// nothing else of the stream to look at.
    pub(crate) fn payload_stands_for_stream(&self) -> bool {
        self.window.is_none() && !self.packet.is_in_stream && !self.payload().is_empty()
    }

    /// Whether rules that ask for nothing but the detected protocol are judged now: for streams on the one packet of each
    /// direction that comes behind the decision, for datagrams also on the one that brings it.
    pub(crate) fn tells_protocol(&self) -> bool {
        // The packet behind a handover tells it.
        let is_handover = self.packet.origin == PacketOrigin::Handover;
        !is_handover
            && self.flow.is_some_and(|flow| {
                let direction = self.direction();
                flow.app.decided_before(direction)
                    || !self.is_tcp() && flow.app.is_newly_decided(direction)
            })
    }

    pub(crate) fn transport_class(&self) -> TransportClass {
        match self.packet.ip.as_ref().map(|ip| ip.protocol) {
            Some(6) => TransportClass::Tcp,
            Some(17) => TransportClass::Udp,
            Some(1 | 58) => TransportClass::Icmp,
            _ => TransportClass::Other,
        }
    }
}
