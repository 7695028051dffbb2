//! One connection in the ledger: every byte that goes through its socket is counted, and its end is entered when it is dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::reader::LedgerError;
use super::writer::{Carried, Ledger};

/// What one connection carried. When the last holder drops it, its end is entered.
#[derive(Debug)]
pub(crate) struct ConnectionBooks {
    ledger: Ledger,
    pub(crate) number: u64,
    sent: AtomicU64,
    received: AtomicU64,
    /// What was written before TLS began; [`u64::MAX`] until it does.
    proxy: AtomicU64,
    said: AtomicU64,
    envelopes: AtomicU64,
}

impl ConnectionBooks {
    /// Enters a connection before anything is said on it.
    pub(crate) fn open(
        ledger: &Ledger,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Result<Arc<Self>, LedgerError> {
        Ok(Arc::new(Self {
            number: ledger.connected(from, to)?,
            ledger: ledger.clone(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            proxy: AtomicU64::new(u64::MAX),
            said: AtomicU64::new(0),
            envelopes: AtomicU64::new(0),
        }))
    }

    /// So many bytes were written into the socket.
    pub(crate) fn write(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// So many bytes were read from the socket.
    pub(crate) fn read(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A proxy was asked for the way and gave it: what was written so far was said to it, and TLS begins.
    pub(crate) fn way_is_open(&self) {
        self.proxy
            .store(self.sent.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// So many bytes were given to TLS.
    pub(crate) fn said(&self, bytes: usize) {
        self.said.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// An envelope of so many bytes is among what will be given to TLS.
    pub(crate) fn envelope(&self, bytes: usize) {
        self.envelopes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for ConnectionBooks {
    fn drop(&mut self) {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let sent = get(&self.sent);
        let carried = Carried {
            sent,
            received: get(&self.received),
            proxy: get(&self.proxy).min(sent),
            said: get(&self.said),
            envelopes: get(&self.envelopes),
        };
        if let Err(error) = self.ledger.closed(self.number, carried) {
            tracing::error!(%error, "the end of a connection cannot be entered in the ledger");
        }
    }
}
