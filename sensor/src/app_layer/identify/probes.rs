//! Probes: a look at content, asked only where a port of the flow hints at the protocol.

use lapwing_rules::model::AppProtocol;

use super::{Verdict, probe_asn1, probe_binary as binary, probe_text};
use crate::{
    app_layer::{FeedContext, Transport},
    direction::Direction,
};

/// A probe for the bytes of a direction.
type Probe = fn(Direction, &[u8]) -> Verdict;

/// EtherNet/IP.
const ENIP_PORT: u16 = 44_818;

/// Asks the probes that the flow's ports select.
pub(super) fn identify(context: &FeedContext, direction: Direction, bytes: &[u8]) -> Verdict {
    let by_server = probe_of(context.transport, context.server_port);
    // The client's port hints at nothing, but at the one protocol whose clients have a port of their own.
    let by_client = Some(context.client_port)
        .filter(|port| *port == ENIP_PORT && *port != context.server_port)
        .and_then(|port| probe_of(context.transport, port));
    let mut verdict = Verdict::Unknown;
    for probe in [by_server, by_client].into_iter().flatten() {
        match probe(direction, bytes) {
            Verdict::Unknown => {}
            Verdict::Undecided => verdict = Verdict::Undecided,
            identified @ Verdict::Identified(_) => return identified,
        }
    }
    if context.transport == Transport::Udp && verdict == Verdict::Undecided {
        return Verdict::Unknown;
    }
    verdict
}

/// Asks the probe of what the opposite direction speaks. Of the protocols that patterns tell on any port, only HTTP/2 has
/// a side without one.
pub(in crate::app_layer) fn identify_by_other(
    direction: Direction,
    other: Option<AppProtocol>,
    bytes: &[u8],
) -> Verdict {
    match other {
        Some(AppProtocol::Http2) => binary::http2(direction, bytes),
        _ => Verdict::Unknown,
    }
}

fn probe_of(transport: Transport, port: u16) -> Option<Probe> {
    let probe: Probe = match (transport, port) {
        (Transport::Tcp, 23) => binary::telnet,
        (Transport::Tcp, 53) => binary::dns_tcp,
        (Transport::Tcp, 80) => binary::http2,
        (Transport::Tcp, 88) => probe_asn1::kerberos_tcp,
        (Transport::Tcp, 139 | 445) => binary::smb,
        (Transport::Tcp, 443) => binary::ssl_v2,
        (Transport::Tcp, 502) => binary::modbus,
        (Transport::Tcp, 1883) => binary::mqtt,
        (Transport::Tcp, 2049) => binary::nfs_tcp,
        (Transport::Tcp, 3389) => binary::rdp,
        (Transport::Tcp, 5432) => binary::pgsql,
        (Transport::Tcp | Transport::Udp, ENIP_PORT) => binary::enip,
        (Transport::Tcp, 20_000) => binary::dnp3,
        (Transport::Udp, 53) => binary::dns_udp,
        (Transport::Udp, 67 | 68) => binary::dhcp,
        (Transport::Udp, 69) => binary::tftp,
        (Transport::Udp, 80 | 443) => binary::quic,
        (Transport::Udp, 88) => probe_asn1::kerberos_udp,
        (Transport::Udp, 123) => binary::ntp,
        (Transport::Udp, 161 | 162) => probe_asn1::snmp,
        (Transport::Udp, 500) => binary::ike,
        (Transport::Udp, 2049) => binary::nfs_udp,
        (Transport::Udp, 5060 | 5061) => probe_text::sip,
        _ => return None,
    };
    Some(probe)
}
