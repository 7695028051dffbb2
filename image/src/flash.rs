//! `lapwing-image flash`: writes an image to a card, reads it back, and puts the site file on it.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use lapwing_init::{
    layout::{BOOT_PARTITION, SITE_FILE},
    partition_table::{PartitionTable, SECTOR_BYTES},
    site_file::SiteFile,
};
use sha2::{Digest, Sha256};

use crate::{
    disks::Computer,
    image_file::{self, fill},
    report, tool,
};

const CHUNK_BYTES: usize = 4 << 20;
/// Room for the image and for what the sensor keeps.
const CARD_MIN_BYTES: u64 = 900_000_000;

/// What to write where.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The image, packed or not; without it the disks of this computer are listed
    image: Option<PathBuf>,
    /// Card to write: all that is on it is lost
    #[arg(long, value_name = "DEVICE", requires = "image")]
    device: Option<PathBuf>,
    /// Site file to put on the card
    #[arg(long, value_name = "FILE", requires = "device")]
    site: Option<PathBuf>,
    /// Policy, key or other file to put beside it; may be given more than once
    #[arg(long, value_name = "FILE", requires = "device")]
    with: Vec<PathBuf>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Lists disks, or writes one.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let computer = Computer::this();
    let (Some(image), Some(device)) = (&arguments.image, &arguments.device) else {
        return list(&computer);
    };
    if let Some(site) = &arguments.site {
        SiteFile::read(site)?;
    }
    // A plain file stands for a card: it is what other programs write.
    let is_file = device.metadata().is_ok_and(|metadata| metadata.is_file());
    if !is_file {
        let disk = computer.writable(device)?;
        if disk.bytes < CARD_MIN_BYTES {
            bail!(
                "{} is too small: use a card of 1 GB or more",
                device.display()
            );
        }
        let what = format!(
            "{} ({} {} GB)",
            device.display(),
            disk.model,
            disk.bytes / 1_000_000_000
        );
        if !arguments.yes && !agrees(&what)? {
            bail!("nothing was written");
        }
    }
    let (bytes, digest) = write(image, device)?;
    read_back(device, bytes, &digest)?;
    put_files(arguments, device)?;
    report(format_args!(
        "done: {bytes} bytes written and read back; the card can be taken out"
    ))
}

fn list(computer: &Computer) -> anyhow::Result<()> {
    for disk in computer.disks()? {
        let state = disk.refused.unwrap_or_else(|| "can be written".to_owned());
        report(format_args!(
            "/dev/{:<10} {:>6} GB  {:<20} {state}",
            disk.name,
            disk.bytes / 1_000_000_000,
            disk.model
        ))?;
    }
    report(format_args!(
        "write one with: lapwing-image flash IMAGE --device DEVICE --site {SITE_FILE}"
    ))
}

fn agrees(what: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("say --yes to write {what} without being asked");
    }
    write!(
        io::stdout(),
        "All that is on {what} will be lost. Write \"yes\" to go on: "
    )?;
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// Writes the image; how many bytes, and their digest.
fn write(image: &Path, device: &Path) -> anyhow::Result<(u64, Vec<u8>)> {
    let mut from = image_file::reader(image)?;
    let mut to = File::options().write(true).open(device).with_context(|| {
        format!(
            "cannot write {}; are you allowed to (sudo)?",
            device.display()
        )
    })?;
    let mut sha = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    // The partition table comes last: a card that was taken out too early is no half sensor.
    let mut first = Vec::new();
    loop {
        let count = fill(&mut from, &mut chunk)
            .with_context(|| format!("{} is damaged", image.display()))?;
        let filled = chunk.get(..count).unwrap_or_default();
        if count == 0 {
            break;
        }
        sha.update(filled);
        if bytes == 0 {
            first = filled.to_vec();
            to.seek(SeekFrom::Start(u64::try_from(count)?))?;
        } else {
            to.write_all(filled)
                .context("the card cannot be written: try another one")?;
        }
        bytes += u64::try_from(count)?;
        progress("written", bytes)?;
    }
    to.sync_all()?;
    to.seek(SeekFrom::Start(0))?;
    to.write_all(&first)?;
    to.sync_all()
        .context("the card cannot be written: try another one")?;
    Ok((bytes, sha.finalize().to_vec()))
}

/// Holds what is on the card against what was written.
fn read_back(device: &Path, bytes: u64, digest: &[u8]) -> anyhow::Result<()> {
    let file = File::open(device)?;
    // What the computer remembers of the card is not what is on it.
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    let mut from = file.take(bytes);
    let mut sha = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut seen = 0;
    loop {
        let count =
            fill(&mut from, &mut chunk).context("the card cannot be read: try another one")?;
        if count == 0 {
            break;
        }
        sha.update(chunk.get(..count).unwrap_or_default());
        seen += u64::try_from(count)?;
        progress("read back", seen)?;
    }
    if sha.finalize().as_slice() != digest {
        bail!("the card does not give back what was written: throw it away");
    }
    Ok(())
}

fn progress(what: &str, bytes: u64) -> anyhow::Result<()> {
    if io::stdout().is_terminal() {
        write!(io::stdout(), "\r{what}: {} MB ", bytes / 1_000_000)?;
        io::stdout().flush()?;
    }
    Ok(())
}

fn put_files(arguments: &Arguments, device: &Path) -> anyhow::Result<()> {
    let mut disk = File::open(device)?;
    let sectors = disk.seek(SeekFrom::End(0))? / SECTOR_BYTES;
    let table = PartitionTable::read(&mut disk, sectors)?;
    let boot = table
        .find(BOOT_PARTITION)
        .context("the image has no boot partition")?;
    let place = format!("{}@@{}", device.display(), boot.first_sector * SECTOR_BYTES);
    let put = |from: &Path, name: &str| {
        tool::run(
            Command::new("mcopy")
                .args(["-o", "-i", &place])
                .arg(from)
                .arg(format!("::/{name}")),
        )
        .map(drop)
    };
    if let Some(site) = &arguments.site {
        put(site, SITE_FILE)?;
    }
    for file in &arguments.with {
        let name = file
            .file_name()
            .context("a file has no name")?
            .to_string_lossy();
        put(file, &name)?;
    }
    Ok(())
}
