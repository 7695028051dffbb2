//! What a link may cost, and what goes first when it is not enough.
//!
//! # The ladder
//!
//! | rung | what goes |
//! |---|---|
//! | 0 | heartbeats and digests, and critical findings |
//! | 1 | findings without the facts of the application layer, heavier lanes first |
//! | 2 | findings with their facts |
//!
//! (Rung 3, evidence, is never sent unasked.) A part of every day and month is kept for critical findings
//! and never spent on anything else; a smaller one for rung 0, which therefore always fits. What does not fit is held: it stays in the outbox with its numbers,
//! the next heartbeat says how much, and it goes when a new day or month begins. What the disk has to drop
//! meanwhile is told as evicted, like everything that a disk drops.
//!
//! Days and months are those of the calendar in UTC. Where only the month has a bound, the days share what is
//! left of it, each of them at most half again its share, so that a bad first week does not silence the rest.
//!
//! Here is no clock and no socket: [`Budget`] is told the time and what was spent, by the uplink that
//! really sends and by [`simulate`] alike.

mod calendar;
pub mod simulate;
mod spending;

use lapwing_outbox::LaneSet;
use lapwing_wire::{AskForLess, Lane};

pub use calendar::{QuietHours, QuietHoursError};
pub use spending::Spending;

use calendar::Calendar;

/// Of a day's and a month's bytes, what only critical findings may spend, percent.
pub const CRITICAL_RESERVE_PERCENT_DEFAULT: u8 = 20;
/// What findings must leave to heartbeats and digests, percent.
const STATUS_RESERVE_PERCENT: u64 = 10;
/// A finding with its facts costs at most about so much in a large batch, TCP/IP included; see
/// `docs/benchmarks.md`.
const FINDING_BYTES: u64 = 55;
/// A finding without facts.
const BARE_FINDING_BYTES: u64 = 34;
/// A heartbeat or digest in a batch, at most about.
const STATUS_RECORD_BYTES: u64 = 120;
/// Records of a batch.
const BATCH_RECORDS: usize = 1_000;
/// What a batch costs beside its records, the ack included.
const BATCH_BYTES: u64 = 650;
/// What a connection costs before anything is said, with the dearer key exchange.
pub const CONNECT_BYTES: u64 = 9_000;
/// Between connections for critical findings alone, once there were many of them in a day.
const CRITICAL_CONTACT_INTERVAL_SECONDS: u64 = 3_600;
/// Of a day's budget, the part that critical findings may spend on connections of their own at once.
const DAY_SHARE_OF_CONTACTS: u64 = 4;
/// A day's share of a month may be exceeded by half.
const SHARE_NUMERATOR: u64 = 3;
const SHARE_DENOMINATOR: u64 = 2;

/// What the site set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Bytes of a day as the bill counts them.
    pub day_bytes: Option<u64>,
    /// Bytes of a month as the bill counts them.
    pub month_bytes: Option<u64>,
    /// Percent of both that only critical findings may spend.
    pub critical_reserve_percent: u8,
    /// The highest rung of the ladder that this link is for.
    pub rung_max: u8,
    /// Hours in which nothing but critical findings goes.
    pub quiet_hours: Vec<QuietHours>,
}

impl BudgetSettings {
    /// No bounds.
    pub fn unlimited() -> Self {
        Self {
            critical_reserve_percent: CRITICAL_RESERVE_PERCENT_DEFAULT,
            rung_max: 2,
            ..Self::default()
        }
    }

    /// Whether there is a bound on bytes.
    pub const fn is_metered(&self) -> bool {
        self.day_bytes.is_some() || self.month_bytes.is_some()
    }
}

/// What the site set and the ISP's policy leaves of it, where that may change while the uplink runs.
pub trait BudgetSource: std::fmt::Debug + Send + Sync {
    /// What holds now; none where that cannot be told, and what held before goes on.
    fn now(&self) -> Option<BudgetSettings>;
}

/// Records that wait in the outbox, by lanes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting([u64; Lane::ALL.len()]);

impl Waiting {
    /// So many of each lane.
    pub fn of(mut records: impl FnMut(Lane) -> u64) -> Self {
        let mut waiting = Self::default();
        for lane in Lane::ALL {
            if let Some(count) = waiting.0.get_mut(usize::from(lane.code())) {
                *count = records(lane);
            }
        }
        waiting
    }

    /// Records of a lane.
    pub fn of_lane(&self, lane: Lane) -> u64 {
        self.0
            .get(usize::from(lane.code()))
            .copied()
            .unwrap_or_default()
    }
}

/// What may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The rung of the ladder.
    pub rung: u8,
    /// Lanes beside the critical one whose records may be sealed.
    pub lanes: LaneSet,
    /// Records of a batch of those lanes at most.
    pub max_records: usize,
}

/// Spending against the settings.
#[derive(Debug, Clone)]
pub struct Budget {
    settings: BudgetSettings,
    spending: Spending,
    less: Option<AskForLess>,
}

/// Who spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A critical finding, and the connection that it needs.
    Critical,
    /// Heartbeats and digests, and the connection that they need.
    Status,
    /// Everything else.
    Ordinary,
}

impl Budget {
    /// A budget that goes on from what was spent.
    pub fn new(settings: BudgetSettings, spending: Spending) -> Self {
        Self {
            settings,
            spending,
            less: None,
        }
    }

    /// What the site set.
    pub const fn settings(&self) -> &BudgetSettings {
        &self.settings
    }

    /// Other settings hold from now on; what was spent stays spent.
    pub fn change(&mut self, settings: BudgetSettings) {
        self.settings = settings;
    }

    /// What was spent in the current day and month.
    pub const fn spending(&self) -> &Spending {
        &self.spending
    }

    /// The centre asks for less than the settings let out; none ends that.
    pub fn ask_for_less(&mut self, less: Option<AskForLess>) {
        self.less = less;
    }

    /// Looks at the calendar: a new day or month has its own bytes.
    pub fn advance(&mut self, now_seconds: u64) {
        self.spending.advance(now_seconds);
    }

    /// Whether anything at all may be held back, now or later today.
    pub fn is_bounded(&self) -> bool {
        self.settings.is_metered()
            || self.settings.rung_max < 2
            || !self.settings.quiet_hours.is_empty()
            || self.less.is_some()
    }

    /// Takes note of bytes that the bill will show.
    pub fn spend(&mut self, bytes: u64, purpose: Purpose) {
        self.spending.spend(bytes, purpose);
    }

    /// Bytes left for a purpose; `u64::MAX` without a bound.
    pub fn left_bytes(&self, purpose: Purpose, now_seconds: u64) -> u64 {
        let spending = &self.spending;
        let month = self.settings.month_bytes;
        let left = |bound: Option<u64>, total: u64, ordinary: u64| {
            let bound = bound.unwrap_or(u64::MAX);
            let left = bound.saturating_sub(total);
            match purpose {
                Purpose::Critical => left,
                Purpose::Status | Purpose::Ordinary => left.min(
                    self.without_reserves(bound, purpose)
                        .saturating_sub(ordinary),
                ),
            }
        };
        let by_month = left(month, spending.month_bytes, spending.month_ordinary_bytes);
        let by_day = left(
            self.settings.day_bytes,
            spending.day_bytes,
            spending.day_ordinary_bytes,
        );
        let by_share = match (purpose, month, self.settings.day_bytes) {
            (Purpose::Status | Purpose::Ordinary, Some(month), None) => {
                let before_today = spending
                    .month_ordinary_bytes
                    .saturating_sub(spending.day_ordinary_bytes);
                let left = self
                    .without_reserves(month, purpose)
                    .saturating_sub(before_today);
                let share = left / Calendar::of(now_seconds).days_left_in_month() * SHARE_NUMERATOR
                    / SHARE_DENOMINATOR;
                share.saturating_sub(spending.day_ordinary_bytes)
            }
            _ => u64::MAX,
        };
        by_month.min(by_day).min(by_share)
    }

    /// Whether so many bytes may be spent now.
    pub fn allows(&self, bytes: u64, purpose: Purpose, now_seconds: u64) -> bool {
        (purpose == Purpose::Critical || !self.is_quiet(now_seconds))
            && bytes <= self.left_bytes(purpose, now_seconds)
    }

    /// Whether a critical finding may have a connection of its own now, `since_contact_seconds` after the last one.
    /// Each of them has, until a day has spent its share of what is left; a storm of them shares one an hour.
    pub fn is_critical_contact_due(
        &self,
        now_seconds: u64,
        since_contact_seconds: Option<u64>,
    ) -> bool {
        let days = Calendar::of(now_seconds).days_left_in_month();
        let share = match (self.settings.day_bytes, self.settings.month_bytes) {
            (None, None) => return true,
            (Some(day), None) => day / DAY_SHARE_OF_CONTACTS,
            (_, Some(_)) => self.left_bytes(Purpose::Critical, now_seconds) / days,
        };
        let spent = self
            .spending
            .day_bytes
            .saturating_sub(self.spending.day_ordinary_bytes);
        spent < share
            || since_contact_seconds.is_none_or(|since| since >= CRITICAL_CONTACT_INTERVAL_SECONDS)
    }

    /// Whether only critical findings may go at this hour.
    pub fn is_quiet(&self, now_seconds: u64) -> bool {
        let minute = Calendar::of(now_seconds).minute_of_day();
        self.settings
            .quiet_hours
            .iter()
            .any(|hours| hours.contains(minute))
    }

    /// What may go now of what waits.
    pub fn plan(&self, waiting: &Waiting, now_seconds: u64) -> Plan {
        let less = self.less.filter(|less| {
            less.until_milliseconds == 0 || now_seconds < less.until_milliseconds / 1000
        });
        let rung_max = less
            .map_or(2, |less| less.rung_max)
            .min(self.settings.rung_max);
        let wanted = |lane: Lane| less.is_none_or(|less| less.wants(lane));
        let left = self.left_bytes(Purpose::Ordinary, now_seconds);
        let max_records = |each: u64| {
            usize::try_from(left.saturating_sub(BATCH_BYTES) / each).unwrap_or(usize::MAX)
        };
        if self.is_quiet(now_seconds) {
            return Plan {
                rung: 0,
                lanes: LaneSet::NONE,
                max_records: 0,
            };
        }
        let findings = [Lane::Normal, Lane::Low].map(|lane| (lane, waiting.of_lane(lane)));
        let all: u64 = findings.iter().map(|(_, count)| count).sum();
        let fits = |records: u64, each: u64| {
            let batches = records.div_ceil(BATCH_RECORDS as u64);
            records.saturating_mul(each) + batches * BATCH_BYTES <= left
        };
        let mut lanes = vec![Lane::Status];
        let (rung, each) = if rung_max >= 2 && fits(all, FINDING_BYTES) {
            (2, FINDING_BYTES)
        } else {
            (rung_max.min(1), BARE_FINDING_BYTES)
        };
        if rung >= 1 {
            let mut records = 0;
            for (lane, count) in findings {
                // Each lane goes as far as it goes; a lighter one only after all of the heavier.
                if wanted(lane) && fits(records, each) {
                    lanes.push(lane);
                }
                records += count;
            }
        }
        if !self.settings.is_metered() && wanted(Lane::Evidence) && rung_max >= 2 {
            lanes.push(Lane::Evidence);
        }
        let records = max_records(each).min(BATCH_RECORDS);
        if lanes.len() == 1 || records == 0 {
            // Rung 0 has bytes of its own.
            let left = self.left_bytes(Purpose::Status, now_seconds);
            let records = left.saturating_sub(BATCH_BYTES) / STATUS_RECORD_BYTES;
            return Plan {
                rung: 0,
                lanes: LaneSet::STATUS,
                max_records: usize::try_from(records)
                    .unwrap_or(usize::MAX)
                    .min(BATCH_RECORDS),
            };
        }
        Plan {
            rung,
            lanes: LaneSet::of(&lanes),
            max_records: records,
        }
    }

    /// Whether the centre wants critical findings at all, which it always does unless it asked for digests
    /// only.
    pub fn wants_critical(&self, now_seconds: u64) -> bool {
        self.less
            .filter(|less| {
                less.until_milliseconds == 0 || now_seconds < less.until_milliseconds / 1000
            })
            .is_none_or(|less| less.wants(Lane::Critical))
    }

    fn without_reserves(&self, bound: u64, purpose: Purpose) -> u64 {
        let status = match purpose {
            Purpose::Ordinary => STATUS_RESERVE_PERCENT,
            Purpose::Critical | Purpose::Status => 0,
        };
        let kept = u64::from(self.settings.critical_reserve_percent) + status;
        bound / 100 * 100u64.saturating_sub(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: u64 = 5_000_000;
    /// 2026-11-10T12:00:00Z
    const NOON: u64 = 1_794_312_000;

    fn budget() -> Budget {
        let settings = BudgetSettings {
            month_bytes: Some(MONTH),
            ..BudgetSettings::unlimited()
        };
        let mut budget = Budget::new(settings, Spending::default());
        budget.advance(NOON);
        budget
    }

    fn waiting(normal: u64, low: u64) -> Waiting {
        Waiting::of(|lane| match lane {
            Lane::Normal => normal,
            Lane::Low => low,
            _ => 0,
        })
    }

    #[test]
    fn the_reserve_is_for_critical_findings_alone() {
        let mut budget = budget();
        budget.spend(3_500_000, Purpose::Ordinary);
        assert_eq!(budget.left_bytes(Purpose::Ordinary, NOON), 0);
        budget.spend(500_000, Purpose::Status);
        assert_eq!(budget.left_bytes(Purpose::Status, NOON), 0);
        assert_eq!(budget.left_bytes(Purpose::Critical, NOON), 1_000_000);
        budget.spend(1_000_000, Purpose::Critical);
        assert!(!budget.allows(1, Purpose::Critical, NOON));
        // A new month has its own bytes.
        let december = NOON + 21 * 86_400;
        budget.advance(december);
        assert!(budget.allows(1_000_000, Purpose::Critical, december));
    }

    #[test]
    fn days_share_a_month() {
        let mut budget = budget();
        // 21 days are left, the 10th among them: 3,500,000 / 21 * 3 / 2.
        let share = 166_666 * 3 / 2;
        assert_eq!(budget.left_bytes(Purpose::Ordinary, NOON), share);
        budget.spend(share, Purpose::Ordinary);
        assert_eq!(budget.left_bytes(Purpose::Ordinary, NOON), 0);
        let tomorrow = NOON + 86_400;
        budget.advance(tomorrow);
        assert!(budget.left_bytes(Purpose::Ordinary, tomorrow) > 240_000);
    }

    #[test]
    fn the_ladder_is_climbed_down_rung_by_rung() {
        let budget = budget();
        let lanes = |lanes: &[Lane]| LaneSet::of(lanes);
        let plan = |normal, low| budget.plan(&waiting(normal, low), NOON);
        let whole = plan(100, 100);
        assert_eq!(
            (whole.rung, whole.lanes),
            (2, lanes(&[Lane::Status, Lane::Normal, Lane::Low]))
        );
        let bare = plan(2_000, 4_000);
        assert_eq!((bare.rung, bare.lanes), (1, whole.lanes));
        let heavy = plan(30_000, 50_000);
        assert_eq!(
            (heavy.rung, heavy.lanes),
            (1, lanes(&[Lane::Status, Lane::Normal]))
        );
    }

    #[test]
    fn heartbeats_go_when_findings_have_spent_what_is_theirs() {
        let mut budget = budget();
        let share = budget.left_bytes(Purpose::Ordinary, NOON);
        budget.spend(share, Purpose::Ordinary);
        let plan = budget.plan(&waiting(5_000, 5_000), NOON);
        assert_eq!((plan.rung, plan.lanes), (0, LaneSet::STATUS));
        assert!(plan.max_records > 24, "{plan:?}");
        assert!(budget.allows(CONNECT_BYTES, Purpose::Status, NOON));
    }

    #[test]
    fn a_centre_can_ask_for_less_and_not_for_more() {
        let mut budget = budget();
        let less = AskForLess {
            rung_max: 1,
            lightest: Lane::Normal,
            until_milliseconds: (NOON + 60) * 1000,
        };
        budget.ask_for_less(Some(less));
        let plan = budget.plan(&waiting(10, 10), NOON);
        assert_eq!(
            (plan.rung, plan.lanes),
            (1, LaneSet::of(&[Lane::Status, Lane::Normal]))
        );
        assert_eq!(budget.plan(&waiting(10, 10), NOON + 60).rung, 2);
        budget.ask_for_less(Some(AskForLess {
            rung_max: 9,
            lightest: Lane::Evidence,
            until_milliseconds: 0,
        }));
        let plan = budget.plan(&waiting(10, 10), NOON);
        assert_eq!(plan.rung, 2);
        assert!(!plan.lanes.contains(Lane::Evidence));
        budget.ask_for_less(Some(AskForLess {
            rung_max: 0,
            lightest: Lane::Evidence,
            until_milliseconds: 0,
        }));
        assert_eq!(
            budget.plan(&waiting(10, 10), NOON).lanes,
            LaneSet::of(&[Lane::Status])
        );
        assert!(!budget.wants_critical(NOON));
    }

    #[test]
    fn quiet_hours_hold_all_but_critical_findings() {
        let mut budget = budget();
        budget.settings.quiet_hours = vec!["11:30-12:30".parse().unwrap()];
        assert_eq!(budget.plan(&waiting(10, 10), NOON).lanes, LaneSet::NONE);
        assert!(!budget.allows(1, Purpose::Ordinary, NOON));
        assert!(budget.allows(1, Purpose::Critical, NOON));
        assert!(budget.allows(1, Purpose::Ordinary, NOON + 1_800));
    }
}
