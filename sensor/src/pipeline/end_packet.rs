//! The packet that stands for the end of a flow: nothing was captured, and what is left is inspected with it.

use crate::{
    decode::{IpLayer, Packet, PacketOrigin, Tcp, Transport},
    direction::Direction,
    flow::FlowEntry,
    stream::TcpState,
};

use super::is_established;

/// The packet that stands for the end of a flow, in one direction.
pub(super) fn end_packet(entry: &FlowEntry, direction: Direction) -> Packet<'static> {
    let flow = &entry.flow;
    let mut packet = Packet::undecoded(flow.last_seen, 0);
    packet.origin = PacketOrigin::FlowEnd;
    packet.direction = Some(direction);
    packet.is_established = is_established(entry);
    packet.sees_stream = entry
        .connection
        .as_ref()
        .is_none_or(|connection| connection.state() >= TcpState::Established);
    packet.vlans.clone_from(entry.key().vlans());
    let client = (flow.client, flow.client_port);
    let server = (flow.server, flow.server_port);
    let ((source, source_port), (destination, destination_port)) = match direction {
        Direction::ToServer => (client, server),
        Direction::ToClient => (server, client),
    };
    packet.ip = Some(IpLayer {
        version: if source.is_ipv4() { 4 } else { 6 },
        source,
        destination,
        protocol: flow.protocol,
        header: &[],
        payload: &[],
        ttl: 0,
        tos: 0,
        id: 0,
        is_fragment: false,
        fragment_offset: 0,
        fragment_bits: 0,
    });
    packet.transport = match (&entry.connection, flow.protocol) {
        (Some(_), _) => Transport::Tcp(Tcp {
            source_port,
            destination_port,
            sequence: 0,
            acknowledgment: 0,
            flags: 0x10,
            window: 0,
            urgent: 0,
            header: &[],
            options: &[],
        }),
        (None, 17) => Transport::Udp {
            source_port,
            destination_port,
            header: &[],
        },
        (None, _) => Transport::None,
    };
    packet
}
