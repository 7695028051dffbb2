//! What of the outbox is sealed and sent next, as far as the budget goes.
//!
//! Critical findings have batches of their own while the link has a budget, so that none of them waits
//! because of what else is in its batch. Without a budget they share batches, which is cheaper.

use std::collections::BTreeSet;
use std::path::Path;

use lapwing_outbox::{AckOutcome, LaneSet, OutboxSender, SealLimits, SealedBatch};
use lapwing_wire::{Ack, BatchNumber, Lane, Sealer};

use crate::bill::envelope_bytes;
use crate::budget::{Budget, Purpose, Waiting};
use crate::connection::Connection;
use crate::device_key::DeviceKey;
use crate::error::UplinkError;
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::settings::Settings;

/// Unsent bytes of a connection above which nothing more is offered: what is urgent comes later.
const BACKLOG_BYTES: usize = 64 * 1024;
const CRITICAL: LaneSet = LaneSet::CRITICAL;

/// Bytes on the bill that are known to be for a purpose and not charged yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offered {
    pub(crate) critical_bytes: u64,
    pub(crate) ordinary_bytes: u64,
}

/// What waits for a connection.
pub(crate) struct WaitingNow {
    pub(crate) records: Waiting,
    /// Whether a critical finding waits, sealed or not.
    pub(crate) critical: bool,
}

/// Looks at an outbox without becoming its sender.
pub(crate) fn waiting_in(outbox: &Path) -> Result<WaitingNow, UplinkError> {
    let account = lapwing_outbox::status(outbox)?.account;
    let critical = account.lane(Lane::Critical);
    Ok(WaitingNow {
        records: Waiting::of(|lane| {
            let books = account.lane(lane);
            books.next.saturating_sub(books.next_to_seal)
        }),
        critical: critical.settled < critical.next,
    })
}

/// The outbox during one connection.
pub(crate) struct Dispatch {
    outbox: OutboxSender,
    offered: BTreeSet<BatchNumber>,
}

impl Dispatch {
    pub(crate) fn new(outbox: OutboxSender) -> Self {
        Self {
            outbox,
            offered: BTreeSet::new(),
        }
    }

    /// Puts in flight what waits and may go, older batches first; says whether more may go as soon as the
    /// link has room.
    #[expect(
        clippy::too_many_arguments,
        reason = "everything of the uplink that decides what is sent"
    )]
    pub(crate) fn offer(
        &mut self,
        connection: &mut Connection,
        budget: &Budget,
        now: u64,
        settings: &Settings,
        identity: &Identity,
        key: &DeviceKey,
        ledger: &Ledger,
        offered: &mut Offered,
    ) -> Result<bool, UplinkError> {
        let sealer = settings.sealer(identity, key, ledger);
        let is_closed = sealer.is_closed();
        self.tell_what_is_held(budget, now)?;
        loop {
            if connection.backlog_bytes() > BACKLOG_BYTES {
                return Ok(true);
            }
            let sealed = match self.next_sealed(is_closed, budget, now) {
                Some(sealed) => sealed,
                None => match self.seal(budget, now, settings, identity, &sealer)? {
                    Sealed::Batch => continue,
                    Sealed::Nothing => return Ok(false),
                },
            };
            let envelope = self.outbox.envelope(identity.sensor, sealed.number)?;
            if connection
                .session
                .offer(&envelope, connection.now_milliseconds())
                .is_err()
            {
                // The window is full, or the centre asked to wait: another time.
                return Ok(false);
            }
            connection.enter(ledger, &envelope)?;
            self.offered.insert(sealed.number);
            let bytes = envelope_bytes(envelope.bytes.len() as u64);
            let sum = match purpose_of(&sealed) {
                Purpose::Critical => &mut offered.critical_bytes,
                Purpose::Status | Purpose::Ordinary => &mut offered.ordinary_bytes,
            };
            *sum = sum.saturating_add(bytes);
        }
    }

    /// Takes an ack.
    pub(crate) fn acknowledged(
        &mut self,
        ack: &Ack,
        wall_milliseconds: u64,
    ) -> Result<(), UplinkError> {
        self.offered.remove(&ack.identity.number);
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

    /// The centre did not take a batch.
    pub(crate) fn not_taken(&mut self, number: BatchNumber) {
        self.offered.remove(&number);
    }

    /// Notes which lanes wait for budget, so that heartbeats tell it.
    pub(crate) fn tell_what_is_held(
        &mut self,
        budget: &Budget,
        now: u64,
    ) -> Result<(), UplinkError> {
        if !budget.is_bounded() {
            return Ok(self.outbox.hold(LaneSet::NONE)?);
        }
        let records = waiting_in(self.outbox.folder())?.records;
        let plan = budget.plan(&records, now);
        let mut going = vec![];
        for lane in Lane::ALL {
            let goes = if lane == Lane::Critical {
                budget.wants_critical(now) && budget.left_bytes(Purpose::Critical, now) > 0
            } else {
                plan.lanes.contains(lane)
            };
            if goes || records.of_lane(lane) == 0 {
                going.push(lane);
            }
        }
        Ok(self.outbox.hold(LaneSet::of(&going).complement())?)
    }

    /// The oldest sealed batch that is not in flight and may go, critical ones first. Without a policy only those of the books may.
    fn next_sealed(&self, is_closed: bool, budget: &Budget, now: u64) -> Option<SealedBatch> {
        let may_go = |sealed: &SealedBatch| {
            !self.offered.contains(&sealed.number)
                && (!is_closed || sealed.is_of_the_books)
                && budget.allows(envelope_bytes(sealed.bytes), purpose_of(sealed), now)
        };
        let waiting = || self.outbox.sealed().filter(may_go);
        waiting()
            .find(|sealed| purpose_of(sealed) == Purpose::Critical)
            .or_else(|| waiting().next())
    }

    /// Seals one more batch, if there are records that may go.
    fn seal(
        &mut self,
        budget: &Budget,
        now: u64,
        settings: &Settings,
        identity: &Identity,
        sealer: &Sealer,
    ) -> Result<Sealed, UplinkError> {
        // Where nothing can be held, nobody need look how much there is.
        let waiting = if budget.is_bounded() {
            waiting_in(self.outbox.folder())?.records
        } else {
            Waiting::default()
        };
        let plan = budget.plan(&waiting, now);
        let max_records = settings.seal.max_records.min(plan.max_records);
        let critical = if budget.wants_critical(now) {
            CRITICAL
        } else {
            LaneSet::NONE
        };
        let ordinary = SealLimits {
            max_records,
            lanes: plan.lanes,
            with_facts: plan.rung >= 2,
            ..settings.seal
        };
        let steps = if sealer.is_closed() {
            // Batches that wait for a policy must not stand in the way of heartbeats.
            vec![SealLimits {
                max_outstanding: ordinary.max_outstanding.saturating_mul(2),
                lanes: ordinary.lanes.intersection(LaneSet::STATUS),
                ..ordinary
            }]
        } else if settings.budget.is_metered() || budget.is_quiet(now) {
            let critical = SealLimits {
                lanes: critical,
                ..settings.seal
            };
            // Batches that wait for budget must not stand in the way of critical ones.
            let critical = SealLimits {
                max_outstanding: critical.max_outstanding.saturating_mul(2),
                ..critical
            };
            vec![critical, ordinary]
        } else {
            vec![SealLimits {
                max_records: settings.seal.max_records,
                lanes: plan.lanes.union(critical),
                ..ordinary
            }]
        };
        for limits in steps {
            if limits.max_records == 0 || limits.lanes == LaneSet::NONE {
                continue;
            }
            // A batch that is sealed and may not go yet would only be one more that waits.
            if limits.lanes != CRITICAL && self.has_waiting_ordinary(sealer.is_closed()) {
                continue;
            }
            let sealed =
                self.outbox
                    .seal_next(identity.sensor, sealer, &limits, &mut rand::rng())?;
            if sealed.is_some() {
                return Ok(Sealed::Batch);
            }
        }
        Ok(Sealed::Nothing)
    }

    fn has_waiting_ordinary(&self, is_closed: bool) -> bool {
        self.outbox.sealed().any(|sealed| {
            !self.offered.contains(&sealed.number)
                && purpose_of(&sealed) != Purpose::Critical
                && (!is_closed || sealed.is_of_the_books)
        })
    }
}

enum Sealed {
    Batch,
    Nothing,
}

/// Whose bytes a batch spends.
fn purpose_of(sealed: &SealedBatch) -> Purpose {
    if sealed.lanes == CRITICAL {
        Purpose::Critical
    } else if sealed.lanes == LaneSet::STATUS {
        Purpose::Status
    } else {
        Purpose::Ordinary
    }
}
