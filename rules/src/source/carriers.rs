//! What carries a buffer: headers of a transport, files of some protocols. A rule that asks for one of something that does not
//! carry it is refused, as the reference refuses it.

use super::{
    draft::{ConditionDraft, RuleDraft},
    problem::Problem,
    syntax::{RuleSyntax, Span},
};
use crate::model::{AppProtocol, Buffer, HeaderField, HeaderProtocol, PacketCondition};

/// Refuses buffers that the rule's protocol does not carry.
pub(super) fn check(rule: &RuleDraft, syntax: &RuleSyntax<'_>) -> Result<(), Problem> {
    for inspection in &rule.inspections {
        if !carries(rule.protocol, inspection.buffer) {
            return Err(Problem::error(
                "protocol-conflict",
                inspection.span.clone(),
                format!(
                    "packets of the rule's header protocol have no `{}`",
                    inspection.buffer.info().name
                ),
            ));
        }
        if inspection.buffer == Buffer::HttpHeaderRaw
            && !rule.flow.to_server
            && !rule.flow.to_client
        {
            return Err(Problem::error(
                "missing-direction",
                inspection.span.clone(),
                "raw headers need to be told whose they are",
            )
            .hint("write flow:to_server; or flow:to_client;"));
        }
    }
    check_files(rule, syntax)
}

/// Whether packets of a header protocol have this header; other buffers are for others to check.
fn carries(protocol: HeaderProtocol, buffer: Buffer) -> bool {
    use HeaderProtocol as H;
    let any = matches!(protocol, H::Ip | H::Ipv4 | H::Ipv6 | H::PacketHeader);
    match buffer {
        Buffer::TcpHeader => match protocol {
            H::Tcp | H::TcpPacket | H::TcpStream | H::AnyHttp => true,
            H::App(app) => runs_over_tcp(app),
            _ => any,
        },
        Buffer::UdpHeader => match protocol {
            H::Udp => true,
            H::App(app) => runs_over_udp(app),
            _ => any,
        },
        Buffer::Icmpv4Header => any || matches!(protocol, H::Icmp | H::Icmpv4),
        Buffer::Icmpv6Header => any || matches!(protocol, H::Icmp | H::Icmpv6),
        _ => true,
    }
}

fn runs_over_udp(protocol: AppProtocol) -> bool {
    use AppProtocol as P;
    !runs_over_tcp(protocol) || matches!(protocol, P::Dcerpc | P::Dns | P::Enip | P::Krb5 | P::Nfs)
}

fn runs_over_tcp(protocol: AppProtocol) -> bool {
    use AppProtocol as P;
    !matches!(
        protocol,
        P::BittorrentDht | P::Dhcp | P::Ike | P::Ntp | P::Quic | P::Sip | P::Snmp | P::Tftp
    )
}

fn check_files(rule: &RuleDraft, syntax: &RuleSyntax<'_>) -> Result<(), Problem> {
    let of_file = |buffer: Buffer| matches!(buffer, Buffer::FileData | Buffer::FileName);
    let data = rule
        .inspections
        .iter()
        .find(|inspection| inspection.buffer == Buffer::FileData && inspection.is_sticky);
    if let Some(data) = data
        && matches!(
            rule.protocol,
            HeaderProtocol::Udp
                | HeaderProtocol::Sctp
                | HeaderProtocol::Icmp
                | HeaderProtocol::Icmpv4
                | HeaderProtocol::Icmpv6
        )
    {
        return Err(no_files(data.span.clone(), "this protocol"));
    }
    let asked = rule
        .inspections
        .iter()
        .find(|inspection| of_file(inspection.buffer))
        .map(|inspection| {
            (
                inspection.span.clone(),
                inspection.buffer == Buffer::FileName,
            )
        });
    let by_number = rule.conditions.iter().any(|condition| {
        matches!(
            condition,
            ConditionDraft::Plain(PacketCondition::Field(
                HeaderField::FileSize | HeaderField::FilePresent,
                _
            ))
        )
    });
    let asked = asked.or_else(|| by_number.then(|| (syntax.header_span(), false)));
    let (Some((span, is_name)), Some(protocol)) = (asked, rule.app_protocol()) else {
        return Ok(());
    };
    use AppProtocol as P;
    match protocol {
        P::Http2 if is_name && rule.protocol == HeaderProtocol::App(P::Http2) => {
            Err(no_files(span, "HTTP/2 names no files, and it"))
        }
        P::Http1 | P::Http2 | P::Smtp | P::Smb | P::Nfs | P::FtpData => Ok(()),
        other => Err(no_files(span, other.name())),
    }
}

fn no_files(span: Span, what: &str) -> Problem {
    Problem::error(
        "no-files",
        span,
        format!("the rule asks for files, and {what} carries none that can be asked for"),
    )
    .hint("files are of http, http2, smtp, smb, nfs and ftp-data")
}
