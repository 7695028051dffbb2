//! Beginning segments, and the keys that they are encrypted with.

use lapwing_wire::Lane;

use crate::error::OutboxError;
use crate::filesystem::{AppendFile, Filesystem};
use crate::keys::SEGMENTS_A_KEY;
use crate::layout::SegmentName;
use crate::segment::{Seal, header, sealed_header};
use crate::segment_cipher::SegmentCipher;
use crate::writer::{OpenSegment, OutboxWriter, Segment};

impl<F: Filesystem> OutboxWriter<F> {
    /// Makes sure that the lane's last segment is open and has room.
    pub(crate) fn open_segment(&mut self, lane: Lane) -> Result<(), OutboxError> {
        let segment_bytes = self.settings.segment_bytes();
        let writer = &self.lanes[lane];
        if writer.open.is_some()
            && writer
                .segments
                .back()
                .is_some_and(|last| last.bytes < segment_bytes)
        {
            return Ok(());
        }
        // A closed segment is durable before there is a next one: damage never hides behind
        // the boundary.
        self.close_segment(lane)?;
        let seal = self.next_seal()?;
        let writer = &mut self.lanes[lane];
        let first = writer.next;
        if writer
            .segments
            .back()
            .is_some_and(|last| last.first == first)
        {
            // It holds no record: it is begun again.
            writer.segments.pop_back();
        }
        let (header, cipher) = match &seal {
            None => (header(self.epoch, lane, first), None),
            Some(seal) => {
                let key = self.keys.key(&self.layout, seal.key)?;
                let cipher = key
                    .and_then(|key| SegmentCipher::new(key, seal, self.epoch, lane, first))
                    .ok_or(OutboxError::Encrypt)?;
                (sealed_header(self.epoch, lane, first, seal), Some(cipher))
            }
        };
        let path = self.layout.segment(SegmentName { lane, first });
        let mut file = self
            .filesystem
            .append(&path)
            .map_err(OutboxError::io("make", &path))?;
        file.truncate(0)
            .and_then(|()| file.write(&header))
            .map_err(|cause| {
                // Without room for its header the segment is no use to anyone.
                let _removed = self.filesystem.remove(&path);
                OutboxError::io("append to", &path)(cause)
            })?;
        writer.open = Some(OpenSegment { file, cipher });
        writer.segments.push_back(Segment {
            first,
            bytes: header.len() as u64,
            key: seal.map(|seal| seal.key),
        });
        self.new_names = true;
        Ok(())
    }

    /// What the next segment is encrypted with: the newest key, or a new one once that has had its segments. None without a keyslot.
    fn next_seal(&mut self) -> Result<Option<Seal>, OutboxError> {
        let Some(slot) = &self.settings.keyslot else {
            return Ok(None);
        };
        let known = match (self.segments_of_key, self.keys.newest()) {
            (Some(count), Some(key)) if count < SEGMENTS_A_KEY => Some((count, key)),
            (count, Some(key)) if !self.keys.has_room() => Some((count.unwrap_or(0), key)),
            _ => None,
        };
        let (count, key) = match known {
            Some(known) => known,
            None => {
                let keys = self.keys.with_new(slot, self.epoch)?;
                keys.store(&self.filesystem, &self.layout)?;
                self.keys = keys;
                (0, self.keys.newest().ok_or(OutboxError::Encrypt)?)
            }
        };
        self.segments_of_key = Some(count + 1);
        Ok(Some(Seal {
            key,
            salt: rand::random(),
        }))
    }

    /// Wraps the keys with the one that the keyslot holds now.
    pub(crate) fn wrap_keys_anew(&mut self) -> Result<(), OutboxError> {
        let Some(slot) = &self.settings.keyslot else {
            return Ok(());
        };
        let keys = self.keys.wrapped_anew(slot, self.epoch)?;
        keys.store(&self.filesystem, &self.layout)?;
        self.keys = keys;
        Ok(())
    }

    /// Lets all lanes begin new segments with a new key, so that what was sent does not stay in a segment that is hardly filled.
    pub(crate) fn renew_segments(&mut self) -> Result<(), OutboxError> {
        for lane in Lane::ALL {
            self.close_segment(lane)?;
        }
        self.segments_of_key = None;
        Ok(())
    }

    /// Destroys keys that no segment uses any more.
    pub(crate) fn forget_unused_keys(&mut self) -> Result<(), OutboxError> {
        let in_use = |id| self.segments_with(id) > 0;
        if let Some(keys) = self.keys.without_unused(in_use) {
            keys.store(&self.filesystem, &self.layout)?;
            self.keys = keys;
        }
        Ok(())
    }
}
