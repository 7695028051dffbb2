//! The packet that stands for the end of a conversation: nothing was captured, and what is left is inspected with it.

use crate::{
    decode::{IpLayer, Packet, PacketOrigin, Tcp, Transport},
    detect::Alert,
    direction::Direction,
    flow::FlowEntry,
    stream::{TcpState, Tools},
    time::Timestamp,
};

use super::{Inspector, flow_packet::is_established};

/// The packet that stands for the end of a flow, or of its protocol, in one direction.
pub(super) fn end_packet(
    entry: &FlowEntry,
    direction: Direction,
    origin: PacketOrigin,
    time: Timestamp,
) -> Packet<'static> {
    let flow = &entry.flow;
    let mut packet = Packet::undecoded(time, 0);
    packet.origin = origin;
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

/// Inspects what was said so far, one pass a direction, before the conversation goes over to something else.
pub(super) fn hand_over<I: Inspector>(
    entry: &mut FlowEntry,
    time: Timestamp,
    inspector: &mut I,
    tools: &mut Tools<'_>,
    alerts: &mut Vec<Alert>,
) {
    for direction in Direction::BOTH {
        let packet = end_packet(entry, direction, PacketOrigin::Handover, time);
        let window = entry.connection.as_mut().and_then(|connection| {
            connection.trigger_raw(direction);
            connection.raw_window(direction, false)
        });
        let inspected_to = window.map(|window| window.end());
        inspector.inspect(&packet, Some(&mut entry.flow), window, alerts);
        if let (Some(connection), Some(position)) = (&mut entry.connection, inspected_to) {
            connection.raw_inspected(direction, position, tools);
        }
    }
}
