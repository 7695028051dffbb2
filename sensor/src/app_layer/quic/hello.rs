//! The hellos of TLS within QUIC, as the reference reads them there: stricter than over TCP.
//!
//! Extensions count all together or, where one of them is odd, not at all; names of any type are taken, and the last of
//! several; and JA3 leaves out no GREASE (every extension of that kind is written 64250).

use tls_parser::{
    TlsClientHelloContents, TlsExtension, TlsExtensionType, TlsMessage, TlsMessageHandshake,
    TlsServerHelloContents, nom, parse_tls_client_hello_extensions, parse_tls_message_handshake,
    parse_tls_server_hello_extensions,
};

use crate::app_layer::{
    limits,
    tls::{
        fingerprint::{self, Carrier},
        hello::Hello,
    },
};

/// What rules may ask of a hello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct QuicHello {
    pub(super) server_name: Option<Vec<u8>>,
    /// Hash and string of JA3, or of JA3S.
    pub(super) ja3: (Vec<u8>, Vec<u8>),
    /// Of a client's.
    pub(super) ja4: Option<Vec<u8>>,
}

/// How the front of a handshake stands.
#[derive(Debug)]
pub(super) enum Front {
    /// More has to come.
    Incomplete,
    Hello(QuicHello),
    /// No hello.
    Odd,
}

impl QuicHello {
    /// Reads the front of a handshake.
    pub(super) fn read(bytes: &[u8]) -> Front {
        match parse_tls_message_handshake(bytes) {
            Ok((_, TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello)))) => {
                Front::Hello(Self::of_client(&hello))
            }
            Ok((_, TlsMessage::Handshake(TlsMessageHandshake::ServerHello(hello)))) => {
                Front::Hello(Self::of_server(&hello))
            }
            Err(nom::Err::Incomplete(_)) => Front::Incomplete,
            Ok(_) | Err(_) => Front::Odd,
        }
    }

    fn of_client(message: &TlsClientHelloContents<'_>) -> Self {
        let mut hello = Hello {
            legacy_version: message.version.0,
            ciphers: message.ciphers.iter().map(|cipher| cipher.0).collect(),
            ..Hello::default()
        };
        let parsed = message.ext.map(parse_tls_client_hello_extensions);
        if let Some(Ok((_, extensions))) = &parsed {
            take_extensions(&mut hello, extensions);
        }
        let mut text = format!("{},{},", hello.legacy_version, dashed(&hello.ciphers));
        if parsed.is_some() {
            let formats: Vec<u16> = hello.point_formats.iter().copied().map(u16::from).collect();
            let lists = [&hello.extensions, &hello.groups, &formats].map(|list| dashed(list));
            text.push_str(&lists.join(","));
        }
        let text = text.into_bytes();
        Self {
            ja4: Some(fingerprint::ja4(&hello, Carrier::Quic)),
            server_name: hello.server_name,
            ja3: (fingerprint::md5_hex(&text), text),
        }
    }

    fn of_server(message: &TlsServerHelloContents<'_>) -> Self {
        let mut hello = Hello::default();
        let parsed = message.ext.map(parse_tls_server_hello_extensions);
        if let Some(Ok((_, extensions))) = &parsed {
            take_extensions(&mut hello, extensions);
        }
        let extensions = dashed(&hello.extensions);
        let text = format!("{},{},{extensions}", message.version.0, message.cipher.0);
        let text = text.into_bytes();
        Self {
            server_name: hello.server_name,
            ja3: (fingerprint::md5_hex(&text), text),
            ja4: None,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.ja3.0.capacity()
            + self.ja3.1.capacity()
            + self.ja4.as_ref().map_or(0, Vec::capacity)
            + self.server_name.as_ref().map_or(0, Vec::capacity)
    }
}

fn take_extensions(hello: &mut Hello, extensions: &[TlsExtension<'_>]) {
    for extension in extensions.iter().take(limits::TLS_EXTENSIONS_MAX) {
        hello.extensions.push(TlsExtensionType::from(extension).0);
        match extension {
            TlsExtension::SNI(names) => {
                if let Some((_, name)) = names.first() {
                    hello.server_name = Some(name.to_vec());
                }
            }
            TlsExtension::EllipticCurves(groups) => {
                hello.groups.extend(groups.iter().map(|group| group.0));
            }
            TlsExtension::EcPointFormats(formats) => hello.point_formats.extend_from_slice(formats),
            TlsExtension::SignatureAlgorithms(algorithms) => {
                hello.signature_algorithms.extend_from_slice(algorithms);
            }
            TlsExtension::SupportedVersions(versions) => {
                hello
                    .versions
                    .extend(versions.iter().map(|version| version.0));
            }
            TlsExtension::ALPN(protocols) => {
                if let Some(protocol) = protocols.first().filter(|_| hello.alpn.is_none()) {
                    hello.alpn = Some(protocol.to_vec());
                }
            }
            _ => {}
        }
    }
}

fn dashed(list: &[u16]) -> String {
    let items: Vec<String> = list.iter().map(u16::to_string).collect();
    items.join("-")
}
