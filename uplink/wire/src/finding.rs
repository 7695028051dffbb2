//! A finding: the same rule between the same ends within a window.
//!
//! Message, category and references are not sent; the centre has the rules and joins them by
//! [`RuleId`].

use std::net::IpAddr;

use crate::ids::RuleId;
use crate::limits::{MAX_FACT_VALUE_BYTES, MAX_FACTS_IN_FINDING};

/// One finding, as the policy left it. Times are milliseconds since 1970 in packet time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Time of the first packet that matched.
    pub first_milliseconds: u64,
    /// Time of the last packet that matched.
    pub last_milliseconds: u64,
    /// How often the rule fired within the window.
    pub count: u64,
    /// The rule.
    pub rule: RuleId,
    /// How grave the rule's writer called it.
    pub severity: Severity,
    /// What the rule asked for.
    pub action: Action,
    /// The end that the matching packet came from.
    pub source: Endpoint,
    /// The end that the matching packet went to.
    pub destination: Endpoint,
    /// IP protocol number, 6 for TCP.
    pub protocol: u8,
    /// Short name of the application protocol, as Suricata names it (`http`, `tls`), if known.
    pub app_protocol: Option<String>,
    /// Which way the matching packet went within its flow.
    pub direction: Direction,
    /// What the flow carried until the finding was closed.
    pub traffic: Traffic,
    /// Time of the first packet of the flow, if the match was in a flow.
    pub flow_start_milliseconds: Option<u64>,
    /// What the application layer said.
    pub facts: Facts,
}

/// Suricata's `priority`: 1 is gravest, 255 lightest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Severity(u8);

impl Severity {
    /// How many classes counts are kept for.
    pub const CLASSES: usize = 4;

    /// The severity of a rule's priority, clamped to 1..=255.
    pub fn from_priority(priority: u32) -> Self {
        Self(u8::try_from(priority.max(1)).unwrap_or(u8::MAX))
    }

    /// The number, 1..=255.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Index of the class that counts are kept for: 0 for severity 1, up to 3 for 4 and above.
    pub fn class(self) -> usize {
        usize::from(self.0.clamp(1, 4)) - 1
    }
}

/// What the rule asked for. A sensor never drops packets: the word is the rule writer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// `alert`
    Alert,
    /// `drop`
    Drop,
    /// `reject`
    Reject,
}

impl Action {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Alert => 0,
            Self::Drop => 1,
            Self::Reject => 2,
        }
    }

    /// The action with a number from the wire; one that is not known counts as an alert.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Drop,
            2 => Self::Reject,
            _ => Self::Alert,
        }
    }
}

/// Which way a packet went within its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// There was no flow.
    Unknown,
    /// From the end that opened the flow.
    ToServer,
    /// To the end that opened the flow.
    ToClient,
}

impl Direction {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::ToServer => 1,
            Self::ToClient => 2,
        }
    }

    /// The direction with a number from the wire.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::ToServer,
            2 => Self::ToClient,
            _ => Self::Unknown,
        }
    }
}

/// One end of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What may be told about its address.
    pub address: DisclosedAddress,
    /// Its port, where the protocol has ports. Kept for pseudonyms too: the subscriber sits
    /// behind CGNAT and cannot be found without it.
    pub port: Option<u16>,
}

/// What the ISP's policy lets be known about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisclosedAddress {
    /// The address itself.
    Clear(IpAddr),
    /// A prefix-preserving pseudonym that only the ISP can turn back.
    Pseudonym {
        /// An address of the same family that stands for the real one.
        address: IpAddr,
        /// Which of the ISP's keys made it.
        key_epoch: u32,
    },
    /// Nothing.
    Withheld,
}

/// Packets and bytes each way. Bytes are those of whole IP packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Traffic {
    /// Packets from the end that opened the flow.
    pub packets_to_server: u64,
    /// Bytes from the end that opened the flow.
    pub bytes_to_server: u64,
    /// Packets to the end that opened the flow.
    pub packets_to_client: u64,
    /// Bytes to the end that opened the flow.
    pub bytes_to_client: u64,
}

/// The facts of one finding, bounded in number and size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(Vec<Fact>);

/// One thing the application layer said, in its own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub kind: FactKind,
    /// The bytes, cut to [`MAX_FACT_VALUE_BYTES`].
    pub value: Vec<u8>,
}

impl Facts {
    /// Adds a fact, its value cut to [`MAX_FACT_VALUE_BYTES`]; false when the finding already
    /// has [`MAX_FACTS_IN_FINDING`].
    pub fn push(&mut self, kind: FactKind, value: &[u8]) -> bool {
        if self.0.len() >= MAX_FACTS_IN_FINDING {
            return false;
        }
        let end = value.len().min(MAX_FACT_VALUE_BYTES);
        self.0.push(Fact {
            kind,
            value: value.get(..end).unwrap_or_default().to_vec(),
        });
        true
    }

    /// The facts in the order they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Fact> {
        self.0.iter()
    }

    /// The first fact of a kind.
    pub fn get(&self, kind: FactKind) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|fact| fact.kind == kind)
            .map(|fact| fact.value.as_slice())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Facts {
    type Item = &'a Fact;
    type IntoIter = std::slice::Iter<'a, Fact>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Defines the kinds of fact once: number on the wire, name shown to people and in JSON.
macro_rules! fact_kinds {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// What a fact is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum FactKind {
            $($(#[$meta])* $name,)*
            /// A kind that this program does not know, by its number on the wire.
            Other(u16),
        }

        impl FactKind {
            /// Every kind with a name.
            pub const NAMED: &'static [Self] = &[$(Self::$name),*];

            /// The number on the wire.
            pub const fn code(self) -> u16 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The kind with a number from the wire.
            pub const fn from_code(code: u16) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Other(other),
                }
            }

            /// Suricata's keyword for the same thing, where there is one.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "other",
                }
            }
        }
    };
}

fact_kinds! {
    /// Host of an HTTP request.
    HttpHost = 1, "http.host";
    /// Request target of an HTTP request.
    HttpUri = 2, "http.uri";
    /// Method of an HTTP request.
    HttpMethod = 3, "http.method";
    /// User agent of an HTTP request.
    HttpUserAgent = 4, "http.user_agent";
    /// Status code of an HTTP response, as text.
    HttpStatus = 5, "http.stat_code";
    /// Referrer of an HTTP request.
    HttpReferer = 6, "http.referer";
    /// Content type of an HTTP response.
    HttpContentType = 7, "http.content_type";
    /// Name asked for in a DNS query.
    DnsQuery = 8, "dns.query";
    /// Record type of a DNS query, as text.
    DnsQueryType = 9, "dns.rrtype";
    /// Answer of a DNS response, as text.
    DnsAnswer = 10, "dns.answer";
    /// Server name in a TLS client hello.
    TlsSni = 11, "tls.sni";
    /// Subject of a server certificate.
    TlsSubject = 12, "tls.cert_subject";
    /// Issuer of a server certificate.
    TlsIssuer = 13, "tls.cert_issuer";
    /// SHA-1 of a server certificate, hex.
    TlsFingerprint = 14, "tls.cert_fingerprint";
    /// TLS version, as text.
    TlsVersion = 15, "tls.version";
    /// JA3 of a client hello, hex.
    Ja3 = 16, "ja3.hash";
    /// JA3S of a server hello, hex.
    Ja3s = 17, "ja3s.hash";
    /// JA4 of a client hello.
    Ja4 = 18, "ja4.hash";
    /// Software an SSH client names.
    SshClientSoftware = 19, "ssh.client_software";
    /// Software an SSH server names.
    SshServerSoftware = 20, "ssh.server_software";
    /// Name of a file that was carried.
    FileName = 21, "file.name";
    /// SHA-256 of a file that was carried, hex.
    FileSha256 = 22, "filesha256";
    /// Sender of a mail.
    SmtpMailFrom = 23, "smtp.mail_from";
    /// Recipient of a mail.
    SmtpRecipient = 24, "smtp.rcpt_to";
    /// User name given in clear.
    UserName = 25, "user_name";
    /// Command of a text protocol.
    Command = 26, "command";
    /// Share or pipe of an SMB session.
    SmbShare = 27, "smb.share";
    /// Interface of a DCE/RPC call.
    DceInterface = 28, "dce.iface";
    /// Service principal of a Kerberos request.
    KerberosService = 29, "krb5.sname";
    /// Client principal of a Kerberos request.
    KerberosClient = 30, "krb5.cname";
    /// Community SNMP v1 and v2c send.
    SnmpCommunity = 31, "snmp.community";
    /// Function an industrial protocol request names.
    IndustrialFunction = 32, "industrial.function";
    /// Response code of a DNS response, as text.
    DnsRcode = 33, "dns.rcode";
}
