//! One connection: bytes between TLS and the protocol, and the answers of the store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lapwing_wire::{
    Busy, ControlAnswer, ErrorCode, FileAbsent, ReceivedEnvelope, ReceiverEvent, ReceiverSession,
    SensorId,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::client_identity::{Client, ClientCertificate, identify};
use super::ingest::{Ingested, ingest};
use super::listener::CollectorShared;
use super::rule_files::read_part;
use crate::control::Control;
use crate::enrolment::Answer;
use crate::limits::{
    BUSY_RETRY_SECONDS, CONTACT_INTERVAL, SENSOR_IDLE_TIMEOUT, SESSION_WINDOW, STRANGER_LIFETIME,
};
use crate::store::StoreError;

/// How often a silent connection is looked at.
const TICK: Duration = Duration::from_secs(5);
/// Bytes read at a time.
const READ_BYTES: usize = 16 * 1024;

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionFailure {
    #[error("connection lost")]
    Connection(#[from] std::io::Error),
    #[error("the database failed")]
    Store(#[from] StoreError),
    #[error("the enrolment desk failed")]
    Enrolment(#[from] crate::enrolment::EnrolmentError),
    #[error("control cannot be answered")]
    Control(#[from] crate::control::ControlError),
    #[error("a worker ended")]
    Worker(#[from] tokio::task::JoinError),
}

/// A connection being served.
pub(super) struct Session {
    shared: Arc<CollectorShared>,
    address: SocketAddr,
    certificate: Option<ClientCertificate>,
    client: Client,
    protocol: ReceiverSession,
    begun: Instant,
    last_contact: Option<Instant>,
}

impl Session {
    /// Begins to serve a connection whose handshake is done.
    pub(super) async fn begin(
        shared: Arc<CollectorShared>,
        address: SocketAddr,
        certificate: Option<ClientCertificate>,
    ) -> Result<Self, SessionFailure> {
        let store = Arc::clone(&shared.store);
        let days = shared.renew_expired_days;
        let client =
            tokio::task::spawn_blocking(move || identify(&store, certificate, days)).await??;
        let wall = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
        let protocol =
            ReceiverSession::new(client.peer(), &shared.software, SESSION_WINDOW, wall, 0);
        Ok(Self {
            shared,
            address,
            certificate,
            client,
            protocol,
            begun: Instant::now(),
            last_contact: None,
        })
    }

    /// Whether the other end showed no certificate.
    pub(super) const fn is_stranger(&self) -> bool {
        matches!(self.client, Client::Stranger)
    }

    /// Serves until either side ends it.
    pub(super) async fn serve(
        mut self,
        stream: &mut TlsStream<TcpStream>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), SessionFailure> {
        if let Client::Barred { sensor, state } = &self.client {
            tracing::info!(%sensor, state = state.as_str(), address = %self.address, "barred sensor turned away");
            let reason = format!("sensor {sensor} is {} at the centre", state.as_str());
            self.protocol.fail(ErrorCode::Revoked, &reason);
        }
        if let Client::Forgotten { sensor } = &self.client {
            let reason =
                format!("the certificate of sensor {sensor} ended too long ago: enrol it anew");
            tracing::info!(%sensor, address = %self.address, "sensor with an old certificate turned away");
            self.protocol.fail(ErrorCode::NotAllowed, &reason);
        }
        let mut buffer = vec![0; READ_BYTES];
        let mut heard = Instant::now();
        loop {
            self.flush(stream).await?;
            if self.protocol.is_closed() {
                return Ok(stream.shutdown().await?);
            }
            let read = tokio::select! {
                read = timeout(TICK, stream.read(&mut buffer)) => Some(read),
                _ = stop.wait_for(|stop| *stop) => None,
            };
            let Some(read) = read else {
                return Ok(stream.shutdown().await?);
            };
            match read {
                Ok(Ok(0)) => return Ok(()),
                Ok(Ok(length)) => {
                    heard = Instant::now();
                    for event in self
                        .protocol
                        .receive(buffer.get(..length).unwrap_or_default())
                    {
                        self.handle(event).await?;
                        self.flush(stream).await?;
                        if self.protocol.is_closed() {
                            break;
                        }
                    }
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {
                    let milliseconds =
                        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    let _closed = self.protocol.tick(milliseconds);
                }
            }
            let too_long = self.is_stranger() && self.begun.elapsed() > STRANGER_LIFETIME;
            if too_long || heard.elapsed() > SENSOR_IDLE_TIMEOUT {
                return Ok(stream.shutdown().await?);
            }
        }
    }

    async fn flush(&mut self, stream: &mut TlsStream<TcpStream>) -> Result<(), SessionFailure> {
        let output = self.protocol.take_output();
        if !output.is_empty() {
            timeout(SENSOR_IDLE_TIMEOUT, async {
                stream.write_all(&output).await?;
                stream.flush().await
            })
            .await
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
        }
        Ok(())
    }

    async fn handle(&mut self, event: ReceiverEvent) -> Result<(), SessionFailure> {
        match event {
            ReceiverEvent::Ready(hello) => {
                tracing::debug!(address = %self.address, software = %hello.software, "session begun");
                self.note_contact().await
            }
            ReceiverEvent::Envelope(envelope) => self.envelope(envelope).await,
            ReceiverEvent::EnrolRequested(request) => {
                let shared = Arc::clone(&self.shared);
                let answer = tokio::task::spawn_blocking(move || {
                    let seen = [shared.desk.authority().root_fingerprint()];
                    shared.desk.enrol(&shared.store, &request, &seen)
                })
                .await??;
                match answer {
                    Answer::Approved(approval) => self.protocol.enrol_approve(*approval),
                    Answer::Pending(pending) => self.protocol.enrol_pending(pending),
                    Answer::Refused(reason) => {
                        tracing::warn!(address = %self.address, %reason, "enrolment refused");
                        self.protocol.enrol_refuse(&reason);
                    }
                }
                Ok(())
            }
            ReceiverEvent::RenewRequested(request) => {
                // Asked again, not remembered: the sensor may have been revoked since it connected.
                let (shared, certificate) = (Arc::clone(&self.shared), self.certificate);
                let answer = tokio::task::spawn_blocking(move || {
                    match identify(&shared.store, certificate, shared.renew_expired_days)? {
                        Client::Sensor { enrolment, .. } => {
                            shared.desk.renew(&shared.store, &enrolment, &request)
                        }
                        Client::Forgotten { .. } => Ok(Answer::Refused(
                            "the certificate ended too long ago: enrol anew".to_owned(),
                        )),
                        Client::Stranger | Client::Barred { .. } => {
                            Ok(Answer::Refused("revoked".to_owned()))
                        }
                    }
                })
                .await??;
                match answer {
                    Answer::Approved(approval) => self.protocol.renew_approve(*approval),
                    Answer::Refused(reason) => self.protocol.renew_refuse(&reason),
                    Answer::Pending(_) => {
                        self.protocol.renew_refuse("a person has not decided yet")
                    }
                }
                Ok(())
            }
            ReceiverEvent::FileRequested(request) => {
                if let Some(sensor) = self.still_allowed().await? {
                    tracing::trace!(%sensor, path = %request.path, "file asked for");
                    let shared = Arc::clone(&self.shared);
                    let path = request.path.clone();
                    let part =
                        tokio::task::spawn_blocking(move || read_part(&shared.folder, &request))
                            .await?;
                    match part {
                        Ok(Some(part)) => self.protocol.file_part(part),
                        Ok(None) => self.protocol.file_absent(FileAbsent { path }),
                        Err(error) => {
                            tracing::error!(%path, %error, "a file of a repository cannot be read");
                            self.protocol.file_absent(FileAbsent { path });
                        }
                    }
                }
                Ok(())
            }
            ReceiverEvent::ControlRequested(request) => {
                if let Some(sensor) = self.still_allowed().await? {
                    let shared = Arc::clone(&self.shared);
                    let answer = tokio::task::spawn_blocking(move || {
                        let authority = shared.desk.authority();
                        Control::answer(
                            &shared.folder,
                            authority,
                            sensor,
                            request.known_milliseconds,
                        )
                    })
                    .await??;
                    self.protocol.control(ControlAnswer { answer });
                }
                Ok(())
            }
            ReceiverEvent::Closed(reason) => {
                tracing::debug!(address = %self.address, ?reason, "session ended");
                Ok(())
            }
        }
    }

    /// The sensor, when it may still speak: it may have been revoked since it connected. Otherwise the session ends.
    async fn still_allowed(&mut self) -> Result<Option<SensorId>, SessionFailure> {
        let (shared, certificate) = (Arc::clone(&self.shared), self.certificate);
        let client = tokio::task::spawn_blocking(move || {
            identify(&shared.store, certificate, shared.renew_expired_days)
        })
        .await??;
        match client {
            Client::Sensor {
                enrolment,
                expired: false,
            } => Ok(Some(SensorId(enrolment.identity))),
            Client::Barred { sensor, state } => {
                let reason = format!("sensor {sensor} is {} at the centre", state.as_str());
                self.protocol.fail(ErrorCode::Revoked, &reason);
                Ok(None)
            }
            Client::Sensor { expired: true, .. } | Client::Forgotten { .. } | Client::Stranger => {
                self.protocol.fail(
                    ErrorCode::NotAllowed,
                    "the certificate is not valid by the clock here: renew it",
                );
                Ok(None)
            }
        }
    }

    async fn envelope(&mut self, envelope: ReceivedEnvelope) -> Result<(), SessionFailure> {
        let Client::Sensor { enrolment, .. } = &self.client else {
            return Ok(());
        };
        let identity = envelope.header().identity;
        if !self
            .shared
            .admission
            .admit(enrolment.sensor, Instant::now())
        {
            self.protocol.busy(Busy {
                identity,
                retry_after_seconds: BUSY_RETRY_SECONDS,
            });
            return Ok(());
        }
        let (store, certificate) = (Arc::clone(&self.shared.store), self.certificate);
        let days = self.shared.renew_expired_days;
        let ingested =
            tokio::task::spawn_blocking(move || ingest(&store, certificate, days, envelope))
                .await?;
        match ingested {
            Ok(Ingested::Acknowledge(ack)) => {
                self.protocol.acknowledge(ack);
                self.shared.stored.notify_one();
            }
            Ok(Ingested::Refuse(code, reason)) => {
                tracing::warn!(address = %self.address, %identity, %reason, "batch refused");
                self.protocol.fail(code, &reason);
            }
            Err(error) => {
                tracing::error!(%error, "batch not stored");
                self.protocol.busy(Busy {
                    identity,
                    retry_after_seconds: BUSY_RETRY_SECONDS,
                });
            }
        }
        self.note_contact().await
    }

    async fn note_contact(&mut self) -> Result<(), SessionFailure> {
        let Client::Sensor { enrolment, .. } = &self.client else {
            return Ok(());
        };
        if self
            .last_contact
            .is_some_and(|last| last.elapsed() < CONTACT_INTERVAL)
        {
            return Ok(());
        }
        self.last_contact = Some(Instant::now());
        let (store, sensor, address) = (
            Arc::clone(&self.shared.store),
            enrolment.sensor,
            self.address.ip().to_string(),
        );
        tokio::task::spawn_blocking(move || store.note_contact(sensor, &address, Timestamp::now()))
            .await??;
        Ok(())
    }
}
