//! The two slots as an update sees them: the one that runs, to read from, and the other one, to fill.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{Advice, fadvise, fstatvfs};

use super::{difference::Base, offer::Part};
use crate::{
    boot_control::{self, BootControl},
    layout::Slot,
    whole_file::sync_folder_of,
};

/// Writes the bytes of a part.
pub(super) type Fill<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// Where the parts of both slots are.
pub(super) trait Slots {
    /// A part of the slot that runs.
    fn running(&self, part: Part) -> io::Result<Box<dyn Base>>;

    /// Bytes that a part of the other slot may have.
    fn room(&self, part: Part) -> io::Result<u64>;

    /// From here on the other slot is not started.
    fn withdraw(&mut self) -> io::Result<()>;

    /// Writes a part of the other slot, down to the disk.
    fn fill(&mut self, part: Part, fill: Fill<'_>) -> io::Result<()>;

    /// Reads a part of the other slot from the disk, not from memory.
    fn read_back(&mut self, part: Part) -> io::Result<Box<dyn Read>>;

    /// From the next start on the other slot is tried.
    fn arm(&mut self, entry: &str) -> io::Result<()>;
}

/// Those of a board. The boot partition is mounted to be written.
pub(super) struct BoardSlots {
    boot: PathBuf,
    running: Slot,
    running_root: PathBuf,
    running_root_bytes: u64,
    other_root: PathBuf,
    control: Box<dyn BootControl>,
}

impl BoardSlots {
    /// `boot` is where the boot partition is mounted; the roots are devices, or files.
    pub(super) fn new(
        boot: &Path,
        running: Slot,
        (running_root, running_root_bytes): (&Path, u64),
        other_root: &Path,
    ) -> Self {
        Self {
            boot: boot.to_owned(),
            running,
            running_root: running_root.to_owned(),
            running_root_bytes,
            other_root: other_root.to_owned(),
            control: boot_control::of(boot),
        }
    }

    /// The file of a part on the boot partition; none for the root.
    fn file(&self, slot: Slot, part: Part) -> io::Result<PathBuf> {
        let name = match part {
            Part::Kernel => "kernel",
            Part::MemoryDisk => "initrd",
            Part::Root | Part::Entry => {
                return Err(io::Error::other("it is no file of the boot partition"));
            }
        };
        Ok(self.boot.join("lapwing").join(slot.letter()).join(name))
    }

    fn other_path(&self, part: Part) -> io::Result<PathBuf> {
        match part {
            Part::Root => Ok(self.other_root.clone()),
            _ => self.file(self.running.other(), part),
        }
    }
}

impl Slots for BoardSlots {
    fn running(&self, part: Part) -> io::Result<Box<dyn Base>> {
        Ok(match part {
            Part::Root => Box::new(Section::new(
                File::open(&self.running_root)?,
                self.running_root_bytes,
            )),
            _ => Box::new(File::open(self.file(self.running, part)?)?),
        })
    }

    fn room(&self, part: Part) -> io::Result<u64> {
        match part {
            Part::Root => File::open(&self.other_root)?.seek(SeekFrom::End(0)),
            Part::Kernel | Part::MemoryDisk => {
                let there = fs::metadata(self.other_path(part)?).map_or(0, |file| file.len());
                let free = fstatvfs(File::open(&self.boot)?)?;
                Ok(there + free.f_bavail * free.f_frsize)
            }
            Part::Entry => Ok(u64::MAX),
        }
    }

    fn withdraw(&mut self) -> io::Result<()> {
        self.control.withdraw(self.running.other())
    }

    fn fill(&mut self, part: Part, fill: Fill<'_>) -> io::Result<()> {
        let path = self.other_path(part)?;
        let file = if part == Part::Root {
            File::options().write(true).open(&path)?
        } else {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            File::create(&path)?
        };
        let mut to = io::BufWriter::with_capacity(1 << 20, file);
        fill(&mut to)?;
        let file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        if part != Part::Root {
            sync_folder_of(&path)?;
        }
        // What is read next comes from the disk.
        fadvise(&file, 0, None, Advice::DontNeed)?;
        Ok(())
    }

    fn read_back(&mut self, part: Part) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(self.other_path(part)?)?))
    }

    fn arm(&mut self, entry: &str) -> io::Result<()> {
        self.control.arm(self.running.other(), entry)
    }
}

/// The first bytes of a file or device.
struct Section {
    file: File,
    bytes: u64,
    at: u64,
}

impl Section {
    fn new(file: File, bytes: u64) -> Self {
        Self { file, bytes, at: 0 }
    }
}

impl Read for Section {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = self.bytes.saturating_sub(self.at);
        let count = (&mut self.file).take(left).read(to)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(back) => self.bytes.checked_add_signed(back),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let at = at.ok_or_else(|| io::Error::other("before the beginning"))?;
        self.at = self.file.seek(SeekFrom::Start(at))?;
        Ok(self.at)
    }
}
