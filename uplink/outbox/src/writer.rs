//! The sensor's end: gives numbers, appends, syncs. Beginning segments is in `renewal`, making room in `evict`, opening after
//! a crash in `recovery`.

use std::collections::VecDeque;
use std::path::Path;

use lapwing_wire::{
    Account, Epoch, Lane, PolicyDigest, Queue, Record, RecordBody, RecordHeader, RecordNumber,
    Stamp, encode_records,
};

use crate::error::OutboxError;
use crate::filesystem::{AppendFile, Disk, Filesystem};
use crate::keys::KeyRing;
use crate::lanes::PerLane;
use crate::layout::{Layout, SegmentName};
use crate::segment::{MAX_PAYLOAD_BYTES, Plain, RECORD_HEADER_BYTES, SEALED_HEADER_BYTES};
use crate::segment_cipher::{SEALING_BYTES, SegmentCipher};
use crate::settings::Settings;
use crate::status::status_of;
use crate::writer_state::WriterState;

/// How often [`OutboxWriter::tick`] looks at what the sender has done.
const MAINTAIN_EVERY_MILLISECONDS: u64 = 5_000;
/// After this time segments are closed, and what comes next is encrypted with another key.
pub(crate) const RENEW_EVERY_MILLISECONDS: u64 = 24 * 3_600_000;

/// A record that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The lane it goes to; [`Lane::of_severity`] for findings.
    pub lane: Lane,
    /// When it was made.
    pub time: Stamp,
    /// The policy that allowed it.
    pub policy: Option<PolicyDigest>,
    /// What it says.
    pub body: RecordBody,
}

/// What opening an outbox had to put right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Segments whose end was torn and cut off.
    pub torn_tails: u64,
    /// Bytes that were cut off.
    pub torn_bytes: u64,
    /// Whether an eviction was under way and had to be finished.
    pub finished_eviction: bool,
}

/// The one process that appends records.
#[derive(Debug)]
pub struct OutboxWriter<F: Filesystem = Disk> {
    pub(crate) filesystem: F,
    pub(crate) layout: Layout,
    _role: F::Lock,
    pub(crate) epoch: Epoch,
    pub(crate) settings: Settings,
    pub(crate) state: WriterState,
    pub(crate) lanes: PerLane<LaneWriter<F::File>>,
    unsynced_bytes: u64,
    unsynced_since_milliseconds: Option<u64>,
    pub(crate) new_names: bool,
    maintained_milliseconds: u64,
    /// When segments were last closed for their age.
    renewed_milliseconds: Option<u64>,
    pub(crate) keys: KeyRing,
    /// Segments begun with the newest key; none when the next one needs a new key.
    pub(crate) segments_of_key: Option<usize>,
    pub(crate) repairs: Repairs,
    /// Findings suppressed since the state was stored.
    suppressed_findings: u64,
    /// Whether the pending eviction's record may be there already.
    pub(crate) pending_may_be_told: bool,
}

/// The segments of one lane.
#[derive(Debug)]
pub(crate) struct LaneWriter<File> {
    /// Number of the next record.
    pub(crate) next: u64,
    /// Oldest first; the last one is appended to.
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) open: Option<OpenSegment<File>>,
    dirty: bool,
}

impl<File> LaneWriter<File> {
    /// The number after the oldest segment, unless records may still be added to it.
    pub(crate) fn end_of_oldest(&self) -> Option<u64> {
        match self.segments.get(1) {
            Some(next) => Some(next.first),
            // The numbers that follow it are known from what was sealed.
            None if self.open.is_none() && !self.segments.is_empty() => Some(self.next),
            None => None,
        }
    }
}

/// The segment that is appended to.
#[derive(Debug)]
pub(crate) struct OpenSegment<File> {
    pub(crate) file: File,
    /// None without a keyslot.
    pub(crate) cipher: Option<SegmentCipher>,
}

impl<File> Default for LaneWriter<File> {
    fn default() -> Self {
        Self {
            next: 0,
            segments: VecDeque::new(),
            open: None,
            dirty: false,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) bytes: u64,
    /// Number of the key that it is encrypted with, if it is.
    pub(crate) key: Option<u64>,
}

impl OutboxWriter<Disk> {
    /// Opens the outbox in a folder, and makes it when there is none.
    ///
    /// # Errors
    /// [`OutboxError::InUse`] when another process is its writer, and others when the folder
    /// cannot be used.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, OutboxError> {
        Self::open_on(Disk, folder, settings)
    }
}

impl<F: Filesystem> OutboxWriter<F> {
    /// Opens the outbox on a given file system.
    ///
    /// # Errors
    /// As [`OutboxWriter::open`].
    pub fn open_on(filesystem: F, folder: &Path, settings: Settings) -> Result<Self, OutboxError> {
        let layout = Layout::new(folder);
        let epoch = layout.open(&filesystem)?;
        let role = layout.role(&filesystem, layout.writer_lock())?;
        let slot = settings.keyslot.as_ref();
        let (keys, is_stale) = KeyRing::load(&filesystem, &layout, epoch, slot)?;
        let mut writer = Self {
            state: WriterState::load(&filesystem, &layout)?,
            keys,
            segments_of_key: None,
            renewed_milliseconds: None,
            filesystem,
            layout,
            _role: role,
            epoch,
            settings,
            lanes: PerLane::from_fn(|_| LaneWriter::default()),
            unsynced_bytes: 0,
            unsynced_since_milliseconds: None,
            new_names: false,
            maintained_milliseconds: 0,
            repairs: Repairs::default(),
            suppressed_findings: 0,
            pending_may_be_told: true,
        };
        writer.recover()?;
        if is_stale {
            writer.wrap_keys_anew()?;
        }
        writer.maintain()?;
        // The newest key goes on until it has had its segments.
        let newest = writer.keys.newest();
        writer.segments_of_key = newest.map(|key| writer.segments_with(key));
        // What waits must be readable, or nothing goes on: it is not thrown away for a key that may come back.
        for segment in writer.lanes.iter().flat_map(|(_, lane)| &lane.segments) {
            if let Some(key) = segment.key {
                writer.keys.key(&writer.layout, key)?;
            }
        }
        Ok(writer)
    }

    /// Which life of the outbox this is.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What opening had to put right.
    pub const fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// Appends a record. When it returns, the record survives a kill -9 of this process; one
    /// of the critical lane survives a power cut too.
    ///
    /// # Errors
    /// [`OutboxError::NotAllowed`] without a policy, [`OutboxError::Full`] when there is no
    /// room and nothing to evict. The record was not appended then, and its number is free.
    pub fn append(&mut self, draft: Draft) -> Result<RecordNumber, OutboxError> {
        let number = RecordNumber(self.lanes[draft.lane].next);
        let header = RecordHeader {
            lane: draft.lane,
            number,
            time: draft.time,
            policy: draft.policy,
        };
        let record = Record::new(header, draft.body).map_err(OutboxError::NotAllowed)?;
        let needed = encoded(&record)?.payload.len()
            + RECORD_HEADER_BYTES
            + SEALING_BYTES
            + SEALED_HEADER_BYTES;
        if needed as u64 > self.settings.sealed_bound_bytes() {
            return Err(OutboxError::RecordTooLarge { bytes: needed });
        }
        if self.state.pending.is_some() {
            self.finish_pending(None)?;
        }
        self.make_room(needed)?;
        // Making room may have taken the number, for the record of an eviction.
        let number = self.append_record(record)?;
        if draft.lane == Lane::Critical {
            self.commit()?;
        }
        Ok(number)
    }

    /// Appends without making room; gives the lane's next number.
    pub(crate) fn append_record(
        &mut self,
        mut record: Record,
    ) -> Result<RecordNumber, OutboxError> {
        let lane = record.header.lane;
        record.header.number = RecordNumber(self.lanes[lane].next);
        let plain = encoded(&record)?;
        if let Err(error) = self.write(lane, &plain) {
            // While an eviction is being recorded there is no other one.
            if !error.is_disk_full() || self.state.pending.is_some() {
                return Err(error);
            }
            self.evict_for_full_disk()?;
            record.header.number = RecordNumber(self.lanes[lane].next);
            let plain = encoded(&record)?;
            self.write(lane, &plain)?;
        }
        if self.unsynced_bytes >= self.settings.commit_after_bytes {
            self.commit()?;
        }
        Ok(record.header.number)
    }

    /// Makes everything appended so far survive a power cut.
    ///
    /// # Errors
    /// [`OutboxError::Io`]; what was not synced will be tried again.
    pub fn commit(&mut self) -> Result<(), OutboxError> {
        for lane in Lane::ALL {
            self.sync_lane(lane)?;
        }
        if self.new_names {
            let folder = self.layout.records();
            self.filesystem
                .sync_folder(&folder)
                .map_err(OutboxError::io("sync", folder))?;
            self.new_names = false;
        }
        self.unsynced_bytes = 0;
        self.unsynced_since_milliseconds = None;
        Ok(())
    }

    /// Looks at the time, milliseconds of a clock that never goes back: syncs what has waited
    /// long enough, and now and then removes segments that were sent. Call it about once a
    /// second.
    ///
    /// # Errors
    /// As [`OutboxWriter::commit`] and [`OutboxWriter::append`].
    pub fn tick(&mut self, now_milliseconds: u64) -> Result<(), OutboxError> {
        if self.unsynced_bytes > 0 {
            let since = *self
                .unsynced_since_milliseconds
                .get_or_insert(now_milliseconds);
            if now_milliseconds.saturating_sub(since) >= self.settings.commit_after_milliseconds {
                self.commit()?;
            }
        }
        let renewed = *self.renewed_milliseconds.get_or_insert(now_milliseconds);
        if now_milliseconds.saturating_sub(renewed) >= RENEW_EVERY_MILLISECONDS {
            self.renewed_milliseconds = Some(now_milliseconds);
            self.renew_segments()?;
        }
        if now_milliseconds.saturating_sub(self.maintained_milliseconds)
            >= MAINTAIN_EVERY_MILLISECONDS
        {
            self.maintained_milliseconds = now_milliseconds;
            self.maintain()?;
        }
        Ok(())
    }

    /// Counts findings that the policy kept back, for [`OutboxWriter::books`]. A kill forgets
    /// what was counted since the last time the books were asked for.
    pub fn count_suppressed(&mut self, findings: u64) {
        self.suppressed_findings = self.suppressed_findings.saturating_add(findings);
    }

    /// What waits to be sent and the books of the outbox, for a heartbeat or a summary.
    ///
    /// # Errors
    /// [`OutboxError::Io`] when the folder cannot be read or the count of suppressed findings
    /// not be kept.
    pub fn books(&mut self) -> Result<(Queue, Account), OutboxError> {
        if self.suppressed_findings > 0 {
            let suppressed = self.suppressed_findings;
            self.change_state(|state| {
                state.suppressed_findings = state.suppressed_findings.saturating_add(suppressed);
            })?;
            self.suppressed_findings = 0;
        }
        let status = status_of(&self.filesystem, &self.layout)?;
        let queue = Queue {
            records: status.queued_records + status.sealed_records,
            bytes: status.queued_bytes + status.sealed_bytes,
            oldest_milliseconds: status.oldest_queued_milliseconds,
            evicted_records: status.evicted_records,
        };
        Ok((queue, status.account))
    }

    /// Segments that are encrypted with a key.
    pub(crate) fn segments_with(&self, key: u64) -> usize {
        let segments = self.lanes.iter().flat_map(|(_, lane)| &lane.segments);
        segments.filter(|segment| segment.key == Some(key)).count()
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        let segments = self.lanes.iter().flat_map(|(_, lane)| &lane.segments);
        segments.map(|segment| segment.bytes).sum()
    }

    fn write(&mut self, lane: Lane, plain: &Plain) -> Result<(), OutboxError> {
        self.open_segment(lane)?;
        let writer = &mut self.lanes[lane];
        let (Some(open), Some(segment)) = (writer.open.as_mut(), writer.segments.back_mut()) else {
            return Err(OutboxError::Full);
        };
        let name = SegmentName {
            lane,
            first: segment.first,
        };
        let bytes = match &open.cipher {
            Some(cipher) => plain
                .to_sealed_bytes(cipher, segment.bytes)
                .ok_or(OutboxError::Encrypt)?,
            None => plain.to_bytes(),
        };
        if let Err(cause) = open.file.write(&bytes) {
            // Part of the record may be there: take it away. The segment is left for good, for nothing may be encrypted at this
            // place of it a second time.
            if open.file.truncate(segment.bytes).is_ok() {
                open.file.sync().ok();
            }
            writer.open = None;
            return Err(OutboxError::io("append to", self.layout.segment(name))(
                cause,
            ));
        }
        segment.bytes += bytes.len() as u64;
        writer.next += 1;
        writer.dirty = true;
        self.unsynced_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Lets the lane's next record begin a new segment.
    pub(crate) fn close_segment(&mut self, lane: Lane) -> Result<(), OutboxError> {
        self.sync_lane(lane)?;
        self.lanes[lane].open = None;
        Ok(())
    }

    fn sync_lane(&mut self, lane: Lane) -> Result<(), OutboxError> {
        let writer = &mut self.lanes[lane];
        if !writer.dirty {
            return Ok(());
        }
        if let (Some(open), Some(segment)) = (writer.open.as_mut(), writer.segments.back()) {
            let name = SegmentName {
                lane,
                first: segment.first,
            };
            open.file
                .sync()
                .map_err(OutboxError::io("sync", self.layout.segment(name)))?;
        }
        writer.dirty = false;
        Ok(())
    }
}

/// One record as a segment holds it.
fn encoded(record: &Record) -> Result<Plain, OutboxError> {
    let payload = encode_records(std::slice::from_ref(record));
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(OutboxError::RecordTooLarge {
            bytes: payload.len() + RECORD_HEADER_BYTES,
        });
    }
    let severity = match &record.body {
        RecordBody::Finding(finding) => finding.severity.get(),
        _ => 0,
    };
    Ok(Plain {
        number: record.header.number.0,
        wall_milliseconds: record.header.time.wall_milliseconds,
        severity,
        payload,
    })
}
