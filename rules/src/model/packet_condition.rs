//! Conditions on a packet, its flow and its transaction that are not byte inspections.

use super::{
    AddressSetId, CipService, DetectedProtocol, LdapResponses, ModbusRequest, RpcCall,
    VariableScope,
};

/// A closed range, possibly negated; `min > max` never occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NumberRange {
    /// Smallest value that matches.
    pub min: u64,
    /// Largest value that matches.
    pub max: u64,
    /// `!`: everything outside the range.
    pub negated: bool,
}

impl NumberRange {
    /// No value is in it.
    pub const NONE: Self = Self {
        min: 0,
        max: u64::MAX,
        negated: true,
    };

    /// Whether `value` is in it.
    #[must_use]
    pub fn contains(&self, value: u64) -> bool {
        (self.min <= value && value <= self.max) != self.negated
    }
}

/// A numeric field of a packet, flow or transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HeaderField {
    /// `dsize`: payload bytes of the packet.
    PayloadSize = 1,
    /// `ttl`: IPv4 time to live or IPv6 hop limit.
    Ttl = 2,
    /// `id`: IPv4 identification.
    IpId = 3,
    /// `tos`
    Tos = 4,
    /// `ip_proto`
    IpProtocol = 5,
    /// `fragoffset`
    FragmentOffset = 6,
    /// `seq`
    TcpSequence = 7,
    /// `ack`
    TcpAcknowledgment = 8,
    /// `window`
    TcpWindow = 9,
    /// `tcp.mss`
    TcpMss = 10,
    /// `itype`
    IcmpType = 11,
    /// `icode`
    IcmpCode = 12,
    /// `icmp_id`
    IcmpId = 13,
    /// `icmp_seq`
    IcmpSequence = 14,
    /// `icmpv6.mtu`
    Icmpv6Mtu = 15,
    /// `flow.age`, seconds.
    FlowAge = 16,
    /// `flow.pkts_toserver`
    FlowPacketsToServer = 17,
    /// `flow.pkts_toclient`
    FlowPacketsToClient = 18,
    /// `flow.bytes_toserver`
    FlowBytesToServer = 19,
    /// `flow.bytes_toclient`
    FlowBytesToClient = 20,
    /// `tls.version` and `ssl_version`, as the number in the record (0x0301 …).
    TlsVersion = 40,
    /// `tls.cert_chain_len`
    TlsCertificateChainLength = 41,
    /// `tls_cert_notbefore`, seconds since 1970.
    TlsCertificateNotBefore = 45,
    /// `tls_cert_notafter`, seconds since 1970.
    TlsCertificateNotAfter = 46,
    /// `ssl_state`: the newest message of the handshake in the bytes that came last, 0 for none of these, 1 for the client's hello, 2 for the server's, 3 and 4 for their keys.
    TlsHandshakeState = 47,
    /// `dns.opcode`
    DnsOpcode = 42,
    /// `dns.rcode`
    DnsRcode = 43,
    /// `dns.rrtype`
    DnsRrType = 44,
    /// `ftpbounce`: 1 where a `PORT` command names another host than the client
    FtpBounce = 60,
    /// `filesize`: bytes of a whole file, one value a file.
    FileSize = 61,
    /// Bytes of a file that was cut at a limit, as far as they came: of those `filesize` asks only whether they are more than so many.
    FileSizeAtLeast = 63,
    /// `filestore`: 1 where there is a file.
    FilePresent = 62,
    /// `krb5_msg_type`
    Krb5MessageType = 80,
    /// `krb5_err_code`, as the 32 bits of the signed number
    Krb5ErrorCode = 81,
    /// `krb5.ticket_encryption`, as the 32 bits of the signed number
    Krb5TicketEncryption = 82,
    /// `snmp.version`
    SnmpVersion = 83,
    /// `snmp.pdu_type`
    SnmpPduType = 84,
    /// `ike.exchtype`
    IkeExchangeType = 87,
    /// `ike.chosen_sa_attribute`, attribute and value in one number
    IkeChosenAttribute = 88,
    /// `ike.key_exchange_payload_length`
    IkeKeyExchangeLength = 89,
    /// `ike.nonce_payload_length`
    IkeNonceLength = 90,
    /// `dhcp.leasetime`, seconds
    DhcpLeaseTime = 91,
    /// `dhcp.rebinding_time`, seconds
    DhcpRebindingTime = 92,
    /// `dhcp.renewal_time`, seconds
    DhcpRenewalTime = 93,
    /// `enip_command`
    EnipCommand = 94,
    /// `ftpdata_command`: 1 for `retr`, 2 for `stor`
    FtpDataCommand = 95,
    /// `http2.frametype`
    Http2FrameType = 100,
    /// `http2.errorcode`
    Http2ErrorCode = 101,
    /// `http2.priority`
    Http2Priority = 102,
    /// `http2.window`
    Http2Window = 103,
    /// `http2.size_update`
    Http2SizeUpdate = 104,
    /// `http2.settings:SETTINGS_HEADER_TABLE_SIZE`
    Http2SettingHeaderTableSize = 105,
    /// `http2.settings:SETTINGS_ENABLE_PUSH`
    Http2SettingEnablePush = 106,
    /// `http2.settings:SETTINGS_MAX_CONCURRENT_STREAMS`
    Http2SettingMaxConcurrentStreams = 107,
    /// `http2.settings:SETTINGS_INITIAL_WINDOW_SIZE`
    Http2SettingInitialWindowSize = 108,
    /// `http2.settings:SETTINGS_MAX_FRAME_SIZE`
    Http2SettingMaxFrameSize = 109,
    /// `http2.settings:SETTINGS_MAX_HEADER_LIST_SIZE`
    Http2SettingMaxHeaderListSize = 110,
    /// `mqtt.type`: of each message of the transaction
    MqttType = 120,
    /// `mqtt.flags`: 1 for a retained message, 2 for one sent again
    MqttFlags = 121,
    /// `mqtt.qos`
    MqttQos = 122,
    /// `mqtt.protocol_version`
    MqttProtocolVersion = 123,
    /// `mqtt.reason_code`
    MqttReasonCode = 124,
    /// `mqtt.connect.flags`, as the byte that is sent
    MqttConnectFlags = 125,
    /// `mqtt.connack.session_present`
    MqttSessionPresent = 126,
    /// `dnp3_func`
    Dnp3Function = 127,
    /// `dnp3_ind`: the number of each bit that is set
    Dnp3Indication = 128,
    /// `dnp3_obj`: group and variation in one number, of each header
    Dnp3Object = 129,
    /// `ssh.protoversion:2_compat`: 1 where the version can speak version 2
    SshCompatibleWith2 = 130,
    /// `nfs_procedure`, one value for each that a transaction is about
    NfsProcedure = 140,
    /// `nfs.version`
    NfsVersion = 141,
    /// `rfb.sectype`
    RfbSecurityType = 142,
    /// `rfb.secresult`: 0 for `ok`, 1 for `fail`, 2 for `toomany`, 3 for `unknown`
    RfbSecurityResult = 143,
    /// `ldap.request.operation`: the number of the operation's tag
    LdapRequestOperation = 150,
    /// `websocket.flags`: the upper half of a frame's first byte
    WebsocketFlags = 151,
    /// `websocket.opcode`
    WebsocketOpcode = 152,
    /// `websocket.mask`
    WebsocketMask = 153,
}

impl HeaderField {
    /// Every field, in order of number.
    pub const ALL: &'static [HeaderField] = &[
        Self::PayloadSize,
        Self::Ttl,
        Self::IpId,
        Self::Tos,
        Self::IpProtocol,
        Self::FragmentOffset,
        Self::TcpSequence,
        Self::TcpAcknowledgment,
        Self::TcpWindow,
        Self::TcpMss,
        Self::IcmpType,
        Self::IcmpCode,
        Self::IcmpId,
        Self::IcmpSequence,
        Self::Icmpv6Mtu,
        Self::FlowAge,
        Self::FlowPacketsToServer,
        Self::FlowPacketsToClient,
        Self::FlowBytesToServer,
        Self::FlowBytesToClient,
        Self::TlsVersion,
        Self::TlsCertificateChainLength,
        Self::DnsOpcode,
        Self::DnsRcode,
        Self::DnsRrType,
        Self::TlsCertificateNotBefore,
        Self::TlsCertificateNotAfter,
        Self::TlsHandshakeState,
        Self::FtpBounce,
        Self::FileSize,
        Self::FilePresent,
        Self::FileSizeAtLeast,
        Self::Krb5MessageType,
        Self::Krb5ErrorCode,
        Self::Krb5TicketEncryption,
        Self::SnmpVersion,
        Self::SnmpPduType,
        Self::IkeExchangeType,
        Self::IkeChosenAttribute,
        Self::IkeKeyExchangeLength,
        Self::IkeNonceLength,
        Self::DhcpLeaseTime,
        Self::DhcpRebindingTime,
        Self::DhcpRenewalTime,
        Self::EnipCommand,
        Self::FtpDataCommand,
        Self::Http2FrameType,
        Self::Http2ErrorCode,
        Self::Http2Priority,
        Self::Http2Window,
        Self::Http2SizeUpdate,
        Self::Http2SettingHeaderTableSize,
        Self::Http2SettingEnablePush,
        Self::Http2SettingMaxConcurrentStreams,
        Self::Http2SettingInitialWindowSize,
        Self::Http2SettingMaxFrameSize,
        Self::Http2SettingMaxHeaderListSize,
        Self::MqttType,
        Self::MqttFlags,
        Self::MqttQos,
        Self::MqttProtocolVersion,
        Self::MqttReasonCode,
        Self::MqttConnectFlags,
        Self::MqttSessionPresent,
        Self::Dnp3Function,
        Self::Dnp3Indication,
        Self::Dnp3Object,
        Self::SshCompatibleWith2,
        Self::NfsProcedure,
        Self::NfsVersion,
        Self::RfbSecurityType,
        Self::RfbSecurityResult,
        Self::LdapRequestOperation,
        Self::WebsocketFlags,
        Self::WebsocketOpcode,
        Self::WebsocketMask,
    ];

    /// The field with this stable number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| *field as u8 == number)
    }
}

/// How `flags` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpFlagsMode {
    /// Exactly these.
    Exact,
    /// `+`: these and perhaps others.
    All,
    /// `*`: any of these.
    Any,
    /// `!`: none of these.
    None,
}

/// `flow`: what the flow of the packet must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FlowRequirement {
    /// `to_server` / `from_client`
    pub to_server: bool,
    /// `to_client` / `from_server`
    pub to_client: bool,
    /// `established`
    pub established: bool,
    /// `not_established`
    pub not_established: bool,
    /// `stateless`
    pub stateless: bool,
    /// `only_stream`
    pub only_stream: bool,
    /// `no_stream`
    pub no_stream: bool,
    /// `only_frag`
    pub only_frag: bool,
    /// `no_frag`
    pub no_frag: bool,
}

/// What a flow integer is compared or calculated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntegerOperand {
    /// A number of the rule.
    Number(u32),
    /// Another integer of the flow, by number; one that was never set is 0.
    Variable(u32),
}

/// What a bit lives with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BitScope {
    /// `flowbits`
    Flow = 0,
    /// `hostbits … track ip_src`, `xbits … track ip_src`
    SourceHost = 1,
    /// `… track ip_dst`
    DestinationHost = 2,
    /// `xbits … track ip_pair`
    HostPair = 3,
    /// `xbits … track tx`
    Transaction = 4,
}

/// What is done with a bit, or asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BitAction {
    /// `set`
    Set = 0,
    /// `unset`
    Unset = 1,
    /// `toggle`
    Toggle = 2,
    /// `isset`
    IsSet = 3,
    /// `isnotset`
    IsNotSet = 4,
}

/// Which side `stream_size` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum StreamSizeSide {
    /// `server`: bytes the server has received, i.e. sent by the client.
    Server = 0,
    /// `client`
    Client = 1,
    /// `both`
    Both = 2,
    /// `either`
    Either = 3,
}

/// Whose reputation `iprep` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ReputationSide {
    /// `src`
    Source = 0,
    /// `dst`
    Destination = 1,
    /// `any`: that of either.
    Any = 2,
    /// `both`
    Both = 3,
}

impl ReputationSide {
    /// The side with this stable number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Source, Self::Destination, Self::Any, Self::Both]
            .into_iter()
            .find(|side| *side as u8 == number)
    }
}

/// `dcerpc.iface`: the interface that a remote call is made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DcerpcInterface {
    /// Its UUID in the order in which it is written.
    pub uuid: [u8; 16],
    /// Which of its major versions.
    pub version: Option<NumberRange>,
    /// `any_frag`: also where it was not bound in a first fragment.
    pub any_fragment: bool,
}

/// One condition beside the byte inspections. All of a rule must hold; cheap ones come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketCondition<'a> {
    /// `flow`
    Flow(FlowRequirement),
    /// A number in a range.
    Field(HeaderField, NumberRange),
    /// A number in any of these closed ranges.
    FieldAnyOf(HeaderField, Vec<(u64, u64)>),
    /// `flags`: flags, mask of the flags that are looked at, mode.
    TcpFlags {
        flags: u8,
        considered: u8,
        mode: TcpFlagsMode,
    },
    /// `fragbits`: bits (M=1, D=2, R=4) and mode.
    FragmentBits { bits: u8, mode: TcpFlagsMode },
    /// `ipopts`: the IP option number, 0xff for `any`.
    IpOption { option: u8, negated: bool },
    /// `sameip`
    SameIp,
    /// `isset` / `isnotset` of any scope: bits by number, true if any of them holds (`isset,a|b`).
    Bits {
        scope: BitScope,
        action: BitAction,
        bits: Vec<u32>,
    },
    /// `flowint` comparison: variable, operator (`<`, `>`, `=`, `l` ≤, `g` ≥, `!`), value, or `s` isset, `n` notset.
    FlowInt {
        variable: u32,
        operator: u8,
        value: IntegerOperand,
    },
    /// `flowvar`, `pktvar`: a variable that an expression captured holds these bytes.
    TextVariable {
        scope: VariableScope,
        variable: u32,
        pattern: &'a [u8],
    },
    /// `app-layer-protocol`
    AppProtocol {
        wanted: DetectedProtocol,
        negated: bool,
    },
    /// `app-layer-event`, `decode-event`, `stream-event`: the event's full name as in the reference.
    Event(&'a str),
    /// `stream_size`
    StreamSize {
        side: StreamSizeSide,
        range: NumberRange,
    },
    /// `ipv4-csum`, `tcpv4-csum` … : layer name and whether it must be valid.
    Checksum { layer: &'a str, valid: bool },
    /// `ftpbounce`
    FtpBounce,
    /// The older content modifiers and the flags of `pcre` that name a buffer of HTTP mean version 1 only.
    SpeaksHttp1,
    /// `dcerpc.iface`
    DcerpcInterface(DcerpcInterface),
    /// `dcerpc.opnum`: closed ranges, any of which may hold the operation.
    DcerpcOperation(Vec<(u32, u32)>),
    /// `cip_service`
    CipService(CipService),
    /// `rpc`
    RpcCall(RpcCall),
    /// `modbus`
    Modbus(ModbusRequest),
    /// `ldap.responses.operation`, `ldap.responses.result_code`, `ldap.responses.count`
    LdapResponses(LdapResponses),
    /// `tls_cert_expired` and `tls_cert_valid`: whether the server's certificate is beyond its end at the time of the packet.
    CertificateValidity { is_expired: bool },
    /// `iprep`: addresses with the reputation that is asked for.
    Reputation {
        side: ReputationSide,
        addresses: AddressSetId,
    },
}
