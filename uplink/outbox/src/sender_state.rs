//! What the sender must remember beside its sealed batches: `sender.state`.

use std::collections::BTreeSet;

use lapwing_wire::{BatchDigest, Eviction, Lane};

use crate::error::OutboxError;
use crate::filesystem::{Filesystem, replace};
use crate::lanes::{LaneSet, PerLane};
use crate::layout::Layout;
use crate::sealed_file::{SealedHeader, digest_words, take_digest};
use crate::state_file::{Words, read_words, words_to_bytes};
use crate::writer_state::{put_eviction, put_withdrawn, take_eviction, take_withdrawn};

const MAGIC: [u8; 4] = *b"LWT\x01";
/// Damage reports that may wait for the writer.
pub(crate) const MAX_DAMAGE_REPORTS: usize = 32;
/// Reports of withdrawn batches that may wait for the writer.
pub(crate) const MAX_WITHDRAWAL_REPORTS: usize = 64;

/// What the sender must remember. The writer reads it under the exchange lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SenderState {
    /// Number of the batch to seal next.
    pub(crate) next_batch: u64,
    /// Digest of the batch sealed last.
    pub(crate) previous: BatchDigestOrNone,
    /// Number of each lane to seal next.
    pub(crate) next_to_seal: PerLane<u64>,
    /// Acknowledged batches whose files may still be there.
    pub(crate) acknowledged: BTreeSet<u64>,
    /// Batches acknowledged since the outbox was made.
    pub(crate) acknowledged_batches: u64,
    /// Records acknowledged since the outbox was made.
    pub(crate) acknowledged_records: u64,
    /// Wall time of the last ack, milliseconds since 1970; 0 for never.
    pub(crate) last_ack_milliseconds: u64,
    /// Damage reports made since the outbox was made.
    pub(crate) damage_reports: u64,
    /// The latest of them, oldest first.
    pub(crate) damage: Vec<Damage>,
    /// Every record of a lane below this number is acknowledged or evicted.
    pub(crate) settled: PerLane<u64>,
    /// Lanes whose records the budget holds back.
    pub(crate) held: LaneSet,
    /// Facts that findings left behind for want of budget since the outbox was made.
    pub(crate) facts_held_back: u64,
    /// Reports of withdrawn batches made since the outbox was made.
    pub(crate) withdrawal_reports: u64,
    /// The latest of them, oldest first.
    pub(crate) withdrawals: Vec<Told>,
}

/// What the writer is to tell of a batch that was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Records of it, which are gone.
    Withdrawn(Eviction),
    /// An eviction that it told of.
    Again(Eviction),
}

impl Told {
    pub(crate) const fn eviction(&self) -> &Eviction {
        match self {
            Self::Withdrawn(eviction) | Self::Again(eviction) => eviction,
        }
    }
}

/// [`BatchDigest`] with "none" as the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchDigestOrNone(pub(crate) BatchDigest);

impl Default for BatchDigestOrNone {
    fn default() -> Self {
        Self(BatchDigest::NONE)
    }
}

/// Records of a lane that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) lane: Lane,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// Where a sealed batch stands among those that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Only,
    Oldest,
    BehindOthers,
}

/// One sealed batch that is not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outstanding {
    pub(crate) number: u64,
    pub(crate) records: u64,
    pub(crate) digest: BatchDigest,
    pub(crate) file_bytes: u64,
    pub(crate) next_to_seal: PerLane<u64>,
    pub(crate) lanes: LaneSet,
    pub(crate) is_of_the_books: bool,
    /// Wall time of the oldest record whose clock was set; 0 for none.
    pub(crate) oldest_milliseconds: u64,
}

impl SenderState {
    /// A batch waits no more: its file may go. Behind an older one that waits nothing is settled yet.
    pub(crate) fn settle(&mut self, batch: &Outstanding, place: Place) {
        match place {
            Place::Only => self.settled = self.next_to_seal,
            Place::Oldest => self.settled = batch.next_to_seal,
            Place::BehindOthers => {}
        }
        self.acknowledged.insert(batch.number);
    }

    /// The reports of withdrawn batches that the writer has not taken, which has taken so many.
    pub(crate) fn withdrawals_after(&self, taken: u64) -> &[Told] {
        let untaken = usize::try_from(self.withdrawal_reports.saturating_sub(taken));
        let skip = self
            .withdrawals
            .len()
            .saturating_sub(untaken.unwrap_or(usize::MAX));
        self.withdrawals.get(skip..).unwrap_or_default()
    }

    /// The state, brought forward by the batches sealed since it was stored, and the batches
    /// that are not acknowledged, oldest first.
    pub(crate) fn load<F: Filesystem>(
        filesystem: &F,
        layout: &Layout,
    ) -> Result<(Self, Vec<Outstanding>), OutboxError> {
        let mut state = match read_words(filesystem, &layout.sender_state(), MAGIC)? {
            Some(words) => Self::from_words(&words),
            None => Self::default(),
        };
        let mut outstanding = Vec::new();
        for (number, file_bytes) in layout.batches(filesystem)? {
            if state.acknowledged.contains(&number) {
                continue;
            }
            // A file may be acknowledged and removed between listing and reading.
            let Some(header) = SealedHeader::read(filesystem, &layout.batch(number))? else {
                continue;
            };
            outstanding.push(Outstanding {
                number,
                records: header.records,
                digest: header.digest,
                file_bytes,
                next_to_seal: header.next_to_seal,
                lanes: header.lanes,
                is_of_the_books: header.is_of_the_books,
                oldest_milliseconds: header.oldest_milliseconds,
            });
            if number >= state.next_batch {
                state.next_batch = number + 1;
                state.previous = BatchDigestOrNone(header.digest);
                state.next_to_seal = header.next_to_seal;
                state.facts_held_back = header.facts_held_back;
            }
        }
        if outstanding.is_empty() {
            state.settled = state.next_to_seal;
        }
        Ok((state, outstanding))
    }

    pub(crate) fn store<F: Filesystem>(
        &self,
        filesystem: &F,
        layout: &Layout,
    ) -> Result<(), OutboxError> {
        let mut words = vec![self.next_batch];
        words.extend(digest_words(&self.previous.0));
        words.extend(self.next_to_seal.values());
        words.extend([
            self.acknowledged_batches,
            self.acknowledged_records,
            self.last_ack_milliseconds,
            self.damage_reports,
        ]);
        words.push(self.damage.len() as u64);
        for damage in &self.damage {
            words.extend([u64::from(damage.lane.code()), damage.first, damage.last]);
        }
        words.push(self.acknowledged.len() as u64);
        words.extend(&self.acknowledged);
        words.extend(self.settled.values());
        words.extend([
            self.held.bits(),
            self.facts_held_back,
            self.withdrawal_reports,
            self.withdrawals.len() as u64,
        ]);
        for told in &self.withdrawals {
            words.push(u64::from(matches!(told, Told::Again(_))));
            put_eviction(&mut words, told.eviction());
            put_withdrawn(&mut words, told.eviction().withdrawn.as_ref());
        }
        let path = layout.sender_state();
        replace(filesystem, &path, &words_to_bytes(MAGIC, &words))
            .map_err(OutboxError::io("write", path))
    }

    fn from_words(words: &[u64]) -> Self {
        let mut words = Words::new(words);
        let mut state = Self {
            next_batch: words.take(),
            previous: BatchDigestOrNone(take_digest(&mut words)),
            next_to_seal: PerLane::from_fn(|_| words.take()),
            acknowledged_batches: words.take(),
            acknowledged_records: words.take(),
            last_ack_milliseconds: words.take(),
            damage_reports: words.take(),
            ..Self::default()
        };
        for _ in 0..words.take().min(MAX_DAMAGE_REPORTS as u64) {
            let lane = u8::try_from(words.take())
                .ok()
                .and_then(Lane::from_code)
                .unwrap_or(Lane::Low);
            state.damage.push(Damage {
                lane,
                first: words.take(),
                last: words.take(),
            });
        }
        for _ in 0..words.take().min(4096) {
            state.acknowledged.insert(words.take());
        }
        state.settled = PerLane::from_fn(|_| words.take());
        state.held = LaneSet::from_bits(words.take());
        state.facts_held_back = words.take();
        state.withdrawal_reports = words.take();
        for _ in 0..words.take().min(MAX_WITHDRAWAL_REPORTS as u64) {
            let is_again = words.take() == 1;
            let eviction = take_eviction(&mut words);
            let eviction = Eviction {
                withdrawn: take_withdrawn(&mut words),
                ..eviction
            };
            state.withdrawals.push(if is_again {
                Told::Again(eviction)
            } else {
                Told::Withdrawn(eviction)
            });
        }
        state
    }
}
