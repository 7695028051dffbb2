//! The partition table (GPT), read and written; sectors of 512 bytes.
//!
//! ```text
//! sector 0        protective MBR: one partition of type 0xEE over the whole disk
//! sector 1        header: "EFI PART", revision, header bytes, CRC-32 of the header, its sector, the other's sector, first and last
//!                 usable sector, disk's id [16], first sector of the entries, number and bytes of entries, CRC-32 of the entries
//! sectors 2..34   128 entries of 128 bytes: type [16], id [16], first and last sector, flags, name (36 characters, UTF-16)
//! the last 33     the same again, entries first, header in the very last sector
//! ```
//!
//! A table is written backwards, the copy at the end first: a power cut at any moment leaves one that is whole.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::limits::PARTITIONS_MAX;

/// Bytes of a sector.
pub const SECTOR_BYTES: u64 = 512;
/// Sectors at either end that belong to the table.
pub const TABLE_SECTORS: u64 = 34;
/// Partitions begin at multiples of this: a mebibyte.
pub const ALIGNMENT_SECTORS: u64 = 2048;

const SIGNATURE: &[u8; 8] = b"EFI PART";
const REVISION: u32 = 0x0001_0000;
const HEADER_BYTES: u32 = 92;
const ENTRY_BYTES: usize = 128;
const ENTRIES_BYTES: usize = ENTRY_BYTES * PARTITIONS_MAX;
const ENTRIES_SECTORS: u64 = 32;

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// What it is for, as a GUID in the table's byte order.
    pub kind: [u8; 16],
    /// Its own id.
    pub id: [u8; 16],
    /// Its first sector.
    pub first_sector: u64,
    /// Its last sector, inclusive.
    pub last_sector: u64,
    /// Its name.
    pub name: String,
}

impl Partition {
    /// How long it is.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        (self.last_sector + 1).saturating_sub(self.first_sector)
    }
}

/// The table of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionTable {
    /// The disk's id.
    pub disk: [u8; 16],
    /// In the order of the table.
    pub partitions: Vec<Partition>,
}

/// Why a disk has no usable table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Neither copy is whole.
    #[error("the disk has no whole partition table, neither at its start nor at its end")]
    NotWhole,
    /// A partition would not fit.
    #[error("the disk has no room: {needed_sectors} sectors are needed, it has {disk_sectors}")]
    TooSmall {
        /// For the table and the partitions.
        needed_sectors: u64,
        /// What there is.
        disk_sectors: u64,
    },
    /// The disk fails.
    #[error("the disk fails")]
    Disk(#[from] io::Error),
}

impl PartitionTable {
    /// The last sector that a partition may use.
    #[must_use]
    pub fn last_usable_sector(disk_sectors: u64) -> u64 {
        disk_sectors.saturating_sub(TABLE_SECTORS)
    }

    /// The partition of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Partition> {
        self.partitions
            .iter()
            .find(|partition| partition.name == name)
    }

    /// The first sector after all partitions, aligned.
    #[must_use]
    pub fn first_free_sector(&self) -> u64 {
        let ends = self
            .partitions
            .iter()
            .map(|partition| partition.last_sector + 1);
        ends.max()
            .unwrap_or(TABLE_SECTORS)
            .next_multiple_of(ALIGNMENT_SECTORS)
    }

    /// Reads the copy at the start, or where that is torn the one at the end.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn read(disk: &mut (impl Read + Seek), disk_sectors: u64) -> Result<Self, TableError> {
        for header_sector in [1, disk_sectors.saturating_sub(1)] {
            if let Some(table) = read_copy(disk, header_sector, disk_sectors)? {
                return Ok(table);
            }
        }
        Err(TableError::NotWhole)
    }

    /// Writes both copies, the one at the end first. The caller syncs.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn write(
        &self,
        disk: &mut (impl Write + Seek),
        disk_sectors: u64,
    ) -> Result<(), TableError> {
        let ends = self
            .partitions
            .iter()
            .map(|partition| partition.last_sector);
        let needed_sectors = ends.max().unwrap_or(TABLE_SECTORS) + TABLE_SECTORS;
        if needed_sectors > disk_sectors || self.partitions.len() > PARTITIONS_MAX {
            return Err(TableError::TooSmall {
                needed_sectors,
                disk_sectors,
            });
        }
        let entries = self.entries();
        let last = disk_sectors - 1;
        let backup = self.header(&entries, last, 1, last - ENTRIES_SECTORS, disk_sectors);
        put(disk, last - ENTRIES_SECTORS, &entries)?;
        put(disk, last, &backup)?;
        disk.flush()?;
        put(disk, 2, &entries)?;
        put(disk, 1, &self.header(&entries, 1, last, 2, disk_sectors))?;
        put(disk, 0, &protective_record(disk_sectors))?;
        disk.flush()?;
        Ok(())
    }

    fn entries(&self) -> Vec<u8> {
        let mut entries = Vec::with_capacity(ENTRIES_BYTES);
        for partition in &self.partitions {
            entries.extend(partition.kind);
            entries.extend(partition.id);
            entries.extend(partition.first_sector.to_le_bytes());
            entries.extend(partition.last_sector.to_le_bytes());
            entries.extend([0; 8]);
            let mut name = [0; 72];
            let units = partition.name.encode_utf16().take(36);
            for (unit, place) in units.zip(name.chunks_exact_mut(2)) {
                place.copy_from_slice(&unit.to_le_bytes());
            }
            entries.extend(name);
        }
        entries.resize(ENTRIES_BYTES, 0);
        entries
    }

    fn header(
        &self,
        entries: &[u8],
        own_sector: u64,
        other_sector: u64,
        entries_sector: u64,
        disk_sectors: u64,
    ) -> Vec<u8> {
        let fields = |checksum: u32| {
            let mut header = Vec::new();
            header.extend(SIGNATURE);
            header.extend(REVISION.to_le_bytes());
            header.extend(HEADER_BYTES.to_le_bytes());
            header.extend(checksum.to_le_bytes());
            header.extend([0; 4]);
            header.extend(own_sector.to_le_bytes());
            header.extend(other_sector.to_le_bytes());
            header.extend(TABLE_SECTORS.to_le_bytes());
            header.extend(Self::last_usable_sector(disk_sectors).to_le_bytes());
            header.extend(self.disk);
            header.extend(entries_sector.to_le_bytes());
            header.extend(128_u32.to_le_bytes());
            header.extend(128_u32.to_le_bytes());
            header.extend(crc32fast::hash(entries).to_le_bytes());
            header
        };
        fields(crc32fast::hash(&fields(0)))
    }
}

fn put(disk: &mut (impl Write + Seek), sector: u64, bytes: &[u8]) -> io::Result<()> {
    disk.seek(SeekFrom::Start(sector * SECTOR_BYTES))?;
    disk.write_all(bytes)?;
    let rest = bytes.len().next_multiple_of(512) - bytes.len();
    disk.write_all(&vec![0; rest])
}

fn protective_record(disk_sectors: u64) -> Vec<u8> {
    let mut record = vec![0; 446];
    record.extend([0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF]);
    record.extend(1_u32.to_le_bytes());
    let covered = u32::try_from(disk_sectors - 1).unwrap_or(u32::MAX);
    record.extend(covered.to_le_bytes());
    record.resize(510, 0);
    record.extend([0x55, 0xAA]);
    record
}

/// One copy, if it is whole.
fn read_copy(
    disk: &mut (impl Read + Seek),
    header_sector: u64,
    disk_sectors: u64,
) -> io::Result<Option<PartitionTable>> {
    let mut sector = [0; 512];
    disk.seek(SeekFrom::Start(header_sector * SECTOR_BYTES))?;
    disk.read_exact(&mut sector)?;
    let mut header = Fields(&sector);
    let is_ours = header.take::<8>() == *SIGNATURE
        && header.u32() == REVISION
        && header.u32() == HEADER_BYTES;
    let checksum = header.u32();
    let mut unsigned = sector[..92].to_vec();
    unsigned[16..20].fill(0);
    if !is_ours || crc32fast::hash(&unsigned) != checksum {
        return Ok(None);
    }
    header.take::<4>();
    let own = header.u64();
    header.take::<24>();
    let disk_id = header.take::<16>();
    let entries_sector = header.u64();
    let (count, bytes) = (header.u32(), header.u32());
    let entries_checksum = header.u32();
    if own != header_sector || count != 128 || bytes != 128 || entries_sector >= disk_sectors {
        return Ok(None);
    }
    let mut entries = vec![0; ENTRIES_BYTES];
    disk.seek(SeekFrom::Start(entries_sector * SECTOR_BYTES))?;
    disk.read_exact(&mut entries)?;
    if crc32fast::hash(&entries) != entries_checksum {
        return Ok(None);
    }
    let partitions = entries
        .chunks_exact(ENTRY_BYTES)
        .filter_map(partition)
        .collect();
    Ok(Some(PartitionTable {
        disk: disk_id,
        partitions,
    }))
}

fn partition(entry: &[u8]) -> Option<Partition> {
    let mut fields = Fields(entry);
    let kind = fields.take::<16>();
    let id = fields.take::<16>();
    let (first_sector, last_sector) = (fields.u64(), fields.u64());
    fields.take::<8>();
    let name = fields.0.chunks_exact(2);
    let units = name.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    (kind != [0; 16] && last_sector >= first_sector).then(|| Partition {
        kind,
        id,
        first_sector,
        last_sector,
        name: String::from_utf16_lossy(&units),
    })
}

/// Fields of fixed length, one after the other; zeros where the bytes end.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((taken, rest)) = self.0.split_first_chunk::<N>() else {
            return [0; N];
        };
        self.0 = rest;
        *taken
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const DISK_SECTORS: u64 = 8192;

    fn table() -> PartitionTable {
        PartitionTable {
            disk: [7; 16],
            partitions: vec![
                Partition {
                    kind: [1; 16],
                    id: [2; 16],
                    first_sector: 2048,
                    last_sector: 4095,
                    name: "lapwing-boot".to_owned(),
                },
                Partition {
                    kind: [3; 16],
                    id: [4; 16],
                    first_sector: 4096,
                    last_sector: 6143,
                    name: "lapwing-root-ä".to_owned(),
                },
            ],
        }
    }

    fn written(sectors: u64) -> Cursor<Vec<u8>> {
        let mut disk = Cursor::new(vec![0; usize::try_from(sectors * SECTOR_BYTES).unwrap()]);
        table().write(&mut disk, sectors).unwrap();
        disk
    }

    #[test]
    fn what_was_written_is_read() {
        let mut disk = written(DISK_SECTORS);
        assert_eq!(
            PartitionTable::read(&mut disk, DISK_SECTORS).unwrap(),
            table()
        );
        assert_eq!(table().first_free_sector(), 6144);
    }

    #[test]
    fn a_torn_first_copy_leaves_the_second() {
        for torn in [512, 512 + 20, 1024, 1024 + 4000] {
            let mut disk = written(DISK_SECTORS);
            disk.get_mut()[torn] ^= 0xFF;
            assert_eq!(
                PartitionTable::read(&mut disk, DISK_SECTORS).unwrap(),
                table()
            );
        }
        let mut disk = written(DISK_SECTORS);
        disk.get_mut()[..2048].fill(0);
        let end = disk.get_ref().len();
        disk.get_mut()[end - 512..].fill(0);
        assert!(matches!(
            PartitionTable::read(&mut disk, DISK_SECTORS),
            Err(TableError::NotWhole)
        ));
    }

    #[test]
    fn a_table_on_a_larger_disk_is_still_found_and_moved_to_its_end() {
        let mut disk = written(DISK_SECTORS);
        disk.get_mut().resize(16_384 * 512, 0);
        let table = PartitionTable::read(&mut disk, 16_384).unwrap();
        table.write(&mut disk, 16_384).unwrap();
        disk.get_mut()[512..1024].fill(0);
        assert_eq!(PartitionTable::read(&mut disk, 16_384).unwrap(), table);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut disk = Cursor::new(vec![0; 6144 * 512]);
        assert!(matches!(
            table().write(&mut disk, 6144),
            Err(TableError::TooSmall { .. })
        ));
    }
}
