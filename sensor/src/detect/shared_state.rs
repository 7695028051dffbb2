//! What all workers of a sensor know together: bits of hosts, and what limits alerts.
//!
//! Flows belong to one worker each, hosts do not: a scan from one address reaches all workers, and its alerts are counted once.
//! Both tables are asked only for rules that use them, after everything else about the rule held, so workers hardly ever wait for
//! each other. Nothing in them refers to numbers of one pack: they outlive a change of rules.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::RandomState;

use super::{host_bits::BitTable, thresholds::LimitTable};

/// Shared by the detectors of all workers; a clone is the same state.
#[derive(Clone, Debug, Default)]
pub struct SharedState {
    pub(super) bits: Arc<Mutex<BitTable>>,
    pub(super) limits: Arc<Mutex<LimitTable>>,
    /// Makes keys of the names of bits.
    pub(super) names: RandomState,
}

impl SharedState {
    /// Forgets everything: the next packet belongs to another world.
    pub(super) fn clear(&self) {
        lock(&self.bits).clear();
        lock(&self.limits).clear();
    }
}

/// Locks a table; one that a panic left behind is still a table.
pub(super) fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
