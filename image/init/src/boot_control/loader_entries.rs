//! systemd-boot's automatic boot assessment: the tries that are left stand in the name of a slot's entry, and the loader counts
//! them down before it starts the slot. Among entries that may be started it takes the newest version.
//!
//! ```text
//! loader/entries/lapwing-a.conf       confirmed
//! loader/entries/lapwing-b+3.conf     on trial, three tries left
//! loader/entries/lapwing-b+2-1.conf   the same after one start
//! loader/entries/lapwing-b+0-3.conf   no tries left: only when there is nothing else
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{BootControl, SlotState, TRIES};
use crate::{
    layout::Slot,
    whole_file::{replace, sync_folder_of},
};

/// Where the entries are, on the boot partition.
pub(super) const FOLDER: &str = "loader/entries";

/// The entries of a boot partition.
#[derive(Debug)]
pub struct LoaderEntries {
    folder: PathBuf,
}

/// A slot's entry, as its name tells.
struct Entry {
    path: PathBuf,
    left: Option<u32>,
    done: u32,
}

impl LoaderEntries {
    /// Those of the boot partition mounted here.
    #[must_use]
    pub fn new(boot: &Path) -> Self {
        Self {
            folder: boot.join(FOLDER),
        }
    }

    /// Name of the entry of a slot that is confirmed.
    #[must_use]
    pub fn file_name(slot: Slot) -> String {
        format!("lapwing-{slot}.conf")
    }

    fn entry(&self, slot: Slot) -> io::Result<Option<Entry>> {
        let prefix = format!("lapwing-{slot}");
        for file in fs::read_dir(&self.folder)? {
            let path = file?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(count) = name
                .and_then(|name| name.strip_prefix(&prefix))
                .and_then(|rest| rest.strip_suffix(".conf"))
            else {
                continue;
            };
            let Some(count) = count.strip_prefix('+') else {
                if count.is_empty() {
                    return Ok(Some(Entry {
                        path,
                        left: None,
                        done: 0,
                    }));
                }
                continue;
            };
            let (left, done) = count.split_once('-').unwrap_or((count, "0"));
            if let (Ok(left), Ok(done)) = (left.parse(), done.parse()) {
                return Ok(Some(Entry {
                    path,
                    left: Some(left),
                    done,
                }));
            }
        }
        Ok(None)
    }

    fn rename(&self, slot: Slot, count: &str) -> io::Result<()> {
        let entry = self.entry(slot)?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("slot {slot} has no boot entry"),
            )
        })?;
        let path = self.folder.join(format!("lapwing-{slot}{count}.conf"));
        if path != entry.path {
            fs::rename(&entry.path, &path)?;
            sync_folder_of(&path)?;
        }
        Ok(())
    }
}

impl BootControl for LoaderEntries {
    fn state(&self, slot: Slot) -> io::Result<SlotState> {
        Ok(match self.entry(slot)? {
            None => SlotState::Empty,
            Some(Entry { left: None, .. }) => SlotState::Confirmed,
            Some(Entry { left: Some(0), .. }) => SlotState::Aside,
            Some(Entry {
                left: Some(left), ..
            }) => SlotState::OnTrial { left },
        })
    }

    fn confirm(&self, slot: Slot) -> io::Result<()> {
        self.rename(slot, "")
    }

    fn withdraw(&self, slot: Slot) -> io::Result<()> {
        while let Some(entry) = self.entry(slot)? {
            fs::remove_file(&entry.path)?;
            sync_folder_of(&entry.path)?;
        }
        Ok(())
    }

    fn arm(&self, slot: Slot, entry: &str) -> io::Result<()> {
        self.withdraw(slot)?;
        let name = format!("lapwing-{slot}+{TRIES}.conf");
        replace(&self.folder.join(name), entry.as_bytes())
    }

    fn set_aside(&self, slot: Slot) -> io::Result<bool> {
        if !self.state(slot.other())?.is_startable() {
            return Ok(false);
        }
        let done = self.entry(slot)?.map_or(0, |entry| entry.done);
        self.rename(slot, &format!("+0-{}", done.max(1)))?;
        Ok(true)
    }

    fn is_on_trial(&self, running: Slot) -> io::Result<bool> {
        Ok(self
            .entry(running)?
            .is_some_and(|entry| entry.left.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join(FOLDER)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn boot(entries: &[&str]) -> tempfile::TempDir {
        let boot = tempfile::tempdir().unwrap();
        fs::create_dir_all(boot.path().join(FOLDER)).unwrap();
        for entry in entries {
            fs::write(boot.path().join(FOLDER).join(entry), "title\n").unwrap();
        }
        boot
    }

    #[test]
    fn a_trial_is_confirmed() {
        let boot = boot(&["lapwing-a.conf", "lapwing-b+2-1.conf", "other.conf"]);
        let control = super::super::of(boot.path());
        assert_eq!(
            control.state(Slot::B).unwrap(),
            SlotState::OnTrial { left: 2 }
        );
        assert!(control.is_on_trial(Slot::B).unwrap());
        control.confirm(Slot::B).unwrap();
        assert!(!control.is_on_trial(Slot::B).unwrap());
        assert_eq!(
            names(boot.path()),
            ["lapwing-a.conf", "lapwing-b.conf", "other.conf"]
        );
        control.withdraw(Slot::A).unwrap();
        assert_eq!(control.state(Slot::A).unwrap(), SlotState::Empty);
        control.arm(Slot::A, "title new\n").unwrap();
        assert_eq!(
            control.state(Slot::A).unwrap(),
            SlotState::OnTrial { left: TRIES }
        );
        let armed = boot.path().join(FOLDER).join("lapwing-a+3.conf");
        assert_eq!(fs::read_to_string(armed).unwrap(), "title new\n");
    }

    #[test]
    fn a_slot_is_set_aside_only_for_another() {
        let boot = boot(&["lapwing-a.conf", "lapwing-b+1-2.conf"]);
        let control = LoaderEntries::new(boot.path());
        assert!(control.set_aside(Slot::B).unwrap());
        assert_eq!(names(boot.path()), ["lapwing-a.conf", "lapwing-b+0-2.conf"]);
        assert!(!control.set_aside(Slot::A).unwrap());
        assert_eq!(control.state(Slot::A).unwrap(), SlotState::Confirmed);
        assert_eq!(control.state(Slot::B).unwrap(), SlotState::Aside);
    }

    #[test]
    fn a_slot_without_entry_is_empty() {
        let boot = boot(&["lapwing-a.conf"]);
        let control = LoaderEntries::new(boot.path());
        assert_eq!(control.state(Slot::B).unwrap(), SlotState::Empty);
        assert!(control.confirm(Slot::B).is_err());
        assert!(!control.set_aside(Slot::A).unwrap());
    }
}
