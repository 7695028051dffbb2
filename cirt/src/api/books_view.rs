//! The books of one sensor as JSON: every record it made, in exactly one place.

use serde::Serialize;

use crate::store::SensorTotals;

/// `produced = stored + suppressed + held + evicted + in_flight + gone`, to the unit.
#[derive(Debug, Serialize)]
pub struct BooksView {
    pub sensor: String,
    /// Records that got a number, and findings that the policy kept back before they got one.
    pub produced: u64,
    pub stored: u64,
    /// Kept back by the provider's policy.
    pub suppressed: u64,
    /// Waiting at the sensor until its budget lets them go.
    pub held: u64,
    /// Dropped from a full or damaged disk, and told.
    pub evicted: u64,
    /// Waiting at the sensor for the link, or on their way.
    pub in_flight: u64,
    /// Acknowledged once and not here: this centre was restored from an older backup.
    pub gone: u64,
    /// Stored twice; any other value than 0 is a defect.
    pub doubled: u64,
    /// Came again and were not counted again.
    pub repeated: u64,
    /// Facts that findings left behind for want of budget.
    pub facts_held_back: u64,
    pub batches: u64,
    /// Sealed batches that the sensor removed for their age, and told.
    pub batches_withdrawn: u64,
    /// Numbers of batches that are neither here nor withdrawn: on their way.
    pub batches_missing: u64,
    /// What the sensor told of records that it dropped.
    pub dropped: Vec<DroppedView>,
    pub batch_repeats: u64,
    pub batches_conflicting: u64,
    pub batches_unreadable: u64,
    pub lanes: Vec<LaneView>,
}

/// Records that a sensor says it dropped for one reason.
#[derive(Debug, Serialize)]
pub struct DroppedView {
    pub reason: String,
    pub records: u64,
    /// Findings that were dropped; those that the policy took away when they were sealed left their numbers behind.
    pub findings: u64,
}

/// One lane of one outbox.
#[derive(Debug, Serialize)]
pub struct LaneView {
    /// The outbox: a number drawn when it was made, in hex.
    pub epoch: String,
    pub lane: &'static str,
    pub produced: u64,
    pub stored: u64,
    pub held: u64,
    pub evicted: u64,
    pub in_flight: u64,
    pub gone: u64,
}

impl BooksView {
    /// The books as they are shown.
    #[must_use]
    pub fn of(totals: &SensorTotals) -> Self {
        let lanes = totals.lanes.iter().map(|(epoch, lane, books)| LaneView {
            epoch: epoch.clone(),
            lane,
            produced: books.produced,
            stored: books.stored,
            held: books.held,
            evicted: books.evicted,
            in_flight: books.in_flight,
            gone: books.gone,
        });
        Self {
            sensor: totals.name.clone(),
            produced: totals.produced.saturating_add(totals.suppressed),
            stored: totals.stored,
            suppressed: totals.suppressed,
            held: totals.held,
            evicted: totals.evicted,
            in_flight: totals.in_flight,
            gone: totals.gone,
            doubled: totals.doubled,
            repeated: totals.repeated,
            facts_held_back: totals.facts_held_back,
            batches: totals.batches,
            batches_withdrawn: totals.batches_withdrawn,
            batches_missing: totals.batches_missing,
            dropped: totals
                .dropped
                .iter()
                .map(|dropped| DroppedView {
                    reason: dropped.reason.clone(),
                    records: dropped.records,
                    findings: dropped.findings,
                })
                .collect(),
            batch_repeats: totals.batch_repeats,
            batches_conflicting: totals.batches_conflicting,
            batches_unreadable: totals.batches_unreadable,
            lanes: lanes.collect(),
        }
    }
}
