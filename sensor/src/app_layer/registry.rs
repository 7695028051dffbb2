//! Which protocols have a parser, and what is fixed about each.

use lapwing_rules::model::AppProtocol;

use super::{
    FeedContext, Parser, Transport, UpgradedRequest,
    dcerpc::{DcerpcDatagramParser, DcerpcParser},
    dhcp::DhcpProtocol,
    dnp3::Dnp3Protocol,
    dns::DnsParser,
    enip::EnipProtocol,
    ftp::FtpParser,
    http1::Http1Parser,
    http2::Http2Parser,
    ike::IkeProtocol,
    krb5::KerberosProtocol,
    ldap::LdapProtocol,
    messages::{MessageParser, MessageProtocol},
    modbus::ModbusProtocol,
    mqtt::MqttProtocol,
    nfs::NfsParser,
    ntp::NtpProtocol,
    pgsql::PgsqlParser,
    quic::QuicProtocol,
    rdp::RdpProtocol,
    rfb::RfbParser,
    sip::SipParser,
    smb::SmbParser,
    smtp::SmtpParser,
    snmp::SnmpProtocol,
    ssh::SshParser,
    telnet::TelnetParser,
    tftp::TftpProtocol,
    tls::TlsParser,
    websocket::WebsocketProtocol,
};
use crate::direction::Direction;

/// A new parser for a flow, or nothing where the protocol is only named.
pub(super) fn parser_for(protocol: AppProtocol, context: &FeedContext) -> Option<Box<dyn Parser>> {
    match protocol {
        AppProtocol::Http1 => {
            let reads_websocket = context.parsers.contains(AppProtocol::Websocket);
            Some(Box::new(Http1Parser::new(reads_websocket)))
        }
        AppProtocol::Rfb => Some(Box::new(RfbParser::default())),
        AppProtocol::Telnet => Some(Box::new(TelnetParser::default())),
        AppProtocol::Nfs => Some(Box::new(NfsParser::new(context.transport))),
        AppProtocol::Dnp3 => messages(Dnp3Protocol::default(), context),
        AppProtocol::Modbus => messages(ModbusProtocol::default(), context),
        AppProtocol::Mqtt => messages(MqttProtocol::default(), context),
        AppProtocol::Http2 => Some(Box::new(Http2Parser::default())),
        AppProtocol::Dns => Some(Box::new(DnsParser::new(context.transport))),
        AppProtocol::Tls => Some(Box::new(TlsParser::default())),
        AppProtocol::Ssh => Some(Box::new(SshParser::default())),
        AppProtocol::Dcerpc => Some(match context.transport {
            Transport::Tcp => Box::new(DcerpcParser::default()),
            Transport::Udp => Box::new(DcerpcDatagramParser::default()),
        }),
        AppProtocol::Ftp => Some(Box::new(FtpParser::new(context.client_address))),
        AppProtocol::Pgsql => Some(Box::new(PgsqlParser::default())),
        AppProtocol::Smb => Some(Box::new(SmbParser::default())),
        AppProtocol::Smtp => Some(Box::new(SmtpParser::default())),
        AppProtocol::Sip => Some(Box::new(SipParser::default())),
        AppProtocol::Krb5 => messages(KerberosProtocol::new(context.transport), context),
        AppProtocol::Ike => messages(IkeProtocol, context),
        AppProtocol::Dhcp => messages(DhcpProtocol, context),
        AppProtocol::Enip => messages(EnipProtocol::new(context.transport), context),
        AppProtocol::Quic => messages(QuicProtocol::default(), context),
        AppProtocol::Snmp => messages(SnmpProtocol::default(), context),
        AppProtocol::Ldap => messages(LdapProtocol::default(), context),
        AppProtocol::Websocket => messages(WebsocketProtocol::default(), context),
        AppProtocol::Ntp => messages(NtpProtocol, context),
        AppProtocol::Rdp => messages(RdpProtocol::default(), context),
        AppProtocol::Tftp => messages(TftpProtocol, context),
        _ => None,
    }
}

fn messages<P: MessageProtocol + 'static>(
    protocol: P,
    context: &FeedContext,
) -> Option<Box<dyn Parser>> {
    Some(Box::new(MessageParser::new(protocol, context.transport)))
}

/// The parser behind an upgrade from HTTP/1.
pub(super) fn parser_behind_upgrade(request: &UpgradedRequest) -> Box<dyn Parser> {
    Box::new(Http2Parser::after_upgrade(request))
}

/// The side that must speak first, where the protocol has one.
pub(super) fn first_speaker(protocol: AppProtocol) -> Option<Direction> {
    match protocol {
        AppProtocol::Http1 | AppProtocol::Tls | AppProtocol::Dns | AppProtocol::Dcerpc => {
            Some(Direction::ToServer)
        }
        _ => None,
    }
}
