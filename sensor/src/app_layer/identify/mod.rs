//! Which protocol does a flow speak? Patterns at fixed places first, then probes that the ports select.
//!
//! Each direction is identified by itself, as in the reference: a pattern stands for one direction, a probe is asked
//! only where one of the flow's ports hints at it. A protocol without a parser here is still named.

mod patterns;
mod probe_asn1;
mod probe_binary;
mod probe_text;
mod probes;

use lapwing_rules::model::AppProtocol;
pub(super) use probes::identify_by_other;

use super::{FeedContext, Transport};
use crate::direction::Direction;

/// What the bytes so far say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are this protocol.
    Identified(AppProtocol),
    /// More bytes may decide it.
    Undecided,
    /// No pattern and no probe will ever take them.
    Unknown,
}

/// Judges the first bytes of a direction; `other` is what the opposite one was identified as.
pub(super) fn identify(
    context: &FeedContext,
    direction: Direction,
    other: Option<AppProtocol>,
    bytes: &[u8],
) -> Verdict {
    let pattern = patterns::identify(context.transport, direction, bytes);
    // A datagram of DNS may look like one of DCERPC: there the port has the first word.
    let is_weak = pattern == Verdict::Identified(AppProtocol::Dcerpc)
        && context.transport == Transport::Udp
        && (direction == Direction::ToServer || other.is_some());
    if matches!(pattern, Verdict::Identified(_)) && !is_weak {
        return pattern;
    }
    let by_ports = probes::identify(context, direction, bytes);
    if let Verdict::Identified(_) = by_ports {
        return by_ports;
    }
    if is_weak {
        return pattern;
    }
    let on_any_port = if context.parsers.contains(AppProtocol::Ldap) {
        probe_asn1::ldap(context.transport, direction, bytes)
    } else {
        Verdict::Unknown
    };
    let verdicts = [
        identify_by_other(direction, other, bytes),
        by_ports,
        on_any_port,
    ];
    verdicts
        .into_iter()
        .find(|verdict| *verdict != Verdict::Unknown)
        .unwrap_or(pattern)
}

/// Whether a flow's first datagram says itself that it goes the other way: an answer whose question was not seen.
pub(super) fn goes_the_other_way(
    protocol: AppProtocol,
    direction: Direction,
    bytes: &[u8],
) -> bool {
    // The highest bit behind the identifier tells an answer (RFC 1035, section 4.1.1).
    let is_answer = bytes.get(2).is_some_and(|flags| flags & 0x80 != 0);
    protocol == AppProtocol::Dns && is_answer != (direction == Direction::ToClient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app_layer::ParserSet, time::Timestamp};

    fn context(transport: Transport, server_port: u16) -> FeedContext {
        FeedContext {
            client_address: std::net::Ipv4Addr::LOCALHOST.into(),
            server_address: std::net::Ipv4Addr::LOCALHOST.into(),
            may_be_reversed: false,
            client_port: 40_000,
            server_port,
            transport,
            time: Timestamp(0),
            frames: lapwing_rules::model::FrameSet::default(),
            parsers: ParserSet::default(),
            digests: crate::app_layer::DigestSet::default(),
        }
    }

    fn tcp(port: u16, direction: Direction, bytes: &[u8]) -> Verdict {
        identify(&context(Transport::Tcp, port), direction, None, bytes)
    }

    #[test]
    fn content_decides_on_any_port() {
        use AppProtocol as P;
        let to_server: [(&[u8], P); 12] = [
            (b"GET / HTTP/1.1\r\n", P::Http1),
            (b"get / http/1.0\r\n", P::Http1),
            (b"PROPFIND\t/", P::Http1),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", P::Tls),
            (b"\x80\x2e\x01\x00\x02\x00\x15", P::Tls),
            (b"SSH-2.0-OpenSSH_9.2\r\n", P::Ssh),
            (b"EHLO mail.example\r\n", P::Smtp),
            (b"USER anonymous\r\n", P::Ftp),
            (b"\x00\x00\x00\x54\xffSMB\x72\x00", P::Smb),
            (b"\x00\x00\x00\x54\xfeSMB\x40\x00", P::Smb),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", P::Http2),
            (b"1 capability\r\n", P::Imap),
        ];
        for (bytes, protocol) in to_server {
            assert_eq!(
                tcp(12_345, Direction::ToServer, bytes),
                Verdict::Identified(protocol)
            );
        }
        let to_client: [(&[u8], P); 5] = [
            (b"HTTP/1.1 200 OK\r\n", P::Http1),
            (b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76", P::Tls),
            (b"SSH-2.0-x\r\n", P::Ssh),
            (b"RFB 003.008\n", P::Rfb),
            (b"220 (vsFTPd 3.0.3)\r\n", P::Ftp),
        ];
        for (bytes, protocol) in to_client {
            assert_eq!(
                tcp(12_345, Direction::ToClient, bytes),
                Verdict::Identified(protocol)
            );
        }
    }

    #[test]
    fn a_port_selects_the_probe_but_content_must_agree() {
        let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01";
        let dns = context(Transport::Udp, 53);
        let other = context(Transport::Udp, 5_300);
        assert_eq!(
            identify(&dns, Direction::ToServer, None, query),
            Verdict::Identified(AppProtocol::Dns)
        );
        assert_eq!(
            identify(&other, Direction::ToServer, None, query),
            Verdict::Unknown
        );
        assert_eq!(
            identify(&dns, Direction::ToServer, None, &[0xff; 40]),
            Verdict::Unknown
        );
    }

    #[test]
    fn a_query_that_looks_like_a_remote_call_is_one_where_the_port_says_so() {
        let mut query = b"\x04\0\x01\0\0\x01\0\0\0\0\0\0".to_vec();
        for label in ["a".repeat(60), "b".repeat(20)] {
            query.push(u8::try_from(label.len()).unwrap());
            query.extend_from_slice(label.as_bytes());
        }
        query.extend_from_slice(b"\0\0\x01\0\x01");
        let judged = |port| {
            let context = context(Transport::Udp, port);
            identify(&context, Direction::ToServer, None, &query)
        };
        assert_eq!(judged(53), Verdict::Identified(AppProtocol::Dns));
        assert_eq!(judged(5_555), Verdict::Identified(AppProtocol::Dcerpc));
    }

    #[test]
    fn a_server_of_http2_is_known_on_any_port_once_its_client_is() {
        let settings = b"\0\0\0\x04\0\0\0\0\0 behind it";
        let on_any_port = context(Transport::Tcp, 6_233);
        let judged = |other| identify(&on_any_port, Direction::ToClient, other, settings);
        assert_eq!(judged(None), Verdict::Unknown);
        let http2 = Some(AppProtocol::Http2);
        assert_eq!(judged(http2), Verdict::Identified(AppProtocol::Http2));
    }

    #[test]
    fn a_prefix_is_undecided_and_rubbish_is_unknown() {
        assert_eq!(tcp(80, Direction::ToServer, b"GE"), Verdict::Undecided);
        assert_eq!(tcp(80, Direction::ToServer, &[0; 64]), Verdict::Unknown);
        assert_eq!(
            tcp(80, Direction::ToClient, b"rubbish rubbish"),
            Verdict::Unknown
        );
    }
}
