//! Sending: connect when it can be done, send what waits, let go of what is acknowledged.
//!
//! Files are read and synced on the same thread: this process has nothing else to do
//! meanwhile, and a batch is small.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lapwing_outbox::{AckOutcome, OutboxSender};
use lapwing_wire::{
    Ack, BatchNumber, CloseReason, CompressionLevel, ErrorCode, RenewApproval, RenewRequest,
    Sealer, SenderEvent,
};
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::connection::Connection;
use crate::device_key::DeviceKey;
use crate::error::UplinkError;
use crate::identity::Identity;
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::time_floor::TimeFloor;
use crate::tls;

/// Carries batches to the centre until told to stop. Links that break and centres that are
/// away are waited out.
///
/// # Errors
/// Only what waiting does not mend: no enrolment, a key or an outbox that cannot be used.
pub fn run(settings: Settings, mut shutdown: Shutdown) -> Result<(), UplinkError> {
    let mut uplink = Uplink::open(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(UplinkError::Runtime)?;
    runtime.block_on(async {
        tokio::select! {
            error = uplink.serve() => Err(error),
            () = shutdown.told() => Ok(()),
        }
    })
}

struct Uplink {
    settings: Settings,
    identity: Identity,
    key: DeviceKey,
    time: TimeFloor,
    outbox: OutboxSender,
    /// The centre turned this certificate away: nothing but a renewal will do.
    must_renew: bool,
}

impl Uplink {
    fn open(settings: Settings) -> Result<Self, UplinkError> {
        let identity = Identity::load(&settings.identity_folder)?;
        Ok(Self {
            key: DeviceKey::load(&settings.identity_folder)?,
            time: TimeFloor::load(&settings.identity_folder)?,
            outbox: OutboxSender::open(&settings.outbox_folder, settings.outbox)?,
            identity,
            settings,
            must_renew: false,
        })
    }

    /// Connects again and again; returns only for an error that waiting does not mend.
    async fn serve(&mut self) -> UplinkError {
        let mut backoff = Backoff::new(self.settings.retry_max);
        loop {
            let error = match self.connect().await {
                Ok(connection) => match self.converse(connection, &mut backoff).await {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            match &error {
                UplinkError::Unreachable { .. }
                | UplinkError::Broken(_)
                | UplinkError::Session(_) => {}
                _ => return error,
            }
            let wait = backoff.next_wait(&mut rand::rng());
            let cause = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            tracing::info!(%error, cause, wait_milliseconds = wait.as_millis(), "waiting for the centre");
            sleep(wait).await;
        }
    }

    async fn connect(&self) -> Result<Connection, UplinkError> {
        let config = tls::sensor(&self.identity, &self.key, &self.time)?;
        let addresses = if self.settings.centres.is_empty() {
            &self.identity.addresses
        } else {
            &self.settings.centres
        };
        Connection::open(addresses, config, self.settings.answer_timeout, &self.time).await
    }

    /// One session. Ends well when a new certificate asks for a new connection.
    async fn converse(
        &mut self,
        mut connection: Connection,
        backoff: &mut Backoff,
    ) -> Result<(), UplinkError> {
        let mut offered = BTreeSet::new();
        let mut ready = false;
        loop {
            if ready && !self.renews_first() {
                self.offer(&mut connection, &mut offered)?;
            }
            let wait = if connection.is_sent() {
                self.settings.send_interval
            } else {
                Duration::from_secs(60)
            };
            for event in connection.turn(wait).await? {
                match event {
                    SenderEvent::Ready(answer) => {
                        tracing::info!(centre = answer.software, "connected to the centre");
                        backoff.reset();
                        ready = true;
                        if self.renews_first() || self.renewal_is_due() {
                            let request = RenewRequest {
                                certificate_request: self.key.certificate_request()?,
                            };
                            // Ready was just said.
                            let _offered = connection.session.request_renewal(request);
                        }
                    }
                    SenderEvent::Acknowledged(ack) => {
                        offered.remove(&ack.identity.number);
                        self.acknowledged(&ack)?;
                    }
                    SenderEvent::Busy(busy) => {
                        offered.remove(&busy.identity.number);
                        tracing::info!(
                            retry_after_seconds = busy.retry_after_seconds,
                            "the centre is busy"
                        );
                    }
                    SenderEvent::Renewed(approval) => {
                        self.renewed(approval)?;
                        // What is in flight is answered on the next connection.
                        connection.close().await;
                        return Ok(());
                    }
                    SenderEvent::RenewRefused(refused) => {
                        tracing::error!(
                            reason = refused.reason,
                            "the centre renews this certificate no more"
                        );
                    }
                    SenderEvent::Closed(reason) => return Err(self.closed(reason)),
                    other => tracing::warn!(event = ?other, "an answer that was not asked for"),
                }
            }
        }
    }

    /// Puts in flight what waits, older batches first, as far as the centre's window allows.
    fn offer(
        &mut self,
        connection: &mut Connection,
        offered: &mut BTreeSet<BatchNumber>,
    ) -> Result<(), UplinkError> {
        loop {
            let waiting = self
                .outbox
                .outstanding()
                .find(|number| !offered.contains(number));
            let number = match waiting {
                Some(number) => number,
                None => match self.seal()? {
                    Some(number) => number,
                    None => return Ok(()),
                },
            };
            let envelope = self.outbox.envelope(self.identity.sensor, number)?;
            if connection
                .session
                .offer(&envelope, connection.now_milliseconds())
                .is_err()
            {
                // The window is full, or the centre asked to wait: another time.
                return Ok(());
            }
            offered.insert(number);
        }
    }

    fn seal(&mut self) -> Result<Option<BatchNumber>, UplinkError> {
        let sealer = Sealer::new(
            self.key.signing_key(),
            self.identity.sealing_key,
            CompressionLevel::DEFAULT,
        );
        Ok(self.outbox.seal_next(
            self.identity.sensor,
            &sealer,
            &self.settings.seal,
            &mut rand::rng(),
        )?)
    }

    fn acknowledged(&mut self, ack: &Ack) -> Result<(), UplinkError> {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let wall_milliseconds = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        match self.outbox.acknowledge(ack, wall_milliseconds)? {
            AckOutcome::Forgotten => {
                tracing::debug!(batch = ack.identity.number.0, state = ?ack.state, "batch acknowledged");
            }
            outcome => tracing::warn!(
                batch = ack.identity.number.0,
                ?outcome,
                "an ack that changes nothing"
            ),
        }
        Ok(())
    }

    fn renewed(&mut self, approval: RenewApproval) -> Result<(), UplinkError> {
        let identity = self.identity.renewed(&self.key, approval)?;
        identity.store(&self.settings.identity_folder)?;
        self.identity = identity;
        self.must_renew = false;
        tracing::info!(
            ends_seconds = self.identity.certificate_ends_seconds(),
            "certificate renewed"
        );
        Ok(())
    }

    /// A centre that allows nothing may think that the certificate has ended, whatever the
    /// clock here says.
    fn closed(&mut self, reason: CloseReason) -> UplinkError {
        if matches!(&reason, CloseReason::Peer(error) if error.code == ErrorCode::NotAllowed) {
            self.must_renew = !self.must_renew;
        }
        UplinkError::Session(reason)
    }

    fn renews_first(&self) -> bool {
        let now = self.time.now_seconds();
        self.must_renew
            || self
                .identity
                .validity()
                .is_none_or(|validity| validity.has_ended(now))
    }

    fn renewal_is_due(&self) -> bool {
        let now = self.time.now_seconds();
        self.identity
            .validity()
            .is_some_and(|validity| validity.renewal_is_due(now))
    }
}
