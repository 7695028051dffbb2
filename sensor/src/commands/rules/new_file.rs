//! Writing a file that others may have mapped: beside the old one, then renamed over it.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::Context;

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
    let file = File::create(&beside).with_context(cannot_write)?;
    let filled = fill_and_sync(file, fill, &cannot_write)
        .and_then(|()| fs::rename(&beside, path).with_context(cannot_write));
    if filled.is_err() {
        // Nothing more can be done about a remainder that cannot be removed either.
        fs::remove_file(&beside).ok();
    }
    filled
}

fn fill_and_sync(
    file: File,
    fill: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>,
    cannot_write: &impl Fn() -> String,
) -> anyhow::Result<()> {
    let mut writer = BufWriter::new(file);
    fill(&mut writer)?;
    let file = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)
        .with_context(cannot_write)?;
    file.sync_all().with_context(cannot_write)
}

/// Replaces a file by these bytes.
pub(super) fn replace_by(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    replace(path, |file| Ok(file.write_all(bytes)?))
}
