//! One connection: TCP, TLS, and the session driven over them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use lapwing_wire::{CENTRE_SERVER_NAME, SenderEvent, SenderSession};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificate::Validity;
use crate::error::UplinkError;
use crate::time_floor::TimeFloor;

/// How long one address may take for TCP and TLS together. Four round trips over the worst
/// satellite link with losses fit well.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a link may take to accept what was written before answers are looked for again.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);
const READ_BYTES: usize = 16 * 1024;

/// A session over TLS.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    pub(crate) session: SenderSession,
    started: Instant,
    unsent: Vec<u8>,
    sent: usize,
    buffer: Box<[u8]>,
}

impl Connection {
    /// Connects to the first address that answers as the centre.
    pub(crate) async fn open(
        addresses: &[String],
        config: ClientConfig,
        answer_timeout: Duration,
        time: &TimeFloor,
    ) -> Result<Self, UplinkError> {
        let connector = TlsConnector::from(Arc::new(config));
        let mut last = (
            String::new(),
            io::Error::other("no address of the centre is known"),
        );
        for address in addresses {
            match timeout(CONNECT_TIMEOUT, handshake(address, &connector)).await {
                Ok(Ok(stream)) => {
                    learn_time(&stream, time)?;
                    return Ok(Self::over(stream, answer_timeout));
                }
                Ok(Err(error)) => last = (address.clone(), error),
                Err(_) => last = (address.clone(), io::ErrorKind::TimedOut.into()),
            }
            tracing::debug!(address, error = %last.1, "the centre cannot be reached here");
        }
        let (address, cause) = last;
        Err(UplinkError::Unreachable { address, cause })
    }

    fn over(stream: TlsStream<TcpStream>, answer_timeout: Duration) -> Self {
        let software = concat!("lapwing/", env!("CARGO_PKG_VERSION"));
        let answer_timeout = u64::try_from(answer_timeout.as_millis()).unwrap_or(u64::MAX);
        Self {
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
                self.sent += written.map_err(UplinkError::Broken)?;
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
        let mut events = self
            .session
            .receive(self.buffer.get(..received).unwrap_or_default(), now);
        events.extend(self.session.tick(now));
        Ok(events)
    }

    /// Whether everything said so far is on its way.
    pub(crate) fn is_sent(&self) -> bool {
        self.sent == self.unsent.len()
    }

    /// Says goodbye to TLS; the other side learns at once instead of by a timeout.
    pub(crate) async fn close(mut self) {
        let _closed = timeout(Duration::from_secs(2), self.stream.shutdown()).await;
    }
}

async fn handshake(address: &str, connector: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    // Envelopes are written as a whole; waiting for more to say only delays the last segment.
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from(CENTRE_SERVER_NAME).map_err(io::Error::other)?;
    connector.connect(name, tcp).await
}

/// The centre's certificate was just checked: it is not earlier than when it was made.
fn learn_time(stream: &TlsStream<TcpStream>, time: &TimeFloor) -> Result<(), UplinkError> {
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
