//! Accepting connections of sensors, within bounds.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::admission::Admission;
use super::client_identity::ClientCertificate;
use super::session::Session;
use crate::enrolment::EnrolmentDesk;
use crate::limits::{
    COLLECTOR_CONNECTIONS, SHUTDOWN_GRACE, STRANGER_CONNECTIONS, TLS_HANDSHAKE_TIMEOUT,
};
use crate::settings::DataFolder;
use crate::store::Store;

/// What all sessions share.
pub struct CollectorShared {
    pub(super) store: Arc<Store>,
    pub(super) desk: EnrolmentDesk,
    pub(super) software: String,
    pub(super) admission: Admission,
    /// Told whenever a batch was stored.
    pub(super) stored: Arc<Notify>,
    pub(super) folder: DataFolder,
    /// Days for which an expired certificate may still be renewed.
    pub(super) renew_expired_days: u32,
    strangers: Semaphore,
}

impl CollectorShared {
    /// `stored` is notified whenever a batch was stored.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        desk: EnrolmentDesk,
        stored: Arc<Notify>,
        folder: DataFolder,
        renew_expired_days: u32,
    ) -> Self {
        Self {
            store,
            desk,
            software: concat!("lapwing-cirt/", env!("CARGO_PKG_VERSION")).to_owned(),
            admission: Admission::default(),
            stored,
            folder,
            renew_expired_days,
            strangers: Semaphore::new(STRANGER_CONNECTIONS),
        }
    }
}

/// The listener for sensors.
pub struct Collector {
    pub listener: TcpListener,
    pub tls: TlsAcceptor,
    pub shared: Arc<CollectorShared>,
}

impl Collector {
    /// Serves until told to stop, then lets open sessions finish for a moment.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let connections = Arc::new(Semaphore::new(COLLECTOR_CONNECTIONS));
        let mut sessions = JoinSet::new();
        loop {
            while sessions.try_join_next().is_some() {}
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "accepting a sensor connection failed");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
                tracing::warn!(%address, limit = COLLECTOR_CONNECTIONS, "too many sensor connections");
                continue;
            };
            let (tls, shared, stop) = (self.tls.clone(), Arc::clone(&self.shared), stop.clone());
            sessions.spawn(async move {
                serve(stream, address, tls, shared, stop).await;
                drop(permit);
            });
        }
        let finish = async { while sessions.join_next().await.is_some() {} };
        if timeout(SHUTDOWN_GRACE, finish).await.is_err() {
            tracing::info!("sensor sessions were cut off at shutdown");
        }
    }
}

async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    tls: TlsAcceptor,
    shared: Arc<CollectorShared>,
    stop: watch::Receiver<bool>,
) {
    // Acknowledgements are small and waited for.
    let _unset = stream.set_nodelay(true);
    let mut stream = match timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "handshake failed");
            return;
        }
        Err(_) => {
            tracing::debug!(%address, "handshake took too long");
            return;
        }
    };
    let certificate = match stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first)
    {
        None => None,
        Some(der) => match ClientCertificate::parse(der) {
            Some(certificate) => Some(certificate),
            None => return,
        },
    };
    let _stranger = match certificate {
        Some(_) => None,
        None => match shared.strangers.try_acquire() {
            Ok(permit) => Some(permit),
            Err(_) => {
                tracing::warn!(%address, limit = STRANGER_CONNECTIONS, "too many connections without a certificate");
                return;
            }
        },
    };
    let served = match Session::begin(Arc::clone(&shared), address, certificate).await {
        Ok(session) => session.serve(&mut stream, stop).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::debug!(%address, %error, "session broke off");
    }
}
