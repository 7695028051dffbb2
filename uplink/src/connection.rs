//! One connection: TCP, TLS, and the session driven over them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use lapwing_wire::{CENTRE_SERVER_NAME, SealedEnvelope, SenderEvent, SenderSession};
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::ServerName;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::bill::Bill;
use crate::certificate::Validity;
use crate::error::UplinkError;
use crate::ledger::{self, ConnectionBooks, Ledger};
use crate::metered::Metered;
use crate::route::{self, Proxy};
use crate::time_floor::TimeFloor;

/// How long TLS may take: eight kilobytes over 2.4 kbit/s and four lossy round trips fit.
const TLS_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a link may take to accept what was written before answers are looked for again.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);
const READ_BYTES: usize = 16 * 1024;

/// A session over TLS.
pub(crate) struct Connection {
    stream: TlsStream<Metered>,
    /// What the ledger will say of it.
    books: Arc<ConnectionBooks>,
    pub(crate) session: SenderSession,
    started: Instant,
    unsent: Vec<u8>,
    sent: usize,
    buffer: Box<[u8]>,
}

impl Connection {
    /// Connects to the first address that answers as the centre.
    pub(crate) async fn open(
        way: &Way<'_>,
        config: Arc<ClientConfig>,
        answer_timeout: Duration,
        time: &TimeFloor,
    ) -> Result<Self, UplinkError> {
        let connector = TlsConnector::from(config);
        let mut last = (
            String::new(),
            io::Error::other("no address of the centre is known"),
        );
        for address in way.addresses {
            match handshake(address, way, &connector).await {
                Ok(stream) => {
                    learn_time(&stream, time)?;
                    return Ok(Self::over(stream, answer_timeout));
                }
                Err(error) => last = (address.clone(), error),
            }
            tracing::debug!(address, error = %last.1, "the centre cannot be reached here");
        }
        let (address, cause) = last;
        Err(UplinkError::Unreachable { address, cause })
    }

    fn over(stream: TlsStream<Metered>, answer_timeout: Duration) -> Self {
        let software = concat!("lapwing/", env!("CARGO_PKG_VERSION"));
        let answer_timeout = u64::try_from(answer_timeout.as_millis()).unwrap_or(u64::MAX);
        Self {
            books: Arc::clone(stream.get_ref().0.books()),
            stream,
            session: SenderSession::new(software, answer_timeout, 0),
            started: Instant::now(),
            unsent: Vec::new(),
            sent: 0,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
        }
    }

    /// The session's clock.
    pub(crate) fn now_milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Sends and receives until something happened, or for `at_most`. May be dropped at any
    /// point without losing bytes.
    pub(crate) async fn turn(
        &mut self,
        at_most: Duration,
    ) -> Result<Vec<SenderEvent>, UplinkError> {
        if self.sent == self.unsent.len() {
            self.unsent = self.session.take_output();
            self.sent = 0;
        }
        let mut until = Instant::now() + at_most;
        if let Some(tick) = self.session.next_tick_milliseconds() {
            until = until.min(self.started + Duration::from_millis(tick));
        }
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        let waiting = self.unsent.get(self.sent..).unwrap_or_default();
        let mut received = 0;
        tokio::select! {
            read = reader.read(&mut self.buffer) => match read.map_err(UplinkError::Broken)? {
                0 => return Err(UplinkError::Broken(io::ErrorKind::UnexpectedEof.into())),
                count => received = count,
            },
            written = async { writer.write(waiting).await }, if !waiting.is_empty() => {
                let written = written.map_err(UplinkError::Broken)?;
                self.books.said(written);
                self.sent += written;
                // A slow link is not a dead one.
                let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.session.progress(now);
            }
            () = sleep_until(until) => {}
        }
        // A link that takes no more bytes must not keep the session from looking at the time.
        let patience = until.max(Instant::now() + FLUSH_PATIENCE);
        match timeout_at(patience, self.stream.flush()).await {
            Ok(flushed) => flushed.map_err(UplinkError::Broken)?,
            Err(_) => tracing::trace!("the link takes no more bytes"),
        }
        let now = self.now_milliseconds();
        if received > 0 {
            self.session.progress(now);
        }
        let mut events = self
            .session
            .receive(self.buffer.get(..received).unwrap_or_default(), now);
        events.extend(self.session.tick(now));
        Ok(events)
    }

    /// Enters an envelope that was offered in the ledger, before any of its bytes leaves.
    pub(crate) fn enter(
        &self,
        ledger: &Ledger,
        envelope: &SealedEnvelope,
    ) -> Result<(), UplinkError> {
        ledger.sent(envelope, ledger::Way::Tls, Some(self.books.number))?;
        self.books.envelope(envelope.bytes.len());
        Ok(())
    }

    /// Bytes that wait to be written.
    pub(crate) fn backlog_bytes(&self) -> usize {
        self.unsent.len() - self.sent + self.session.output_bytes()
    }

    /// Whether everything said so far is on its way.
    pub(crate) fn is_sent(&self) -> bool {
        self.backlog_bytes() == 0
    }

    /// SHA-256 of the last certificate that the centre showed, which is its CA.
    pub(crate) fn ca_digest(&self) -> Option<[u8; 32]> {
        let chain = self.stream.get_ref().1.peer_certificates()?;
        Some(Sha256::digest(chain.last()?).into())
    }

    /// Says goodbye to TLS; the other side learns at once instead of by a timeout.
    pub(crate) async fn close(mut self) {
        let _closed = timeout(Duration::from_secs(2), self.stream.shutdown()).await;
    }
}

/// How the centre is reached, whose bill that is on, and where it is entered.
pub(crate) struct Way<'a> {
    /// Addresses of the centre, in the order to try.
    pub(crate) addresses: &'a [String],
    pub(crate) proxy: Option<&'a Proxy>,
    pub(crate) bill: &'a Arc<Bill>,
    /// Where the connection is entered before anything is said on it.
    pub(crate) ledger: &'a Ledger,
}

async fn handshake(
    address: &str,
    way: &Way<'_>,
    connector: &TlsConnector,
) -> io::Result<TlsStream<Metered>> {
    let begin = |tcp: TcpStream| {
        // Envelopes are written as a whole; waiting for more to say only delays the last segment.
        tcp.set_nodelay(true)?;
        let books = ConnectionBooks::open(way.ledger, tcp.local_addr()?, tcp.peer_addr()?)
            .map_err(io::Error::other)?;
        Ok(Metered::new(tcp, Arc::clone(way.bill), books))
    };
    let metered = route::connect(address, way.proxy, way.bill, begin).await?;
    metered.books().way_is_open();
    let name = ServerName::try_from(CENTRE_SERVER_NAME).map_err(io::Error::other)?;
    timeout(TLS_TIMEOUT, connector.connect(name, metered))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "TLS took too long"))?
        .map_err(told_plainly)
}

/// Puts what TLS found wrong into words for a technician, where it is something that one can mend.
fn told_plainly(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let words = match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "another centre answers here than the one that this device belongs to; nothing was sent to it"
        }
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
            | CertificateError::Expired
            | CertificateError::ExpiredContext { .. },
        )) => {
            "the centre's certificate is for another time: the clock is wrong, at one of the two ends"
        }
        _ => return error,
    };
    io::Error::new(error.kind(), words)
}

/// The centre's certificate was just checked: it is not earlier than when it was made.
fn learn_time(stream: &TlsStream<Metered>, time: &TimeFloor) -> Result<(), UplinkError> {
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first());
    match certificate.and_then(|certificate| Validity::of(certificate)) {
        Some(validity) => time.raise(validity.not_before_seconds),
        None => Ok(()),
    }
}
