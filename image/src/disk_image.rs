//! The whole disk: partition table, boot partition, two roots. The data partition is made by the board, which knows how
//! large its card is.

use std::{
    fs::File,
    io::{Seek, SeekFrom, copy},
    path::Path,
};

use anyhow::{Context, bail};
use lapwing_init::{
    layout::{BOOT_PARTITION, EFI_SYSTEM_TYPE, LINUX_DATA_TYPE, Slot},
    partition_table::{ALIGNMENT_SECTORS, Partition, PartitionTable, SECTOR_BYTES, TABLE_SECTORS},
};

use crate::{boot_partition, build::Inputs};

/// Bytes of the partition of a root.
pub(crate) const ROOT_BYTES: u64 = 64 << 20;

/// Puts the parts together.
pub(crate) fn assemble(
    inputs: &Inputs<'_>,
    boot: &Path,
    root: &Path,
    to: &Path,
) -> anyhow::Result<()> {
    let root_bytes = root.metadata()?.len();
    if root_bytes > ROOT_BYTES {
        bail!("the root has {root_bytes} bytes, its partition only {ROOT_BYTES}");
    }
    let mut first_sector = ALIGNMENT_SECTORS;
    let mut next = |name: &str, kind, bytes: u64| {
        let partition = Partition {
            kind,
            id: inputs.id(name),
            first_sector,
            last_sector: first_sector + bytes / SECTOR_BYTES - 1,
            name: name.to_owned(),
        };
        first_sector = partition.last_sector + 1;
        partition
    };
    let mut partitions = vec![next(BOOT_PARTITION, EFI_SYSTEM_TYPE, boot_partition::BYTES)];
    for slot in Slot::BOTH {
        partitions.push(next(slot.root_partition(), LINUX_DATA_TYPE, ROOT_BYTES));
    }
    let sectors = (first_sector + TABLE_SECTORS).next_multiple_of(ALIGNMENT_SECTORS);
    let table = PartitionTable {
        disk: inputs.id("disk"),
        partitions,
    };
    let mut disk = File::create(to).with_context(|| format!("cannot write {}", to.display()))?;
    disk.set_len(sectors * SECTOR_BYTES)?;
    table.write(&mut disk, sectors)?;
    for partition in &table.partitions {
        let from = if partition.name == BOOT_PARTITION {
            boot
        } else {
            root
        };
        disk.seek(SeekFrom::Start(partition.first_sector * SECTOR_BYTES))?;
        copy(&mut File::open(from)?, &mut disk)?;
    }
    disk.sync_all()?;
    Ok(())
}
