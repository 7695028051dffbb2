//! What the writer must remember beside its segments: `writer.state`.

use lapwing_wire::{Eviction, EvictionReason, Lane, RecordNumber, Severity};

use crate::error::OutboxError;
use crate::filesystem::{Filesystem, replace};
use crate::lanes::PerLane;
use crate::layout::Layout;
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
            suppressed_findings: 0,
        };
        state.suppressed_findings = words.take();
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
            words.extend([
                1,
                u64::from(eviction.lane.code()),
                eviction.first.0,
                eviction.last.0,
                eviction.count,
            ]);
            words.extend(eviction.findings_by_severity);
            words.push(u64::from(eviction.reason.code()));
        } else {
            words.push(0);
        }
        words.push(self.suppressed_findings);
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

fn take_eviction(words: &mut Words<'_>) -> Eviction {
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
    }
}
