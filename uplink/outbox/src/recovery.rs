//! Opening as the writer: what a crash left is put right, and the next numbers are found.

use std::collections::VecDeque;
use std::io;

use lapwing_wire::Lane;

use crate::error::OutboxError;
use crate::filesystem::{AppendFile, Filesystem};
use crate::keys::KeyRing;
use crate::layout::SegmentName;
use crate::segment::{SEALED_HEADER_BYTES, seal_of};
use crate::segment_reader::SegmentReader;
use crate::sender_state::SenderState;
use crate::writer::{OutboxWriter, Segment};

impl<F: Filesystem> OutboxWriter<F> {
    pub(crate) fn recover(&mut self) -> Result<(), OutboxError> {
        let exchange = self.layout.exchange(&self.filesystem)?;
        let (sender, _) = SenderState::load(&self.filesystem, &self.layout)?;
        drop(exchange);
        for (name, bytes) in self.layout.segments(&self.filesystem)? {
            let path = self.layout.segment(name);
            let header = self
                .filesystem
                .read(&path, 0, SEALED_HEADER_BYTES)
                .map_err(OutboxError::io("read", path))?;
            let seal = seal_of(&header, self.epoch, name.lane, name.first);
            self.lanes[name.lane].segments.push_back(Segment {
                first: name.first,
                bytes,
                key: seal.map(|seal| seal.key),
            });
        }
        for lane in Lane::ALL {
            let found = self.repair_last_segment(lane)?;
            // Numbers below these are known to others although their records are gone.
            let known = sender.next_to_seal[lane].max(self.state.evicted_to[lane]);
            self.lanes[lane].next = found.max(known);
        }
        let records = self.layout.records();
        self.filesystem
            .sync_folder(&records)
            .map_err(OutboxError::io("sync", records))?;
        if self.state.pending.is_some() {
            self.repairs.finished_eviction = true;
            self.finish_pending(None)?;
        } else {
            self.pending_may_be_told = false;
        }
        self.remove_evicted()
    }

    /// Cuts the torn end of a lane's last segment and opens it; gives the number after its
    /// last record.
    fn repair_last_segment(&mut self, lane: Lane) -> Result<u64, OutboxError> {
        while let Some(last) = self.lanes[lane].segments.back().copied() {
            let name = SegmentName {
                lane,
                first: last.first,
            };
            let path = self.layout.segment(name);
            // Its content does not matter here, and so neither does whether it can be read.
            let none = KeyRing::default();
            let read =
                SegmentReader::read(&self.filesystem, &self.layout, self.epoch, name, &none)?;
            let segment = read.unwrap_or_default();
            let good_bytes = segment.scan.good_bytes as u64;
            if let Some(newest) = segment.scan.records.last() {
                let mut file = self
                    .filesystem
                    .append(&path)
                    .map_err(OutboxError::io("open", &path))?;
                if good_bytes < last.bytes {
                    self.count_torn(last.bytes - good_bytes);
                    file.truncate(good_bytes)
                        .map_err(OutboxError::io("repair", &path))?;
                    if let Some(segment) = self.lanes[lane].segments.back_mut() {
                        segment.bytes = good_bytes;
                    }
                }
                // A writer that was killed may have left it unsynced. New records go to a new
                // segment.
                file.sync().map_err(OutboxError::io("sync", &path))?;
                return Ok(newest.number.saturating_add(1));
            }
            if segment.bytes() > 0 && good_bytes < last.bytes {
                self.count_torn(last.bytes - good_bytes);
            }
            match self.filesystem.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(OutboxError::io("remove", path)(error));
                }
                _ => {}
            }
            self.lanes[lane].segments.pop_back();
            // Its name says which number was to come.
            if self.lanes[lane].segments.is_empty() {
                return Ok(last.first);
            }
        }
        Ok(0)
    }

    fn count_torn(&mut self, bytes: u64) {
        self.repairs.torn_tails += 1;
        self.repairs.torn_bytes += bytes;
        tracing::warn!(bytes, "torn end of an outbox segment cut off");
    }

    /// Removes segments all of whose records were evicted.
    fn remove_evicted(&mut self) -> Result<(), OutboxError> {
        for lane in Lane::ALL {
            let evicted_to = self.state.evicted_to[lane];
            let next = self.lanes[lane].next;
            let segments: Vec<Segment> = self.lanes[lane].segments.iter().copied().collect();
            let ends = segments
                .iter()
                .skip(1)
                .map(|segment| segment.first)
                .chain([next]);
            let mut kept = VecDeque::new();
            for (segment, end) in segments.iter().zip(ends) {
                if end > evicted_to {
                    kept.push_back(*segment);
                    continue;
                }
                let path = self.layout.segment(SegmentName {
                    lane,
                    first: segment.first,
                });
                self.filesystem
                    .remove(&path)
                    .map_err(OutboxError::io("remove", path))?;
            }
            self.lanes[lane].segments = kept;
        }
        Ok(())
    }
}
