//! The records that wait in an outbox, for whoever only wants to look. Changes nothing.

use std::path::Path;

use lapwing_wire::{Lane, Record};

use crate::error::OutboxError;
use crate::evict::decode;
use crate::filesystem::{Disk, Filesystem};
use crate::layout::Layout;
use crate::segment::{MAX_SEGMENT_BYTES, scan};

/// Records in the segments of an outbox, lane by lane, at most `max`; those that were sealed and whose segment
/// is still there are among them. What cannot be read is left out.
///
/// # Errors
/// [`OutboxError::Io`] when the folder cannot be read.
pub fn peek(folder: &Path, max: usize) -> Result<Vec<Record>, OutboxError> {
    let layout = Layout::new(folder);
    let mut records = Vec::new();
    let Some(epoch) = layout.read_epoch(&Disk)? else {
        return Ok(records);
    };
    let segments = layout.segments(&Disk)?;
    for lane in Lane::ALL {
        for (name, _) in segments.iter().filter(|(name, _)| name.lane == lane) {
            let path = layout.segment(*name);
            let Ok(bytes) = Disk.read(&path, 0, MAX_SEGMENT_BYTES) else {
                // Sent and removed since it was listed.
                continue;
            };
            for stored in scan(&bytes, epoch, lane, name.first).records {
                if records.len() >= max {
                    return Ok(records);
                }
                records.extend(decode(&bytes, &stored));
            }
        }
    }
    Ok(records)
}
