//! Every keyword once: its name and aliases, since when it exists, what it takes, what it does, and whether it is run.
//!
//! This table is the one source for parsing, for diagnostics and for the keyword reference (`docs/keywords.md`). A keyword that
//! is only parsed and not run says why in its `support`.
//!
//! A row: name, `[other spellings]`, version, argument, role, description; then, where there is something to say,
//! `takes "shape of the value"` and `differs "how it differs from the reference on purpose"`.

use super::{
    catalogue::Catalogue,
    draft::RuleDraft,
    keywords::{
        asn1, bits, buffers, byte_keywords, checked, content, dcerpc, dnp3, enip, files, flow,
        frames, header_fields, http2, ike, kerberos, ldap, lists, meta, modbus, mqtt, regex,
        reputation, rfb, rpc, ssh, thresholds, tls, transaction_fields, variables, websocket,
    },
    language::Language,
    list_files::ListFiles,
    problem::Problem,
    reputations::Reputations,
    support::Support,
    syntax::RuleOption,
};
use crate::model::{AppProtocol, Buffer, HeaderField, Transform};

/// Whether a keyword has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// `keyword;`
    None,
    /// `keyword:value;`
    Required,
    /// Either.
    Optional,
}

/// What a keyword's function is given beside the rule.
pub(crate) struct Context<'c> {
    pub(crate) keyword: &'static Keyword,
    pub(crate) catalogue: &'c Catalogue,
    pub(crate) language: Language,
    /// The rule file, and where the files are that it names.
    pub(crate) rule_file: &'c str,
    pub(crate) list_files: ListFiles,
    /// What is known of addresses.
    pub(crate) reputations: &'c Reputations,
}

/// Reads one option into a rule.
pub(crate) type Apply = fn(&mut RuleDraft, &RuleOption<'_>, &Context<'_>) -> Result<(), Problem>;

/// What a keyword does.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Reads its value.
    Read(Apply),
    /// Opens a buffer for what follows.
    Sticky(Buffer),
    /// Moves the content before it into a buffer.
    Modifier(Buffer),
    /// Changes the buffer that was just opened.
    Transform(Transform<'static>),
    /// Compares a number of the packet or flow.
    PacketField(HeaderField, u64),
    /// Compares a number of the packet with one number, not with a range.
    PacketNumber(HeaderField, u64),
    /// Compares a number of a transaction.
    TransactionField(HeaderField, AppProtocol, u64),
    /// Compares a number of a transaction with one number, not with a range.
    TransactionNumber(HeaderField, AppProtocol, u64),
    /// Changes nothing in what is detected.
    NoEffect,
    /// Is known and not run.
    Foreign(&'static str),
    /// Is known and not run, with a value that is checked.
    Checked(&'static str, Apply),
    /// Opens a buffer that is known and not filled.
    ForeignBuffer(&'static str),
}

/// One keyword of the rule language.
pub struct Keyword {
    /// The family it stands in: the section of the reference.
    pub section: &'static str,
    /// The name in the reference's current spelling.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// The reference's version that brought it; `legacy` for what came from elsewhere.
    pub since: &'static str,
    /// Whether it has a value.
    pub argument: Argument,
    /// What it does, in one line.
    pub description: &'static str,
    /// The shape of its value where its role does not tell it; see [`Keyword::shape`].
    takes: &'static str,
    /// Where it differs from the reference on purpose; empty where it does not.
    pub differs: &'static str,
    pub(crate) role: Role,
}

impl Keyword {
    /// Whether it is run.
    ///
    /// # Errors
    /// The reason why not.
    pub fn support(&self) -> Support {
        match self.role {
            Sticky(buffer) | Modifier(buffer) => super::support::buffer(buffer),
            PacketField(field, _)
            | PacketNumber(field, _)
            | TransactionField(field, ..)
            | TransactionNumber(field, ..) => super::support::field(field),
            Foreign(reason) | Checked(reason, _) | ForeignBuffer(reason) => Err(reason),
            Read(_) | Role::Transform(_) | NoEffect => Ok(()),
        }
    }

    /// Whether a version of the rule language has it.
    #[must_use]
    pub fn is_of(&self, language: Language) -> bool {
        let is_newer = self.since.starts_with('8') && language == Language::Version7;
        !is_newer && !self.since.ends_with("only")
    }

    /// Whether its value may stand in double quotes. The reference refuses quotes around any other value.
    #[must_use]
    pub fn takes_quotes(&self) -> bool {
        QUOTED.contains(&self.name)
    }

    /// Whether it moves the content before it into a buffer, as older rules do.
    #[must_use]
    pub fn is_modifier(&self) -> bool {
        matches!(self.role, Modifier(_))
    }

    /// What its value looks like; `None` for a keyword without one.
    #[must_use]
    pub fn shape(&self) -> Option<&'static str> {
        match (self.argument, self.role) {
            (Argument::None, _) => None,
            (_, PacketField(..) | TransactionField(..)) if self.takes.is_empty() => {
                Some("N | !N | <N | >N | <=N | >=N | N<>M")
            }
            (_, PacketNumber(..) | TransactionNumber(..)) if self.takes.is_empty() => Some("N"),
            _ if self.takes.is_empty() => Some("…"),
            _ => Some(self.takes),
        }
    }

    /// The application protocol that a rule with it is about.
    #[must_use]
    pub fn protocol(&self) -> Option<AppProtocol> {
        match self.role {
            TransactionField(_, protocol, _) | TransactionNumber(_, protocol, _) => Some(protocol),
            _ => self.buffer()?.info().protocol,
        }
    }

    /// The buffer it opens or moves a content into.
    #[must_use]
    pub fn buffer(&self) -> Option<Buffer> {
        match self.role {
            Sticky(buffer) | Modifier(buffer) => Some(buffer),
            _ => None,
        }
    }
}

/// Keywords whose value may stand in double quotes.
const QUOTED: &[&str] = &[
    "msg",
    "content",
    "uricontent",
    "replace",
    "pcre",
    "pcrexform",
    "xor",
    "filename",
    "fileext",
    "filemagic",
    "app-layer-protocol",
    "ip_proto",
    "tos",
    "tls.subject",
    "tls.issuerdn",
    "tls.fingerprint",
    "ssh.protoversion",
    "ssh.softwareversion",
    "flowvar",
    "pktvar",
];

/// The keyword of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Keyword> {
    use std::{collections::HashMap, sync::OnceLock};
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Keyword>> = OnceLock::new();
    BY_NAME
        .get_or_init(|| {
            KEYWORDS
                .iter()
                .flat_map(|keyword| {
                    std::iter::once(keyword.name)
                        .chain(keyword.aliases.iter().copied())
                        .map(move |name| (name, keyword))
                })
                .collect()
        })
        .get(name)
        .copied()
}

/// The keyword that asks for this number.
#[must_use]
pub fn of_field(field: HeaderField) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(
        |keyword| matches!(keyword.role, PacketField(of, _) | PacketNumber(of, _) | TransactionField(of, ..) if of == field),
    )
}

/// The keyword whose name looks most like this one, for hints.
#[must_use]
pub fn similar(name: &str) -> Option<&'static str> {
    KEYWORDS
        .iter()
        .flat_map(|keyword| std::iter::once(keyword.name).chain(keyword.aliases.iter().copied()))
        // What differs more in length differs more; and a name of kilobytes is not compared at all.
        .filter(|known| known.len().abs_diff(name.len()) <= known.len() / 3)
        .map(|known| (distance(name, known), known))
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(a != b))
                .min(above + 1)
                .min(row[j] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

macro_rules! keywords {
    ($(# $section:literal; $(
        $name:literal [$($alias:literal)*] $since:literal $argument:ident $role:expr, $description:literal
        $(, takes $takes:literal)? $(, differs $differs:literal)?;
    )*)*) => {
        /// Every keyword, family by family.
        pub static KEYWORDS: &[Keyword] = &[$($(Keyword {
            section: $section,
            name: $name,
            aliases: &[$($alias),*],
            since: $since,
            argument: Argument::$argument,
            description: $description,
            takes: concat!($($takes)?),
            differs: concat!($($differs)?),
            role: $role,
        },)*)*];
    };
}

use AppProtocol as P;
use Buffer as B;
use HeaderField as F;
use Role::{
    Checked, Foreign, ForeignBuffer, Modifier, NoEffect, PacketField, PacketNumber, Read, Sticky,
    TransactionField, TransactionNumber,
};

/// Why nothing is done for a keyword of a later version.
const NEWER: &str = "it came with version 8 of the reference and is not run yet";
const FILES: Role = Foreign(MAGIC);
/// Why nothing is said of the kind of a file.
const MAGIC: &str =
    "what libmagic says follows from its database of 7 MB, which a small sensor does not carry";
const NEVER: Role = Foreign("it needs something that a passive sensor does not have");

/// A keyword of a family that is not run, whose value is checked.
const fn checked(family: Role, check: Apply) -> Role {
    match family {
        Foreign(reason) => Checked(reason, check),
        other => other,
    }
}

/// A transform of this name.
const fn transform(transform: Transform<'static>) -> Role {
    Role::Transform(transform)
}

keywords! {
    # "Identity and notes";
    "msg" [] "1.0" Required Read(meta::message), "The text of the alert; a quote, semicolon, colon or backslash in it stands behind a backslash.", takes "\"text\"";
    "sid" [] "1.0" Required Read(meta::signature), "The rule's number.", takes "number from 1";
    "gid" [] "1.0" Required Read(meta::generator), "The generator's number, 1 unless given.", takes "number";
    "rev" [] "1.0" Required Read(meta::revision), "The rule's revision.", takes "number from 1";
    "classtype" [] "1.0" Required Read(meta::class_type), "The class of activity; gives priority and category.", takes "name from classification.config";
    "priority" [] "1.0" Required Read(meta::priority), "Priority, 1 the most severe; wins over that of the class type.", takes "number; 1 is the most severe";
    "reference" [] "1.0" Required Read(meta::reference), "Where to read more, by a system of reference.config.", takes "system,target";
    "metadata" [] "1.0" Required Read(meta::metadata), "Notes for people and programs.", takes "key value, key value, …";
    "target" [] "4.0" Required Read(meta::target), "Which side is the victim.", takes "src_ip | dest_ip";
    "requires" [] "7.0.3" Required Read(meta::requires), "Load the rule only with this version, feature or keyword.", takes "version >= 7.0.3 [< 8], feature name, keyword name", differs "a rule for another version or feature is named as unsupported, not silently skipped";
    "noalert" [] "1.0" None Read(meta::no_alert), "Match, do effects, and do not alert.";
    "alert" [] "7.0.7" None Read(meta::alert), "Alert, where the action alone would not.";
    "tag" [] "1.0" Required Read(meta::tag), "Keep packets that follow.", takes "session | host [, count, packets | seconds | bytes [, src | dst]]", differs "checked and otherwise left alone: which packets are kept as evidence is for the host's policy to say";
    "prefilter" [] "4.0" None NoEffect, "Use the keyword before it as prefilter.", differs "changes speed only; after a number with `<=`, `>=` or `!` the reference never matches such a rule, so it is not run here";
    "bypass" [] "4.0" None NoEffect, "Stop looking at the flow after a match.", differs "has no effect: a passive sensor goes on looking";
    "rawbytes" [] "1.0" None Read(content::raw_bytes), "For compatibility, without effect: content is always raw bytes.";
    "nfq_set_mark" [] "1.0" Required Read(checked::mark), "Mark the packet for an inline queue.", takes "mark[/mask]", differs "has no effect: a passive sensor has no queue";

    # "Content, expressions and numbers in the payload";
    "content" [] "1.0" Required Read(content::content), "These bytes.", takes "[!]\"text|0D 0A|text\"";
    "nocase" [] "1.0" None Read(content::nocase), "Without regard to ASCII case.";
    "offset" [] "1.0" Required Read(content::offset), "Not before this byte of the buffer.", takes "number | variable";
    "depth" [] "1.0" Required Read(content::depth), "Within so many bytes from the offset.", takes "number | variable";
    "distance" [] "1.0" Required Read(content::distance), "At least so many bytes behind the match before.", takes "number | variable; may be negative";
    "within" [] "1.0" Required Read(content::within), "At most so many bytes behind the match before.", takes "number | variable";
    "startswith" [] "5.0" None Read(content::starts_with), "At the start of the buffer.";
    "endswith" [] "5.0" None Read(content::ends_with), "At the end of the buffer.";
    "fast_pattern" [] "1.0" Optional Read(content::fast_pattern), "Look for this content first; only, or offset,length of a part.", takes "nothing | only | offset,length";
    "replace" [] "1.0" Required checked(NEVER, checked::text), "Replace the content; inline only.";
    "isdataat" [] "1.0" Required Read(content::is_data_at), "There are bytes at this place.", takes "[!]number | variable [, relative] [, rawbytes]";
    "absent" [] "8.0" Optional Foreign(NEWER), "The buffer is absent.";
    "bsize" [] "5.0" Required Read(content::buffer_size), "The length of the buffer.", takes "N | !N | <N | >N | <=N | >=N | N<>M";
    "urilen" [] "1.0" Required Read(content::uri_length), "The length of the URI, normalised unless `raw`.", takes "N | !N | <N | >N | N<>M [, norm | raw]";
    "pcre" [] "1.0" Required Read(regex::pcre), "A regular expression with flags; groups may become variables.", takes "[!]\"/expression/flags [, flow:name | pkt:name, …]\"";
    "byte_test" [] "1.0" Required Read(byte_keywords::byte_test), "Read a number and compare it.", takes "bytes, [!]operator, value, offset [, relative] [, big | little | dce] [, string, hex | dec | oct] [, bitmask mask]";
    "byte_jump" [] "1.0" Required Read(byte_keywords::byte_jump), "Read a number and move the cursor by it.", takes "bytes, offset [, relative] [, multiplier N] [, big | little | dce] [, string, hex | dec | oct] [, align] [, from_beginning | from_end] [, post_offset N]";
    "byte_extract" [] "1.4" Required Read(byte_keywords::byte_extract), "Read a number into a variable.", takes "bytes, offset, variable [, relative] [, multiplier N] [, big | little | dce] [, string, hex | dec | oct] [, align 2 | 4]";
    "byte_math" [] "4.1" Required Read(byte_keywords::byte_math), "Read a number, calculate, and put the result into a variable.", takes "bytes N, offset N, oper + | - | * | / | << | >>, rvalue N | variable, result variable [, relative] [, endian big | little] [, string hex | dec | oct] [, bitmask mask]";
    "base64_decode" [] "2.0" Optional Read(content::base64_decode), "Decode base64 for `base64_data`.", takes "nothing | [bytes N] [, offset N] [, relative]";
    "base64_data" [] "2.0" None Sticky(B::Base64Data), "What `base64_decode` decoded.";
    "uricontent" [] "legacy" Required Read(content::uri_content), "A content in the URI.", takes "[!]\"text\"";
    "asn1" [] "legacy" Required Read(asn1::asn1), "Odd ASN.1 structures behind the payload's other matches.";
    "rpc" [] "legacy" Required Read(rpc::call), "A call of ONC RPC in the packet: program, version and procedure.", takes "program [, version | * [, procedure | *]]";

    # "Buffers of packets and files";
    "pkt_data" [] "2.0" None Read(buffers::packet_data), "Back to the payload.";
    "frame" [] "7.0" Required Read(frames::frame), "Each unit of a protocol as it lies in the stream: `frame:smb2.pdu`, or `frame:dns.pdu` with the protocol.", takes "[protocol.]name";
    "file.data" ["file_data"] "2.0" None Sticky(B::FileData), "Bytes of a file in transfer, of a body among others.";
    "file.name" [] "5.0" None Sticky(B::FileName), "Name of a file.";
    "file.magic" [] "5.0" None Sticky(B::FileMagic), "What libmagic says of a file.";
    "ipv4.hdr" [] "5.0" None Sticky(B::Ipv4Header), "The IPv4 header.";
    "ipv6.hdr" [] "5.0" None Sticky(B::Ipv6Header), "The IPv6 header.";
    "tcp.hdr" [] "5.0" None Sticky(B::TcpHeader), "The TCP header.";
    "udp.hdr" [] "5.0" None Sticky(B::UdpHeader), "The UDP header.";
    "icmpv4.hdr" [] "7.0" None Sticky(B::Icmpv4Header), "The ICMP header.";
    "icmpv6.hdr" [] "5.0" None Sticky(B::Icmpv6Header), "The ICMPv6 header.";

    # "HTTP: sticky buffers and the older modifiers";
    "http.uri" [] "5.0" None Sticky(B::HttpUri), "The normalised request URI.";
    "http_uri" [] "1.0" None Modifier(B::HttpUri), "The content before it is in the normalised URI.";
    "http.uri.raw" [] "5.0" None Sticky(B::HttpUriRaw), "The request URI as sent.";
    "http_raw_uri" [] "1.0" None Modifier(B::HttpUriRaw), "The content before it is in the URI as sent.";
    "http.method" [] "5.0" None Sticky(B::HttpMethod), "The request method.";
    "http_method" [] "1.0" None Modifier(B::HttpMethod), "The content before it is in the method.";
    "http.request_line" ["http_request_line"] "5.0" None Sticky(B::HttpRequestLine), "The request line.";
    "http.request_body" [] "5.0" None Sticky(B::HttpRequestBody), "The request body.";
    "http_client_body" [] "1.0" None Modifier(B::HttpRequestBody), "The content before it is in the request body.";
    "http.header" [] "5.0" None Sticky(B::HttpHeader), "Normalised headers.";
    "http_header" [] "1.0" None Modifier(B::HttpHeader), "The content before it is in the normalised headers.";
    "http.header.raw" [] "5.0" None Sticky(B::HttpHeaderRaw), "Headers as sent.";
    "http_raw_header" [] "1.0" None Modifier(B::HttpHeaderRaw), "The content before it is in the headers as sent.";
    "http.header_names" ["http_header_names"] "4.1" None Sticky(B::HttpHeaderNames), "Names of the headers, in order.";
    "http.cookie" [] "5.0" None Sticky(B::HttpCookie), "The cookie.";
    "http_cookie" [] "1.0" None Modifier(B::HttpCookie), "The content before it is in the cookie.";
    "http.user_agent" [] "5.0" None Sticky(B::HttpUserAgent), "The user agent.";
    "http_user_agent" [] "1.0" None Modifier(B::HttpUserAgent), "The content before it is in the user agent.";
    "http.host" [] "5.0" None Sticky(B::HttpHost), "The host, lower case, without port.";
    "http_host" [] "1.4" None Modifier(B::HttpHost), "The content before it is in the host.";
    "http.host.raw" [] "5.0" None Sticky(B::HttpHostRaw), "The host as sent.";
    "http_raw_host" [] "1.4" None Modifier(B::HttpHostRaw), "The content before it is in the host as sent.";
    "http.accept" ["http_accept"] "4.1" None Sticky(B::HttpAccept), "The Accept header.";
    "http.accept_enc" ["http_accept_enc"] "4.1" None Sticky(B::HttpAcceptEncoding), "The Accept-Encoding header.";
    "http.accept_lang" ["http_accept_lang"] "4.1" None Sticky(B::HttpAcceptLanguage), "The Accept-Language header.";
    "http.referer" ["http_referer"] "4.1" None Sticky(B::HttpReferer), "The Referer header.";
    "http.connection" ["http_connection"] "4.1" None Sticky(B::HttpConnection), "The Connection header.";
    "http.content_len" ["http_content_len"] "4.1" None Sticky(B::HttpContentLength), "The Content-Length header.";
    "http.content_type" ["http_content_type"] "4.1" None Sticky(B::HttpContentType), "The Content-Type header.";
    "http.protocol" ["http_protocol"] "4.1" None Sticky(B::HttpProtocol), "The protocol version.";
    "http.start" ["http_start"] "4.1" None Sticky(B::HttpStart), "First line and headers.";
    "http.stat_code" [] "5.0" None Sticky(B::HttpStatusCode), "The status code.";
    "http_stat_code" [] "1.0" None Modifier(B::HttpStatusCode), "The content before it is in the status code.";
    "http.stat_msg" [] "5.0" None Sticky(B::HttpStatusMessage), "The status message.";
    "http_stat_msg" [] "1.0" None Modifier(B::HttpStatusMessage), "The content before it is in the status message.";
    "http.response_line" ["http_response_line"] "5.0" None Sticky(B::HttpResponseLine), "The status line.";
    "http.response_body" [] "5.0" None Sticky(B::HttpResponseBody), "The response body.";
    "http_server_body" [] "1.2" None Modifier(B::FileData), "The content before it is in the bytes of a file or body.";
    "http.server" [] "5.0" None Sticky(B::HttpServer), "The Server header.";
    "http.location" [] "5.0" None Sticky(B::HttpLocation), "The Location header.";
    "http.request_header" [] "7.0" None Sticky(B::HttpRequestHeader), "Each request header by itself.";
    "http.response_header" [] "7.0" None Sticky(B::HttpResponseHeader), "Each response header by itself.";

    # "DNS";
    "dns.query" ["dns_query"] "2.0" None Sticky(B::DnsQuery), "Each name asked for.";
    "dns.opcode" [] "7.0" Required Read(transaction_fields::dns_opcode), "The operation code.", takes "[!]N";
    "dns.queries.rrname" [] "8.0" None Foreign(NEWER), "Each name asked for.";
    "dns.answers.rrname" [] "8.0" None Foreign(NEWER), "Names of answers.";
    "dns.authorities.rrname" [] "8.0" None Foreign(NEWER), "Names of authorities.";
    "dns.additionals.rrname" [] "8.0" None Foreign(NEWER), "Names of additional records.";

    # "TLS, JA3 and JA4";
    "tls.sni" ["tls_sni"] "3.2" None Sticky(B::TlsSni), "The server name asked for.";
    "tls.cert_subject" ["tls_cert_subject"] "3.2" None Sticky(B::TlsCertSubject), "The certificate's subject.";
    "tls.cert_issuer" ["tls_cert_issuer"] "3.2" None Sticky(B::TlsCertIssuer), "The certificate's issuer.";
    "tls.cert_serial" ["tls_cert_serial"] "4.0" None Sticky(B::TlsCertSerial), "The certificate's serial number.";
    "tls.cert_fingerprint" ["tls_cert_fingerprint"] "4.0" None Sticky(B::TlsCertFingerprint), "SHA-1 of the certificate.";
    "tls.certs" [] "5.0" None Sticky(B::TlsCerts), "Each certificate as sent.";
    "tls.random" [] "7.0" None Sticky(B::TlsRandom), "The random of the hello.";
    "tls.random_time" [] "7.0" None Sticky(B::TlsRandomTime), "The first four bytes of the random.";
    "tls.random_bytes" [] "7.0" None Sticky(B::TlsRandomBytes), "The rest of the random.";
    "tls.version" [] "1.3" Required Read(transaction_fields::tls_version), "The negotiated version.", takes "1.0 | 1.1 | 1.2 | 1.3";
    "ssl_version" [] "1.3" Required Read(transaction_fields::ssl_version), "One of these record versions.", takes "[!]sslv2 | sslv3 | tls1.0 | tls1.1 | tls1.2 | tls1.3, …";
    "ssl_state" [] "1.3" Required Read(tls::handshake_state), "The newest message of the handshake is one of these, or none of those.", takes "[!]client_hello | server_hello | client_keyx | server_keyx | unknown, …";
    "tls.cert_chain_len" [] "7.0" Required TransactionField(F::TlsCertificateChainLength, P::Tls, u32::MAX as u64), "The number of certificates.";
    "tls.subject" [] "1.3" Required Read(content::tls_subject), "The certificate's subject contains this.", takes "[!]\"text\"";
    "tls.issuerdn" [] "1.3" Required Read(content::tls_issuer), "The certificate's issuer contains this.", takes "[!]\"text\"";
    "tls.fingerprint" [] "1.3" Required Read(content::tls_fingerprint), "SHA-1 of the certificate.", takes "[!]\"ab:cd:…\"";
    "tls_cert_notbefore" [] "3.2" Required Read(tls::certificate_date), "Begin of the certificate's validity.", takes "[< | >] date | date<>date, a date as 2026-05, 2026-05-01 or 2026-05-01T10:00:00, or seconds since 1970";
    "tls_cert_notafter" [] "3.2" Required Read(tls::certificate_date), "End of the certificate's validity.", takes "[< | >] date | date<>date, a date as 2026-05, 2026-05-01 or 2026-05-01T10:00:00, or seconds since 1970";
    "tls_cert_expired" [] "3.2" None Read(tls::certificate_validity), "The certificate has expired.";
    "tls_cert_valid" [] "3.2" None Read(tls::certificate_validity), "The certificate has not expired.";
    "tls.store" ["tls_store"] "1.3" None NoEffect, "Keep the certificate.", differs "has no effect: which certificates are kept is for the host's policy to say";
    "ja3.hash" ["ja3_hash"] "4.1" None Sticky(B::Ja3Hash), "JA3 of the client.";
    "ja3.string" ["ja3_string"] "4.1" None Sticky(B::Ja3String), "What JA3 of the client is made from.";
    "ja3s.hash" [] "5.0" None Sticky(B::Ja3sHash), "JA3S of the server.";
    "ja3s.string" [] "5.0" None Sticky(B::Ja3sString), "What JA3S of the server is made from.";
    "ja4.hash" ["ja4_hash"] "7.0.5" None Sticky(B::Ja4Hash), "JA4 of the client.";

    # "SSH";
    "ssh.proto" ["ssh_proto"] "4.1" None Sticky(B::SshProto), "The protocol version of the banner.";
    "ssh.software" ["ssh_software"] "4.1" None Sticky(B::SshSoftware), "The software of the banner.";
    "ssh.hassh" ["ssh-hassh"] "6.0" None Sticky(B::SshHassh), "HASSH of the client.";
    "ssh.hassh.string" ["ssh-hassh-string"] "6.0" None Sticky(B::SshHasshString), "What HASSH of the client is made from.";
    "ssh.hassh.server" ["ssh-hassh-server"] "6.0" None Sticky(B::SshHasshServer), "HASSH of the server.";
    "ssh.hassh.server.string" ["ssh-hassh-server-string"] "6.0" None Sticky(B::SshHasshServerString), "What HASSH of the server is made from.";
    "ssh.protoversion" [] "1.3" Required Read(ssh::protocol_version), "The protocol version.", takes "version | 2_compat";
    "ssh.softwareversion" [] "1.3" Required Read(ssh::software_version), "The whole of the software.", takes "text";

    # "Transforms of the buffer before them";
    "dotprefix" [] "5.0" None transform(Transform::DotPrefix), "Put a dot before the buffer.";
    "strip_whitespace" [] "5.0" None transform(Transform::StripWhitespace), "Without white space.";
    "compress_whitespace" [] "5.0" None transform(Transform::CompressWhitespace), "White space to one space.";
    "to_lowercase" [] "7.0.5" None transform(Transform::ToLowercase), "To lower case.";
    "to_uppercase" [] "7.0.5" None transform(Transform::ToUppercase), "To upper case.";
    "url_decode" [] "6.0" None transform(Transform::UrlDecode), "Decode percent escapes and plus signs.";
    "to_md5" [] "5.0" None transform(Transform::ToMd5), "MD5 of the buffer.";
    "to_sha1" [] "5.0" None transform(Transform::ToSha1), "SHA-1 of the buffer.";
    "to_sha256" [] "5.0" None transform(Transform::ToSha256), "SHA-256 of the buffer.";
    "header_lowercase" [] "7.0.3" None transform(Transform::HeaderLowercase), "Header names to lower case.";
    "strip_pseudo_headers" [] "7.0.3" None transform(Transform::StripPseudoHeaders), "Without the pseudo headers of HTTP/2.";
    "xor" [] "6.0.10" Required Read(buffers::xor), "XOR with a repeating key.", takes "\"hexadecimal digits\"";
    "pcrexform" [] "6.0" Required Read(regex::pcre_transform), "The first capture of a regular expression.", takes "\"expression with one capture\"";

    # "Flow, bits, rate limits, events";
    "flow" [] "1.0" Required Read(flow::flow), "Direction and state of the flow.", takes "to_server | to_client, established | not_established | stateless, only_stream | no_stream, only_frag | no_frag";
    "flowbits" [] "1.0" Required Read(bits::flow_bits), "Set, test or clear a bit of the flow.", takes "set | unset | toggle | isset | isnotset, name[|name…]; or noalert";
    "xbits" [] "2.1" Required Read(bits::exchange_bits), "Set, test or clear a bit of a host or pair of hosts.", takes "set | unset | toggle | isset | isnotset, name, track ip_src | ip_dst | ip_pair [, expire seconds]";
    "hostbits" [] "2.0" Required Read(bits::host_bits), "Set, test or clear a bit of a host.", takes "set | unset | toggle | isset | isnotset, name [, src | dst]; or noalert";
    "flowint" [] "1.0" Required Read(bits::flow_integer), "Count in a number of the flow, or compare it.", takes "name, operator, value; or name, isset | isnotset";
    "stream_size" [] "1.0" Required Read(flow::stream_size), "Bytes of the stream so far.", takes "server | client | both | either, operator, bytes";
    "threshold" [] "1.0" Required Read(thresholds::threshold), "Limit how often it alerts.", takes "type limit | threshold | both, track by_src | by_dst | by_both | by_rule, count N, seconds N";
    "detection_filter" [] "1.0" Required Read(thresholds::detection_filter), "Alert from the Nth match in a window on.", takes "track by_src | by_dst, count N, seconds N";
    "flow.age" [] "7.0" Required PacketField(F::FlowAge, u32::MAX as u64), "Age of the flow in seconds.";
    "flow.pkts_toserver" [] "8.0" Required PacketField(F::FlowPacketsToServer, u32::MAX as u64), "Packets to the server.";
    "flow.pkts_toclient" [] "8.0" Required PacketField(F::FlowPacketsToClient, u32::MAX as u64), "Packets to the client.";
    "flow.bytes_toserver" [] "8.0" Required PacketField(F::FlowBytesToServer, u64::MAX), "Bytes to the server.";
    "flow.bytes_toclient" [] "8.0" Required PacketField(F::FlowBytesToClient, u64::MAX), "Bytes to the client.";
    "app-layer-protocol" [] "2.1" Required Read(flow::app_layer_protocol), "The detected application protocol.", takes "[!]name";
    "app-layer-event" [] "2.0" Required Read(flow::app_layer_event), "An anomaly that a parser noticed.", takes "protocol.event";
    "stream-event" [] "1.0" Required Read(flow::stream_event), "An anomaly that reassembly noticed.", takes "event";
    "decode-event" [] "1.0" Required Read(flow::decode_event), "An anomaly that decoding noticed.", takes "event";
    "engine-event" [] "1.0" Required Read(flow::engine_event), "An anomaly that decoding or reassembly noticed.", takes "decoder.event | stream.event";

    # "Fields of packet headers";
    "dsize" [] "1.0" Required Read(header_fields::payload_size), "Size of the packet's payload.", takes "N | !N | <N | >N | N<>M";
    "ttl" [] "1.0" Required PacketField(F::Ttl, 255), "Time to live or hop limit.";
    "id" [] "1.0" Required Read(header_fields::ip_id), "IPv4 identification.", takes "number";
    "tos" [] "4.1" Required Read(header_fields::type_of_service), "Type of service.", takes "[!]N | [!]xN in hexadecimal";
    "ip_proto" [] "1.0" Required Read(header_fields::ip_protocol), "Protocol above IP.", takes "[!]number or name | <N | >N";
    "ipopts" [] "1.0" Required Read(header_fields::ip_options), "An IP option is there.", takes "rr | lsrr | eol | nop | ts | sec | esec | ssrr | satid | any";
    "fragbits" [] "1.0" Required Read(header_fields::fragment_bits), "Fragmentation bits.", takes "[+ | * | !] of M, D, R";
    "fragoffset" [] "1.0" Required Read(header_fields::fragment_offset), "Fragment offset.", takes "N | <N | >N";
    "sameip" [] "1.0" None Read(header_fields::same_ip), "Source and destination address are the same.";
    "geoip" [] "2.0" Required Foreign("no database of countries is loaded"), "Country of an address.";
    "l3_proto" [] "6.0" Required Checked("the version of IP is not compared by this keyword yet", checked::ip_version), "Version of IP.";
    "ip.src" [] "7.0" None Sticky(B::IpSource), "The source address as a buffer.";
    "ip.dst" [] "7.0" None Sticky(B::IpDestination), "The destination address as a buffer.";
    "tcp.flags" ["flags"] "1.0" Required Read(header_fields::tcp_flags), "TCP flags.", takes "[+ | * | !] of F, S, R, P, A, U, C, E or 0 [, flags to leave out of the comparison]";
    "tcp.seq" ["seq"] "1.0" Required PacketNumber(F::TcpSequence, u32::MAX as u64), "TCP sequence number.";
    "tcp.ack" ["ack"] "1.0" Required PacketNumber(F::TcpAcknowledgment, u32::MAX as u64), "TCP acknowledgement number.";
    "tcp.window" ["window"] "1.0" Required Read(header_fields::tcp_window), "TCP window.", takes "[!]N";
    "tcp.mss" [] "6.0" Required PacketField(F::TcpMss, 65535), "TCP maximum segment size.";
    "itype" [] "1.0" Required PacketField(F::IcmpType, 255), "ICMP type.";
    "icode" [] "1.0" Required PacketField(F::IcmpCode, 255), "ICMP code.";
    "icmp_id" [] "1.0" Required Read(header_fields::icmp_id), "ICMP identifier.", takes "number";
    "icmp_seq" [] "1.0" Required Read(header_fields::icmp_sequence), "ICMP sequence number.", takes "number";
    "icmpv6.mtu" [] "6.0" Required PacketField(F::Icmpv6Mtu, u32::MAX as u64), "MTU in an ICMPv6 message.";
    "ipv4-csum" [] "1.0" Required Read(header_fields::checksum), "IPv4 checksum: valid or invalid.", takes "valid | invalid";
    "tcpv4-csum" [] "1.0" Required Read(header_fields::checksum), "TCP checksum over IPv4.", takes "valid | invalid";
    "tcpv6-csum" [] "1.0" Required Read(header_fields::checksum), "TCP checksum over IPv6.", takes "valid | invalid";
    "udpv4-csum" [] "1.0" Required Read(header_fields::checksum), "UDP checksum over IPv4.", takes "valid | invalid";
    "udpv6-csum" [] "1.0" Required Read(header_fields::checksum), "UDP checksum over IPv6.", takes "valid | invalid";
    "icmpv4-csum" [] "1.0" Required Read(header_fields::checksum), "ICMP checksum.", takes "valid | invalid";
    "icmpv6-csum" [] "1.0" Required Read(header_fields::checksum), "ICMPv6 checksum.", takes "valid | invalid";
    "ftpbounce" [] "1.0" None Read(transaction_fields::ftp_bounce), "An FTP PORT command that names a third host.";

    # "Files, lists, scripts";
    "lua" ["luajit"] "1.4" Required Foreign("scripts are not run"), "A Lua script.";
    "dataset" [] "5.0" Required Read(lists::data_set), "Add the whole buffer to a set, take it out, or ask whether it is there.", takes "set | unset | isset | isnotset, name [, type string | md5 | sha256 | ipv4 | ip] [, load file] [, save file | state file] [, memcap size] [, hashsize number]", differs "`save` and `state` write no file: a set that rules fill lives as long as the sensor runs. How much is kept is bounded for all sets together, not by `memcap`";
    "datarep" [] "5.0" Required Read(lists::data_reputation), "The reputation that a list gives the whole buffer.", takes "name, < | > | ==, number [, load file] [, type string | md5 | sha256 | ipv4 | ip]";
    "iprep" [] "1.4" Required Read(reputation::address_reputation), "The reputation of an address in a category.", takes "any | src | dst | both, category, < | > | <= | >= | = | !=, score; or isset | isnotset behind the category";
    "config" [] "6.0" Required Checked("a rule cannot change the sensor's settings", checked::config), "Change settings for a flow.";
    "flowvar" [] "1.0" Required Read(variables::flow_variable), "A variable of the flow, captured by an expression, holds these bytes.", takes "name, \"text\"";
    "pktvar" [] "1.0" Required Read(variables::packet_variable), "A variable of the packet, captured by an expression, holds these bytes.", takes "name, \"text\"";
    "filename" [] "1.1" Required Read(files::name), "The file's name contains this, in any case.", takes "\"text\"";
    "fileext" [] "1.1" Required Read(files::extension), "The file's extension, in any case.", takes "\"text\"";
    "filemagic" [] "1.1" Required checked(FILES, checked::text), "What libmagic says of the file contains this.";
    "filestore" [] "1.1" Optional Read(files::store), "There is a file; none is kept.", takes "[direction][,scope]";
    "filesize" [] "2.0" Required Read(files::size), "The size of a whole file in bytes.", takes "number | <number | >number | low<>high";
    "filemd5" [] "1.1" Required Read(lists::file_digest), "The MD5 of a whole file is in a list.", takes "[!]file of digests, beside the rules";
    "filesha1" [] "3.1" Required Read(lists::file_digest), "The SHA-1 of a whole file is in a list.", takes "[!]file of digests, beside the rules";
    "filesha256" [] "3.1" Required Read(lists::file_digest), "The SHA-256 of a whole file is in a list.", takes "[!]file of digests, beside the rules";

    # "DCERPC and SMB";
    "dcerpc.iface" ["dce_iface"] "1.3" Required Read(dcerpc::interface), "Interface of a DCERPC call.", takes "UUID [, [!]= | < | > version] [, any_frag]";
    "dcerpc.opnum" ["dce_opnum"] "1.3" Required Read(dcerpc::operation), "Operation of a DCERPC call.", takes "number | range, …";
    "dcerpc.stub_data" ["dce_stub_data"] "1.3" None Sticky(B::DcerpcStubData), "Arguments of a DCERPC call.";
    "smb.named_pipe" ["smb_named_pipe"] "4.1" None Sticky(B::SmbNamedPipe), "The named pipe.";
    "smb.share" ["smb_share"] "4.1" None Sticky(B::SmbShare), "The share.";
    "smb.ntlmssp_user" [] "7.0" None Sticky(B::SmbNtlmsspUser), "The user of NTLMSSP.";
    "smb.ntlmssp_domain" [] "7.0" None Sticky(B::SmbNtlmsspDomain), "The domain of NTLMSSP.";
    "smb.version" [] "8.0" Required Foreign(NEWER), "Version of SMB.";

    # "NFS";
    "nfs_procedure" [] "4.0" Required TransactionField(F::NfsProcedure, P::Nfs, u32::MAX as u64), "NFS procedure, as a number.";
    "nfs.version" ["nfs_version"] "4.0" Required TransactionField(F::NfsVersion, P::Nfs, u32::MAX as u64), "NFS version.";

    # "Kerberos";
    "krb5_err_code" [] "4.1" Required TransactionNumber(F::Krb5ErrorCode, P::Krb5, i32::MAX as u64), "Kerberos error.";
    "krb5_msg_type" [] "4.1" Required TransactionNumber(F::Krb5MessageType, P::Krb5, 255), "Kerberos message type.";
    "krb5.cname" ["krb5_cname"] "4.1" None Sticky(B::Krb5Cname), "Each part of the client's name.";
    "krb5.sname" ["krb5_sname"] "4.1" None Sticky(B::Krb5Sname), "Each part of the service's name.";
    "krb5.ticket_encryption" [] "7.0" Required Read(kerberos::ticket_encryption), "Encryption of the ticket.", takes "[!]weak | name or number, …";

    # "HTTP/2";
    "http2.frametype" [] "6.0" Required Read(http2::frame_type), "Type of a frame.", takes "name | number";
    "http2.errorcode" [] "6.0" Required Read(http2::error_code), "Error code of a stream or the connection.", takes "name | number";
    "http2.priority" [] "6.0" Required TransactionField(F::Http2Priority, P::Http2, 255), "Weight.";
    "http2.window" [] "6.0" Required TransactionField(F::Http2Window, P::Http2, u32::MAX as u64), "Window update.";
    "http2.size_update" [] "6.0" Required TransactionField(F::Http2SizeUpdate, P::Http2, u64::MAX), "Table size update.";
    "http2.settings" [] "6.0" Required Read(http2::settings), "A setting is there, or has such a value.", takes "name [=N | <N | >N | N-M]";
    "http2.header_name" [] "6.0" None Sticky(B::Http2HeaderName), "Each header name.";
    "http2.header" [] "6.0 only" None ForeignBuffer("version 7.0 has http.request_header and http.response_header in its place"), "Each header.";

    # "SIP";
    "sip.method" [] "6.0" None Sticky(B::SipMethod), "The method.";
    "sip.uri" [] "6.0" None Sticky(B::SipUri), "The URI.";
    "sip.protocol" [] "6.0" None Sticky(B::SipProtocol), "The protocol version.";
    "sip.stat_code" [] "6.0" None Sticky(B::SipStatusCode), "The status code.";
    "sip.stat_msg" [] "6.0" None Sticky(B::SipStatusMessage), "The status message.";
    "sip.request_line" [] "6.0" None Sticky(B::SipRequestLine), "The request line.";
    "sip.response_line" [] "6.0" None Sticky(B::SipResponseLine), "The response line.";

    # "RFB";
    "rfb.secresult" [] "6.0" Required Read(rfb::security_result), "Result of authentication.", takes "ok | fail | toomany | unknown";
    "rfb.sectype" [] "6.0" Required TransactionField(F::RfbSecurityType, P::Rfb, u32::MAX as u64), "Type of authentication.";
    "rfb.name" [] "6.0" None Sticky(B::RfbName), "Name of the desktop.";

    # "MQTT";
    "mqtt.type" [] "6.0" Required Read(mqtt::message_type), "Type of a message.", takes "CONNECT | CONNACK | PUBLISH | PUBACK | PUBREC | PUBREL | PUBCOMP | SUBSCRIBE | SUBACK | UNSUBSCRIBE | UNSUBACK | PINGREQ | PINGRESP | DISCONNECT | AUTH";
    "mqtt.flags" [] "6.0" Required Read(mqtt::flags), "Flags of the header.", takes "[!]dup | [!]retain, …";
    "mqtt.qos" [] "6.0" Required TransactionNumber(F::MqttQos, P::Mqtt, 2), "Quality of service.";
    "mqtt.protocol_version" [] "6.0" Required TransactionField(F::MqttProtocolVersion, P::Mqtt, 255), "Version.";
    "mqtt.reason_code" ["mqtt.connack.return_code"] "6.0" Required TransactionNumber(F::MqttReasonCode, P::Mqtt, 255), "Reason code.";
    "mqtt.connect.flags" [] "6.0" Required Read(mqtt::connect_flags), "Flags of CONNECT.", takes "[!]username | [!]password | [!]will | [!]will_retain | [!]clean_session, …";
    "mqtt.connect.clientid" [] "6.0" None Sticky(B::MqttClientId), "Client identifier.";
    "mqtt.connect.username" [] "6.0" None Sticky(B::MqttUserName), "User.";
    "mqtt.connect.password" [] "6.0" None Sticky(B::MqttPassword), "Password.";
    "mqtt.connect.willtopic" [] "6.0" None Sticky(B::MqttWillTopic), "Topic of the will.";
    "mqtt.connect.willmessage" [] "6.0" None Sticky(B::MqttWillMessage), "Message of the will.";
    "mqtt.connect.protocol_string" [] "8.0" None ForeignBuffer(NEWER), "Name of the protocol.";
    "mqtt.connack.session_present" [] "6.0" Required Read(mqtt::session_present), "A session was there.", takes "yes | true | no | false";
    "mqtt.publish.topic" [] "6.0" None Sticky(B::MqttPublishTopic), "Topic.";
    "mqtt.publish.message" [] "6.0" None Sticky(B::MqttPublishMessage), "Message.";
    "mqtt.subscribe.topic" [] "6.0" None Sticky(B::MqttSubscribeTopic), "Each topic subscribed to.";
    "mqtt.unsubscribe.topic" [] "6.0" None Sticky(B::MqttUnsubscribeTopic), "Each topic left.";

    # "QUIC";
    "quic.version" [] "7.0" None Sticky(B::QuicVersion), "Version.";
    "quic.sni" [] "7.0" None Sticky(B::QuicSni), "Server name.";
    "quic.ua" [] "7.0" None Sticky(B::QuicUserAgent), "User agent.";
    "quic.cyu.hash" [] "7.0" None Sticky(B::QuicCyuHash), "CYU hash.";
    "quic.cyu.string" [] "7.0" None Sticky(B::QuicCyuString), "What the CYU hash is made from.";

    # "SNMP";
    "snmp.version" [] "5.0" Required TransactionField(F::SnmpVersion, P::Snmp, u32::MAX as u64), "Version.";
    "snmp.community" [] "5.0" None Sticky(B::SnmpCommunity), "Community.";
    "snmp.usm" [] "7.0" None Sticky(B::SnmpUsm), "User of version 3.";
    "snmp.pdu_type" [] "5.0" Required TransactionNumber(F::SnmpPduType, P::Snmp, u32::MAX as u64), "Type of the PDU.";

    # "IKE";
    "ike.exchtype" [] "7.0" Required TransactionField(F::IkeExchangeType, P::Ike, 255), "Exchange type.";
    "ike.init_spi" [] "7.0" None Sticky(B::IkeInitiatorSpi), "SPI of the initiator.";
    "ike.resp_spi" [] "7.0" None Sticky(B::IkeResponderSpi), "SPI of the responder.";
    "ike.vendor" [] "7.0" None Sticky(B::IkeVendor), "Each vendor identifier.";
    "ike.chosen_sa_attribute" [] "7.0" Required Read(ike::chosen_attribute), "Attribute of the chosen association.", takes "attribute = N";
    "ike.key_exchange_payload_length" [] "7.0" Required TransactionField(F::IkeKeyExchangeLength, P::Ike, u32::MAX as u64), "Length of the key exchange.";
    "ike.nonce_payload_length" [] "7.0" Required TransactionField(F::IkeNonceLength, P::Ike, u32::MAX as u64), "Length of the nonce.";
    "ike.nonce_payload" [] "7.0" None Sticky(B::IkeNonce), "The nonce.";
    "ike.key_exchange_payload" [] "7.0" None Sticky(B::IkeKeyExchange), "The key exchange.";

    # "LDAP, in version 8 of the language";
    "ldap.request.operation" [] "8.0" Required Read(ldap::request_operation), "Operation of the request.", takes "[!]name or number | range";
    "ldap.request.dn" [] "8.0" None Sticky(B::LdapRequestDn), "Distinguished name that the request is about.";
    "ldap.request.attribute_type" [] "8.0" None Sticky(B::LdapRequestAttributeType), "Each attribute that the request names.";
    "ldap.responses.operation" [] "8.0" Required Read(ldap::responses_operation), "Operation of a response.", takes "[!]name or number | range [, any | all | place from 0, or from -1 backwards]", differs "`all` and places from the last are judged once there is a last one";
    "ldap.responses.count" [] "8.0" Required Read(ldap::count), "Number of responses.", takes "N | !N | <N | >N | <=N | >=N | N<>M", differs "it is judged once there are no more, or enough";
    "ldap.responses.result_code" [] "8.0" Required Read(ldap::result_code), "Result that a response tells.", takes "[!]name or number | range [, any | all | place from 0, or from -1 backwards]", differs "`all` and places from the last are judged once there is a last one";
    "ldap.responses.dn" [] "8.0" None Sticky(B::LdapResponsesDn), "Distinguished name of each response; empty where it has none.";
    "ldap.responses.message" [] "8.0" None Sticky(B::LdapResponsesMessage), "Diagnostic message of each response; empty where it has none.";
    "ldap.responses.attribute_type" [] "8.0" None Sticky(B::LdapResponsesAttributeType), "Each attribute of an entry that was found.";

    # "WebSocket, in version 8 of the language";
    "websocket.payload" [] "8.0" None Sticky(B::WebsocketPayload), "What a frame carries, unmasked; the last frame of a message has all of it, decompressed.";
    "websocket.flags" [] "8.0" Required Read(websocket::flags), "Flags of a frame.", takes "[!]fin | [!]comp, … | &mask=N | &mask!=N | range";
    "websocket.mask" [] "8.0" Required TransactionField(F::WebsocketMask, P::Websocket, u32::MAX as u64), "Mask of a frame.";
    "websocket.opcode" [] "8.0" Required Read(websocket::opcode), "Kind of a frame.", takes "[!]continuation | text | binary | close | ping | pong | range";

    # "DHCP";
    "dhcp.leasetime" [] "7.0" Required TransactionField(F::DhcpLeaseTime, P::Dhcp, u64::MAX), "Lease in seconds.";
    "dhcp.rebinding_time" [] "7.0" Required TransactionField(F::DhcpRebindingTime, P::Dhcp, u64::MAX), "Rebinding time in seconds.";
    "dhcp.renewal_time" [] "7.0" Required TransactionField(F::DhcpRenewalTime, P::Dhcp, u64::MAX), "Renewal time in seconds.";

    # "Industrial control: Modbus, EtherNet/IP, DNP3";
    "modbus" [] "2.1" Required Read(modbus::modbus), "Function, unit or access of a request.", takes "[unit RANGE][, function [!]CODE or category [, subfunction CODE] | access read or write [table] [, address RANGE [, value RANGE]]]";
    "cip_service" [] "4.0" Required Read(enip::service), "CIP service.", takes "service [, class [, [!]attribute]]";
    "enip_command" [] "4.0" Required TransactionNumber(F::EnipCommand, P::Enip, 65535), "EtherNet/IP command.";
    "dnp3.data" ["dnp3_data"] "3.1" None Sticky(B::Dnp3Data), "A message of the application layer, without checksums.";
    "dnp3_func" ["dnp3.func"] "3.1" Required Read(dnp3::function), "Function.", takes "name | number";
    "dnp3_ind" ["dnp3.ind"] "3.1" Required Read(dnp3::indications), "Any of these internal indications.", takes "name, … | bits as a number";
    "dnp3_obj" ["dnp3.obj"] "3.1" Required Read(dnp3::object), "An object.", takes "group,variation", differs "what is no pair of numbers is refused";

    # "FTP";
    "ftpdata_command" [] "5.0" Required Read(transaction_fields::ftp_data_command), "The command that opened the data connection.", takes "retr | stor";
}
