//! Hello messages: what rules and fingerprints need of them.

use tls_parser::{parse_tls_handshake_client_hello, parse_tls_handshake_server_hello};

use crate::app_layer::{limits, reader::Reader};

/// Extension types (IANA registry).
pub(in crate::app_layer) const SERVER_NAME: u16 = 0;
/// Longer names are an event, and no names.
const SERVER_NAME_BYTES_MAX: usize = 255;
const SUPPORTED_GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
pub(in crate::app_layer) const ALPN: u16 = 16;
const HEARTBEAT: u16 = 15;
pub(in crate::app_layer) const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;

/// A client or server hello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app_layer) struct Hello {
    /// The version field of the message.
    pub(in crate::app_layer) legacy_version: u16,
    pub(in crate::app_layer) random: Vec<u8>,
    /// Offered by a client, or the one a server chose.
    pub(in crate::app_layer) ciphers: Vec<u16>,
    /// Types in their order.
    pub(in crate::app_layer) extensions: Vec<u16>,
    pub(in crate::app_layer) groups: Vec<u16>,
    pub(in crate::app_layer) point_formats: Vec<u8>,
    pub(in crate::app_layer) signature_algorithms: Vec<u16>,
    /// `supported_versions`: all a client offers, or the one a server chose.
    pub(in crate::app_layer) versions: Vec<u16>,
    /// The first application protocol.
    pub(in crate::app_layer) alpn: Option<Vec<u8>>,
    pub(in crate::app_layer) server_name: Option<Vec<u8>>,
    /// Whether it speaks of heartbeats (RFC 6520).
    pub(in crate::app_layer) has_heartbeat: bool,
    pub(in crate::app_layer) anomalies: Vec<&'static str>,
}

/// Values that clients send to keep servers tolerant (RFC 8701).
pub(in crate::app_layer) fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && high & 0x0f == 0x0a
}

/// Versions that were ever spoken: SSL 3 to TLS 1.3 (RFC 8446, section 4.1.2), its drafts, and those that one vendor made of them.
fn exists(version: u16) -> bool {
    matches!(version, 0x0300..=0x0304 | 0x7f01 | 0x7f10..=0x7f1c | 0xfb14..=0xfb1a)
}

impl Hello {
    pub(in crate::app_layer) fn client(body: &[u8]) -> Option<Self> {
        let (_, message) = parse_tls_handshake_client_hello(body).ok()?;
        let mut hello = Self {
            legacy_version: message.version.0,
            random: message.random.to_vec(),
            ciphers: message.ciphers.iter().map(|cipher| cipher.0).collect(),
            ..Self::default()
        };
        if let Some(extensions) = message.ext {
            hello.read_extensions(extensions, true);
        }
        Some(hello)
    }

    pub(in crate::app_layer) fn server(body: &[u8]) -> Option<Self> {
        if matches!(body, [0x7f, ..]) {
            return Self::draft_server(body);
        }
        let (_, message) = parse_tls_handshake_server_hello(body).ok()?;
        let mut hello = Self {
            legacy_version: message.version.0,
            random: message.random.to_vec(),
            ciphers: vec![message.cipher.0],
            ..Self::default()
        };
        if let Some(extensions) = message.ext {
            hello.read_extensions(extensions, false);
        }
        Some(hello)
    }

    /// The server's hello of TLS 1.3 drafts up to 21: neither session id nor compression.
    fn draft_server(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let mut hello = Self {
            legacy_version: reader.u16()?,
            random: reader.take(32)?.to_vec(),
            ciphers: vec![reader.u16()?],
            ..Self::default()
        };
        if let Some(extensions) = reader.prefixed_u16() {
            hello.read_extensions(extensions, false);
        }
        Some(hello)
    }

    /// The version in force: the first that exists of the extension where it is sent, else that of the message.
    pub(in crate::app_layer) fn version(&self) -> u16 {
        self.versions
            .iter()
            .copied()
            .find(|&version| exists(version))
            .unwrap_or(self.legacy_version)
    }

    fn read_extensions(&mut self, bytes: &[u8], from_client: bool) {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let Some(kind) = reader.u16() else {
                break;
            };
            let Some(data) = reader.prefixed_u16() else {
                self.anomalies.push("handshake_invalid_length");
                break;
            };
            if self.extensions.len() >= limits::TLS_EXTENSIONS_MAX {
                break;
            }
            self.extensions.push(kind);
            if self.read_extension(kind, data, from_client).is_none() {
                self.anomalies.push("handshake_invalid_length");
                break;
            }
        }
    }

    /// Reads what is known of an extension; nothing where a list in it is cut off.
    fn read_extension(&mut self, kind: u16, data: &[u8], from_client: bool) -> Option<()> {
        let mut reader = Reader::new(data);
        match kind {
            SERVER_NAME if from_client => self.read_server_name(data),
            _ if data.is_empty() => {}
            SUPPORTED_GROUPS => self.groups = numbers(reader.prefixed_u16()?),
            POINT_FORMATS => self.point_formats = reader.prefixed_u8()?.to_vec(),
            SIGNATURE_ALGORITHMS => self.signature_algorithms = numbers(reader.prefixed_u16()?),
            SUPPORTED_VERSIONS if from_client => {
                let versions = reader.prefixed_u8().filter(|list| list.len() > 1)?;
                self.versions = numbers(versions);
            }
            SUPPORTED_VERSIONS => self.versions = numbers(data),
            ALPN => {
                let list = reader.prefixed_u16()?;
                self.alpn = Reader::new(list).prefixed_u8().map(<[u8]>::to_vec);
            }
            HEARTBEAT => self.has_heartbeat = true,
            _ => {}
        }
        Some(())
    }

    /// RFC 6066, section 3: the first name of the first list.
    fn read_server_name(&mut self, data: &[u8]) {
        if self.server_name.is_some() {
            self.anomalies.push("multiple_sni_extensions");
            return;
        }
        let mut list = Reader::new(data);
        if list.u16().is_none() {
            return;
        }
        match list.u8() {
            Some(0) => match list.prefixed_u16() {
                Some(name) if (1..=SERVER_NAME_BYTES_MAX).contains(&name.len()) => {
                    self.server_name = Some(name.to_vec());
                }
                _ => self.anomalies.push("invalid_sni_length"),
            },
            Some(_) => self.anomalies.push("invalid_sni_type"),
            None => {}
        }
    }

    pub(in crate::app_layer) fn held_bytes(&self) -> usize {
        self.random.capacity()
            + 2 * (self.ciphers.capacity()
                + self.extensions.capacity()
                + self.groups.capacity()
                + self.signature_algorithms.capacity()
                + self.versions.capacity())
            + self.point_formats.capacity()
            + self.alpn.as_ref().map_or(0, Vec::capacity)
            + self.server_name.as_ref().map_or(0, Vec::capacity)
    }
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect()
}
