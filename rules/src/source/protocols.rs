//! Protocol words of rule headers and of `app-layer-protocol`.

use crate::model::{AppProtocol, HeaderProtocol};

/// An application protocol by the name that rules use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// One protocol.
    One(AppProtocol),
    /// `http`: version 1 and 2.
    AnyHttp,
    /// The reference knows it, and there is no number for it here.
    NotParsed,
}

/// The application protocol of this name.
pub(crate) fn app_protocol(name: &str) -> Option<Known> {
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "http" | "http_any" => Known::AnyHttp,
        "http1" => Known::One(AppProtocol::Http1),
        "ssl" => Known::One(AppProtocol::Tls),
        "ikev2" => Known::One(AppProtocol::Ike),
        "ftp_data" | "template" | "failed" => Known::NotParsed,
        name => Known::One(
            AppProtocol::ALL
                .iter()
                .copied()
                .find(|protocol| protocol.name() == name)?,
        ),
    })
}

/// What the protocol word of a header means.
pub(crate) enum HeaderWord {
    Known(HeaderProtocol),
    NotParsed,
}

/// The protocol word of a header.
pub(crate) fn header_protocol(name: &str) -> Option<HeaderWord> {
    let name = name.to_ascii_lowercase();
    let protocol = match name.as_str() {
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
        "http" => HeaderProtocol::AnyHttp,
        name => match app_protocol(name)? {
            Known::One(protocol) => HeaderProtocol::App(protocol),
            Known::AnyHttp => HeaderProtocol::AnyHttp,
            Known::NotParsed => return Some(HeaderWord::NotParsed),
        },
    };
    Some(HeaderWord::Known(protocol))
}
