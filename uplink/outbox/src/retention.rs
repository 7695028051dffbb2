//! What has waited too long goes, and a record says so.
//!
//! How old a record is its own time tells, where the clock was set when it was made. One whose clock was not, or that is of a capture
//! file, is as old as the next one of its lane that can be judged. What is dropped is never sealed any more; its bytes are gone once
//! nothing younger waits in its segment, which has records of one day at most.

use lapwing_wire::{ClockQuality, EvictionReason, Lane, Record, RecordBody};

use crate::error::OutboxError;
use crate::evict::Victim;
use crate::filesystem::Filesystem;
use crate::layout::SegmentName;
use crate::sealed_file::SealedHeader;
use crate::sender::OutboxSender;
use crate::sender_state::{MAX_WITHDRAWAL_REPORTS, Outstanding, SenderState, Told};
use crate::writer::{OutboxWriter, Segment};
use crate::writer_state::WriterState;

impl<F: Filesystem> OutboxWriter<F> {
    /// Drops what was made before a time, milliseconds since 1970, and is not sealed yet; gives how many records.
    ///
    /// # Errors
    /// As [`OutboxWriter::append`].
    pub fn evict_older_than(&mut self, wall_milliseconds: u64) -> Result<u64, OutboxError> {
        self.finish_pending(None)?;
        let mut evicted = 0;
        for lane in Lane::ALL {
            while let Some(count) = self.evict_old_in(lane, wall_milliseconds)? {
                evicted += count;
            }
        }
        if evicted > 0 {
            self.maintain()?;
        }
        Ok(evicted)
    }

    /// Drops what is too old in the oldest segment of a lane in which something waits; gives how many records, or none when nothing is.
    fn evict_old_in(&mut self, lane: Lane, before: u64) -> Result<Option<u64>, OutboxError> {
        let exchange = self.layout.exchange(&self.filesystem)?;
        let (sender, _) = SenderState::load(&self.filesystem, &self.layout)?;
        let floor = sender.next_to_seal[lane].max(self.state.evicted_to[lane]);
        let segments: Vec<Segment> = self.lanes[lane].segments.iter().copied().collect();
        let ends = segments.iter().skip(1).map(|segment| segment.first);
        let ends = ends.chain([self.lanes[lane].next]);
        let (mut oldest, mut last_old) = (None, None);
        for (segment, end) in segments.iter().zip(ends).filter(|(_, end)| *end > floor) {
            let name = SegmentName {
                lane,
                first: segment.first,
            };
            let range = floor.max(segment.first)..end;
            let segment = self.read_segment(name)?;
            let is_last = segment
                .numbered(&range)
                .any(|stored| stored.wall_milliseconds >= before);
            let old = segment.numbered(&range).rev().find(|stored| {
                stored.wall_milliseconds < before
                    && segment
                        .record(stored)
                        .is_some_and(|record| is_judged(&record))
            });
            last_old = old.map(|stored| stored.number).or(last_old);
            oldest.get_or_insert((name, range, segment));
            if is_last {
                break;
            }
        }
        let Some(((name, range, segment), last_old)) = oldest.zip(last_old) else {
            return Ok(None);
        };
        // Whatever stands before the last old one is as old.
        let range = range.start..range.end.min(last_old.saturating_add(1));
        if range.is_empty() {
            return Ok(None);
        }
        let victim = Victim::of(name, &segment, range, EvictionReason::TooOld);
        self.begin_eviction(&victim)?;
        drop(exchange);
        self.finish_pending(victim.newest)?;
        Ok(Some(victim.eviction.count))
    }
}

impl<F: Filesystem> OutboxSender<F> {
    /// Removes sealed batches with a record that was made before a time, milliseconds since 1970, and leaves word for the writer, which
    /// tells what was in them as an eviction that names the batch; gives how many records. What such a batch told of evictions is told
    /// again. Some may stay for the next time, until the writer has taken the word of the others.
    ///
    /// # Errors
    /// [`OutboxError::Io`]; what is not removed then waits as before.
    pub fn withdraw_older_than(&mut self, wall_milliseconds: u64) -> Result<u64, OutboxError> {
        let mut withdrawn = 0;
        let old: Vec<Outstanding> = self
            .outstanding
            .iter()
            .filter(|batch| (1..wall_milliseconds).contains(&batch.oldest_milliseconds))
            .copied()
            .collect();
        for batch in old {
            let writer = WriterState::load(&self.filesystem, &self.layout)?;
            let untaken = self.state.withdrawals_after(writer.withdrawals_taken);
            let Some(header) =
                SealedHeader::read(&self.filesystem, &self.layout.batch(batch.number))?
            else {
                continue;
            };
            let words = header.if_withdrawn.iter().copied().map(Told::Withdrawn);
            let words = words.chain(header.tells.iter().copied().map(Told::Again));
            let reports: Vec<Told> = untaken.iter().copied().chain(words).collect();
            if reports.len() > MAX_WITHDRAWAL_REPORTS {
                break;
            }
            let new = (header.if_withdrawn.len() + header.tells.len()) as u64;
            let place = self.place_of(batch.number);
            self.change_state(|state| {
                state.settle(&batch, place);
                state.withdrawals = reports;
                state.withdrawal_reports += new;
            })?;
            self.outstanding
                .retain(|other| other.number != batch.number);
            withdrawn += batch.records;
        }
        self.remove_acknowledged()?;
        Ok(withdrawn)
    }
}

/// Whether the time of a record says how old it is. Evictions are told however old they are.
pub(crate) fn is_judged(record: &Record) -> bool {
    let is_dated = matches!(
        record.header.time.quality,
        ClockQuality::FreeRunning | ClockQuality::Network | ClockQuality::Reference
    );
    is_dated && !matches!(record.body, RecordBody::Eviction(_))
}
