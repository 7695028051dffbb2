//! What a centre would have seen of a site's records on a budget: the same ladder, the same bill, the same
//! sealing, in a time that is only counted.

use std::collections::VecDeque;

use lapwing_outbox::LaneSet;
use lapwing_wire::{
    BatchDigest, BatchIdentity, BatchNumber, CompressionLevel, Epoch, Lane, Record, RecordBody,
    RecordNumber, Sealer, SensorId, Severity,
};

use super::{Budget, BudgetSettings, Purpose, Spending, Waiting};
use crate::bill::envelope_bytes;
use crate::error::UplinkError;

/// The time is looked at so often.
const STEP_SECONDS: u64 = 60;
/// Records of one batch.
const BATCH_RECORDS: usize = 1_000;
/// A simulation does not go on longer than this after its last record.
const AFTERWARDS_SECONDS: u64 = 86_400;

/// The link that is simulated.
#[derive(Debug, Clone)]
pub struct Link {
    /// What it may cost.
    pub budget: BudgetSettings,
    /// Longest time between contacts; none keeps the link open.
    pub contact_interval_seconds: Option<u64>,
    /// zstd's level for batches.
    pub compression: CompressionLevel,
    /// What a contact costs before anything is sent.
    pub connect_bytes: u64,
}

/// What became of findings of one class of severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Made by the sensor.
    pub made: u64,
    /// Seen with all their facts.
    pub whole: u64,
    /// Seen without facts.
    pub bare: u64,
    /// Seconds that the slowest of them waited.
    pub longest_wait_seconds: u64,
}

impl Seen {
    /// Not seen by the end.
    pub const fn not_seen(&self) -> u64 {
        self.made - self.whole - self.bare
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Time of the first and the last record, seconds since 1970.
    pub span: Option<(u64, u64)>,
    /// Findings by class of severity, gravest first.
    pub findings: [Seen; Severity::CLASSES],
    /// Heartbeats and digests, made and seen.
    pub status: [u64; 2],
    /// Facts that stayed behind.
    pub facts_held_back: u64,
    /// Connections.
    pub contacts: u64,
    /// Bytes on the bill in all.
    pub bytes: u64,
    /// The dearest day and month.
    pub dearest_day_bytes: u64,
    /// The dearest month.
    pub dearest_month_bytes: u64,
}

struct Queued {
    made_seconds: u64,
    record: Record,
}

/// Runs the records, in the order of their times, over the link.
///
/// # Errors
/// [`UplinkError::Outbox`] when records cannot be sealed.
pub fn simulate(records: Vec<Record>, link: &Link) -> Result<Report, UplinkError> {
    let mut waiting: Vec<Queued> = records
        .into_iter()
        .map(|record| Queued {
            made_seconds: milliseconds_of(&record) / 1000,
            record,
        })
        .collect();
    waiting.sort_by_key(|queued| queued.made_seconds);
    // In the order of their times they have the numbers that an outbox would have given them.
    let mut next = [0u64; Lane::ALL.len()];
    for queued in &mut waiting {
        let header = &mut queued.record.header;
        if let Some(next) = next.get_mut(usize::from(header.lane.code())) {
            header.number = RecordNumber(*next);
            *next += 1;
        }
    }
    let mut waiting = VecDeque::from(waiting);
    let mut report = Report {
        span: waiting
            .front()
            .zip(waiting.back())
            .map(|(first, last)| (first.made_seconds, last.made_seconds)),
        ..Report::default()
    };
    let Some((first, last)) = report.span else {
        return Ok(report);
    };
    let mut simulation = Simulation::new(link)?;
    let mut now = first;
    while now <= last + AFTERWARDS_SECONDS {
        while let Some(queued) = waiting.pop_front_if(|queued| queued.made_seconds <= now) {
            simulation.make(queued, &mut report);
        }
        simulation.look(now, &mut report)?;
        now += STEP_SECONDS;
    }
    Ok(report)
}

struct Simulation<'a> {
    link: &'a Link,
    budget: Budget,
    sealer: Sealer,
    queues: [VecDeque<Queued>; Lane::ALL.len()],
    /// The time of the last contact; none before the first.
    last_contact: Option<u64>,
    /// The time of the last connection for whatever purpose.
    last_connection: Option<u64>,
    is_open: bool,
    next_batch: u64,
}

impl<'a> Simulation<'a> {
    fn new(link: &'a Link) -> Result<Self, UplinkError> {
        let centre = lapwing_wire::SealingPrivateKey::generate(&mut rand::rng());
        let key = ed25519_dalek::SigningKey::from_bytes(&rand::random());
        let centre = centre
            .public_key()
            .map_err(|error| UplinkError::BadAnswer {
                problem: error.to_string(),
            })?;
        Ok(Self {
            sealer: Sealer::new(key, centre, link.compression),
            budget: Budget::new(link.budget.clone(), Spending::default()),
            link,
            queues: Default::default(),
            last_contact: None,
            last_connection: None,
            is_open: false,
            next_batch: 0,
        })
    }

    fn make(&mut self, queued: Queued, report: &mut Report) {
        match &queued.record.body {
            RecordBody::Finding(finding) => {
                if let Some(seen) = report.findings.get_mut(finding.severity.class()) {
                    seen.made += 1;
                }
            }
            _ => report.status[0] += 1,
        }
        if let Some(queue) = self.queue(queued.record.header.lane) {
            queue.push_back(queued);
        }
    }

    fn queue(&mut self, lane: Lane) -> Option<&mut VecDeque<Queued>> {
        self.queues.get_mut(usize::from(lane.code()))
    }

    fn waiting(&self) -> Waiting {
        Waiting::of(|lane| {
            self.queues
                .get(usize::from(lane.code()))
                .map_or(0, |queue| queue.len() as u64)
        })
    }

    /// Connects where that is due and paid for, and sends what may go.
    fn look(&mut self, now: u64, report: &mut Report) -> Result<(), UplinkError> {
        self.budget.advance(now);
        let waiting = self.waiting();
        let critical = waiting.of_lane(Lane::Critical) > 0;
        let anything = Lane::ALL.iter().any(|lane| waiting.of_lane(*lane) > 0);
        let is_due = match (self.link.contact_interval_seconds, self.last_contact) {
            (Some(interval), Some(last)) => now >= last + interval,
            _ => true,
        };
        let connect = self.link.connect_bytes;
        let since = self.last_connection.map(|last| now.saturating_sub(last));
        let may_call = critical && self.budget.is_critical_contact_due(now, since);
        let purpose = if is_due && anything && self.budget.allows(connect, Purpose::Status, now) {
            Purpose::Status
        } else if may_call && self.budget.allows(connect, Purpose::Critical, now) {
            Purpose::Critical
        } else {
            return Ok(());
        };
        if !self.is_open {
            self.charge(connect, purpose, report);
            report.contacts += 1;
        }
        self.last_connection = Some(now);
        self.is_open = self.link.contact_interval_seconds.is_none();
        if purpose == Purpose::Status {
            self.last_contact = Some(now);
        }
        while self.send(LaneSet::CRITICAL, true, BATCH_RECORDS, now, report)? {}
        loop {
            let plan = self.budget.plan(&self.waiting(), now);
            let records = plan.max_records.min(BATCH_RECORDS);
            if records == 0 || !self.send(plan.lanes, plan.rung >= 2, records, now, report)? {
                return Ok(());
            }
        }
    }

    /// Seals and sends one batch; false when there is none, or it may not go.
    fn send(
        &mut self,
        lanes: LaneSet,
        with_facts: bool,
        max_records: usize,
        now: u64,
        report: &mut Report,
    ) -> Result<bool, UplinkError> {
        let mut batch: Vec<Queued> = Vec::new();
        for lane in Lane::ALL {
            if !lanes.contains(lane) {
                continue;
            }
            let room = max_records - batch.len();
            if let Some(queue) = self.queue(lane) {
                batch.extend(queue.drain(..room.min(queue.len())));
            }
        }
        if batch.is_empty() {
            return Ok(false);
        }
        let purpose = if lanes == LaneSet::CRITICAL {
            Purpose::Critical
        } else if batch
            .iter()
            .all(|queued| queued.record.header.lane == Lane::Status)
        {
            Purpose::Status
        } else {
            Purpose::Ordinary
        };
        let records: Vec<Record> = batch
            .iter()
            .map(|queued| sent_form(&queued.record, with_facts))
            .collect();
        let identity = BatchIdentity {
            sensor: SensorId([0; 16]),
            epoch: Epoch(0),
            number: BatchNumber(self.next_batch),
        };
        let sealed = self
            .sealer
            .seal(identity, BatchDigest::NONE, &records, &mut rand::rng())
            .map_err(|error| UplinkError::Outbox(lapwing_outbox::OutboxError::Seal(error)))?;
        let bytes = envelope_bytes(sealed.bytes.len() as u64);
        if !self.budget.allows(bytes, purpose, now) {
            // It waits for another day; nothing was sent.
            for queued in batch.into_iter().rev() {
                if let Some(queue) = self.queue(queued.record.header.lane) {
                    queue.push_front(queued);
                }
            }
            return Ok(false);
        }
        self.next_batch += 1;
        self.charge(bytes, purpose, report);
        for queued in &batch {
            seen(queued, with_facts, now, report);
        }
        Ok(true)
    }

    fn charge(&mut self, bytes: u64, purpose: Purpose, report: &mut Report) {
        self.budget.spend(bytes, purpose);
        report.bytes += bytes;
        let spending = self.budget.spending();
        report.dearest_day_bytes = report.dearest_day_bytes.max(spending.day_bytes);
        report.dearest_month_bytes = report.dearest_month_bytes.max(spending.month_bytes);
    }
}

/// When a record came into being, milliseconds since 1970: a finding with its last packet, all else with its
/// stamp.
pub fn milliseconds_of(record: &Record) -> u64 {
    match &record.body {
        RecordBody::Finding(finding) => finding.last_milliseconds,
        RecordBody::Summary(summary) => summary.end_milliseconds,
        _ => record.header.time.wall_milliseconds,
    }
}

/// The same record, made so many milliseconds later.
#[must_use]
pub fn later(record: &Record, milliseconds: u64) -> Record {
    let mut record = record.clone();
    let shift = |time: &mut u64| *time = time.saturating_add(milliseconds);
    shift(&mut record.header.time.wall_milliseconds);
    match &mut record.body {
        RecordBody::Finding(finding) => {
            shift(&mut finding.first_milliseconds);
            shift(&mut finding.last_milliseconds);
        }
        RecordBody::Summary(summary) => {
            shift(&mut summary.start_milliseconds);
            shift(&mut summary.end_milliseconds);
        }
        _ => {}
    }
    record
}

fn sent_form(record: &Record, with_facts: bool) -> Record {
    let mut record = record.clone();
    if let RecordBody::Finding(finding) = &mut record.body
        && !with_facts
    {
        finding.facts = lapwing_wire::Facts::default();
    }
    record
}

fn seen(queued: &Queued, with_facts: bool, now: u64, report: &mut Report) {
    let RecordBody::Finding(finding) = &queued.record.body else {
        report.status[1] += 1;
        return;
    };
    let Some(seen) = report.findings.get_mut(finding.severity.class()) else {
        return;
    };
    let facts = finding.facts.iter().count() as u64;
    if with_facts || facts == 0 {
        seen.whole += 1;
    } else {
        seen.bare += 1;
        report.facts_held_back += facts;
    }
    let waited = now.saturating_sub(queued.made_seconds);
    seen.longest_wait_seconds = seen.longest_wait_seconds.max(waited);
}
