//! `lapwing-image inspect` and `verify`: what is in an image, and whether it is whole and holds no secret.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use lapwing_init::{
    boot_control::{LoaderEntries, SlotFile},
    layout::{self, Slot, word},
};

use crate::{
    image_file::ImageFile,
    packages, report,
    secrets::{self, Finding},
};

/// Which image.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The image, packed or not
    image: PathBuf,
}

/// Tells what an image holds.
pub(crate) fn inspect(arguments: &Arguments) -> anyhow::Result<()> {
    let work = tempfile::tempdir()?;
    let image = ImageFile::open(&arguments.image, work.path())?;
    report(format_args!(
        "{}: {} bytes when written",
        arguments.image.display(),
        image.bytes
    ))?;
    for partition in &image.table.partitions {
        report(format_args!(
            "  {:<16} {:>5} MiB from sector {}",
            partition.name,
            partition.sectors() / 2048,
            partition.first_sector
        ))?;
    }
    let boot = work.path().join("boot");
    image.extract_boot(&boot)?;
    for slot in Slot::BOTH {
        let root = work.path().join(format!("root-{slot}"));
        let partition = image
            .table
            .find(slot.root_partition())
            .with_context(|| format!("there is no slot {slot}"))?;
        image.extract_root(partition, &root)?;
        let release = fs::read_to_string(root.join(layout::RELEASE.trim_start_matches('/')))?;
        let modules = fs::read_dir(root.join("lib/modules"))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        report(format_args!(
            "slot {slot}: {}, kernel {}",
            release.trim().replace('\n', " "),
            modules.collect::<Vec<_>>().join(" ")
        ))?;
    }
    Ok(())
}

/// Holds an image against itself, and looks for secrets.
pub(crate) fn verify(arguments: &Arguments) -> anyhow::Result<()> {
    let work = tempfile::tempdir()?;
    let image = ImageFile::open(&arguments.image, work.path())?;
    let boot = work.path().join("boot");
    image.extract_boot(&boot)?;
    let mut findings = Vec::new();
    let mut files = secrets::scan_folder(&boot, &mut findings)?;
    for slot in Slot::BOTH {
        let partition = image
            .table
            .find(slot.root_partition())
            .with_context(|| format!("there is no slot {slot}"))?;
        let root = work.path().join(format!("root-{slot}"));
        image.extract_root(partition, &root)?;
        check_slot(&boot, slot, &root.with_extension("erofs"))?;
        files += secrets::scan_folder(&root, &mut findings)?;
    }
    // What is deleted in a FAT file system is still there.
    secrets::scan(
        "the boot partition's bytes",
        &fs::read(boot.with_extension("fat"))?,
        &mut findings,
    );
    tell(&findings)?;
    report(format_args!(
        "{files} files: roots are whole, and there is no private key, no password and no voucher"
    ))
}

fn tell(findings: &[Finding]) -> anyhow::Result<()> {
    for finding in findings {
        report(format_args!(
            "SECRET {}: {} at byte {}",
            finding.place, finding.kind, finding.at
        ))?;
    }
    if findings.is_empty() {
        Ok(())
    } else {
        bail!(
            "{} secrets: this image must not be given away",
            findings.len()
        )
    }
}

/// Holds a slot's root against the digest in its boot entry.
fn check_slot(boot: &Path, slot: Slot, packed: &Path) -> anyhow::Result<()> {
    let paths = [
        Path::new("loader/entries").join(LoaderEntries::file_name(slot)),
        Path::new("lapwing")
            .join(slot.letter())
            .join(SlotFile::COMMAND_LINE),
    ];
    let mut entries = paths
        .iter()
        .filter_map(|path| fs::read_to_string(boot.join(path)).ok());
    let entry = entries
        .next()
        .with_context(|| format!("slot {slot} has no boot entry"))?;
    let digest = word(&entry, layout::WORD_ROOT_DIGEST).context("a boot entry names no root")?;
    let bytes: u64 = word(&entry, layout::WORD_ROOT_BYTES)
        .and_then(|text| text.parse().ok())
        .context("a boot entry names no root")?;
    fs::File::options()
        .write(true)
        .open(packed)?
        .set_len(bytes)?;
    let found = packages::digest(packed)?;
    if found != digest {
        bail!("the root of slot {slot} is damaged: its digest is {found}, it should be {digest}");
    }
    Ok(())
}
