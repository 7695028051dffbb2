//! Which protocols have a parser, and what is fixed about each.

use lapwing_rules::model::AppProtocol;

use super::{
    FeedContext, Parser, Transport,
    dcerpc::{DcerpcDatagramParser, DcerpcParser},
    dns::DnsParser,
    ftp::FtpParser,
    http1::Http1Parser,
    sip::SipParser,
    smtp::SmtpParser,
    ssh::SshParser,
    tls::TlsParser,
};
use crate::direction::Direction;

/// A new parser for a flow, or nothing where the protocol is only named.
pub(super) fn parser_for(protocol: AppProtocol, context: &FeedContext) -> Option<Box<dyn Parser>> {
    match protocol {
        AppProtocol::Http1 => Some(Box::new(Http1Parser::default())),
        AppProtocol::Dns => Some(Box::new(DnsParser::new(context.transport))),
        AppProtocol::Tls => Some(Box::new(TlsParser::default())),
        AppProtocol::Ssh => Some(Box::new(SshParser::default())),
        AppProtocol::Dcerpc => Some(match context.transport {
            Transport::Tcp => Box::new(DcerpcParser::default()),
            Transport::Udp => Box::new(DcerpcDatagramParser::default()),
        }),
        AppProtocol::Ftp => Some(Box::new(FtpParser::new(context.client_address))),
        AppProtocol::Smtp => Some(Box::new(SmtpParser::default())),
        AppProtocol::Sip => Some(Box::new(SipParser::default())),
        _ => None,
    }
}

/// The side that must speak first, where the protocol has one.
pub(super) fn first_speaker(protocol: AppProtocol) -> Option<Direction> {
    match protocol {
        AppProtocol::Http1
        | AppProtocol::Http2
        | AppProtocol::Tls
        | AppProtocol::Dns
        | AppProtocol::Dcerpc => Some(Direction::ToServer),
        _ => None,
    }
}
