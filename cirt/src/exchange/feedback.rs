//! What we tell those whose indicators we use: hits go back by [`super::publish`], errors here.

use jiff::Timestamp;

use super::indicator::IndicatorState;
use super::taxii::collection::for_peer;
use super::{Producer, Shareable as _, stix};
use crate::store::{Store, StoreError};

/// Rejects an indicator as a false positive, of every peer that named the same, and puts an opinion where each can read it.
/// How many can.
///
/// # Errors
/// When there is no such indicator or the database fails.
pub fn false_positive(
    store: &Store,
    producer: &Producer,
    actor: &str,
    number: u32,
    reason: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let like = store.indicators_like(number)?;
    if like.is_empty() {
        return Err(StoreError::Absent {
            what: "indicator",
            name: number.to_string(),
        });
    }
    let numbers: Vec<u32> = like.iter().map(|one| one.number).collect();
    store.decide_indicators(
        actor,
        &numbers,
        IndicatorState::Rejected,
        &format!("false positive: {reason}"),
    )?;
    let mut told = 0;
    for indicator in &like {
        let Some(opinion) = stix::opinion_of(producer, indicator, reason, now) else {
            continue;
        };
        let objects = [
            stix::identity(producer),
            stix::definition(opinion.tlp()),
            opinion,
        ];
        store.add_objects(&for_peer(&indicator.peer), None, &objects, now)?;
        told += 1;
    }
    Ok(told)
}
