//! Protocol words of rule headers and of `app-layer-protocol`.

use super::language::Language;
use crate::model::{AppProtocol, HeaderProtocol};

/// An application protocol by the name that rules use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// One protocol.
    One(AppProtocol),
    /// `http`: version 1 and 2.
    AnyHttp,
}

/// The application protocol of this name, which is in lower case in rules.
pub(crate) fn app_protocol(name: &str, language: Language) -> Option<Known> {
    Some(match name {
        "http" => Known::AnyHttp,
        "http1" => Known::One(AppProtocol::Http1),
        "ikev2" => Known::One(AppProtocol::Ike),
        // Version 7.0 of the reference knows no rules about these.
        "ldap" | "websocket" if language == Language::Version7 => return None,
        "pop3" | "jabber" | "irc" | "msn" => return None,
        name => Known::One(
            AppProtocol::ALL
                .iter()
                .copied()
                .find(|protocol| protocol.name() == name)?,
        ),
    })
}

/// The protocol word of a header. What is below applications may stand in upper case.
pub(crate) fn header_protocol(name: &str, language: Language) -> Option<HeaderProtocol> {
    Some(match name.to_ascii_lowercase().as_str() {
        "ip" => HeaderProtocol::Ip,
        "ipv4" | "ip4" => HeaderProtocol::Ipv4,
        "ipv6" | "ip6" => HeaderProtocol::Ipv6,
        "tcp" => HeaderProtocol::Tcp,
        "tcp-pkt" => HeaderProtocol::TcpPacket,
        "tcp-stream" => HeaderProtocol::TcpStream,
        "udp" => HeaderProtocol::Udp,
        "sctp" => HeaderProtocol::Sctp,
        "icmp" => HeaderProtocol::Icmp,
        "icmpv4" => HeaderProtocol::Icmpv4,
        "icmpv6" => HeaderProtocol::Icmpv6,
        "pkthdr" => HeaderProtocol::PacketHeader,
        _ => match app_protocol(name, language)? {
            Known::One(protocol) => HeaderProtocol::App(protocol),
            Known::AnyHttp => HeaderProtocol::AnyHttp,
        },
    })
}
