//! What an outbox holds, for `lapwing status` and heartbeats. Changes nothing, and may be
//! asked by any process that can read the folder.

use std::io;
use std::path::Path;

use lapwing_wire::{Account, Epoch, Lane, LaneAccount, Severity};

use crate::error::OutboxError;
use crate::filesystem::{Disk, Filesystem};
use crate::layout::{Layout, SegmentName};
use crate::segment::{MAX_SEGMENT_BYTES, Scan, scan};
use crate::sender_state::{SenderState, Told};
use crate::writer_state::WriterState;

/// What an outbox holds and what became of what it held.
/// `produced = acknowledged + sealed + queued + evicted`, in records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Which life of the outbox this is; none when it was never opened.
    pub epoch: Option<Epoch>,
    /// Records given a number.
    pub produced_records: u64,
    /// Records waiting to be sealed.
    pub queued_records: u64,
    /// Bytes of the segments on disk.
    pub queued_bytes: u64,
    /// Wall time of the oldest record waiting to be sealed, milliseconds since 1970; 0 for none.
    pub oldest_queued_milliseconds: u64,
    /// Batches sealed and not acknowledged.
    pub sealed_batches: u64,
    /// Records in them.
    pub sealed_records: u64,
    /// Bytes of them on disk.
    pub sealed_bytes: u64,
    /// Batches acknowledged.
    pub acknowledged_batches: u64,
    /// Records acknowledged.
    pub acknowledged_records: u64,
    /// Wall time of the last ack, milliseconds since 1970; 0 for never.
    pub last_ack_milliseconds: u64,
    /// Records evicted, damaged ones among them.
    pub evicted_records: u64,
    /// Records that could not be read back.
    pub damaged_records: u64,
    /// Findings evicted by class of severity, gravest first.
    pub evicted_by_severity: [u64; Severity::CLASSES],
    /// Records among the queued ones that wait for budget and not for the link.
    pub held_records: u64,
    /// The same by lanes, as a heartbeat tells it, and what never became a record.
    pub account: Account,
}

/// The status of the outbox in a folder.
///
/// # Errors
/// [`OutboxError::Io`] when the folder cannot be read.
pub fn status(folder: &Path) -> Result<Status, OutboxError> {
    status_of(&Disk, &Layout::new(folder))
}

pub(crate) fn status_of<F: Filesystem>(
    filesystem: &F,
    layout: &Layout,
) -> Result<Status, OutboxError> {
    let Some(epoch) = layout.read_epoch(filesystem)? else {
        return Ok(Status::default());
    };
    let segments = layout.segments(filesystem)?;
    let writer = WriterState::load(filesystem, layout)?;
    let (sender, outstanding) = SenderState::load(filesystem, layout)?;
    let mut status = Status {
        epoch: Some(epoch),
        queued_bytes: segments.iter().map(|(_, bytes)| bytes).sum(),
        sealed_batches: outstanding.len() as u64,
        sealed_records: outstanding.iter().map(|batch| batch.records).sum(),
        sealed_bytes: outstanding.iter().map(|batch| batch.file_bytes).sum(),
        acknowledged_batches: sender.acknowledged_batches,
        acknowledged_records: sender.acknowledged_records,
        last_ack_milliseconds: sender.last_ack_milliseconds,
        evicted_records: writer.evicted_records,
        damaged_records: writer.damaged_records,
        evicted_by_severity: writer.evicted_by_severity,
        account: Account {
            suppressed_findings: writer.suppressed_findings,
            facts_held_back: sender.facts_held_back,
            ..Account::default()
        },
        ..Status::default()
    };
    for damage in untaken_damage(&writer, &sender) {
        status.evicted_records += damage;
        status.damaged_records += damage;
    }
    let untold = sender.withdrawals_after(writer.withdrawals_taken);
    for told in untold {
        if let Told::Withdrawn(eviction) = told {
            status.evicted_records += eviction.count;
        }
    }
    for lane in Lane::ALL {
        let floor = sender.next_to_seal[lane].max(writer.evicted_to[lane]);
        let of_lane: Vec<SegmentName> = segments
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| name.lane == lane)
            .collect();
        let found = match of_lane.last() {
            Some(last) => {
                let newest = scan_segment(filesystem, layout, epoch, *last)?
                    .records
                    .last()
                    .map(|record| record.number);
                newest.map_or(last.first, |newest| newest.saturating_add(1))
            }
            None => 0,
        };
        let next = found.max(floor);
        status.produced_records += next;
        status.queued_records += next - floor;
        let is_held = sender.held.contains(lane) && next > floor;
        if is_held {
            status.held_records += next - floor;
        }
        if let Some(books) = status.account.lane_mut(lane) {
            *books = LaneAccount {
                settled: untold
                    .iter()
                    .map(Told::eviction)
                    .filter(|eviction| eviction.lane == lane)
                    .map(|eviction| eviction.first.0)
                    .fold(sender.settled[lane], u64::min),
                next_to_seal: sender.next_to_seal[lane],
                next,
                is_held,
            };
        }
        let begin = of_lane
            .partition_point(|name| name.first <= floor)
            .saturating_sub(1);
        if let Some(name) = of_lane.get(begin).filter(|_| next > floor) {
            let scanned = scan_segment(filesystem, layout, epoch, *name)?;
            let oldest = scanned.records.iter().find(|record| record.number >= floor);
            let oldest = oldest.map_or(0, |record| record.wall_milliseconds);
            if oldest != 0
                && (status.oldest_queued_milliseconds == 0
                    || oldest < status.oldest_queued_milliseconds)
            {
                status.oldest_queued_milliseconds = oldest;
            }
        }
    }
    Ok(status)
}

/// Records reported as damaged that the writer has not counted yet.
fn untaken_damage(writer: &WriterState, sender: &SenderState) -> impl Iterator<Item = u64> {
    let untaken = usize::try_from(sender.damage_reports.saturating_sub(writer.damage_taken))
        .unwrap_or(usize::MAX);
    let skip = sender.damage.len().saturating_sub(untaken);
    sender
        .damage
        .iter()
        .skip(skip)
        .map(|damage| (damage.last - damage.first).saturating_add(1))
}

fn scan_segment<F: Filesystem>(
    filesystem: &F,
    layout: &Layout,
    epoch: Epoch,
    name: SegmentName,
) -> Result<Scan, OutboxError> {
    let path = layout.segment(name);
    match filesystem.read(&path, 0, MAX_SEGMENT_BYTES) {
        Ok(bytes) => Ok(scan(&bytes, epoch, name.lane, name.first)),
        // Removed by the writer since it was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Scan::default()),
        Err(cause) => Err(OutboxError::io("read", path)(cause)),
    }
}
