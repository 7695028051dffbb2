//! An image, packed or not, opened: its partitions as files in a folder.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use lapwing_init::{
    layout::BOOT_PARTITION,
    partition_table::{Partition, PartitionTable, SECTOR_BYTES},
};

use crate::tool;

/// What a packed image begins with.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The most that a packed image may become.
const IMAGE_MAX_BYTES: u64 = 1 << 30;
/// Of the window that images are packed with.
const WINDOW_BITS_MAX: u32 = 27;

/// Reads an image's bytes, unpacking them where they are packed.
pub(crate) fn reader(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut start = [0; 4];
    file.read_exact(&mut start)
        .with_context(|| format!("{} is no image", path.display()))?;
    file.seek(SeekFrom::Start(0))?;
    if start != ZSTD {
        return Ok(Box::new(file));
    }
    let mut decoder = zstd::Decoder::new(BufReader::new(file))?;
    decoder.window_log_max(WINDOW_BITS_MAX)?;
    Ok(Box::new(decoder.take(IMAGE_MAX_BYTES)))
}

/// Reads until the chunk is full or the end is reached; how much there was.
pub(crate) fn fill(from: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// An unpacked image.
pub(crate) struct ImageFile {
    path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) table: PartitionTable,
}

impl ImageFile {
    /// Opens an image; a packed one is unpacked into `work`.
    pub(crate) fn open(path: &Path, work: &Path) -> anyhow::Result<Self> {
        let plain = work.join("image");
        io::copy(&mut reader(path)?, &mut File::create(&plain)?)
            .with_context(|| format!("{} is damaged", path.display()))?;
        let mut file = File::open(&plain)?;
        let bytes = file.metadata()?.len();
        let table = PartitionTable::read(&mut file, bytes / SECTOR_BYTES)
            .with_context(|| format!("{} is no image", path.display()))?;
        if table.find(BOOT_PARTITION).is_none() {
            bail!("{} is no image of Lapwing", path.display());
        }
        Ok(Self {
            path: plain,
            bytes,
            table,
        })
    }

    /// Writes a partition into a file.
    pub(crate) fn extract(&self, partition: &Partition, to: &Path) -> anyhow::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(partition.first_sector * SECTOR_BYTES))?;
        io::copy(
            &mut file.take(partition.sectors() * SECTOR_BYTES),
            &mut File::create(to)?,
        )?;
        Ok(())
    }

    /// Unpacks the files of a root into a folder.
    pub(crate) fn extract_root(&self, partition: &Partition, to: &Path) -> anyhow::Result<()> {
        let packed = to.with_extension("erofs");
        self.extract(partition, &packed)?;
        tool::run(
            Command::new("fsck.erofs")
                .arg(format!("--extract={}", to.display()))
                .args(["--overwrite", "--no-preserve"])
                .arg(&packed),
        )?;
        Ok(())
    }

    /// Copies the files of the boot partition into a folder.
    pub(crate) fn extract_boot(&self, to: &Path) -> anyhow::Result<()> {
        let partition = self
            .table
            .find(BOOT_PARTITION)
            .context("there is no boot partition")?;
        let packed = to.with_extension("fat");
        self.extract(partition, &packed)?;
        std::fs::create_dir_all(to)?;
        tool::run(
            Command::new("mcopy")
                .args(["-s", "-n", "-i"])
                .arg(&packed)
                .arg("::/")
                .arg(to),
        )
        .map(drop)
    }
}
