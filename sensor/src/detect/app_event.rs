//! Names of events as rules write them, told apart by where they are raised.

/// Where an event of this name is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppEvent<'a> {
    /// By decoding or the stream engine: it stands in the packet.
    Packet,
    /// By protocol identification: it stands in the flow's application layer.
    Identification,
    /// By a parser: its name within the protocol.
    Transaction(&'a str),
}

impl<'a> AppEvent<'a> {
    pub(crate) fn parse(name: &'a str) -> Self {
        match name.split_once('.') {
            Some(("decoder" | "stream", _)) => Self::Packet,
            Some((protocol, event)) if !PACKET_LAYERS.contains(&protocol) => {
                Self::Transaction(event)
            }
            None if name.starts_with("applayer_") => Self::Identification,
            _ => Self::Packet,
        }
    }

    /// A packet event's name as packets carry it.
    pub(crate) fn in_packet(name: &str) -> &str {
        name.strip_prefix("decoder.").unwrap_or(name)
    }
}

/// First words of decode events where the `decoder.` before them is left out.
const PACKET_LAYERS: &[&str] = &[
    "ipv4",
    "ipv6",
    "icmpv4",
    "icmpv6",
    "tcp",
    "udp",
    "sctp",
    "esp",
    "sll",
    "ethernet",
    "ppp",
    "pppoe",
    "gre",
    "vlan",
    "ipraw",
    "ltnull",
    "mpls",
    "vxlan",
    "geneve",
    "erspan",
    "dce",
    "chdlc",
    "nsh",
    "arp",
    "vntag",
    "ieee8021ah",
    "afp",
    "igmp",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_by_their_names() {
        for packet in [
            "decoder.ipv4.pkt_too_small",
            "ipv4.pkt_too_small",
            "stream.fin_out_of_window",
        ] {
            assert_eq!(AppEvent::parse(packet), AppEvent::Packet);
        }
        assert_eq!(
            AppEvent::parse("applayer_mismatch_protocol_both_directions"),
            AppEvent::Identification
        );
        assert_eq!(
            AppEvent::parse("dns.malformed_data"),
            AppEvent::Transaction("malformed_data")
        );
        assert_eq!(
            AppEvent::in_packet("decoder.ipv4.pkt_too_small"),
            "ipv4.pkt_too_small"
        );
    }
}
