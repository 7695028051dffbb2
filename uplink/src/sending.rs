//! Sending: connect when it can and may be done, send what waits, let go of what is acknowledged.
//!
//! Files are read and synced on the same thread: this process has nothing else to do
//! meanwhile, and a batch is small. The outbox is this process's only while there is a
//! connection; between connections a courier may take what waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lapwing_outbox::{OutboxError, OutboxSender};
use lapwing_wire::{CloseReason, ErrorCode, RenewApproval, RenewRequest, SenderEvent};
use rustls::ClientConfig;
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::bill::Bill;
use crate::budget::{Budget, CONNECT_BYTES, Purpose, Spending};
use crate::connection::{Connection, Way};
use crate::device_key::DeviceKey;
use crate::dispatch::{Dispatch, Offered, waiting_in};
use crate::error::UplinkError;
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::orders::Orders;
use crate::renewal::Renewal;
use crate::repository_mirror::RepositoryMirror;
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::status::LinkStatus;
use crate::time_floor::TimeFloor;
use crate::tls;

/// How long a connection is looked at while bytes wait to go out.
const BUSY_TURN: Duration = Duration::from_secs(60);
/// Between questions for rules and control on a link that stays open.
const ASK_INTERVAL: Duration = Duration::from_secs(3600);
/// Charged bytes that may be forgotten by a kill, on a link with a budget.
const UNSAVED_METERED_BYTES: u64 = 8 * 1024;
/// The same on any other.
const UNSAVED_BYTES: u64 = 4 * 1024 * 1024;
/// Between looks whether something may be sent again, while nothing may.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// Between looks for sealed batches that are too old for the policy.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

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
    let result = runtime.block_on(async {
        tokio::select! {
            error = uplink.serve() => Err(error),
            () = shutdown.told() => Ok(()),
        }
    });
    // What the last connection cost is known, however it ended.
    uplink.settle_bill(Saved::Now)?;
    result
}

/// When what was charged is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saved {
    Now,
    NowAndThen,
}

struct Uplink {
    settings: Settings,
    identity: Identity,
    key: DeviceKey,
    time: TimeFloor,
    /// Kept from connection to connection, for it holds the tickets that make the next one cheap.
    tls: Arc<ClientConfig>,
    bill: Arc<Bill>,
    /// Bytes that were charged and are not written down yet.
    unsaved_bytes: u64,
    ledger: Ledger,
    /// What was offered and is not charged yet.
    offered: Offered,
    /// What the current connection is for.
    purpose: Purpose,
    budget: Budget,
    orders: Orders,
    status: LinkStatus,
    last_contact: Option<Instant>,
    last_asked: Option<Instant>,
    /// How many of the mirrors were not yet begun since.
    mirrors_left: usize,
    last_forgotten: Option<Instant>,
    renewal: Renewal,
}

impl Uplink {
    fn open(settings: Settings) -> Result<Self, UplinkError> {
        let identity = Identity::load(&settings.identity_folder)?;
        let key = DeviceKey::load(&settings.identity_folder)?;
        let time = TimeFloor::load(&settings.identity_folder)?;
        let tls = tls::sensor(&identity, &key, &time, settings.key_exchange)?;
        let spending = Spending::load(&settings.identity_folder)?;
        // Says at once when the outbox cannot be used at all.
        match OutboxSender::open(&settings.outbox_folder, settings.outbox.clone()) {
            Ok(_) | Err(OutboxError::InUse { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self {
            ledger: Ledger::open(&settings.ledger_folder, settings.ledger_key)?,
            budget: Budget::new(settings.budget.clone(), spending),
            orders: Orders::load(&settings.identity_folder)?,
            status: LinkStatus::load(&settings.identity_folder),
            bill: Arc::default(),
            unsaved_bytes: 0,
            offered: Offered::default(),
            purpose: Purpose::Status,
            last_contact: None,
            last_asked: None,
            mirrors_left: 0,
            last_forgotten: None,
            renewal: Renewal::default(),
            key,
            time,
            tls,
            identity,
            settings,
        })
    }

    /// Connects again and again; returns only for an error that waiting does not mend.
    async fn serve(&mut self) -> UplinkError {
        let mut backoff = Backoff::new(self.settings.retry_max);
        self.status.started(self.time.clock_milliseconds() / 1000);
        self.store_status();
        loop {
            if let Err(error) = self.wait_for_occasion().await {
                return error;
            }
            self.last_contact = Some(Instant::now());
            if let Err(error) = self.withdraw_old() {
                return error;
            }
            // A courier may have brought some.
            match Orders::load(&self.settings.identity_folder) {
                Ok(orders) => self.orders = orders,
                Err(error) => return error,
            }
            let result = match self.connect().await {
                Ok(connection) => self.converse(connection, &mut backoff).await,
                Err(error) => Err(error),
            };
            if let Err(error) = self.settle_bill(Saved::Now) {
                return error;
            }
            let error = match result {
                Ok(()) => continue,
                Err(error) => error,
            };
            match &error {
                UplinkError::Unreachable { .. }
                | UplinkError::Broken(_)
                | UplinkError::Session(_)
                // What a centre says must not end what runs here.
                | UplinkError::BadAnswer { .. }
                | UplinkError::Outbox(OutboxError::InUse { .. }) => {}
                // The sensor makes room, or somebody does.
                UplinkError::Outbox(error) if error.is_disk_full() => {}
                _ => return error,
            }
            let wait = backoff.next_wait(&mut rand::rng());
            let cause = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            self.status
                .failed(format!("{error}: {cause}"), self.time.now_seconds());
            self.store_status();
            tracing::info!(%error, cause, wait_milliseconds = wait.as_millis(), "waiting for the centre");
            // A failed contact is made up for.
            self.last_contact = None;
            sleep(wait).await;
        }
    }

    /// Returns when a connection is wanted and may be paid for.
    async fn wait_for_occasion(&mut self) -> Result<(), UplinkError> {
        loop {
            let now = self.time.now_seconds();
            self.look_at_budget(now);
            if self.settings.contact_interval.is_none() && !self.settings.budget.is_metered() {
                return Ok(());
            }
            let waiting = waiting_in(&self.settings.outbox_folder)?;
            let is_due = self
                .settings
                .contact_interval
                .zip(self.last_contact)
                .is_none_or(|(interval, last)| last.elapsed() >= interval);
            let since = self.last_contact.map(|last| last.elapsed().as_secs());
            let is_critical = waiting.critical
                && !self.settings.is_closed()
                && self.budget.wants_critical(now)
                && self.budget.is_critical_contact_due(now, since);
            let occasion = [(is_due, Purpose::Status), (is_critical, Purpose::Critical)]
                .into_iter()
                .find(|(is_one, purpose)| {
                    *is_one && self.budget.allows(CONNECT_BYTES, *purpose, now)
                });
            if let Some((_, purpose)) = occasion {
                self.purpose = purpose;
                return Ok(());
            }
            self.tell_what_is_held(now)?;
            sleep(
                self.settings
                    .send_interval
                    .max(Duration::from_millis(100))
                    .min(LOOK_INTERVAL),
            )
            .await;
        }
    }

    async fn connect(&self) -> Result<Connection, UplinkError> {
        let way = Way {
            addresses: if self.settings.centres.is_empty() {
                &self.identity.addresses
            } else {
                &self.settings.centres
            },
            proxy: self.settings.proxy.as_ref(),
            bill: &self.bill,
            ledger: &self.ledger,
        };
        let answer_timeout = self.settings.answer_timeout;
        Connection::open(&way, Arc::clone(&self.tls), answer_timeout, &self.time).await
    }

    /// One session. Ends well when a new certificate asks for a new connection, or all is said on a link
    /// that is not kept open.
    async fn converse(
        &mut self,
        connection: Connection,
        backoff: &mut Backoff,
    ) -> Result<(), UplinkError> {
        let mut mirror = None;
        let ended = self.converse_about(connection, backoff, &mut mirror).await;
        if mirror.is_some() {
            // A file was on its way: the next connection goes on with it, and not only in an hour.
            self.last_asked = None;
        }
        ended
    }

    async fn converse_about(
        &mut self,
        mut connection: Connection,
        backoff: &mut Backoff,
        mirror: &mut Option<RepositoryMirror>,
    ) -> Result<(), UplinkError> {
        let outbox =
            OutboxSender::open(&self.settings.outbox_folder, self.settings.outbox.clone())?;
        let mut dispatch = Dispatch::new(outbox);
        let mut ready = false;
        let mut is_renewal_asked = false;
        loop {
            self.settle_bill(Saved::NowAndThen)?;
            let mut has_more = false;
            // Not only at the beginning: a link may stay open for longer than a certificate lasts.
            if ready && !is_renewal_asked && self.renewal_is_due() {
                is_renewal_asked = true;
                let request = RenewRequest {
                    certificate_request: self.key.certificate_request()?,
                };
                // The session is ready; where it is not any more, the next connection asks.
                let _offered = connection.session.request_renewal(request);
            }
            if ready && !self.renews_first() {
                has_more = self.offer(&mut connection, &mut dispatch)?;
                if mirror.is_none() {
                    *mirror = self.ask(&mut connection);
                }
                let is_done = self.settings.contact_interval.is_some()
                    && !has_more
                    && connection.is_sent()
                    && !connection.session.is_waiting();
                if is_done {
                    connection.close().await;
                    return Ok(());
                }
            }
            let wait = if connection.is_sent() && !has_more {
                self.settings.send_interval
            } else {
                BUSY_TURN
            };
            for event in connection.turn(wait).await? {
                match event {
                    SenderEvent::Ready(answer) => {
                        tracing::info!(centre = answer.software, "connected to the centre");
                        backoff.reset();
                        self.status.connected(self.time.now_seconds());
                        self.store_status();
                        ready = true;
                        if answer.version < lapwing_wire::message::VERSION_WITH_CONTROL {
                            self.last_asked = Some(Instant::now());
                        }
                    }
                    SenderEvent::Acknowledged(ack) => {
                        dispatch.acknowledged(&ack, self.time.clock_milliseconds())?;
                    }
                    SenderEvent::Busy(busy) => {
                        dispatch.not_taken(busy.identity.number);
                        tracing::info!(
                            retry_after_seconds = busy.retry_after_seconds,
                            "the centre is busy"
                        );
                    }
                    SenderEvent::Renewed(approval) => {
                        self.renewed(approval)?;
                        // What is in flight is answered on the next connection.
                        connection.close().await;
                        self.last_contact = None;
                        return Ok(());
                    }
                    SenderEvent::RenewRefused(refused) => {
                        tracing::error!(
                            reason = refused.reason,
                            "the centre renews this certificate no more"
                        );
                    }
                    SenderEvent::Control(answer) => self.orders.receive(
                        &answer.answer,
                        &self.identity,
                        self.time.now_seconds(),
                    )?,
                    SenderEvent::FilePart(part) => {
                        self.settle_bill(Saved::NowAndThen)?;
                        let left = self
                            .budget
                            .left_bytes(Purpose::Ordinary, self.time.now_seconds());
                        *mirror =
                            RepositoryMirror::part(mirror.take(), part, &mut connection, left)?;
                    }
                    SenderEvent::FileAbsent(absent) => {
                        *mirror =
                            RepositoryMirror::absent(mirror.take(), &absent, &mut connection)?;
                    }
                    SenderEvent::Closed(reason) => return Err(self.closed(reason)),
                    other => tracing::warn!(event = ?other, "an answer that was not asked for"),
                }
            }
        }
    }

    /// Puts in flight what waits and may go; says whether more may go as soon as there is room.
    fn offer(
        &mut self,
        connection: &mut Connection,
        dispatch: &mut Dispatch,
    ) -> Result<bool, UplinkError> {
        let now = self.time.now_seconds();
        self.look_at_budget(now);
        self.budget.ask_for_less(self.orders.less());
        dispatch.offer(
            connection,
            &self.budget,
            now,
            &self.settings,
            &self.identity,
            &self.key,
            &self.ledger,
            &mut self.offered,
        )
    }

    /// Looks at the calendar, and whether the policy says something else now.
    fn look_at_budget(&mut self, now: u64) {
        let source = self.settings.budget_source.as_ref();
        if let Some(settings) = source.and_then(|source| source.now())
            && settings != self.settings.budget
        {
            tracing::info!(?settings, "the link has another budget");
            self.budget.change(settings.clone());
            self.settings.budget = settings;
        }
        self.budget.advance(now);
    }

    /// Now and then removes sealed batches that are too old for the policy, whether there is a link or not.
    fn withdraw_old(&mut self) -> Result<(), UplinkError> {
        let last = self.last_forgotten.map(|last| last.elapsed());
        if last.is_some_and(|last| last < FORGET_INTERVAL) {
            return Ok(());
        }
        self.last_forgotten = Some(Instant::now());
        match OutboxSender::open(&self.settings.outbox_folder, self.settings.outbox.clone()) {
            Ok(mut outbox) => {
                self.settings
                    .withdraw_old(&mut outbox, self.time.now_seconds())?;
                Ok(())
            }
            Err(OutboxError::InUse { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes kept envelopes that are too old for the policy.
    fn forget_old(&self) {
        let days = self
            .settings
            .filter
            .as_ref()
            .and_then(|filter| filter.retention_days());
        let Some(days) = days else {
            return;
        };
        let time = Duration::from_secs(days.saturating_mul(24 * 3600));
        match self.ledger.remove_envelopes_after(time) {
            Ok(0) => {}
            Ok(envelopes) => tracing::info!(envelopes, days, "kept envelopes removed: too old"),
            Err(error) => tracing::error!(%error, "cannot remove kept envelopes"),
        }
    }

    /// Asks for control and for what is new in the mirrored repositories, one after the other: once a contact, and now and then on a
    /// link that stays open.
    fn ask(&mut self, connection: &mut Connection) -> Option<RepositoryMirror> {
        if self
            .last_asked
            .is_none_or(|last| last.elapsed() >= ASK_INTERVAL)
        {
            self.last_asked = Some(Instant::now());
            self.forget_old();
            let now = connection.now_milliseconds();
            // The session is ready; where it is not, the next contact asks.
            let _asked = connection
                .session
                .request_control(self.orders.request(), now);
            self.mirrors_left = self.settings.mirrors.len();
        }
        while self.mirrors_left > 0 {
            let next = self.settings.mirrors.len().checked_sub(self.mirrors_left)?;
            self.mirrors_left -= 1;
            let settings = self.settings.mirrors.get(next)?;
            if let Some(mirror) = RepositoryMirror::begin(settings, connection) {
                return Some(mirror);
            }
        }
        None
    }

    /// Charges what the sockets have cost since the last time. A kill forgets what was not written down yet:
    /// little where bytes are counted, more where they are not, for the sake of the disk.
    fn settle_bill(&mut self, saved: Saved) -> Result<(), UplinkError> {
        let bytes = self.bill.take();
        self.charge(bytes);
        let unsaved_max = if self.settings.budget.is_metered() {
            UNSAVED_METERED_BYTES
        } else {
            UNSAVED_BYTES
        };
        let is_due = saved == Saved::Now || self.unsaved_bytes > unsaved_max;
        if self.unsaved_bytes > 0 && is_due {
            self.unsaved_bytes = 0;
            self.budget
                .spending()
                .store(&self.settings.identity_folder)?;
        }
        Ok(())
    }

    fn charge(&mut self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let now = self.time.now_seconds();
        self.budget.advance(now);
        let critical = self.offered.critical_bytes.min(bytes);
        self.offered.critical_bytes -= critical;
        let ordinary = self.offered.ordinary_bytes.min(bytes - critical);
        self.offered.ordinary_bytes -= ordinary;
        self.budget.spend(critical, Purpose::Critical);
        self.budget.spend(ordinary, Purpose::Ordinary);
        // The connection itself is on the account of what it was made for.
        self.budget.spend(bytes - critical - ordinary, self.purpose);
        self.status.spent(bytes);
        self.unsaved_bytes = self.unsaved_bytes.saturating_add(bytes);
    }

    /// Lets heartbeats say what waits for budget, also while there is no connection.
    fn tell_what_is_held(&mut self, now: u64) -> Result<(), UplinkError> {
        match OutboxSender::open(&self.settings.outbox_folder, self.settings.outbox.clone()) {
            Ok(outbox) => Dispatch::new(outbox).tell_what_is_held(&self.budget, now),
            Err(OutboxError::InUse { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn store_status(&self) {
        if let Err(error) = self.status.store(&self.settings.identity_folder) {
            tracing::warn!(%error, "cannot keep how the link is");
        }
    }

    fn renewed(&mut self, approval: RenewApproval) -> Result<(), UplinkError> {
        let identity = self.identity.renewed(&self.key, approval)?;
        identity.store(&self.settings.identity_folder)?;
        self.tls = tls::sensor(&identity, &self.key, &self.time, self.settings.key_exchange)?;
        self.identity = identity;
        let now = self.time.now_seconds();
        self.renewal.renewed(self.identity.validity(), now);
        tracing::info!(
            ends_seconds = self.identity.certificate_ends_seconds(),
            "certificate renewed"
        );
        Ok(())
    }

    fn closed(&mut self, reason: CloseReason) -> UplinkError {
        if matches!(&reason, CloseReason::Peer(error) if error.code == ErrorCode::NotAllowed) {
            self.renewal.turned_away();
        }
        UplinkError::Session(reason)
    }

    fn renews_first(&self) -> bool {
        let now = self.time.now_seconds();
        self.renewal.is_first(self.identity.validity(), now)
    }

    fn renewal_is_due(&mut self) -> bool {
        let now = self.time.now_seconds();
        self.renewal.is_due(self.identity.validity(), now)
    }
}
