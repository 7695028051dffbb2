//! `slot.txt`, read and written by the U-Boot script `boot.scr` and by the board.
//!
//! ```text
//! slot=a     started ordinarily
//! try=b      started once in its place; the script takes this line away before it does
//! tried=b    what the script last tried
//! aside=b    never tried
//! ```
//!
//! The script knows lines of text only (`env import -t`). A file that it cannot read means `slot=a`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{BootControl, SlotState};
use crate::{layout::Slot, whole_file::replace};

/// The slot file of a boot partition.
#[derive(Debug)]
pub struct SlotFile {
    path: PathBuf,
}

impl SlotFile {
    /// Name of the file on the boot partition.
    pub const FILE: &str = "slot.txt";
    /// In the folder of a slot: the kernel's command line, which the script hands on.
    pub const COMMAND_LINE: &str = "boot.env";

    /// That of the boot partition mounted here.
    #[must_use]
    pub fn new(boot: &Path) -> Self {
        Self {
            path: boot.join(Self::FILE),
        }
    }

    fn read(&self) -> io::Result<BTreeMap<String, String>> {
        let text = match fs::read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let mut lines: BTreeMap<_, _> = lines
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\0').to_owned()))
            .collect();
        lines
            .entry("slot".to_owned())
            .or_insert_with(|| "a".to_owned());
        Ok(lines)
    }

    fn write(&self, lines: &BTreeMap<String, String>) -> io::Result<()> {
        let lines = lines
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"));
        replace(&self.path, lines.collect::<String>().as_bytes())
    }

    fn names(lines: &BTreeMap<String, String>, name: &str, slot: Slot) -> bool {
        lines.get(name).map(String::as_str) == Some(slot.letter())
    }

    fn forget(lines: &mut BTreeMap<String, String>, name: &str, slot: Slot) {
        if Self::names(lines, name, slot) {
            lines.remove(name);
        }
    }
}

impl BootControl for SlotFile {
    fn state(&self, slot: Slot) -> io::Result<SlotState> {
        let lines = self.read()?;
        let is = |name: &str| Self::names(&lines, name, slot);
        Ok(if is("aside") {
            SlotState::Aside
        } else if is("slot") {
            SlotState::Confirmed
        } else if is("try") {
            SlotState::OnTrial { left: 1 }
        } else if is("tried") {
            SlotState::Aside
        } else {
            // The other one was confirmed before, or never filled: nobody wrote down that it is bad.
            SlotState::Confirmed
        })
    }

    fn confirm(&self, slot: Slot) -> io::Result<()> {
        let mut lines = self.read()?;
        lines.insert("slot".to_owned(), slot.letter().to_owned());
        for name in ["try", "tried", "aside"] {
            Self::forget(&mut lines, name, slot);
        }
        self.write(&lines)
    }

    fn withdraw(&self, slot: Slot) -> io::Result<()> {
        let mut lines = self.read()?;
        lines.insert("slot".to_owned(), slot.other().letter().to_owned());
        lines.insert("aside".to_owned(), slot.letter().to_owned());
        for name in ["try", "tried"] {
            Self::forget(&mut lines, name, slot);
        }
        self.write(&lines)
    }

    fn arm(&self, slot: Slot, entry: &str) -> io::Result<()> {
        let folder = self.path.with_file_name("lapwing").join(slot.letter());
        replace(&folder.join(Self::COMMAND_LINE), entry.as_bytes())?;
        let mut lines = self.read()?;
        lines.insert("try".to_owned(), slot.letter().to_owned());
        for name in ["tried", "aside"] {
            Self::forget(&mut lines, name, slot);
        }
        self.write(&lines)
    }

    fn set_aside(&self, slot: Slot) -> io::Result<bool> {
        if !self.state(slot.other())?.is_startable() {
            return Ok(false);
        }
        let mut lines = self.read()?;
        lines.insert("slot".to_owned(), slot.other().letter().to_owned());
        lines.insert("aside".to_owned(), slot.letter().to_owned());
        Self::forget(&mut lines, "try", slot);
        self.write(&lines)?;
        Ok(true)
    }

    fn is_on_trial(&self, running: Slot) -> io::Result<bool> {
        Ok(!Self::names(&self.read()?, "slot", running))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot(text: &str) -> (tempfile::TempDir, SlotFile) {
        let boot = tempfile::tempdir().unwrap();
        fs::write(boot.path().join(SlotFile::FILE), text).unwrap();
        let control = SlotFile::new(boot.path());
        (boot, control)
    }

    #[test]
    fn a_trial_is_confirmed() {
        let (boot, control) = boot("slot=a\n");
        fs::create_dir_all(boot.path().join("lapwing/b")).unwrap();
        control.withdraw(Slot::B).unwrap();
        assert_eq!(control.state(Slot::B).unwrap(), SlotState::Aside);
        control.arm(Slot::B, "bootargs=quiet\n").unwrap();
        let entry = boot.path().join("lapwing/b").join(SlotFile::COMMAND_LINE);
        assert_eq!(fs::read_to_string(entry).unwrap(), "bootargs=quiet\n");
        assert_eq!(
            control.state(Slot::B).unwrap(),
            SlotState::OnTrial { left: 1 }
        );
        // What the script does before it starts slot b; it fills its file up with zeros.
        fs::write(boot.path().join(SlotFile::FILE), "slot=a\ntried=b\n\0\0").unwrap();
        assert!(control.is_on_trial(Slot::B).unwrap());
        assert_eq!(control.state(Slot::B).unwrap(), SlotState::Aside);
        control.confirm(Slot::B).unwrap();
        assert_eq!(
            fs::read_to_string(boot.path().join(SlotFile::FILE)).unwrap(),
            "slot=b\n"
        );
        assert!(!control.is_on_trial(Slot::B).unwrap());
    }

    #[test]
    fn a_slot_is_set_aside_only_for_another() {
        let (_boot, control) = boot("slot=b\n");
        assert!(control.set_aside(Slot::B).unwrap());
        assert_eq!(control.state(Slot::A).unwrap(), SlotState::Confirmed);
        assert_eq!(control.state(Slot::B).unwrap(), SlotState::Aside);
        assert!(!control.set_aside(Slot::A).unwrap());
    }

    #[test]
    fn a_torn_file_means_slot_a() {
        let (_boot, control) = boot("\0\0\0sl");
        assert_eq!(control.state(Slot::A).unwrap(), SlotState::Confirmed);
    }
}
