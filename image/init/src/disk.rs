//! The disk that the image is on: its partitions by name, and the data partition at its end.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use anyhow::{Context, bail};

use crate::{
    layout::{BOOT_PARTITION, DATA_PARTITION, LINUX_DATA_TYPE},
    limits::DISK_PATIENCE,
    partition_table::{ALIGNMENT_SECTORS, Partition, PartitionTable},
    system,
};

/// Smallest data partition worth making, in sectors: 32 MiB.
const DATA_MIN_SECTORS: u64 = 64 * 1024 * 1024 / 2 / 512;

/// A disk, as the kernel names it.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    name: String,
}

impl Disk {
    /// The disk that has a partition of this name. Waits until there is one; `meanwhile` loads drivers.
    pub(crate) fn with_partition(
        partition: &str,
        mut meanwhile: impl FnMut(),
    ) -> anyhow::Result<Self> {
        let deadline = Instant::now() + DISK_PATIENCE;
        loop {
            meanwhile();
            if let Some(name) = name_of(partition) {
                return Ok(Self { name });
            }
            if Instant::now() > deadline {
                bail!(
                    "no disk has a partition {partition}: is the card or the drive in its place?"
                );
            }
            thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// The device of one of its partitions.
    pub(crate) fn partition(&self, name: &str) -> anyhow::Result<String> {
        let folder = Path::new("/sys/class/block").join(&self.name);
        for entry in fs::read_dir(&folder).with_context(|| format!("disk {}", self.name))? {
            let path = entry?.path();
            if partition_name(&path).as_deref() == Some(name)
                && let Some(device) = path.file_name().and_then(|name| name.to_str())
            {
                return Ok(format!("/dev/{device}"));
            }
        }
        bail!("disk {} has no partition {name}", self.name)
    }

    /// Makes the data partition, or lengthens it to the end of the disk. Whether it did.
    /// May only be called while no partition of the disk is in use.
    pub(crate) fn fit_data_partition(&self) -> anyhow::Result<bool> {
        let device = format!("/dev/{}", self.name);
        let mut disk = File::options()
            .read(true)
            .write(true)
            .open(&device)
            .with_context(|| format!("cannot open {device}"))?;
        let disk_sectors = disk.seek(SeekFrom::End(0))? / 512;
        let mut table = PartitionTable::read(&mut disk, disk_sectors)?;
        let last_sector = PartitionTable::last_usable_sector(disk_sectors);
        // A partition ends on a boundary, so that a slightly longer disk changes nothing.
        let last_sector = last_sector / ALIGNMENT_SECTORS * ALIGNMENT_SECTORS - 1;
        let known = table.partitions.iter_mut();
        match known.into_iter().find(|known| known.name == DATA_PARTITION) {
            Some(data) if data.last_sector >= last_sector => return Ok(false),
            Some(data) => data.last_sector = last_sector,
            None => {
                let first_sector = table.first_free_sector();
                if first_sector + DATA_MIN_SECTORS > last_sector {
                    bail!(
                        "the card is too small: it has no room for the sensor's data; use one of 1 GB or more"
                    );
                }
                let mut id = [0; 16];
                File::open("/dev/urandom")?.read_exact(&mut id)?;
                table.partitions.push(Partition {
                    kind: LINUX_DATA_TYPE,
                    id,
                    first_sector,
                    last_sector,
                    name: DATA_PARTITION.to_owned(),
                });
            }
        }
        table.write(&mut disk, disk_sectors)?;
        disk.sync_all()?;
        system::read_partition_table(&disk).context("cannot read the new partition table")?;
        Ok(true)
    }
}

/// The device of a partition of this name on whichever disk; of several the first by name, always the same.
pub(crate) fn partition_of_any(name: &str) -> Option<String> {
    let devices = fs::read_dir("/sys/class/block").ok()?;
    let paths = devices.filter_map(|entry| Some(entry.ok()?.path()));
    let found = paths.filter(|path| partition_name(path).as_deref() == Some(name));
    let names = found.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    names.min().map(|name| format!("/dev/{name}"))
}

/// Bytes of a block device or a file.
pub(crate) fn length_bytes(path: &str) -> anyhow::Result<u64> {
    File::open(path)
        .and_then(|mut file| file.seek(SeekFrom::End(0)))
        .with_context(|| format!("cannot read {path}"))
}

/// The name of the disk that has a partition of this name, beside the boot partition.
pub(crate) fn name_of(partition: &str) -> Option<String> {
    let devices = fs::read_dir("/sys/class/block").ok()?;
    let paths = devices.filter_map(|entry| Some(entry.ok()?.path()));
    let found = paths.filter(|path| partition_name(path).as_deref() == Some(partition));
    // The folder of a partition stands in the folder of its disk. Of several disks the first by name is taken, always the same.
    let disks = found.filter_map(|path| {
        let real: PathBuf = fs::canonicalize(path).ok()?;
        let disk = real.parent()?;
        let has_boot = disk
            .read_dir()
            .ok()?
            .flatten()
            .any(|entry| partition_name(&entry.path()).as_deref() == Some(BOOT_PARTITION));
        let name = disk.file_name()?.to_str()?.to_owned();
        has_boot.then_some(name)
    });
    disks.min()
}

fn partition_name(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("uevent")).ok()?;
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix("PARTNAME=").map(str::to_owned))
}
