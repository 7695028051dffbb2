//! The records that wait in an outbox, for whoever only wants to look. Changes nothing.

use std::path::Path;

use lapwing_wire::{Lane, Record};

use crate::error::OutboxError;
use crate::filesystem::Disk;
use crate::keys::KeyRing;
use crate::keyslot::Keyslot;
use crate::layout::Layout;
use crate::segment_reader::SegmentReader;

/// Records in the segments of an outbox, lane by lane, at most `max`; those that were sealed and whose segment
/// is still there are among them. What cannot be read is left out.
///
/// # Errors
/// [`OutboxError::Io`] when the folder cannot be read; [`OutboxError::Locked`] when records are encrypted and the keyslot does not
/// open them.
pub fn peek(
    folder: &Path,
    max: usize,
    keyslot: Option<&Keyslot>,
) -> Result<Vec<Record>, OutboxError> {
    let layout = Layout::new(folder);
    let mut records = Vec::new();
    let Some(epoch) = layout.read_epoch(&Disk)? else {
        return Ok(records);
    };
    let segments = layout.segments(&Disk)?;
    let (keys, _) = KeyRing::load(&Disk, &layout, epoch, keyslot)?;
    for lane in Lane::ALL {
        for (name, _) in segments.iter().filter(|(name, _)| name.lane == lane) {
            let Some(segment) = SegmentReader::read(&Disk, &layout, epoch, *name, &keys)? else {
                // Sent and removed since it was listed.
                continue;
            };
            for stored in &segment.scan.records {
                if records.len() >= max {
                    return Ok(records);
                }
                records.extend(segment.record(stored));
            }
        }
    }
    Ok(records)
}

/// Whether an outbox has keys of its own, so that one in a keyslot is needed.
pub fn is_encrypted(folder: &Path) -> bool {
    Layout::new(folder).keys().exists()
}
