//! Debian packages: fetched once into a folder, held against their hash, unpacked without being installed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use crate::{lock_file::Package, report, tool};

/// The SHA-256 of a file, in hex.
pub(crate) fn digest(path: &Path) -> anyhow::Result<String> {
    let mut sha = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    io::copy(&mut file, &mut HashWriter(&mut sha))?;
    Ok(hex::encode(sha.finalize()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Fetches a package into `cache`, unless it is there.
pub(crate) fn fetch(package: &Package, cache: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let path = cache.join(format!("{}.deb", package.sha256));
    if path.is_file() && digest(&path)? == package.sha256 {
        return Ok(path);
    }
    report(format_args!(
        "fetching {} {} ({} MB)",
        package.name,
        package.version,
        package.bytes / 1_000_000
    ))?;
    let new = path.with_extension("new");
    tool::run(tool::named("apt-helper").arg("download-file").arg(&package.url).arg(&new)).with_context(|| {
        format!(
            "cannot fetch {} {}; where the mirror has dropped it, write packages.lock anew with tools/lock-packages",
            package.name, package.version
        )
    })?;
    let found = digest(&new)?;
    if found != package.sha256 {
        bail!(
            "{} has the digest {found} in place of {}: these bytes are not used",
            package.url,
            package.sha256
        );
    }
    fs::rename(&new, &path)?;
    Ok(path)
}

/// Unpacks a package beside itself, unless that was done before; the folder.
pub(crate) fn unpack(package: &Path) -> anyhow::Result<PathBuf> {
    let folder = package.with_extension("unpacked");
    if !folder.is_dir() {
        let new = package.with_extension("unpacking");
        if new.exists() {
            fs::remove_dir_all(&new)?;
        }
        fs::create_dir_all(&new)?;
        tool::run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&new))?;
        fs::rename(&new, &folder)?;
    }
    Ok(folder)
}
