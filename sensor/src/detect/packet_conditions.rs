//! Conditions on a packet, its flow and its bits: everything a rule asks beside bytes and transactions.

use lapwing_rules::{
    model::{
        AppProtocol, BitAction, BitScope, DetectedProtocol, FlowRequirement, HeaderField,
        NumberRange, PacketCondition, ReputationSide, StreamSizeSide, TcpFlagsMode, VariableScope,
    },
    pack::Pack,
};

use super::{
    app_event::AppEvent, checksums, content_search::find, flow_state::FlowDetection,
    host_bits::HostBits, round::Round, rpc_call, rule_index::is_transaction_field,
    text_variables::TextVariables,
};
use crate::{
    app_layer::Identification,
    decode::{Packet, PacketOrigin, Transport},
    direction::Direction,
    flow::DirectionCounters,
};

/// Whether a condition holds. Conditions on transactions are not asked here and hold.
pub(crate) fn holds(
    pack: &Pack,
    condition: &PacketCondition<'_>,
    round: &Round<'_>,
    state: &FlowDetection,
    hosts: &HostBits,
    texts_of_packet: &TextVariables,
) -> bool {
    let packet = round.packet;
    let is_real = !round.is_made();
    match condition {
        PacketCondition::Flow(requirement) => flow_holds(requirement, round),
        PacketCondition::Field(field, range) => field_holds(*field, range, round),
        PacketCondition::TcpFlags {
            flags,
            considered,
            mode,
        } => match &packet.transport {
            Transport::Tcp(tcp) => is_real && bits_hold(tcp.flags & considered, *flags, *mode),
            _ => false,
        },
        PacketCondition::FragmentBits { bits, mode } => packet.ip.as_ref().is_some_and(|ip| {
            is_real && ip.version == 4 && bits_hold(ip.fragment_bits, *bits, *mode)
        }),
        PacketCondition::IpOption { option, negated } => packet.ip.as_ref().is_some_and(|ip| {
            is_real && ip.version == 4 && has_ip_option(ip.header, *option) != *negated
        }),
        PacketCondition::SameIp => {
            packet.ip.is_some() && round.ends.source == round.ends.destination
        }
        PacketCondition::Reputation { side, addresses } => {
            let set = pack.address_set(*addresses);
            let (source, destination) = (round.ends.source, round.ends.destination);
            packet.ip.is_some()
                && match side {
                    ReputationSide::Source => set.contains(source),
                    ReputationSide::Destination => set.contains(destination),
                    ReputationSide::Any => set.contains(source) || set.contains(destination),
                    ReputationSide::Both => set.contains(source) && set.contains(destination),
                }
        }
        PacketCondition::Bits {
            scope,
            action,
            bits,
        } => bits_are(*scope, *action, bits, round, state, hosts),
        PacketCondition::FlowInt {
            variable,
            operator,
            value,
        } => {
            let value = state.operand(*value);
            round.flow.is_some() && integer_holds(state.integer(*variable), *operator, value)
        }
        PacketCondition::TextVariable {
            scope,
            variable,
            pattern,
        } => {
            let text = match scope {
                VariableScope::Flow => state.text(*variable),
                VariableScope::Packet => texts_of_packet.get(*variable),
            };
            text.is_some_and(|text| find(text, pattern, false).is_some())
        }
        PacketCondition::AppProtocol { wanted, negated } => {
            app_protocol_holds(*wanted, *negated, round)
        }
        PacketCondition::Event(name) => match AppEvent::parse(name) {
            AppEvent::Packet => packet.events.contains(&AppEvent::in_packet(name)),
            AppEvent::Identification => round
                .flow
                .is_some_and(|flow| flow.app.events().contains(name)),
            AppEvent::Transaction(_) => true,
        },
        PacketCondition::StreamSize { side, range } => stream_size_holds(*side, range, round),
        PacketCondition::Checksum { layer, valid } => {
            is_real && checksum_counts_as_valid(packet, layer) == Some(*valid)
        }
        PacketCondition::SpeaksHttp1 => round.app_protocol == Some(AppProtocol::Http1),
        PacketCondition::FtpBounce => is_real && is_ftp_bounce(round),
        PacketCondition::RpcCall(wanted) => is_real && rpc_call::is_in(packet, wanted),
        // Of the transaction, not of the packet: judged there.
        PacketCondition::FieldAnyOf(..)
        | PacketCondition::DcerpcInterface(_)
        | PacketCondition::DcerpcOperation(_)
        | PacketCondition::CipService(_)
        | PacketCondition::Modbus(_)
        | PacketCondition::LdapResponses(_)
        | PacketCondition::CertificateValidity { .. } => true,
    }
}

/// Whether a layer's checksum is right; `None` where the packet has no such layer. Captured packets count as right whatever
/// they hold: network cards fill in checksums after the capture, or check them before it.
fn checksum_counts_as_valid(packet: &Packet<'_>, layer: &str) -> Option<bool> {
    let is_valid = checksums::is_valid(packet, layer)?;
    Some(is_valid || packet.origin == PacketOrigin::Wire)
}

/// `flow` asks for a flow, unless it asks for nothing but a direction: a packet without a flow goes to the server.
pub(super) fn needs_flow(requirement: &FlowRequirement) -> bool {
    let beside_direction = FlowRequirement {
        to_server: false,
        to_client: false,
        ..*requirement
    };
    beside_direction != FlowRequirement::default()
}

fn flow_holds(requirement: &FlowRequirement, round: &Round<'_>) -> bool {
    if round.flow.is_none() && needs_flow(requirement) {
        return false;
    }
    let to_server = round.direction() == Direction::ToServer;
    let established = round.packet.is_established;
    let reassembled = round.packet.origin == PacketOrigin::Reassembled;
    let asked_and_missing = [
        (requirement.to_server, to_server),
        (requirement.to_client, !to_server),
        (requirement.established, established),
        (requirement.not_established, !established),
        (requirement.only_frag, reassembled),
        (requirement.no_frag, !reassembled),
    ];
    asked_and_missing.iter().all(|(asked, met)| !asked || *met)
}

fn bits_hold(found: u8, wanted: u8, mode: TcpFlagsMode) -> bool {
    match mode {
        TcpFlagsMode::Exact => found == wanted,
        TcpFlagsMode::All => found & wanted == wanted,
        TcpFlagsMode::Any => found & wanted != 0,
        // As in the reference: not all of them, and with none named any flag will do.
        TcpFlagsMode::None if wanted == 0 => found != 0,
        TcpFlagsMode::None => found & wanted != wanted,
    }
}

fn field_holds(field: HeaderField, range: &NumberRange, round: &Round<'_>) -> bool {
    use HeaderField as F;
    let counters = |direction: Direction, count: fn(&DirectionCounters) -> u64| {
        round
            .flow
            .map(|flow| count(&flow.counters[direction.index()]))
    };
    let value = match field {
        F::FlowAge => round
            .flow
            .map(|flow| round.packet.time.seconds_since(flow.first_seen)),
        F::FlowPacketsToServer => counters(Direction::ToServer, |c| c.packets),
        F::FlowPacketsToClient => counters(Direction::ToClient, |c| c.packets),
        F::FlowBytesToServer => counters(Direction::ToServer, |c| c.bytes),
        F::FlowBytesToClient => counters(Direction::ToClient, |c| c.bytes),
        // Asked of the transaction.
        field if is_transaction_field(field) => return true,
        _ if round.is_made() => None,
        _ => packet_field(field, round.packet),
    };
    value.is_some_and(|value| range.contains(value))
}

/// A number of the packet's headers, where the packet has it.
fn packet_field(field: HeaderField, packet: &Packet<'_>) -> Option<u64> {
    use HeaderField as F;
    let ip = packet.ip.as_ref();
    let tcp = match &packet.transport {
        Transport::Tcp(tcp) => Some(tcp),
        _ => None,
    };
    let icmp = match &packet.transport {
        Transport::Icmpv4(icmp) | Transport::Icmpv6(icmp) => Some(icmp),
        _ => None,
    };
    match field {
        F::PayloadSize => u64::try_from(packet.payload.len()).ok(),
        F::Ttl => ip.map(|ip| u64::from(ip.ttl)),
        F::IpId => ip.filter(|ip| ip.version == 4).map(|ip| u64::from(ip.id)),
        F::Tos => ip.filter(|ip| ip.version == 4).map(|ip| u64::from(ip.tos)),
        F::IpProtocol => ip.map(|ip| u64::from(ip.protocol)),
        F::FragmentOffset => ip.map(|ip| u64::from(ip.fragment_offset)),
        F::TcpSequence => tcp.map(|tcp| u64::from(tcp.sequence)),
        F::TcpAcknowledgment => tcp.map(|tcp| u64::from(tcp.acknowledgment)),
        F::TcpWindow => tcp.map(|tcp| u64::from(tcp.window)),
        F::TcpMss => tcp.and_then(|tcp| tcp_mss(tcp.options)),
        F::IcmpType => icmp.map(|icmp| u64::from(icmp.kind)),
        F::IcmpCode => icmp.map(|icmp| u64::from(icmp.code)),
        F::IcmpId => icmp.and_then(|icmp| icmp.id).map(u64::from),
        F::IcmpSequence => icmp.and_then(|icmp| icmp.sequence).map(u64::from),
        F::Icmpv6Mtu => match &packet.transport {
            Transport::Icmpv6(icmp) if icmp.kind == 2 => icmp
                .header
                .get(4..8)?
                .first_chunk()
                .map(|bytes| u64::from(u32::from_be_bytes(*bytes))),
            _ => None,
        },
        _ => None,
    }
}

/// Maximum segment size (RFC 9293, section 3.2), option kind 2.
fn tcp_mss(mut options: &[u8]) -> Option<u64> {
    loop {
        match options {
            [0, ..] | [] => return None,
            [1, rest @ ..] => options = rest,
            [2, 4, high, low, ..] => return Some(u64::from(u16::from_be_bytes([*high, *low]))),
            [_, length, ..] => options = options.get(usize::from(*length).max(2)..)?,
            [_] => return None,
        }
    }
}

/// Whether an IPv4 header carries this option (RFC 791, section 3.1); 0xff stands for any.
fn has_ip_option(header: &[u8], option: u8) -> bool {
    let mut options = header.get(20..).unwrap_or_default();
    let any = option == 0xff;
    loop {
        match options {
            [] => return false,
            [0, ..] => return option == 0 || any,
            [kind, ..] if *kind == option || any => return true,
            [1, rest @ ..] => options = rest,
            [_, length, ..] => {
                options = options
                    .get(usize::from(*length).max(2)..)
                    .unwrap_or_default();
            }
            [_] => return false,
        }
    }
}

fn bits_are(
    scope: BitScope,
    action: BitAction,
    bits: &[u32],
    round: &Round<'_>,
    state: &FlowDetection,
    hosts: &HostBits,
) -> bool {
    let is_set = |bit: u32| match scope {
        BitScope::Flow | BitScope::Transaction => state.has_bit(bit),
        _ => hosts.is_set(scope, bit, &round.ends, round.packet.time),
    };
    if matches!(scope, BitScope::Flow | BitScope::Transaction) && round.flow.is_none() {
        return false;
    }
    match action {
        BitAction::IsSet => bits.iter().any(|bit| is_set(*bit)),
        BitAction::IsNotSet => bits.iter().any(|bit| !is_set(*bit)),
        BitAction::Set | BitAction::Unset | BitAction::Toggle => true,
    }
}

/// Comparisons fail on an integer that was never set.
fn integer_holds(found: Option<u32>, operator: u8, value: u32) -> bool {
    match (operator, found) {
        (b's', found) => found.is_some(),
        (b'n', found) => found.is_none(),
        (_, None) => false,
        (b'<', Some(found)) => found < value,
        (b'l', Some(found)) => found <= value,
        (b'>', Some(found)) => found > value,
        (b'g', Some(found)) => found >= value,
        (b'=', Some(found)) => found == value,
        (b'!', Some(found)) => found != value,
        _ => false,
    }
}

/// `app-layer-protocol` tells nothing until the direction's identification came to its end.
fn app_protocol_holds(wanted: DetectedProtocol, negated: bool, round: &Round<'_>) -> bool {
    let Some(flow) = round.flow else {
        return false;
    };
    match flow.app.identification(round.direction()) {
        Identification::Identified(found) => wanted.is_met_by(Some(found)) != negated,
        Identification::Failed => wanted.is_met_by(None) != negated,
        Identification::Undecided => false,
    }
}

fn stream_size_holds(side: StreamSizeSide, range: &NumberRange, round: &Round<'_>) -> bool {
    let Some(flow) = round.flow.filter(|_| round.is_tcp()) else {
        return false;
    };
    let sizes = [0, 1].map(|side: usize| flow.counters[side].stream_bytes);
    if sizes == [0, 0] {
        // Not even a SYN: there is no connection whose sizes could be asked for.
        return false;
    }
    let [client, server] = sizes.map(|bytes| range.contains(bytes));
    match side {
        StreamSizeSide::Client => client,
        StreamSizeSide::Server => server,
        StreamSizeSide::Both => client && server,
        StreamSizeSide::Either => client || server,
    }
}

/// `ftpbounce`: a PORT command that names another host than its sender (RFC 2577).
fn is_ftp_bounce(round: &Round<'_>) -> bool {
    let payload = round.payload();
    let Some(at) = find(payload, b"port ", true) else {
        return false;
    };
    let mut octets = [0_u8; 4];
    let mut numbers = payload[at + 5..].split(|byte| *byte == b',');
    for octet in &mut octets {
        let Some(number) = numbers
            .next()
            .and_then(|digits| std::str::from_utf8(digits.trim_ascii()).ok())
            .and_then(|digits| digits.parse().ok())
        else {
            return false;
        };
        *octet = number;
    }
    round.ends.source != std::net::IpAddr::from(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_compared_in_four_ways() {
        use TcpFlagsMode as Mode;
        assert!(bits_hold(0x02, 0x02, Mode::Exact) && !bits_hold(0x12, 0x02, Mode::Exact));
        assert!(bits_hold(0x12, 0x02, Mode::All) && !bits_hold(0x10, 0x12, Mode::All));
        assert!(bits_hold(0x10, 0x12, Mode::Any) && !bits_hold(0x01, 0x12, Mode::Any));
        assert!(bits_hold(0x10, 0x02, Mode::None) && !bits_hold(0x02, 0x02, Mode::None));
        assert!(bits_hold(0, 0, Mode::Exact), "no flag at all");
    }

    #[test]
    fn options_are_walked_without_running_off() {
        assert_eq!(tcp_mss(&[1, 1, 2, 4, 5, 0xb4]), Some(1460));
        assert_eq!(
            tcp_mss(&[8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 1, 0]),
            Some(256)
        );
        assert_eq!(
            tcp_mss(&[3, 0, 2, 4, 1, 0]),
            Some(256),
            "a length of 0 counts as 2"
        );
        assert_eq!(tcp_mss(&[8, 200]), None);
        let mut header = vec![0x46; 20];
        header.extend([0x94, 4, 0, 0]);
        assert!(has_ip_option(&header, 0x94));
        assert!(has_ip_option(&header, 0xff));
        assert!(!has_ip_option(&header, 0x83));
        assert!(!has_ip_option(&header[..20], 0xff));
    }

    #[test]
    fn integers_that_were_never_set_compare_false() {
        assert!(integer_holds(Some(3), b'g', 3) && integer_holds(Some(3), b'!', 2));
        assert!(!integer_holds(None, b'!', 2) && integer_holds(None, b'n', 0));
    }
}
