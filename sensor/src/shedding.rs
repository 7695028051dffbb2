//! What a worker that falls behind looks at no more, so that it sees all the rest: the bulk of large flows, where rules find
//! least.
//!
//! A flow of [`ELEPHANT_BYTES_MIN`] and more is let pass
//! * as a whole, once what it carries is encrypted and its handshake was inspected to the end (TLS, SSH);
//! * in a direction whose stream depth was reached: its packets were looked at one by one since, and are so no more.
//!
//! That holds until the flow ends, also when the worker has caught up. Every byte is counted, and every summary tells them.

use lapwing_rules::model::AppProtocol;

use crate::{
    app_layer::Parser,
    counters::ShedCounters,
    decode::{Packet, Transport},
    direction::Direction,
    flow::{Bypass, FlowEntry, FlowProgress},
};

/// Bytes from which on a flow is large enough to be worth letting pass.
pub const ELEPHANT_BYTES_MIN: u64 = 256 * 1024;

/// TCP flags that end a connection: FIN and RST.
const ENDS: u8 = 0x01 | 0x04;

/// What of a flow may be let pass, as things stand.
#[must_use]
pub fn due(entry: &FlowEntry) -> Bypass {
    let flow = &entry.flow;
    let Some(connection) = &entry.connection else {
        return entry.bypass;
    };
    let carried: u64 = flow.counters.iter().map(|direction| direction.bytes).sum();
    if carried < ELEPHANT_BYTES_MIN || entry.bypass == Bypass::Everything {
        return entry.bypass;
    }
    if flow.app.protocol().is_some_and(is_encrypted) && flow.app.parser().is_some_and(is_done) {
        return Bypass::Everything;
    }
    let past_depth = Direction::BOTH.map(|direction| connection.is_past_depth(direction));
    if past_depth == [false; 2] {
        entry.bypass
    } else {
        Bypass::Inspection(past_depth)
    }
}

/// Protocols that say nothing more once they are encrypted.
fn is_encrypted(protocol: AppProtocol) -> bool {
    matches!(protocol, AppProtocol::Tls | AppProtocol::Ssh)
}

/// Whether everything that a parser made of a flow was complete.
fn is_done(parser: &dyn Parser) -> bool {
    parser.transactions().all(|number| {
        parser.transaction(number).is_none_or(|transaction| {
            Direction::BOTH
                .iter()
                .all(|direction| transaction.is_complete(*direction))
        })
    })
}

/// Lets a packet of a flow pass of which nothing is looked at but its end.
pub fn let_pass(entry: &mut FlowEntry, packet: &Packet<'_>, counters: &mut ShedCounters) {
    count(packet, counters);
    if let Transport::Tcp(tcp) = &packet.transport
        && tcp.flags & ENDS != 0
    {
        entry.flow.progress = FlowProgress::Closed;
    }
}

/// Counts a packet that was not inspected.
pub fn count(packet: &Packet<'_>, counters: &mut ShedCounters) {
    counters.packets += 1;
    counters.bytes += u64::from(packet.wire_length_bytes);
}
