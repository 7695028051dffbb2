//! A TLS connection is one transaction: its two hellos and the server's certificates.

use lapwing_rules::model::{Buffer, HeaderField};

use super::{
    certificate::Certificates,
    fingerprint::{self, Carrier},
    hello::{EARLY_DATA, Hello},
};
use crate::{
    app_layer::{BufferView, FactKind, Transaction, TransactionField, transactions::Events},
    direction::Direction,
};

/// What one side said.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) hello: Option<Hello>,
    /// Of the newest record, then of the hello.
    pub(super) version: Option<u16>,
    /// JA3 or JA3S.
    ja3: Option<(Vec<u8>, Vec<u8>)>,
    ja4: Option<Vec<u8>>,
    /// The chain it sent.
    pub(super) certificates: Option<Certificates>,
    pub(super) steps: u32,
}

/// A TLS connection.
#[derive(Debug, Default)]
pub(super) struct TlsTransaction {
    sides: [Side; 2],
    /// Nothing more can be read of the handshake.
    pub(super) is_done: bool,
    /// What a side sends is encrypted: no certificate of it can be read any more.
    pub(super) is_encrypted: [bool; 2],
    /// The newest message of the handshake in what was fed last, as `ssl_state` numbers them; 0 where none was in it.
    pub(super) handshake_state: u64,
    pub(super) events: Events,
}

impl TlsTransaction {
    pub(super) fn side(&self, direction: Direction) -> &Side {
        &self.sides[direction.index()]
    }

    pub(super) fn side_mut(&mut self, direction: Direction) -> &mut Side {
        &mut self.sides[direction.index()]
    }

    /// Whether application data may come before the server said anything (RFC 8446, section 2.3): it ends no handshake.
    pub(super) fn awaits_early_data(&self) -> bool {
        let hello = |direction| self.side(direction).hello.as_ref();
        hello(Direction::ToServer).is_some_and(|hello| hello.extensions.contains(&EARLY_DATA))
            && hello(Direction::ToClient).is_none()
    }

    /// Notes that buffers of both directions may have changed.
    pub(super) fn step_both(&mut self) {
        for side in &mut self.sides {
            side.steps = side.steps.wrapping_add(1);
        }
    }

    pub(super) fn client_hello(&mut self, mut hello: Hello) {
        if let Some(first) = self.server_name() {
            // A second hello, behind one that the server asked to be said again: its name is the first one's.
            if hello.server_name.is_some() {
                hello.anomalies.push("multiple_sni_extensions");
            }
            hello.server_name = Some(first.to_vec());
        }
        let side = self.side_mut(Direction::ToServer);
        let text = fingerprint::ja3(&hello);
        side.ja3 = Some((fingerprint::md5_hex(&text), text));
        side.ja4 = Some(fingerprint::ja4(&hello, Carrier::Tcp));
        self.hello(Direction::ToServer, hello);
    }

    pub(super) fn server_hello(&mut self, hello: Hello) {
        let text = fingerprint::ja3s(&hello);
        self.side_mut(Direction::ToClient).ja3 = Some((fingerprint::md5_hex(&text), text));
        self.hello(Direction::ToClient, hello);
    }

    fn hello(&mut self, direction: Direction, hello: Hello) {
        for anomaly in &hello.anomalies {
            self.events.add(anomaly);
        }
        let side = self.side_mut(direction);
        side.version = Some(hello.version());
        side.hello = Some(hello);
        // The client's random is shown once the server's is there.
        self.step_both();
    }

    pub(super) fn held_bytes(&self) -> usize {
        let sides = self.sides.iter().map(|side| {
            side.hello.as_ref().map_or(0, Hello::held_bytes)
                + side
                    .ja3
                    .as_ref()
                    .map_or(0, |(hash, text)| hash.capacity() + text.capacity())
                + side.ja4.as_ref().map_or(0, Vec::capacity)
                + side
                    .certificates
                    .as_ref()
                    .map_or(0, Certificates::held_bytes)
        });
        size_of::<Self>() + sides.sum::<usize>()
    }

    /// A value that is known once the direction's hello was seen.
    fn of_hello<'a>(&'a self, direction: Direction, value: Option<&'a [u8]>) -> BufferView<'a> {
        match value {
            Some(value) => BufferView::Complete(value),
            None if self.side(direction).hello.is_some() || self.is_done => BufferView::Absent,
            None => BufferView::Pending,
        }
    }

    /// A value that is known once the certificates were seen.
    fn of_certificates<'a>(
        &'a self,
        direction: Direction,
        value: impl FnOnce(&'a Certificates) -> Option<&'a [u8]>,
    ) -> BufferView<'a> {
        match &self.side(direction).certificates {
            Some(certificates) => {
                value(certificates).map_or(BufferView::Absent, BufferView::Complete)
            }
            None if self.is_done || self.is_encrypted[direction.index()] => BufferView::Absent,
            None => BufferView::Pending,
        }
    }

    /// Begin or end of the validity of the server's certificate.
    fn validity(&self, direction: Direction, end: usize) -> Option<u64> {
        if direction == Direction::ToServer {
            return None;
        }
        let certificates = self.side(direction).certificates.as_ref()?;
        certificates.validity?.get(end).copied()
    }

    fn server_name(&self) -> Option<&[u8]> {
        self.side(Direction::ToServer)
            .hello
            .as_ref()?
            .server_name
            .as_deref()
    }
}

/// The usual name of a version.
fn version_name(version: u16) -> String {
    match version {
        0x0002 => "SSLv2".to_owned(),
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLSv1".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        other => format!("0x{other:04x}"),
    }
}

/// Drafts of TLS 1.3 (RFC 8446, section 4.2.1) count as what they led to.
fn without_draft(version: u16) -> u16 {
    const DRAFT: u8 = 0x7f;
    const TLS_1_3: u16 = 0x0304;
    if version.to_be_bytes()[0] == DRAFT {
        TLS_1_3
    } else {
        version
    }
}

impl Transaction for TlsTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        if index > 0 && buffer != Buffer::TlsCerts {
            return BufferView::Absent;
        }
        let side = self.side(direction);
        let random = side.hello.as_ref().map(|hello| &hello.random[..]);
        let to_server = direction == Direction::ToServer;
        let ja3 = side.ja3.as_ref();
        match buffer {
            // As in the reference, both hellos have to be there.
            Buffer::TlsRandom | Buffer::TlsRandomTime | Buffer::TlsRandomBytes
                if self.side(direction.opposite()).hello.is_none() =>
            {
                self.of_hello(direction.opposite(), None)
            }
            Buffer::TlsRandom => self.of_hello(direction, random),
            Buffer::TlsRandomTime => {
                self.of_hello(direction, random.and_then(|random| random.get(..4)))
            }
            Buffer::TlsRandomBytes => {
                self.of_hello(direction, random.and_then(|random| random.get(4..)))
            }
            Buffer::TlsSni if to_server => self.of_hello(direction, self.server_name()),
            Buffer::Ja3Hash if to_server => {
                self.of_hello(direction, ja3.map(|(hash, _)| &hash[..]))
            }
            Buffer::Ja3String if to_server => {
                self.of_hello(direction, ja3.map(|(_, text)| &text[..]))
            }
            Buffer::Ja4Hash if to_server => self.of_hello(direction, side.ja4.as_deref()),
            Buffer::Ja3sHash if !to_server => {
                self.of_hello(direction, ja3.map(|(hash, _)| &hash[..]))
            }
            Buffer::Ja3sString if !to_server => {
                self.of_hello(direction, ja3.map(|(_, text)| &text[..]))
            }
            Buffer::TlsCertSubject => {
                self.of_certificates(direction, |known| known.subject.as_deref())
            }
            Buffer::TlsCertIssuer => {
                self.of_certificates(direction, |known| known.issuer.as_deref())
            }
            Buffer::TlsCertSerial => {
                self.of_certificates(direction, |known| known.serial.as_deref())
            }
            Buffer::TlsCertFingerprint => {
                self.of_certificates(direction, |known| known.fingerprint.as_deref())
            }
            Buffer::TlsCerts => {
                self.of_certificates(direction, |known| known.chain.get(index).map(Vec::as_slice))
            }
            _ => BufferView::Absent,
        }
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        match field {
            HeaderField::TlsVersion if index == 0 => self
                .side(direction)
                .version
                .map(|version| u64::from(without_draft(version))),
            HeaderField::TlsCertificateChainLength
                if index == 0 && direction == Direction::ToClient =>
            {
                let certificates = self.side(direction).certificates.as_ref()?;
                u64::try_from(certificates.count).ok()
            }
            HeaderField::TlsCertificateNotBefore if index == 0 => self.validity(direction, 0),
            HeaderField::TlsCertificateNotAfter if index == 0 => self.validity(direction, 1),
            HeaderField::TlsHandshakeState if index == 0 => Some(self.handshake_state),
            _ => None,
        }
    }

    /// The version is that of the newest record until it is that of the hello, and of plain text behind it SSLv2.
    fn fields_may_grow(&self) -> bool {
        !self.is_done
    }

    fn progress(&self, direction: Direction) -> u32 {
        self.side(direction).steps
    }

    fn is_complete(&self, _: Direction) -> bool {
        self.is_done
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        let client = self.side(Direction::ToServer);
        let server = self.side(Direction::ToClient);
        let certificates = server.certificates.as_ref();
        let version = server
            .version
            .or(client.version)
            .map(|version| version_name(version).into_bytes());
        let values = [
            (FactKind::TlsSni, self.server_name()),
            (FactKind::TlsVersion, version.as_deref()),
            (
                FactKind::TlsSubject,
                certificates.and_then(|known| known.subject.as_deref()),
            ),
            (
                FactKind::TlsIssuer,
                certificates.and_then(|known| known.issuer.as_deref()),
            ),
            (
                FactKind::TlsFingerprint,
                certificates.and_then(|known| known.fingerprint.as_deref()),
            ),
            (
                FactKind::Ja3,
                client.ja3.as_ref().map(|(hash, _)| &hash[..]),
            ),
            (
                FactKind::Ja3s,
                server.ja3.as_ref().map(|(hash, _)| &hash[..]),
            ),
            (FactKind::Ja4, client.ja4.as_deref()),
        ];
        for (kind, value) in values {
            if let Some(value) = value {
                facts.push((kind, value.to_vec()));
            }
        }
    }
}
