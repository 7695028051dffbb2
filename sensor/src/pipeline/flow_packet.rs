//! What a packet changes in its flow before it is judged.

use lapwing_rules::model::AppProtocol;

use crate::{
    app_layer::{DigestSet, limits as app_limits},
    decode::{Packet, Transport},
    direction::Direction,
    flow::{Expectations, Flow, FlowEntry, FlowProgress, Found},
    stream::{Beginning, Connection, StreamSettings, TcpState},
    time::Timestamp,
};

/// Makes a connection of a flow's first packet that can begin one, and says whether it did. That packet tells who is the
/// client, whoever was seen first.
pub(super) fn begin_connection(
    entry: &mut FlowEntry,
    packet: &Packet<'_>,
    found: Found,
    settings: StreamSettings,
) -> bool {
    if entry.connection.is_some() {
        return false;
    }
    let Some(beginning) = Beginning::of(packet, settings) else {
        return false;
    };
    let direction = match beginning {
        Beginning::Syn | Beginning::Middle => Direction::ToServer,
        Beginning::SynAck => Direction::ToClient,
    };
    if entry.direction_from(found.sender) != direction {
        entry.swap_ends();
    }
    let flow = &entry.flow;
    let connection = Connection::new(flow.client, flow.server, settings);
    entry.connection = Some(Box::new(connection));
    true
}

/// Exchanges client and server where the connection has just found out that they are the other way round. Whether it has.
pub(super) fn turned_round(entry: &mut FlowEntry) -> bool {
    let is_reversed = entry
        .connection
        .as_ref()
        .is_some_and(|connection| connection.is_reversed());
    if is_reversed {
        entry.swap_ends();
    }
    is_reversed
}

pub(super) fn note_stream_bytes(flow: &mut Flow, connection: &Connection) {
    for direction in Direction::BOTH {
        flow.counters[direction.index()].stream_bytes = connection.stream_bytes(direction);
    }
}

/// Counts a packet in its flow, and tells the packet where it stands. Whether it is the first that answers.
pub(super) fn note_packet(
    entry: &mut FlowEntry,
    packet: &mut Packet<'_>,
    direction: Direction,
) -> bool {
    let was_one_sided = entry.flow.counters.iter().any(|one| one.packets == 0);
    let counters = &mut entry.flow.counters[direction.index()];
    counters.packets += 1;
    counters.bytes += u64::from(packet.wire_length_bytes);
    let is_own = packet
        .ip
        .is_some_and(|ip| ip.protocol == entry.flow.protocol);
    let is_tcp = matches!(packet.transport, Transport::Tcp(_));
    if is_own && entry.see(direction) && !is_tcp {
        entry.flow.progress = FlowProgress::Established;
    }
    packet.direction = Some(direction);
    packet.sees_stream = is_own;
    packet.is_established = is_established(entry);
    entry.flow.app.begin_packet(Some(direction));
    was_one_sided && entry.flow.counters.iter().all(|one| one.packets > 0)
}

/// Whether `flow:established` holds for the next packet of a flow.
pub(super) fn is_established(entry: &FlowEntry) -> bool {
    entry.flow.progress == FlowProgress::Established
        || entry
            .connection
            .as_ref()
            .is_some_and(|connection| connection.state() >= TcpState::Established)
}

/// Tells a connection what its protocol asks of the stream.
pub(super) fn follow(protocol: AppProtocol, connection: &mut Connection) {
    if has_no_depth(protocol) {
        connection.lift_depth();
    }
    if protocol == AppProtocol::Http1 {
        // The sizes from which on bodies are inspected: what is raw is held together as far.
        let [request, response] = [
            app_limits::HTTP_REQUEST_BODY_INSPECT_BYTES_MIN,
            app_limits::HTTP_RESPONSE_BODY_INSPECT_BYTES_MIN,
        ]
        .map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
        connection.look_back(Direction::ToServer, request);
        connection.look_back(Direction::ToClient, response);
    }
}

/// A connection may announce another one.
pub(super) fn announce(flow: &mut Flow, expectations: &mut Expectations, now: Timestamp) {
    let announced = flow.app.parser_mut();
    if let Some(transfer) = announced.and_then(|parser| parser.take_expected()) {
        expectations.add(flow.server, flow.client, transfer, now);
    }
}

/// The first bytes of a connection: if another one announced it, it is what was announced.
pub(super) fn meet_expectation(
    entry: &mut FlowEntry,
    packet: &Packet<'_>,
    expectations: &mut Expectations,
    digests: DigestSet,
) {
    if packet.payload.is_empty() || entry.connection.is_none() || !entry.flow.app.is_untouched() {
        return;
    }
    let flow = &mut entry.flow;
    let client = (flow.client, flow.client_port);
    let server = (flow.server, flow.server_port);
    if let Some((transfer, is_active)) = expectations.take(client, server, packet.time) {
        flow.app.expect_ftp_data(transfer, is_active, digests);
    }
}

/// Protocols whose streams the reference follows to their end (`stream-depth: 0`).
fn has_no_depth(protocol: AppProtocol) -> bool {
    matches!(
        protocol,
        AppProtocol::Smb | AppProtocol::Modbus | AppProtocol::Pgsql
    )
}

pub(super) fn progress_of(state: TcpState) -> FlowProgress {
    match state {
        TcpState::SynSent | TcpState::SynReceived => FlowProgress::New,
        TcpState::Established
        | TcpState::FinWait1
        | TcpState::FinWait2
        | TcpState::CloseWait
        | TcpState::Closing => FlowProgress::Established,
        TcpState::TimeWait | TcpState::LastAck | TcpState::Closed => FlowProgress::Closed,
    }
}
