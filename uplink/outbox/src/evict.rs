//! Making room: segments that were sent are removed; then the lightest and oldest go, and a
//! record says so.
//!
//! An eviction goes through these steps, each durable before the next, so that a crash between
//! any two is finished on opening:
//!
//! 1. under the exchange lock, `writer.state` names the eviction as pending and moves
//!    `evicted_to`, so that the sender seals none of its records any more;
//! 2. the eviction's record is appended (and eviction records in the segment, if it is one of
//!    the status lane, are appended again: what they tell must not be lost);
//! 3. the pending eviction is cleared;
//! 4. the segment is removed.

use std::io;
use std::ops::Range;

use lapwing_wire::{
    BootId, ClockQuality, Eviction, EvictionReason, Lane, Record, RecordBody, RecordHeader,
    RecordNumber, Severity, Stamp,
};

use crate::error::OutboxError;
use crate::filesystem::Filesystem;
use crate::layout::SegmentName;
use crate::segment::StoredRecord;
use crate::segment_reader::SegmentReader;
use crate::sender_state::{Damage, SenderState, Told};
use crate::writer::{OutboxWriter, Segment};
use crate::writer_state::WriterState;

/// Which lanes give up records first.
const LIGHTEST_FIRST: [Lane; 5] = [
    Lane::Low,
    Lane::Evidence,
    Lane::Normal,
    Lane::Status,
    Lane::Critical,
];
/// Heartbeats of a long outage must not push out findings: beyond this share of the bound the
/// status lane is the lightest.
const STATUS_SHARE: u64 = 8;

/// Records that cannot be read say neither when they were made nor by which policy.
const UNKNOWN: RecordHeader = RecordHeader {
    lane: Lane::Status,
    number: RecordNumber(0),
    time: Stamp {
        wall_milliseconds: 0,
        monotonic_milliseconds: 0,
        boot: BootId([0; 16]),
        quality: ClockQuality::Unset,
    },
    policy: None,
};

/// Records of a segment chosen to be dropped.
pub(crate) struct Victim {
    pub(crate) name: SegmentName,
    pub(crate) eviction: Eviction,
    pub(crate) newest: Option<RecordHeader>,
}

impl Victim {
    /// The records of these numbers.
    pub(crate) fn of(
        name: SegmentName,
        segment: &SegmentReader,
        range: Range<u64>,
        reason: EvictionReason,
    ) -> Self {
        let mut findings_by_severity = [0; Severity::CLASSES];
        for severity in segment
            .numbered(&range)
            .map(|record| segment.severity(record))
            .filter(|severity| *severity > 0)
        {
            let class = Severity::from_priority(u32::from(severity)).class();
            if let Some(count) = findings_by_severity.get_mut(class) {
                *count += 1;
            }
        }
        let newest = segment
            .numbered(&range)
            .next_back()
            .and_then(|stored| segment.record(stored));
        Self {
            name,
            eviction: Eviction {
                lane: name.lane,
                first: RecordNumber(range.start),
                last: RecordNumber(range.end.saturating_sub(1)),
                count: range.end.saturating_sub(range.start),
                findings_by_severity,
                reason,
                withdrawn: None,
            },
            newest: newest.map(|record| record.header),
        }
    }
}

impl<F: Filesystem> OutboxWriter<F> {
    /// Makes room for so many bytes within the bound.
    pub(crate) fn make_room(&mut self, bytes: usize) -> Result<(), OutboxError> {
        let needed = bytes as u64;
        let bound = self.settings.segments_bound_bytes();
        if self.bytes() + needed <= bound {
            return Ok(());
        }
        self.maintain()?;
        while self.bytes() + needed > bound {
            self.evict_one(EvictionReason::OutboxFull)?;
        }
        Ok(())
    }

    /// Makes room on a disk that is full although the outbox is within its bound.
    pub(crate) fn evict_for_full_disk(&mut self) -> Result<(), OutboxError> {
        let before = self.bytes();
        self.maintain()?;
        if self.bytes() == before {
            self.evict_one(EvictionReason::DiskFull)?;
        }
        Ok(())
    }

    /// Removes segments that the sender has sealed, and turns the sender's damage reports into
    /// evictions.
    pub(crate) fn maintain(&mut self) -> Result<(), OutboxError> {
        self.finish_pending(None)?;
        let exchange = self.layout.exchange(&self.filesystem)?;
        let (sender, _) = SenderState::load(&self.filesystem, &self.layout)?;
        for lane in Lane::ALL {
            let floor = sender.next_to_seal[lane].max(self.state.evicted_to[lane]);
            while let Some(end) = self.lanes[lane].end_of_oldest()
                && end <= floor
            {
                self.remove_oldest(lane)?;
            }
        }
        let known = usize::try_from(
            sender.damage_reports - self.state.damage_taken.min(sender.damage_reports),
        );
        let skip = sender
            .damage
            .len()
            .saturating_sub(known.unwrap_or(usize::MAX));
        for damage in sender.damage.iter().skip(skip) {
            self.finish_pending(None)?;
            self.record_damage(*damage)?;
        }
        for told in sender.withdrawals_after(self.state.withdrawals_taken) {
            self.finish_pending(None)?;
            self.record_withdrawal(*told)?;
        }
        drop(exchange);
        self.forget_unused_keys()
    }

    fn record_damage(&mut self, damage: Damage) -> Result<(), OutboxError> {
        let eviction = Eviction {
            lane: damage.lane,
            first: RecordNumber(damage.first),
            last: RecordNumber(damage.last),
            count: (damage.last - damage.first).saturating_add(1),
            findings_by_severity: [0; Severity::CLASSES],
            reason: EvictionReason::Damaged,
            withdrawn: None,
        };
        self.change_state(|state| {
            state.damage_taken += 1;
            state.begin(eviction);
        })?;
        self.finish_pending(None)
    }

    /// Tells what became of records that were in a batch which was withdrawn.
    fn record_withdrawal(&mut self, told: Told) -> Result<(), OutboxError> {
        self.change_state(|state| {
            state.withdrawals_taken += 1;
            match told {
                Told::Withdrawn(eviction) => state.begin(eviction),
                Told::Again(eviction) => state.tell_again(eviction),
            }
        })?;
        self.finish_pending(None)
    }

    /// Drops one segment.
    fn evict_one(&mut self, reason: EvictionReason) -> Result<(), OutboxError> {
        let exchange = self.layout.exchange(&self.filesystem)?;
        let (sender, _) = SenderState::load(&self.filesystem, &self.layout)?;
        let victim = self
            .choose_victim(&sender, reason)?
            .ok_or(OutboxError::Full)?;
        self.begin_eviction(&victim)?;
        drop(exchange);
        // The disk may have no room for the record of the eviction before the segment is gone.
        if reason == EvictionReason::DiskFull {
            self.remove_segment(victim.name)?;
        }
        self.finish_pending(victim.newest)?;
        self.remove_segment(victim.name)
    }

    /// From now on the sender seals none of these records; for who holds the exchange lock.
    pub(crate) fn begin_eviction(&mut self, victim: &Victim) -> Result<(), OutboxError> {
        self.change_state(|state| {
            state.evicted_to[victim.eviction.lane] = victim.eviction.last.0.saturating_add(1);
            state.begin(victim.eviction);
        })?;
        tracing::warn!(
            lane = victim.eviction.lane.name(),
            first = victim.eviction.first.0,
            last = victim.eviction.last.0,
            records = victim.eviction.count,
            reason = victim.eviction.reason.name(),
            "records evicted from the outbox"
        );
        Ok(())
    }

    fn choose_victim(
        &self,
        sender: &SenderState,
        reason: EvictionReason,
    ) -> Result<Option<Victim>, OutboxError> {
        let status_bytes: u64 = self.lanes[Lane::Status]
            .segments
            .iter()
            .map(|segment| segment.bytes)
            .sum();
        let heavy_status = status_bytes > self.settings.segments_bound_bytes() / STATUS_SHARE;
        let first = heavy_status.then_some(Lane::Status);
        for lane in first.into_iter().chain(LIGHTEST_FIRST) {
            let floor = sender.next_to_seal[lane].max(self.state.evicted_to[lane]);
            let Some(oldest) = self.lanes[lane].segments.front() else {
                continue;
            };
            let end = self.lanes[lane]
                .segments
                .get(1)
                .map_or(self.lanes[lane].next, |next| next.first);
            if end <= floor.max(oldest.first) {
                continue;
            }
            let name = SegmentName {
                lane,
                first: oldest.first,
            };
            let range = floor.max(oldest.first)..end;
            let segment = self.read_segment(name)?;
            // Evictions in the status lane must be carried over first, which takes room.
            let carries = reason == EvictionReason::DiskFull
                || !worth_evicting(&segment, segment.numbered(&range));
            if lane == Lane::Status && carries {
                continue;
            }
            return Ok(Some(Victim::of(name, &segment, range, reason)));
        }
        Ok(None)
    }

    /// Appends the record of the pending eviction, and the evictions that it drops itself.
    /// `newest` gives the record its time and policy.
    pub(crate) fn finish_pending(
        &mut self,
        newest: Option<RecordHeader>,
    ) -> Result<(), OutboxError> {
        let Some(eviction) = self.state.pending else {
            return Ok(());
        };
        // What is told now must not stand in the segment that goes.
        let last = self.lanes[eviction.lane].segments.back();
        if last.is_some_and(|last| last.first <= eviction.last.0) {
            self.close_segment(eviction.lane)?;
        }
        // After a crash or an error some of these may have been appended before.
        // One that is told again stands there once in any case; twice does no harm.
        let told = if self.pending_may_be_told && !self.state.pending_is_told_again {
            self.evictions_told()?
        } else {
            Vec::new()
        };
        let is_told = |wanted: &Eviction| {
            told.iter().any(|(number, known)| {
                known == wanted && (eviction.lane != Lane::Status || *number > eviction.last.0)
            })
        };
        self.pending_may_be_told = true;
        // What a withdrawn batch told, it tells again by itself.
        let carries = eviction.withdrawn.is_none() && !self.state.pending_is_told_again;
        let (mut records, found) = if carries {
            self.evicted_records(&eviction)?
        } else {
            (Vec::new(), None)
        };
        records.retain(|record| matches!(&record.body, RecordBody::Eviction(old) if !is_told(old)));
        if !is_told(&eviction) {
            let header = newest.or(found).unwrap_or(UNKNOWN);
            let header = RecordHeader {
                lane: Lane::Status,
                ..header
            };
            records.push(Record {
                header,
                body: RecordBody::Eviction(eviction),
            });
        }
        for record in records {
            self.append_record(record)?;
        }
        self.commit()?;
        self.change_state(|state| {
            state.pending = None;
            state.pending_is_told_again = false;
        })?;
        self.pending_may_be_told = false;
        Ok(())
    }

    /// The eviction records in the status lane's segments, with their numbers.
    fn evictions_told(&self) -> Result<Vec<(u64, Eviction)>, OutboxError> {
        let mut told = Vec::new();
        for segment in &self.lanes[Lane::Status].segments {
            let segment = self.read_segment(SegmentName {
                lane: Lane::Status,
                first: segment.first,
            })?;
            told.extend(segment.scan.records.iter().filter_map(|stored| {
                match segment.record(stored)?.body {
                    RecordBody::Eviction(eviction) => Some((stored.number, eviction)),
                    _ => None,
                }
            }));
        }
        Ok(told)
    }

    /// Of the records that an eviction drops: the evictions among them, and the header whose
    /// policy and time the new record takes.
    fn evicted_records(
        &self,
        eviction: &Eviction,
    ) -> Result<(Vec<Record>, Option<RecordHeader>), OutboxError> {
        let (mut evictions, mut newest) = (Vec::new(), None);
        let lane = &self.lanes[eviction.lane];
        let holds = |segment: &&Segment| segment.first <= eviction.last.0;
        for segment in lane.segments.iter().filter(holds) {
            let segment = self.read_segment(SegmentName {
                lane: eviction.lane,
                first: segment.first,
            })?;
            let dropped = |record: &&StoredRecord| {
                (eviction.first.0..=eviction.last.0).contains(&record.number)
            };
            for stored in segment.scan.records.iter().filter(dropped) {
                let Some(record) = segment.record(stored) else {
                    continue;
                };
                newest = Some(record.header);
                if eviction.lane == Lane::Status && matches!(record.body, RecordBody::Eviction(_)) {
                    evictions.push(record);
                }
            }
        }
        Ok((evictions, newest))
    }

    /// A segment as it is on the disk; an empty one when it was removed.
    pub(crate) fn read_segment(&self, name: SegmentName) -> Result<SegmentReader, OutboxError> {
        let read =
            SegmentReader::read(&self.filesystem, &self.layout, self.epoch, name, &self.keys)?;
        Ok(read.unwrap_or_default())
    }

    /// Changes the state, in memory only if it became durable.
    pub(crate) fn change_state(
        &mut self,
        change: impl FnOnce(&mut WriterState),
    ) -> Result<(), OutboxError> {
        let mut state = self.state.clone();
        change(&mut state);
        state.store(&self.filesystem, &self.layout)?;
        self.state = state;
        Ok(())
    }

    fn remove_oldest(&mut self, lane: Lane) -> Result<(), OutboxError> {
        match self.lanes[lane].segments.front() {
            Some(oldest) => self.remove_segment(SegmentName {
                lane,
                first: oldest.first,
            }),
            None => Ok(()),
        }
    }

    /// Removes a segment, if it is still there.
    fn remove_segment(&mut self, name: SegmentName) -> Result<(), OutboxError> {
        let lane = &mut self.lanes[name.lane];
        let Some(position) = lane
            .segments
            .iter()
            .position(|segment| segment.first == name.first)
        else {
            return Ok(());
        };
        let path = self.layout.segment(name);
        match self.filesystem.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OutboxError::io("remove", path)(error));
            }
            _ => {}
        }
        if position + 1 == lane.segments.len() {
            lane.open = None;
        }
        lane.segments.remove(position);
        Ok(())
    }
}

/// Whether dropping these records frees more than carrying their evictions over costs.
fn worth_evicting<'a>(
    segment: &SegmentReader,
    live: impl Iterator<Item = &'a StoredRecord>,
) -> bool {
    let (mut carried, mut total) = (0, 0);
    for stored in live {
        total += stored.payload.len();
        if segment
            .record(stored)
            .is_some_and(|record| matches!(record.body, RecordBody::Eviction(_)))
        {
            carried += stored.payload.len();
        }
    }
    carried * 2 <= total
}
