//! Protocol names of rule headers and of `app-layer-protocol`.

macro_rules! app_protocols {
    ($($variant:ident = $number:literal, $name:literal;)*) => {
        /// An application protocol as the engine identifies it. Numbers are stable: they stand in packs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum AppProtocol { $(#[doc = $name] $variant = $number,)* }

        impl AppProtocol {
            /// Every protocol, in order of number.
            pub const ALL: &'static [AppProtocol] = &[$(AppProtocol::$variant,)*];

            /// The name Suricata uses in rules and in EVE `app_proto`.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(AppProtocol::$variant => $name,)* } }

            /// The protocol with this stable number.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> { match number { $($number => Some(AppProtocol::$variant),)* _ => None } }
        }
    };
}

app_protocols! {
    Http1 = 1, "http";
    Http2 = 2, "http2";
    Tls = 3, "tls";
    Dns = 4, "dns";
    Smtp = 5, "smtp";
    Ftp = 6, "ftp";
    FtpData = 7, "ftp-data";
    Ssh = 8, "ssh";
    Smb = 9, "smb";
    Dcerpc = 10, "dcerpc";
    Imap = 11, "imap";
    Pop3 = 12, "pop3";
    Modbus = 13, "modbus";
    Enip = 14, "enip";
    Dnp3 = 15, "dnp3";
    Nfs = 16, "nfs";
    Ntp = 17, "ntp";
    Tftp = 18, "tftp";
    Ike = 19, "ike";
    Krb5 = 20, "krb5";
    Quic = 21, "quic";
    Dhcp = 22, "dhcp";
    Snmp = 23, "snmp";
    Sip = 24, "sip";
    Rfb = 25, "rfb";
    Mqtt = 26, "mqtt";
    Pgsql = 27, "pgsql";
    Telnet = 28, "telnet";
    Websocket = 29, "websocket";
    Ldap = 30, "ldap";
    Rdp = 31, "rdp";
    BittorrentDht = 32, "bittorrent-dht";
    Jabber = 33, "jabber";
    Irc = 34, "irc";
    Msn = 35, "msn";
}

/// What `app-layer-protocol` asks of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DetectedProtocol {
    /// This protocol.
    One(AppProtocol),
    /// `http`: version 1 or 2.
    AnyHttp,
    /// `failed`: detection came to its end and found nothing.
    Failed,
}

impl DetectedProtocol {
    const ANY_HTTP: u8 = 254;
    const FAILED: u8 = 255;

    /// Whether a direction whose detection found this (nothing: it failed) is what is asked for.
    #[must_use]
    pub fn is_met_by(self, found: Option<AppProtocol>) -> bool {
        match (self, found) {
            (Self::Failed, found) => found.is_none(),
            (Self::AnyHttp, Some(found)) => {
                matches!(found, AppProtocol::Http1 | AppProtocol::Http2)
            }
            (Self::One(wanted), Some(found)) => {
                wanted == found || (wanted, found) == (AppProtocol::Dcerpc, AppProtocol::Smb)
            }
            (Self::One(_) | Self::AnyHttp, None) => false,
        }
    }

    /// Its stable number, as it stands in packs.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::One(protocol) => protocol as u8,
            Self::AnyHttp => Self::ANY_HTTP,
            Self::Failed => Self::FAILED,
        }
    }

    /// The one with this stable number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            Self::ANY_HTTP => Some(Self::AnyHttp),
            Self::FAILED => Some(Self::Failed),
            number => AppProtocol::from_number(number).map(Self::One),
        }
    }
}

/// The protocol word of a rule header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderProtocol {
    /// `ip`: every IP packet.
    Ip,
    /// `ipv4` / `ip4`.
    Ipv4,
    /// `ipv6` / `ip6`.
    Ipv6,
    /// `tcp`: packets and reassembled stream, by what the rule asks for.
    Tcp,
    /// `tcp-pkt`: packet payloads only.
    TcpPacket,
    /// `tcp-stream`: reassembled stream only.
    TcpStream,
    /// `udp`.
    Udp,
    /// `sctp`.
    Sctp,
    /// `icmp`: version 4 and 6.
    Icmp,
    /// `icmpv4`.
    Icmpv4,
    /// `icmpv6`.
    Icmpv6,
    /// `pkthdr`: every packet, also one that could not be decoded.
    PacketHeader,
    /// An application protocol, as `tls` or `http1`.
    App(AppProtocol),
    /// `http`: HTTP/1 and HTTP/2.
    AnyHttp,
}
