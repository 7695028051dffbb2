//! Writing a file that others may have mapped: beside the old one, then renamed over it.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use lapwing_sensor::whole_file;

/// Lets `fill` write a new file and renames it to `path` if that succeeded: whoever has the old one mapped keeps it whole, and
/// what failed half-way leaves nothing behind.
pub(super) fn replace(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let cannot_write = || format!("{}: cannot write it", path.display());
    whole_file::write_new(&beside, fill).map_err(|error: anyhow::Error| {
        if error.is::<io::Error>() {
            error.context(cannot_write())
        } else {
            error
        }
    })?;
    fs::rename(&beside, path).with_context(cannot_write)
}

/// Replaces a file by these bytes.
pub(super) fn replace_by(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    replace(path, |file| Ok(file.write_all(bytes)?))
}
