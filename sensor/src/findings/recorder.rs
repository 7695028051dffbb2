//! The end of the sensor process: alerts go in, records are on disk.
//!
//! A record that was appended is durable as the outbox promises, and will be sent once. What was not appended when the
//! process was killed was not produced: findings that were still open are gone with it, and a replay that is begun again
//! begins from the start, with findings of its own. Nothing is half-told.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use lapwing_outbox::{Draft, OutboxError, OutboxWriter};
use lapwing_wire::{
    Account, ClockQuality, Heartbeat, Lane, PackDigest, PolicyDigest, Queue, RecordBody,
    SensorState,
};

use super::{
    aggregate::{Aggregator, Gathering},
    candidate::Candidate,
    observation::Observation,
    period::{Period, RuleCounts},
    release::{Suppressed, release, severity_of},
    software_version::SoftwareVersion,
};
use crate::{
    clock::Clock,
    detect::Alert,
    give_back::Keeper,
    policy::{Admission, HeldAgainst, InForce, PolicyInForce},
    time::Timestamp,
};

/// Log one failure to append in so many.
const FAILURES_A_LOG_LINE: u64 = 1000;
/// Between looks for what is too old for the policy.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);
const DAY_MILLISECONDS: u64 = 24 * 3_600_000;

/// What the recorder is told about its sensor.
#[derive(Clone, Debug)]
pub struct About {
    /// How alerts are gathered.
    pub gathering: Gathering,
    /// Time between heartbeats.
    pub heartbeat: Duration,
    /// The rules that run at first.
    pub rules: RulesNow,
    /// Whether packets come from an interface, where silence means that something is wrong.
    pub is_live: bool,
    /// Whether the link is dear, so that summaries have to fit a digest.
    pub tells_digests: bool,
    /// File with a line about the image that the machine is made of.
    pub board_status: Option<PathBuf>,
}

/// The rules that run.
#[derive(Clone, Debug)]
pub struct RulesNow {
    /// How many.
    pub counts: RuleCounts,
    /// The pack they are in.
    pub pack: PackDigest,
    /// What the policy took away from it.
    pub admission: Arc<Admission>,
}

/// What became of alerts since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Alerts taken in.
    pub alerts: u64,
    /// Findings made of them.
    pub findings: u64,
    /// Findings that the policy, or its absence, kept here.
    pub findings_suppressed: u64,
    /// Findings appended to the outbox.
    pub findings_appended: u64,
    /// All records appended.
    pub records_appended: u64,
    /// Records that could not be appended.
    pub records_lost: u64,
}

/// Gathers, releases, appends.
#[derive(Debug)]
pub struct Recorder {
    about: About,
    outbox: OutboxWriter,
    policy: PolicyInForce,
    clock: Clock,
    aggregator: Aggregator,
    period: Period,
    /// By worker: its totals as last told.
    workers: Vec<Observation>,
    /// Those of all workers together.
    observed: Observation,
    observed_at_heartbeat: Observation,
    started: Instant,
    last_heartbeat: Instant,
    software: SoftwareVersion,
    last_forgotten: Option<Instant>,
    totals: Totals,
    closed_early: u64,
    rules_refused: Option<String>,
    give_back: Option<Keeper>,
}

impl Recorder {
    /// Begins, with a heartbeat that says so.
    #[must_use]
    pub fn new(about: About, outbox: OutboxWriter, policy: PolicyInForce) -> Self {
        let now = Instant::now();
        let mut recorder = Self {
            clock: Clock::new(!about.is_live),
            software: SoftwareVersion::new(about.board_status.clone()),
            aggregator: Aggregator::new(about.gathering),
            about,
            outbox,
            policy,
            period: Period::default(),
            workers: Vec::new(),
            observed: Observation::default(),
            observed_at_heartbeat: Observation::default(),
            started: now,
            last_heartbeat: now,
            last_forgotten: None,
            totals: Totals::default(),
            closed_early: 0,
            rules_refused: None,
            give_back: None,
        };
        recorder.heartbeat(SensorState::Starting);
        recorder
    }

    /// The same, which also keeps for the ISP what its own addresses show.
    #[must_use]
    pub fn giving_back(mut self, keeper: Option<Keeper>) -> Self {
        self.give_back = keeper;
        self
    }

    /// Takes in an alert.
    pub fn alert(&mut self, alert: &Alert) {
        self.reach(alert.time);
        self.totals.alerts = self.totals.alerts.saturating_add(1);
        self.period.count_alert();
        let mut complete = Vec::new();
        self.aggregator.add(alert, &mut complete);
        let closed_early = self.aggregator.closed_early();
        self.period
            .count_closed_early(closed_early - self.closed_early);
        self.closed_early = closed_early;
        self.tell(&complete);
    }

    /// The totals of a worker have come to `total`, and packet time to `now` where that is news.
    pub fn observe(&mut self, worker: usize, now: Option<Timestamp>, total: Observation) {
        if self.workers.len() <= worker {
            self.workers.resize(worker + 1, Observation::default());
        }
        if let Some(known) = self.workers.get_mut(worker) {
            *known = total;
        }
        self.observed = Observation::sum(&self.workers);
        let Some(now) = now else {
            return;
        };
        self.reach(now);
        let mut complete = Vec::new();
        self.aggregator.advance(now, &mut complete);
        self.tell(&complete);
    }

    /// What is due by the wall clock: the policy is looked at, waiting records are written through, a heartbeat is sent.
    pub fn tick(&mut self) {
        if self.policy.refresh() {
            // Lists made under one policy must not leave under another.
            self.period.forget_top_lists();
            self.last_forgotten = None;
        }
        // What becomes of an update is told at once.
        if self.software.has_changed() || self.last_heartbeat.elapsed() >= self.about.heartbeat {
            self.heartbeat(self.state());
        }
        if let Some(Err(error)) = self.give_back.as_mut().map(Keeper::tick) {
            tracing::error!(%error, "cannot keep what is given back to the ISP");
        }
        self.forget_old();
        if let Err(error) = self.outbox.tick(self.clock.stamp().monotonic_milliseconds) {
            tracing::error!(%error, "cannot write the outbox through to the disk");
        }
    }

    /// Tells everything that is still open, a last summary and a last heartbeat.
    ///
    /// # Errors
    /// When the outbox cannot be written through to the disk.
    pub fn finish(&mut self) -> Result<(), OutboxError> {
        let mut complete = Vec::new();
        self.aggregator.close_all(&mut complete);
        self.tell(&complete);
        self.summarize();
        self.heartbeat(SensorState::Stopping);
        if let Some(Err(error)) = self.give_back.as_mut().map(Keeper::write) {
            tracing::error!(%error, "cannot keep what is given back to the ISP");
        }
        self.outbox.commit()
    }

    /// What became of alerts so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The engine's totals as last told.
    #[must_use]
    pub fn observed(&self) -> &Observation {
        &self.observed
    }

    /// By worker: its totals as last told.
    #[must_use]
    pub fn workers(&self) -> &[Observation] {
        &self.workers
    }

    /// Other rules run now; the heartbeat that follows says so.
    pub fn rules_changed(&mut self, now: RulesNow) {
        self.about.rules = now;
        self.rules_refused = None;
        self.heartbeat(self.state());
    }

    /// New rules do not run.
    pub fn rules_were_refused(&mut self, reason: String) {
        self.rules_refused = Some(reason);
    }

    /// The rules that run, and why newer ones do not.
    #[must_use]
    pub fn rules(&self) -> (&RulesNow, Option<&str>) {
        (&self.about.rules, self.rules_refused.as_deref())
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &PolicyInForce {
        &self.policy
    }

    /// Whether the sensor sees what it should see.
    #[must_use]
    pub fn state(&self) -> SensorState {
        let recent = self.observed.since(&self.observed_at_heartbeat);
        if self.policy.current().is_err() {
            SensorState::NoPolicy
        } else if recent.kernel_drops > 0
            || recent.interface_drops > 0
            || recent.bytes_not_inspected > 0
            || self.totals.records_lost > 0
        {
            SensorState::Degraded
        } else if self.about.is_live && recent.packets == 0 {
            SensorState::Blind
        } else {
            SensorState::Running
        }
    }

    fn reach(&mut self, now: Timestamp) {
        if self.period.is_over(now) {
            self.summarize();
        }
        self.period.reach(now);
    }

    /// Lets candidates through the gate, and appends what came through.
    fn tell(&mut self, complete: &[Candidate]) {
        for candidate in complete {
            self.totals.findings = self.totals.findings.saturating_add(1);
            let severity = severity_of(candidate);
            if let (Some(keeper), Ok(in_force)) = (&mut self.give_back, self.policy.current()) {
                keeper.note(candidate, &in_force.policy().home_networks);
            }
            let admission = &self.about.rules.admission;
            let released = match (self.policy.current(), admission.held_against) {
                (Err(_), _) | (_, HeldAgainst::NoPolicy) => Err(Suppressed::NoPolicy),
                (Ok(_), _) if admission.refuses(candidate.rule) => Err(Suppressed::OutOfScope),
                (Ok(in_force), held_against) => {
                    // Rules that were not held against the newest policy yet find under the one before: what they found is held
                    // against the newest when it is sealed.
                    let digest = match held_against {
                        HeldAgainst::Policy(digest) => digest,
                        HeldAgainst::Nothing | HeldAgainst::NoPolicy => in_force.digest(),
                    };
                    release(in_force.disclosure(), candidate, self.period.withheld())
                        .map(|finding| (digest, finding))
                }
            };
            match released {
                Ok((digest, finding)) => {
                    self.period.count_released(&finding);
                    if self.append(
                        Lane::of_severity(severity),
                        Some(digest),
                        RecordBody::Finding(finding),
                    ) {
                        self.totals.findings_appended =
                            self.totals.findings_appended.saturating_add(1);
                    }
                }
                Err(why) => {
                    self.period.count_suppressed(severity, why);
                    self.outbox.count_suppressed(1);
                    self.totals.findings_suppressed =
                        self.totals.findings_suppressed.saturating_add(1);
                }
            }
        }
    }

    fn summarize(&mut self) {
        let policy = self.policy.current().ok();
        let told = policy
            .and_then(|in_force| Some((in_force.digest(), in_force.policy().summaries.clone()?)));
        let (digest, lists) = told.map_or((None, BTreeSet::new()), |(digest, lists)| {
            (Some(digest), lists)
        });
        let (queue, _) = self.books();
        let summary = self
            .period
            .close(&self.observed, &self.about.rules, queue, &lists);
        if let (Some(digest), Some(mut summary)) = (digest, summary) {
            if self.about.tells_digests {
                summary = summary.into_digest();
            }
            self.append(Lane::Status, Some(digest), RecordBody::Summary(summary));
        }
    }

    fn heartbeat(&mut self, state: SensorState) {
        let policy = self.policy.current().ok().map(InForce::digest);
        let recent = self.observed.since(&self.observed_at_heartbeat);
        let (queue, account) = self.books();
        let heartbeat = Heartbeat {
            state,
            uptime_seconds: self.started.elapsed().as_secs(),
            software_version: self.software.text().to_owned(),
            pack_version: String::new(),
            pack: Some(self.about.rules.pack),
            policy,
            packets: recent.packets,
            dropped_packets: recent.kernel_drops.saturating_add(recent.interface_drops),
            queue,
            account,
        };
        self.observed_at_heartbeat = self.observed.clone();
        self.last_heartbeat = Instant::now();
        self.append(Lane::Status, policy, RecordBody::Heartbeat(heartbeat));
    }

    /// Now and then drops what has waited, or is kept for the ISP, longer than the policy says.
    fn forget_old(&mut self) {
        if self
            .last_forgotten
            .is_some_and(|last| last.elapsed() < FORGET_INTERVAL)
        {
            return;
        }
        let days = self
            .policy
            .current()
            .ok()
            .and_then(|in_force| in_force.policy().retention_days);
        let now = self.clock.stamp();
        // Of packets of a capture file nobody knows how long ago they were; a clock that was not set says nothing.
        if matches!(now.quality, ClockQuality::Unset | ClockQuality::Capture) {
            return;
        }
        self.last_forgotten = Some(Instant::now());
        let Some(days) = days else {
            return;
        };
        let before = now
            .wall_milliseconds
            .saturating_sub(days.saturating_mul(DAY_MILLISECONDS));
        match self.outbox.evict_older_than(before) {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, days, "records dropped: they waited too long"),
            Err(error) => tracing::error!(%error, "cannot drop what waited too long"),
        }
        if let Some(Err(error)) = self
            .give_back
            .as_ref()
            .map(|keeper| keeper.remove_older_than(before))
        {
            tracing::error!(%error, "cannot remove what was kept too long for the ISP");
        }
    }

    fn append(&mut self, lane: Lane, policy: Option<PolicyDigest>, body: RecordBody) -> bool {
        let draft = Draft {
            lane,
            time: self.clock.stamp(),
            policy,
            body,
        };
        match self.outbox.append(draft) {
            Ok(_) => {
                self.totals.records_appended = self.totals.records_appended.saturating_add(1);
                true
            }
            Err(error) => {
                if self.totals.records_lost.is_multiple_of(FAILURES_A_LOG_LINE) {
                    tracing::error!(%error, lost = self.totals.records_lost + 1, "cannot append to the outbox");
                }
                self.totals.records_lost = self.totals.records_lost.saturating_add(1);
                self.period.count_lost();
                false
            }
        }
    }

    fn books(&mut self) -> (Queue, Account) {
        self.outbox.books().unwrap_or_else(|error| {
            tracing::error!(%error, "cannot look at the outbox");
            (Queue::default(), Account::default())
        })
    }
}
