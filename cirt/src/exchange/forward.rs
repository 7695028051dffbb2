//! Findings go on to servers of syslog (RFC 5425): TLS, the server's certificate checked, our own shown where the server asks for one.
//!
//! What waits is not queued a second time: a place in the order of findings says how far a server has come. Who is too far behind loses
//! the oldest, and a message says how many. Syslog has no answers: what was written counts as sent when the server has closed the
//! connection in order after us; what broke off is sent again from the last such place on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::https::{HttpsError, tls_client};
use super::limits::{SYSLOG_BACKLOG, SYSLOG_FINDINGS, SYSLOG_ROUND};
use super::{Producer, SharedFinding, Way, release, syslog};
use crate::store::{Store, StoreError};

/// How long connecting, or writing one portion, may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a server may take to close after us.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A server of syslog.
#[derive(Clone, Debug)]
pub struct SyslogServer {
    /// For whom it is: the agreement with this peer decides what goes there.
    pub peer: String,
    pub host: String,
    pub port: u16,
    /// Certificates of its authority, where browsers do not know it.
    pub authority: Option<PathBuf>,
    /// Our certificate and its key, for a server that asks who we are.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Why nothing more was sent.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    #[error(transparent)]
    Tls(#[from] HttpsError),
    #[error("{0} is no name of a server")]
    Name(String),
    #[error("cannot reach {0}")]
    Connect(String, #[source] std::io::Error),
    #[error("{0} broke the connection off; what it may have lost is sent again")]
    Broken(String, #[source] std::io::Error),
    #[error("{0} takes too long")]
    Timeout(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was sent to one server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    pub sent: usize,
    /// Kept back by the agreement.
    pub refused: usize,
    /// Too old when the server could be reached again.
    pub skipped: u64,
}

/// Sends a server what it has not had.
///
/// # Errors
/// When it cannot be reached or breaks off; what was confirmed before counts.
pub async fn forward(
    store: &Store,
    producer: &Producer,
    server: &SyslogServer,
) -> Result<Forwarded, ForwardError> {
    let cursor = format!("syslog {} {}:{}", server.peer, server.host, server.port);
    let mut forwarded = Forwarded::default();
    loop {
        let reached = store.cursor(&cursor)?.and_then(|text| text.parse().ok());
        let (mut place, skipped) = beginning(reached.unwrap_or(0), store.newest_finding()?);
        let mut connection = None;
        let mut round = Forwarded {
            skipped,
            ..Forwarded::default()
        };
        while round.sent + round.refused < SYSLOG_ROUND {
            let rows = store.findings_in_order(place, SYSLOG_FINDINGS)?;
            let Some(last) = rows.last().map(|(key, _)| *key) else {
                break;
            };
            // First the connection: the register holds what goes, not what would have gone.
            let is_first = connection.is_none();
            let stream = match &mut connection {
                Some(stream) => stream,
                none => none.insert(connect(server).await?),
            };
            let markings = store.markings()?;
            let findings = rows.into_iter().map(|(_, row)| {
                let marking = markings.of(&row);
                SharedFinding::new(producer, row, marking, |address| {
                    store.country_of(address).ok().flatten()
                })
            });
            let now = Timestamp::now();
            let released = release(store, &server.peer, Way::Syslog, now, findings.collect())?;
            let mut messages = syslog::messages(producer, &released);
            if is_first && skipped > 0 {
                messages.insert(0, syslog::skipped(producer, skipped, now));
            }
            write(server, stream, &syslog::framed(&messages)).await?;
            round.sent += released.items().len();
            round.refused += released.refused();
            place = last;
        }
        if let Some(stream) = connection {
            close(server, stream).await?;
        }
        if round.sent + round.refused == 0 {
            return Ok(forwarded);
        }
        store.set_cursor(&cursor, &place.to_string(), Timestamp::now())?;
        forwarded.sent += round.sent;
        forwarded.refused += round.refused;
        forwarded.skipped += round.skipped;
    }
}

/// Where to go on, and how many are passed over because the server is too far behind.
fn beginning(reached: i64, newest: i64) -> (i64, u64) {
    let oldest = newest.saturating_sub(SYSLOG_BACKLOG);
    let skipped = u64::try_from(oldest.saturating_sub(reached)).unwrap_or(0);
    (reached.max(oldest), skipped)
}

async fn connect(server: &SyslogServer) -> Result<TlsStream<TcpStream>, ForwardError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| ForwardError::Read(path.to_owned(), error))
    };
    let authority = server.authority.as_deref().map(read).transpose()?;
    let identity = server
        .identity
        .as_ref()
        .map(|(certificate, key)| Ok::<_, ForwardError>((read(certificate)?, read(key)?)))
        .transpose()?;
    let identity = identity
        .as_ref()
        .map(|(certificate, key)| (certificate.as_str(), key.as_str()));
    let connector = TlsConnector::from(Arc::new(tls_client(authority.as_deref(), identity)?));
    let host = server.host.as_str();
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| ForwardError::Name(host.to_owned()))?;
    let connecting = async {
        let stream = TcpStream::connect((host, server.port)).await?;
        connector.connect(name, stream).await
    };
    timeout(STEP_TIMEOUT, connecting)
        .await
        .map_err(|_| ForwardError::Timeout(host.to_owned()))?
        .map_err(|error| ForwardError::Connect(host.to_owned(), error))
}

async fn write(
    server: &SyslogServer,
    stream: &mut TlsStream<TcpStream>,
    bytes: &[u8],
) -> Result<(), ForwardError> {
    let writing = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    timeout(STEP_TIMEOUT, writing)
        .await
        .map_err(|_| ForwardError::Timeout(server.host.clone()))?
        .map_err(|error| ForwardError::Broken(server.host.clone(), error))
}

/// Closes in order and waits until the server has done so as well, in TLS (RFC 5425, section 4.4): it has read everything then. One
/// that is gone without a word may have lost something.
async fn close(
    server: &SyslogServer,
    mut stream: TlsStream<TcpStream>,
) -> Result<(), ForwardError> {
    let closing = async {
        stream.shutdown().await?;
        let mut rest = [0; 256];
        loop {
            match stream.read(&mut rest).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    };
    timeout(CLOSE_TIMEOUT, closing)
        .await
        .map_err(|_| ForwardError::Timeout(server.host.clone()))?
        .map_err(|error| ForwardError::Broken(server.host.clone(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_too_far_behind_loses_the_oldest() {
        assert_eq!(beginning(5, 10), (5, 0));
        assert_eq!(beginning(0, SYSLOG_BACKLOG), (0, 0));
        assert_eq!(beginning(0, SYSLOG_BACKLOG + 7), (7, 7));
        assert_eq!(beginning(3, SYSLOG_BACKLOG + 7), (7, 4));
    }
}
