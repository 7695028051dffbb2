//! Sums as JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::query::SeverityClass;
use crate::store::{Activity, SensorTotals};

/// What happened, and whether the books balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryView {
    pub findings: u64,
    /// Alerts that the findings stand for.
    pub hits: u64,
    pub by_severity: SeverityCounts,
    pub rules: Vec<RuleActivityView>,
    /// Width of one bar of `over_time`.
    pub bar_seconds: i64,
    pub over_time: Vec<TimeBarView>,
    /// The books of each sensor. Not narrowed by time, severity, rule or address.
    pub sensors: Vec<SensorTotalsView>,
}

/// Counts by class.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeverityCounts {
    pub high: u64,
    pub medium: u64,
    pub low: u64,
    pub info: u64,
}

/// One rule's share.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleActivityView {
    pub gid: u32,
    pub sid: u32,
    pub rev: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub severity: &'static str,
    pub findings: u64,
    pub hits: u64,
    pub sensors: u64,
    pub last: String,
}

/// Findings of one stretch of time.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimeBarView {
    pub start: String,
    pub findings: u64,
}

/// `produced = stored + evicted + missing`, in records; `doubled` is always 0.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SensorTotalsView {
    pub sensor: String,
    pub produced: u64,
    pub stored: u64,
    pub evicted: u64,
    /// `held + in_flight + gone`.
    pub missing: u64,
    /// Waiting at the sensor until its budget lets them go.
    pub held: u64,
    /// Waiting at the sensor for the link, or on their way.
    pub in_flight: u64,
    /// Acknowledged once and not here: this centre was restored from an older backup.
    pub gone: u64,
    /// Findings that the policy kept back before they got a number.
    pub suppressed: u64,
    pub doubled: u64,
    /// Records that came again and were not counted again.
    pub repeated: u64,
    /// Records waiting at the sensor, as its newest heartbeat says.
    pub queued: Option<u64>,
    pub findings: u64,
    /// Findings made, as the sensor's own summaries say.
    pub findings_made: u64,
    /// Findings its policy kept back, as its summaries say.
    pub findings_suppressed: u64,
    pub batches: u64,
    pub batch_repeats: u64,
    pub batches_waiting: u64,
    pub batches_unreadable: u64,
    pub batches_conflicting: u64,
}

impl SummaryView {
    /// Puts both halves together; the books of `sensor` only, when one is given.
    #[must_use]
    pub fn of(activity: &Activity, totals: &[SensorTotals]) -> Self {
        Self {
            findings: activity.findings,
            hits: activity.hits,
            by_severity: activity.by_severity.into(),
            rules: activity
                .rules
                .iter()
                .map(|rule| RuleActivityView {
                    gid: rule.rule.gid,
                    sid: rule.rule.sid,
                    rev: rule.rule.rev,
                    message: rule.message.clone(),
                    severity: SeverityClass::of(rule.severity).as_str(),
                    findings: rule.findings,
                    hits: rule.hits,
                    sensors: rule.sensors,
                    last: rule.last.to_string(),
                })
                .collect(),
            bar_seconds: activity.bar_seconds,
            over_time: activity
                .bars
                .iter()
                .map(|bar| TimeBarView {
                    start: bar.start.to_string(),
                    findings: bar.total(),
                })
                .collect(),
            sensors: totals.iter().map(SensorTotalsView::from).collect(),
        }
    }
}

impl From<[u64; 4]> for SeverityCounts {
    fn from([high, medium, low, info]: [u64; 4]) -> Self {
        Self {
            high,
            medium,
            low,
            info,
        }
    }
}

impl From<&SensorTotals> for SensorTotalsView {
    fn from(totals: &SensorTotals) -> Self {
        Self {
            sensor: totals.name.clone(),
            produced: totals.produced,
            stored: totals.stored,
            evicted: totals.evicted,
            missing: totals.missing,
            held: totals.held,
            in_flight: totals.in_flight,
            gone: totals.gone,
            suppressed: totals.suppressed,
            doubled: totals.doubled,
            repeated: totals.repeated,
            queued: totals.health.as_ref().map(|health| health.queued_records),
            findings: totals.findings,
            findings_made: totals.findings_made,
            findings_suppressed: totals.findings_suppressed,
            batches: totals.batches,
            batch_repeats: totals.batch_repeats,
            batches_waiting: totals.batches_waiting,
            batches_unreadable: totals.batches_unreadable,
            batches_conflicting: totals.batches_conflicting,
        }
    }
}
