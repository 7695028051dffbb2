//! Work that the running centre does again and again by itself, one process of several at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::store::Store;

/// Does a round, waits `pause`, and so on until told to stop.
pub(crate) async fn run(
    store: Arc<Store>,
    pause: Duration,
    mut stop: watch::Receiver<bool>,
    round: impl Fn(&Store) + Clone + Send + 'static,
) {
    loop {
        let (working, round) = (Arc::clone(&store), round.clone());
        let (done, finished) = oneshot::channel::<()>();
        // A thread of its own: a round waits for the disk and for servers of others, and a stop waits for neither.
        std::thread::spawn(move || {
            // Of several processes one does this.
            match working.leads() {
                Ok(true) => round(&working),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the database cannot be asked who leads"),
            }
            drop(done);
        });
        tokio::select! {
            // The other end is dropped when the round is over.
            _ = finished => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
