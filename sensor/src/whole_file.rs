//! Small files as a whole: read with a cap, replaced in one step.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Reads a file of at most `max_bytes`.
///
/// # Errors
/// Those of the file system; [`io::ErrorKind::FileTooLarge`] above the cap.
pub fn read(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let cap = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    File::open(path)?
        .take(cap.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() > max_bytes {
        let text = format!("larger than {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// Writes a file so that a reader, also after a power cut, finds the old content or the new one. Mode 0600.
///
/// # Errors
/// Those of the file system.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_beside(path, bytes, true)
}

/// As [`replace`], for a file that is written often and may be lost with the power: nothing is forced to the disk.
///
/// # Errors
/// Those of the file system.
pub fn replace_lightly(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_beside(path, bytes, false)
}

/// Writes a file that must not exist yet, with a mode as 0o600.
///
/// # Errors
/// Those of the file system; [`io::ErrorKind::AlreadyExists`].
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Lets `fill` write a file, over one that is there, and forces it to the disk. What failed half-way is removed. Meant for a file
/// that is then renamed into place.
///
/// # Errors
/// Those of the file system, and those of `fill`.
pub fn write_new<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let mut writer = BufWriter::new(File::create(path)?);
    let filled = fill(&mut writer).and_then(|()| {
        let file = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok(file.sync_all()?)
    });
    if filled.is_err() {
        // Nothing more can be done about a remainder that cannot be removed either.
        fs::remove_file(path).ok();
    }
    filled
}

fn write_beside(path: &Path, bytes: &[u8], is_durable: bool) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    if is_durable {
        file.sync_all()?;
    }
    fs::rename(&beside, path)?;
    if !is_durable {
        return Ok(());
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole_and_read_with_a_cap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, b"old", 0o600).unwrap();
        assert_eq!(
            create(&path, b"x", 0o600).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        replace(&path, b"newer").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"newer");
        assert_eq!(
            read(&path, 4).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
