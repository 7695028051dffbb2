//! What the writer must remember beside its segments: `writer.state`.

use lapwing_wire::{
    BatchNumber, Eviction, EvictionReason, Lane, RecordNumber, Severity, WithdrawnBatch,
};

use crate::error::OutboxError;
use crate::filesystem::{Filesystem, replace};
use crate::lanes::PerLane;
use crate::layout::Layout;
use crate::sealed_file::{digest_words, take_digest};
use crate::state_file::{Words, read_words, words_to_bytes};

const MAGIC: [u8; 4] = *b"LWW\x01";

/// What the writer must remember. The sender reads it under the exchange lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WriterState {
    /// No record of a lane below this number may be sealed any more.
    pub(crate) evicted_to: PerLane<u64>,
    /// Records evicted since the outbox was made, damaged ones among them.
    pub(crate) evicted_records: u64,
    /// Records evicted because they could not be read.
    pub(crate) damaged_records: u64,
    /// Findings evicted, by class of severity.
    pub(crate) evicted_by_severity: [u64; Severity::CLASSES],
    /// How many of the sender's damage reports were turned into evictions.
    pub(crate) damage_taken: u64,
    /// Findings that never got a number, for the policy kept them back.
    pub(crate) suppressed_findings: u64,
    /// An eviction whose record may not have been appended yet.
    pub(crate) pending: Option<Eviction>,
    /// Whether the pending eviction was told and counted before, in a batch that was withdrawn.
    pub(crate) pending_is_told_again: bool,
    /// How many of the sender's reports of withdrawn batches were turned into evictions.
    pub(crate) withdrawals_taken: u64,
}

impl WriterState {
    pub(crate) fn load<F: Filesystem>(
        filesystem: &F,
        layout: &Layout,
    ) -> Result<Self, OutboxError> {
        let Some(words) = read_words(filesystem, &layout.writer_state(), MAGIC)? else {
            return Ok(Self::default());
        };
        let mut words = Words::new(&words);
        let mut state = Self {
            evicted_to: PerLane::from_fn(|_| words.take()),
            evicted_records: words.take(),
            damaged_records: words.take(),
            evicted_by_severity: std::array::from_fn(|_| words.take()),
            damage_taken: words.take(),
            pending: match words.take() {
                1 => Some(take_eviction(&mut words)),
                _ => None,
            },
            ..Self::default()
        };
        state.suppressed_findings = words.take();
        state.withdrawals_taken = words.take();
        state.pending_is_told_again = words.take() == 1;
        let withdrawn = take_withdrawn(&mut words);
        if let Some(pending) = &mut state.pending {
            pending.withdrawn = withdrawn;
        }
        Ok(state)
    }

    pub(crate) fn store<F: Filesystem>(
        &self,
        filesystem: &F,
        layout: &Layout,
    ) -> Result<(), OutboxError> {
        let mut words = self.evicted_to.values().to_vec();
        words.extend([self.evicted_records, self.damaged_records]);
        words.extend(self.evicted_by_severity);
        words.push(self.damage_taken);
        if let Some(eviction) = &self.pending {
            words.push(1);
            put_eviction(&mut words, eviction);
        } else {
            words.push(0);
        }
        words.extend([
            self.suppressed_findings,
            self.withdrawals_taken,
            u64::from(self.pending_is_told_again),
        ]);
        let withdrawn = self.pending.and_then(|eviction| eviction.withdrawn);
        put_withdrawn(&mut words, withdrawn.as_ref());
        let path = layout.writer_state();
        replace(filesystem, &path, &words_to_bytes(MAGIC, &words))
            .map_err(OutboxError::io("write", path))
    }

    /// Counts an eviction and makes it the pending one.
    pub(crate) fn begin(&mut self, eviction: Eviction) {
        self.evicted_records += eviction.count;
        if eviction.reason == EvictionReason::Damaged {
            self.damaged_records += eviction.count;
        }
        for (total, count) in self
            .evicted_by_severity
            .iter_mut()
            .zip(eviction.findings_by_severity)
        {
            *total += count;
        }
        self.pending = Some(eviction);
    }
}

impl WriterState {
    /// Makes an eviction the pending one that was counted before.
    pub(crate) fn tell_again(&mut self, eviction: Eviction) {
        self.pending = Some(eviction);
        self.pending_is_told_again = true;
    }
}

/// An eviction without its withdrawn batch.
pub(crate) fn put_eviction(words: &mut Vec<u64>, eviction: &Eviction) {
    words.extend([
        u64::from(eviction.lane.code()),
        eviction.first.0,
        eviction.last.0,
        eviction.count,
    ]);
    words.extend(eviction.findings_by_severity);
    words.push(u64::from(eviction.reason.code()));
}

/// Five words, all zero for none.
pub(crate) fn put_withdrawn(words: &mut Vec<u64>, withdrawn: Option<&WithdrawnBatch>) {
    match withdrawn {
        Some(batch) => {
            words.push(batch.number.0.saturating_add(1));
            words.extend(digest_words(&batch.digest));
        }
        None => words.extend([0; 5]),
    }
}

pub(crate) fn take_withdrawn(words: &mut Words<'_>) -> Option<WithdrawnBatch> {
    let number = words.take().checked_sub(1);
    let digest = take_digest(words);
    number.map(|number| WithdrawnBatch {
        number: BatchNumber(number),
        digest,
    })
}

pub(crate) fn take_eviction(words: &mut Words<'_>) -> Eviction {
    let lane = u8::try_from(words.take())
        .ok()
        .and_then(Lane::from_code)
        .unwrap_or(Lane::Low);
    Eviction {
        lane,
        first: RecordNumber(words.take()),
        last: RecordNumber(words.take()),
        count: words.take(),
        findings_by_severity: std::array::from_fn(|_| words.take()),
        reason: EvictionReason::from_code(u8::try_from(words.take()).unwrap_or(u8::MAX)),
        withdrawn: None,
    }
}
