//! The vocabulary between rules and parsers: every inspection buffer, once.
//!
//! A rule names a buffer by its sticky keyword; a parser of the sensor fills it. Numbers are stable: they stand in packs.

use super::AppProtocol;

/// Who sends: one direction of a flow, as rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    /// Sent by the client.
    ToServer = 0,
    /// Sent by the server.
    ToClient = 1,
}

/// In which directions a buffer exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sides {
    /// Only in what the client sends.
    ToServer,
    /// Only in what the server sends.
    ToClient,
    /// In both; the rule's `flow` decides, or both are inspected.
    Both,
}

impl Sides {
    /// Whether `side` is one of them.
    #[must_use]
    pub fn includes(self, side: Side) -> bool {
        match self {
            Self::ToServer => side == Side::ToServer,
            Self::ToClient => side == Side::ToClient,
            Self::Both => true,
        }
    }
}

impl Buffer {
    /// Whether it is a fingerprint of a hello of TLS, which QUIC carries too.
    #[must_use]
    pub fn is_of_tls_hello(self) -> bool {
        matches!(
            self,
            Self::Ja3Hash | Self::Ja3String | Self::Ja3sHash | Self::Ja3sString | Self::Ja4Hash
        )
    }

    /// Whether transactions carry it, not single packets or the stream.
    #[must_use]
    pub fn is_of_transactions(self) -> bool {
        !matches!(
            self,
            Self::Payload
                | Self::Base64Data
                | Self::Frame
                | Self::Ipv4Header
                | Self::Ipv6Header
                | Self::TcpHeader
                | Self::UdpHeader
                | Self::Icmpv4Header
                | Self::Icmpv6Header
                | Self::IpSource
                | Self::IpDestination
        )
    }
}

/// What is fixed about a buffer.
#[derive(Clone, Copy, Debug)]
pub struct BufferInfo {
    /// The sticky keyword, as `http.uri`.
    pub name: &'static str,
    /// The directions it exists in.
    pub sides: Sides,
    /// The protocol whose transactions carry it; `None` for packet and stream bytes and for files, which several carry.
    pub protocol: Option<AppProtocol>,
    /// Whether a transaction may carry several of it (each is inspected by itself).
    pub multiple: bool,
}

macro_rules! buffers {
    ($($variant:ident = $number:literal, $name:literal, $sides:ident, $protocol:expr, $multiple:literal;)*) => {
        /// An inspection buffer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Buffer { $(#[doc = $name] $variant = $number,)* }

        impl Buffer {
            /// Every buffer, in order of number.
            pub const ALL: &'static [Buffer] = &[$(Buffer::$variant,)*];

            /// What is fixed about it.
            #[must_use]
            pub fn info(self) -> BufferInfo {
                match self { $(Buffer::$variant => BufferInfo { name: $name, sides: Sides::$sides, protocol: $protocol, multiple: $multiple },)* }
            }

            /// The buffer with this stable number.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> { match number { $($number => Some(Buffer::$variant),)* _ => None } }
        }
    };
}

use AppProtocol as P;
buffers! {
    // Bytes without a protocol. `Payload` is packet payload and reassembled stream, as the rule's header decides.
    Payload = 0, "pkt_data", Both, None, false;
    FileData = 1, "file.data", Both, None, true;
    FileName = 2, "file.name", Both, None, true;
    FileMagic = 3, "file.magic", Both, None, true;
    Ipv4Header = 4, "ipv4.hdr", Both, None, false;
    Ipv6Header = 5, "ipv6.hdr", Both, None, false;
    TcpHeader = 6, "tcp.hdr", Both, None, false;
    UdpHeader = 7, "udp.hdr", Both, None, false;
    Icmpv4Header = 8, "icmpv4.hdr", Both, None, false;
    Icmpv6Header = 9, "icmpv6.hdr", Both, None, false;
    Base64Data = 10, "base64_data", Both, None, false;
    // All of a file of which nothing is missing: what its digests are made from. No keyword opens it.
    WholeFile = 12, "whole file", Both, None, true;
    IpSource = 13, "ip.src", Both, None, false;
    IpDestination = 14, "ip.dst", Both, None, false;
    // Which frame is told beside it: `Inspection::frame`.
    Frame = 11, "frame", Both, None, true;
    HttpUri = 20, "http.uri", ToServer, Some(P::Http1), false;
    HttpUriRaw = 21, "http.uri.raw", ToServer, Some(P::Http1), false;
    HttpMethod = 22, "http.method", ToServer, Some(P::Http1), false;
    HttpRequestLine = 23, "http.request_line", ToServer, Some(P::Http1), false;
    HttpRequestBody = 24, "http.request_body", ToServer, Some(P::Http1), false;
    HttpHeader = 25, "http.header", Both, Some(P::Http1), false;
    HttpHeaderRaw = 26, "http.header.raw", Both, Some(P::Http1), false;
    HttpHeaderNames = 27, "http.header_names", Both, Some(P::Http1), false;
    HttpCookie = 28, "http.cookie", Both, Some(P::Http1), false;
    HttpUserAgent = 29, "http.user_agent", ToServer, Some(P::Http1), false;
    HttpHost = 30, "http.host", ToServer, Some(P::Http1), false;
    HttpHostRaw = 31, "http.host.raw", ToServer, Some(P::Http1), false;
    HttpAccept = 32, "http.accept", ToServer, Some(P::Http1), false;
    HttpAcceptEncoding = 33, "http.accept_enc", ToServer, Some(P::Http1), false;
    HttpAcceptLanguage = 34, "http.accept_lang", ToServer, Some(P::Http1), false;
    HttpReferer = 35, "http.referer", ToServer, Some(P::Http1), false;
    HttpConnection = 36, "http.connection", Both, Some(P::Http1), false;
    HttpContentLength = 37, "http.content_len", Both, Some(P::Http1), false;
    HttpContentType = 38, "http.content_type", Both, Some(P::Http1), false;
    HttpProtocol = 39, "http.protocol", Both, Some(P::Http1), false;
    HttpStart = 40, "http.start", Both, Some(P::Http1), false;
    HttpStatusCode = 41, "http.stat_code", ToClient, Some(P::Http1), false;
    HttpStatusMessage = 42, "http.stat_msg", ToClient, Some(P::Http1), false;
    HttpResponseLine = 43, "http.response_line", ToClient, Some(P::Http1), false;
    HttpResponseBody = 44, "http.response_body", ToClient, Some(P::Http1), false;
    HttpServer = 45, "http.server", ToClient, Some(P::Http1), false;
    HttpLocation = 46, "http.location", ToClient, Some(P::Http1), false;
    HttpRequestHeader = 47, "http.request_header", ToServer, Some(P::Http1), true;
    HttpResponseHeader = 48, "http.response_header", ToClient, Some(P::Http1), true;
    Http2HeaderName = 49, "http2.header_name", Both, Some(P::Http2), true;
    DnsQuery = 60, "dns.query", ToServer, Some(P::Dns), true;
    DnsAnswerName = 61, "dns.answer.name", Both, Some(P::Dns), true;
    DnsQueryName = 62, "dns.query.name", Both, Some(P::Dns), true;
    TlsSni = 70, "tls.sni", ToServer, Some(P::Tls), false;
    TlsCertSubject = 71, "tls.cert_subject", Both, Some(P::Tls), false;
    TlsCertIssuer = 72, "tls.cert_issuer", Both, Some(P::Tls), false;
    TlsCertSerial = 73, "tls.cert_serial", Both, Some(P::Tls), false;
    TlsCertFingerprint = 74, "tls.cert_fingerprint", Both, Some(P::Tls), false;
    TlsCerts = 75, "tls.certs", Both, Some(P::Tls), true;
    Ja3Hash = 76, "ja3.hash", ToServer, Some(P::Tls), false;
    Ja3String = 77, "ja3.string", ToServer, Some(P::Tls), false;
    Ja3sHash = 78, "ja3s.hash", ToClient, Some(P::Tls), false;
    Ja3sString = 79, "ja3s.string", ToClient, Some(P::Tls), false;
    Ja4Hash = 80, "ja4.hash", ToServer, Some(P::Tls), false;
    TlsRandom = 81, "tls.random", Both, Some(P::Tls), false;
    TlsRandomTime = 82, "tls.random_time", Both, Some(P::Tls), false;
    TlsRandomBytes = 83, "tls.random_bytes", Both, Some(P::Tls), false;
    QuicVersion = 84, "quic.version", Both, Some(P::Quic), false;
    QuicSni = 85, "quic.sni", ToServer, Some(P::Quic), false;
    QuicUserAgent = 86, "quic.ua", ToServer, Some(P::Quic), false;
    QuicCyuHash = 87, "quic.cyu.hash", ToServer, Some(P::Quic), true;
    QuicCyuString = 88, "quic.cyu.string", ToServer, Some(P::Quic), true;
    SshProto = 90, "ssh.proto", Both, Some(P::Ssh), false;
    SshSoftware = 91, "ssh.software", Both, Some(P::Ssh), false;
    SshHassh = 92, "ssh.hassh", ToServer, Some(P::Ssh), false;
    SshHasshString = 93, "ssh.hassh.string", ToServer, Some(P::Ssh), false;
    SshHasshServer = 94, "ssh.hassh.server", ToClient, Some(P::Ssh), false;
    SshHasshServerString = 95, "ssh.hassh.server.string", ToClient, Some(P::Ssh), false;
    SmbShare = 110, "smb.share", ToServer, Some(P::Smb), false;
    SmbNamedPipe = 111, "smb.named_pipe", ToServer, Some(P::Smb), false;
    SmbNtlmsspUser = 112, "smb.ntlmssp_user", ToServer, Some(P::Smb), false;
    SmbNtlmsspDomain = 113, "smb.ntlmssp_domain", ToServer, Some(P::Smb), false;
    DcerpcStubData = 120, "dcerpc.stub_data", Both, Some(P::Dcerpc), false;
    Krb5Cname = 150, "krb5.cname", ToClient, Some(P::Krb5), true;
    Krb5Sname = 151, "krb5.sname", ToClient, Some(P::Krb5), true;
    SnmpCommunity = 152, "snmp.community", Both, Some(P::Snmp), false;
    SnmpUsm = 153, "snmp.usm", Both, Some(P::Snmp), false;
    IkeInitiatorSpi = 154, "ike.init_spi", ToServer, Some(P::Ike), false;
    IkeResponderSpi = 155, "ike.resp_spi", ToClient, Some(P::Ike), false;
    IkeVendor = 156, "ike.vendor", ToServer, Some(P::Ike), true;
    IkeNonce = 157, "ike.nonce_payload", Both, Some(P::Ike), false;
    IkeKeyExchange = 158, "ike.key_exchange_payload", Both, Some(P::Ike), false;
    RfbName = 190, "rfb.name", ToClient, Some(P::Rfb), false;
    MqttClientId = 170, "mqtt.connect.clientid", ToServer, Some(P::Mqtt), false;
    MqttUserName = 171, "mqtt.connect.username", ToServer, Some(P::Mqtt), false;
    MqttPassword = 172, "mqtt.connect.password", ToServer, Some(P::Mqtt), false;
    MqttWillTopic = 173, "mqtt.connect.willtopic", ToServer, Some(P::Mqtt), false;
    MqttWillMessage = 174, "mqtt.connect.willmessage", ToServer, Some(P::Mqtt), false;
    MqttPublishTopic = 175, "mqtt.publish.topic", Both, Some(P::Mqtt), false;
    MqttPublishMessage = 176, "mqtt.publish.message", ToServer, Some(P::Mqtt), false;
    MqttSubscribeTopic = 177, "mqtt.subscribe.topic", Both, Some(P::Mqtt), true;
    MqttUnsubscribeTopic = 178, "mqtt.unsubscribe.topic", ToServer, Some(P::Mqtt), true;
    Dnp3Data = 179, "dnp3.data", Both, Some(P::Dnp3), false;
    SipMethod = 200, "sip.method", ToServer, Some(P::Sip), false;
    SipUri = 201, "sip.uri", ToServer, Some(P::Sip), false;
    SipProtocol = 202, "sip.protocol", Both, Some(P::Sip), false;
    SipStatusCode = 203, "sip.stat_code", ToClient, Some(P::Sip), false;
    SipStatusMessage = 204, "sip.stat_msg", ToClient, Some(P::Sip), false;
    SipRequestLine = 205, "sip.request_line", ToServer, Some(P::Sip), false;
    SipResponseLine = 206, "sip.response_line", ToClient, Some(P::Sip), false;
    LdapRequestDn = 210, "ldap.request.dn", ToServer, Some(P::Ldap), false;
    LdapRequestAttributeType = 211, "ldap.request.attribute_type", ToServer, Some(P::Ldap), true;
    LdapResponsesDn = 212, "ldap.responses.dn", ToClient, Some(P::Ldap), true;
    LdapResponsesMessage = 213, "ldap.responses.message", ToClient, Some(P::Ldap), true;
    LdapResponsesAttributeType = 214, "ldap.responses.attribute_type", ToClient, Some(P::Ldap), true;
    WebsocketPayload = 220, "websocket.payload", Both, Some(P::Websocket), false;
}
