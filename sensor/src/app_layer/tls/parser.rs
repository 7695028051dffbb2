//! Follows a TLS handshake until both sides encrypt.

use lapwing_rules::model::{AppProtocol, Frame};

use super::{
    certificate::Certificates,
    hello::Hello,
    records::{ALERT, HEARTBEAT, Records, Unit},
    transaction::TlsTransaction,
};
use crate::{
    app_layer::{
        Feed, FrameLog, Inspected, Parser, TransactionStore, reader::Reader,
        transactions::Transactions,
    },
    direction::Direction,
};

/// Handshake message types (RFC 8446, section 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// Types of heartbeats, and the least padding of one (RFC 6520, section 4).
const HEARTBEAT_REQUEST: u8 = 1;
const HEARTBEAT_RESPONSE: u8 = 2;
const HEARTBEAT_HEADER_BYTES: usize = 3;
const HEARTBEAT_PADDING_BYTES_MIN: usize = 16;
/// The number that stands for SSLv2.
const SSL_2: u16 = 2;

/// What was seen of both sides.
#[derive(Debug, Default)]
struct Progress {
    cipher_change: [bool; 2],
    application: [bool; 2],
    broken: [bool; 2],
    /// An encrypted heartbeat without an answer so far: who sent it, and the length of its record.
    heartbeat: Option<(Direction, usize)>,
}

impl Progress {
    /// Application data means that the handshake is done, also where its end was hidden.
    fn is_encrypted(&self) -> bool {
        self.cipher_change == [true; 2] || self.application.contains(&true)
    }
}

/// TLS of one connection.
#[derive(Debug)]
pub(in crate::app_layer) struct TlsParser {
    /// Always one, until it is released.
    transactions: Transactions<TlsTransaction>,
    records: [Records; 2],
    progress: Progress,
    frames: FrameLog,
}

impl Default for TlsParser {
    fn default() -> Self {
        let mut transactions = Transactions::default();
        transactions.push(TlsTransaction::default());
        Self {
            transactions,
            records: Default::default(),
            progress: Progress::default(),
            frames: FrameLog::default(),
        }
    }
}

impl TlsParser {
    /// Whether the server agreed to heartbeats, which are followed behind the handshake too.
    fn has_heartbeats(&self) -> bool {
        let server = self
            .transactions
            .get(0)
            .map(|transaction| transaction.side(Direction::ToClient));
        server
            .and_then(|server| server.hello.as_ref())
            .is_some_and(|hello| hello.has_heartbeat)
    }

    fn finish(&mut self) {
        if let Some(transaction) = self.transactions.get_mut(0)
            && !transaction.is_done
        {
            transaction.is_done = true;
            transaction.step_both();
        }
    }
}

/// Bytes of a record's header (RFC 8446, section 5.1), and of an SSLv2 one.
const HEADER_BYTES: usize = 5;
const OLD_HEADER_BYTES: usize = 2;

fn report_frames(frames: &mut FrameLog, direction: Direction, unit: &Unit<'_>) {
    match *unit {
        Unit::Record {
            kind,
            length,
            header,
            rest,
            ..
        } => {
            let whole = (header, rest);
            frames.open_with_held(direction, Frame::TlsPdu, whole, Some(HEADER_BYTES + length));
            frames.open_with_held(direction, Frame::TlsHeader, whole, Some(HEADER_BYTES));
            frames.open(direction, Frame::TlsData, rest, Some(length));
            match kind {
                ALERT => frames.open(direction, Frame::TlsAlert, rest, Some(length)),
                HEARTBEAT => frames.open(direction, Frame::TlsHeartbeat, rest, Some(length)),
                _ => None,
            };
        }
        Unit::OldHello { record, rest, .. } => {
            let whole = (record, rest);
            let (header, pdu) = (Some(OLD_HEADER_BYTES), Some(record.len()));
            frames.open_with_held(direction, Frame::TlsSsl2Header, whole, header);
            frames.open_with_held(direction, Frame::TlsSsl2Pdu, whole, pdu);
        }
        _ => {}
    }
}

/// A handshake message that is there as a whole.
fn take_handshake(transaction: &mut TlsTransaction, direction: Direction, kind: u8, body: &[u8]) {
    let from_client = direction == Direction::ToServer;
    let state = match kind {
        CLIENT_HELLO => Some(1),
        SERVER_HELLO => Some(2),
        CLIENT_KEY_EXCHANGE => Some(3),
        SERVER_KEY_EXCHANGE => Some(4),
        _ => None,
    };
    if let Some(state) = state {
        transaction.handshake_state = state;
        transaction.step_both();
    }
    match kind {
        CLIENT_HELLO if from_client => match Hello::client(body) {
            Some(hello) => transaction.client_hello(hello),
            None => transaction.events.add("handshake_invalid_length"),
        },
        SERVER_HELLO if !from_client => match Hello::server(body) {
            Some(hello) => transaction.server_hello(hello),
            None => transaction.events.add("handshake_invalid_length"),
        },
        CERTIFICATE => {
            let certificates = Certificates::read(body);
            for anomaly in &certificates.anomalies {
                transaction.events.add(anomaly);
            }
            transaction.side_mut(direction).certificates = Some(certificates);
            transaction.step_both();
        }
        _ => {}
    }
}

/// A heartbeat whose claim nobody encrypted: as long as it says, with its padding, or an attempt to read memory.
fn claim_event(record_bytes: usize, (kind, claimed_bytes): (u8, usize)) -> Option<&'static str> {
    match kind {
        HEARTBEAT_REQUEST => {}
        // As in the reference, what an answer claims is not looked at.
        HEARTBEAT_RESPONSE => return None,
        _ => return Some("invalid_heartbeat_message"),
    }
    match record_bytes.checked_sub(HEARTBEAT_HEADER_BYTES + claimed_bytes) {
        None => Some("overflow_heartbeat_message"),
        Some(padding) if padding < HEARTBEAT_PADDING_BYTES_MIN => Some("invalid_heartbeat_message"),
        Some(_) => None,
    }
}

/// An encrypted heartbeat: an answer longer than its request leaks; two requests in a row are odd.
fn sealed_event(
    progress: &mut Progress,
    direction: Direction,
    record_bytes: usize,
) -> Option<&'static str> {
    match progress.heartbeat.take() {
        None => {
            progress.heartbeat = Some((direction, record_bytes));
            None
        }
        Some((sender, _)) if sender == direction => Some("invalid_heartbeat_message"),
        Some((_, asked_bytes)) if record_bytes > asked_bytes => Some("dataleak_heartbeat_mismatch"),
        Some(_) => None,
    }
}

fn take(
    transaction: &mut TlsTransaction,
    progress: &mut Progress,
    direction: Direction,
    unit: Unit<'_>,
) {
    if progress.broken[direction.index()] {
        return;
    }
    if let Unit::Heartbeat {
        record_bytes,
        claim,
    } = unit
    {
        let event = match claim {
            Some(claim) => claim_event(record_bytes, claim),
            None => sealed_event(progress, direction, record_bytes),
        };
        if let Some(event) = event {
            transaction.events.add(event);
        }
    }
    if progress.is_encrypted() {
        return;
    }
    match unit {
        Unit::Record { version, .. } => {
            let side = transaction.side_mut(direction);
            if side.hello.is_none() {
                side.version = Some(version);
            }
        }
        Unit::Handshake { kind, body } => take_handshake(transaction, direction, kind, body),
        Unit::UnknownHandshake => {
            transaction.events.add("invalid_handshake_message");
        }
        Unit::HandshakeTooLong => transaction.events.add("handshake_invalid_length"),
        Unit::HandshakeCut => transaction.events.add("invalid_ssl_record"),
        Unit::CipherChange => {
            progress.cipher_change[direction.index()] = true;
            transaction.is_encrypted[direction.index()] = true;
            transaction.step_both();
        }
        Unit::Application => {
            progress.application[direction.index()] = true;
            transaction.is_encrypted[direction.index()] = true;
        }
        Unit::Heartbeat { .. } => {}
        Unit::OldHello { kind, body, .. } => {
            // Type, then the version both for a client's (1) and behind two bytes for a server's hello (4).
            let mut reader = Reader::new(body);
            if kind == 4 {
                reader.u16();
            }
            match reader.u16() {
                Some(version) => transaction.side_mut(direction).version = Some(version),
                None => transaction.events.add("invalid_sslv2_header"),
            }
        }
        Unit::OldHeader { kind } => {
            transaction.side_mut(direction).version = Some(SSL_2);
            transaction.step_both();
            if kind == Some(0) {
                transaction.events.add("error_message_encountered");
            }
            progress.broken[direction.index()] = true;
        }
        Unit::Invalid(event) => {
            transaction.events.add(event);
            progress.broken[direction.index()] = true;
        }
    }
}

impl Parser for TlsParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Tls
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        let Self {
            transactions,
            records,
            progress,
            frames,
        } = self;
        // The transaction may be released before application data comes, or while frames are still asked for.
        let mut transaction = transactions.get_mut(0);
        if let Some(transaction) = transaction.as_deref_mut() {
            // As in the reference, what one stretch of bytes held is not remembered beyond it.
            transaction.handshake_state = 0;
        }
        records[direction.index()].feed(bytes, &mut |unit| {
            report_frames(frames, direction, &unit);
            let is_application = matches!(unit, Unit::Application);
            if is_application
                && transaction
                    .as_deref()
                    .is_some_and(TlsTransaction::awaits_early_data)
            {
                return;
            }
            if let Some(transaction) = transaction.as_deref_mut() {
                take(transaction, progress, direction, unit);
            }
            progress.application[direction.index()] |= is_application;
        });
        if self.progress.is_encrypted() && !self.has_heartbeats() {
            self.finish();
            // Payload is looked at until application data comes, and ciphertext has frames too, for rules that ask for them.
            return if self.frames.is_wanted() || !self.progress.application.contains(&true) {
                Feed::More
            } else {
                Feed::Stop
            };
        }
        if self.progress.broken[direction.index()] {
            if self.progress.broken == [true; 2] {
                self.finish();
            }
            return Feed::Stop;
        }
        Feed::More
    }

    fn gap(&mut self, _: Direction, _: u64) -> Feed {
        // Where the next record begins is not known any more.
        self.finish();
        Feed::Stop
    }

    fn end(&mut self, _: Direction) {
        self.finish();
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.transactions)
    }

    fn inspected(&self) -> Inspected {
        if self.progress.application.contains(&true) {
            Inspected::Transactions
        } else {
            Inspected::Everything
        }
    }

    fn frames(&self) -> Option<&FrameLog> {
        Some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        Some(&mut self.frames)
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self.records.iter().map(Records::held_bytes).sum::<usize>()
            + self
                .transactions
                .iter()
                .map(TlsTransaction::held_bytes)
                .sum::<usize>()
    }
}
