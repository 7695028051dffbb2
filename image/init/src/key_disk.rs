//! The key of the outbox on another disk than what it protects: found by the name of its partition, mounted to be read.
//!
//! Without that disk the sensor does not start: what waits could not be read, and what comes could not be protected as the site says.

use std::{fs, path::Path};

use crate::{disk, layout, mounts, site_file::KeyPlace};

/// Whether the key is there; mounts its partition where it is not yet.
///
/// # Errors
/// In words for a person who stands before the board.
pub(crate) fn look(place: &KeyPlace) -> Result<(), String> {
    let key = Path::new(layout::KEY_DISK).join(&place.file);
    if key.is_file() {
        return Ok(());
    }
    let Some(device) = disk::partition_of_any(&place.partition) else {
        return Err(format!(
            "the disk with the key of what waits is not there: plug the one with the partition {} in",
            place.partition
        ));
    };
    if !is_mounted() {
        mounts::key(&device, layout::KEY_DISK).map_err(|error| format!("{error:#}"))?;
    }
    if key.is_file() {
        Ok(())
    } else {
        Err(format!(
            "there is no {} on the partition {}: put the key there, as `openssl rand -hex 32` prints one",
            place.file, place.partition
        ))
    }
}

fn is_mounted() -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .any(|line| line.split(' ').nth(1) == Some(layout::KEY_DISK))
}
