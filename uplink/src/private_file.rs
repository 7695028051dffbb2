//! Files that only this user may read, replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::UplinkError;

/// Makes a folder that only this user may enter.
pub(crate) fn create_folder(path: &Path) -> Result<(), UplinkError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(UplinkError::file("make the folder", path))
}

/// Writes a file aside with mode 0600, syncs it and renames it into place.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), UplinkError> {
    let aside = path.with_added_extension("new");
    let write = || {
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        path.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(UplinkError::file("write", path))
}
