//! Telling the uplink to stop, from a signal handler's thread.

use tokio::sync::watch;

/// Stops what waits for the [`Shutdown`] made with it; also when it is dropped.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Told when to stop.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// A pair: one end tells, the other is told.
pub fn shutdown() -> (Stopper, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Shutdown(receiver))
}

impl Stopper {
    /// Says to stop. May be called from any thread.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Waits until told.
    pub(crate) async fn told(&mut self) {
        // An error means that the stopper is gone, which is as good.
        let _told = self.0.wait_for(|stop| *stop).await;
    }
}
