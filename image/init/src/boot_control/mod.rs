//! Which slot starts next. One meaning, two ways to write it down on the boot partition:
//!
//! * a slot on **trial** is started a few times at most; unless it is **confirmed**, the boot loader goes back to the other;
//! * a slot **set aside** is not started while the other one can be.
//!
//! | | systemd-boot ([`LoaderEntries`]) | U-Boot ([`SlotFile`]) |
//! |---|---|---|
//! | on trial | `lapwing-b+3.conf`, counted down by the loader in the name | `try=b`, taken away by the script before it starts the slot |
//! | confirmed | `lapwing-b.conf` | `slot=b` |
//! | set aside | `lapwing-b+0.conf` | `slot=a` |
//!
//! Every change is one renamed file: a power cut leaves the old state or the new one.

mod loader_entries;
mod slot_file;

use std::{io, path::Path};

pub use loader_entries::LoaderEntries;
pub use slot_file::SlotFile;

use crate::layout::Slot;

/// How often a slot on trial is started where the loader can count.
pub const TRIES: u32 = 3;

/// What stands on the boot partition about a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// Known to work.
    Confirmed,
    /// To be confirmed; so many more starts are allowed.
    OnTrial {
        /// Starts left.
        left: u32,
    },
    /// Not started while the other one can be.
    Aside,
    /// Holds nothing that can be started.
    Empty,
}

impl SlotState {
    /// Whether the loader would start it.
    #[must_use]
    pub fn is_startable(self) -> bool {
        matches!(self, Self::Confirmed | Self::OnTrial { left: 1.. })
    }
}

/// One way to tell the boot loader which slot is next. The boot partition must be writable for all but `state`.
pub trait BootControl {
    /// What stands about a slot.
    ///
    /// # Errors
    /// When the boot partition cannot be read.
    fn state(&self, slot: Slot) -> io::Result<SlotState>;

    /// The slot is healthy: it is started from now on.
    ///
    /// # Errors
    /// When the boot partition cannot be written.
    fn confirm(&self, slot: Slot) -> io::Result<()>;

    /// The slot is about to be filled anew: whatever happens meanwhile, it is not started.
    ///
    /// # Errors
    /// When the boot partition cannot be written.
    fn withdraw(&self, slot: Slot) -> io::Result<()>;

    /// The slot was filled anew: it is tried from the next start on. `entry` tells the boot loader how it is started.
    ///
    /// # Errors
    /// When the boot partition cannot be written.
    fn arm(&self, slot: Slot, entry: &str) -> io::Result<()>;

    /// Takes a slot out of the order. `false`: the other one cannot be started either, so nothing was changed.
    ///
    /// # Errors
    /// When the boot partition cannot be written.
    fn set_aside(&self, slot: Slot) -> io::Result<bool>;

    /// Whether the slot that runs still has to prove itself.
    ///
    /// # Errors
    /// When the boot partition cannot be read.
    fn is_on_trial(&self, running: Slot) -> io::Result<bool>;
}

/// The way that this boot partition is made for.
#[must_use]
pub fn of(boot: &Path) -> Box<dyn BootControl> {
    if boot.join(loader_entries::FOLDER).is_dir() {
        Box::new(LoaderEntries::new(boot))
    } else {
        Box::new(SlotFile::new(boot))
    }
}
