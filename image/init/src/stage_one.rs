//! Stage one, from the initial memory disk to the root of the slot. Any failure ends in a restart, which the boot loader
//! counts: the other slot is next, or this one again when it is the only one left.

use std::{
    convert::Infallible, fs, os::unix::process::CommandExt, process::Command, thread,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::{
    mount::{MountFlags, mount_move},
    process::{chdir, chroot},
    system::{RebootCommand, reboot},
};

use crate::{
    boot_control,
    console::say,
    disk::Disk,
    drivers::{Drivers, OF_THE_BOOT_PARTITION},
    layout::{self, Slot, word},
    mounts, seal,
};

/// Where the root is mounted before it becomes the root.
const NEW_ROOT: &str = "/root";
/// How long a failure stands on the console before the restart.
const READING_TIME: Duration = Duration::from_secs(5);

/// Runs stage one. Never returns.
pub fn run() -> ! {
    let Err(error) = start();
    say(&format!("cannot start: {error:#}"));
    thread::sleep(READING_TIME);
    restart();
}

/// Writes everything and starts the machine again.
pub(crate) fn restart() -> ! {
    rustix::fs::sync();
    loop {
        if let Err(error) = reboot(RebootCommand::Restart) {
            say(&format!("cannot restart: {error}"));
        }
        thread::sleep(READING_TIME);
    }
}

fn start() -> anyhow::Result<Infallible> {
    mounts::kernel_file_systems()?;
    let command_line = fs::read_to_string("/proc/cmdline")?;
    let slot = word(&command_line, layout::WORD_SLOT)
        .and_then(Slot::of_letter)
        .context("the kernel's command line names no slot")?;
    say(&format!("stage one, slot {slot}"));
    let mut drivers = Drivers::read();
    drivers.load("erofs");
    let disk = Disk::with_partition(slot.root_partition(), || while drivers.load_for_all() {})?;
    let root = disk.partition(slot.root_partition())?;
    if disk.fit_data_partition()? {
        say("data partition fitted to the disk");
    }
    if let Err(error) = check_root(&command_line, &root) {
        // Trying it again cannot help, so the boot loader is told to take the other one.
        for name in OF_THE_BOOT_PARTITION {
            drivers.load(name);
        }
        set_aside(&disk, slot).context(error.to_string())?;
        return Err(error);
    }
    mounts::put(&root, NEW_ROOT, "erofs", MountFlags::RDONLY, "")?;
    for folder in ["/dev", "/proc", "/sys"] {
        mount_move(folder, format!("{NEW_ROOT}{folder}"))
            .with_context(|| format!("cannot move {folder}"))?;
    }
    // What the memory disk holds would stay in memory for ever.
    remove_memory_disk();
    chdir(NEW_ROOT)?;
    mount_move(".", "/").context("cannot go over to the root")?;
    chroot(".")?;
    chdir("/")?;
    Err(Command::new(layout::STAGE_TWO).exec().into())
}

fn check_root(command_line: &str, root: &str) -> anyhow::Result<()> {
    let digest = word(command_line, layout::WORD_ROOT_DIGEST);
    let length = word(command_line, layout::WORD_ROOT_BYTES).and_then(|text| text.parse().ok());
    match (digest, length) {
        (Some(digest), Some(length)) => seal::check(root, length, digest),
        _ => bail!("the kernel's command line does not say which root belongs to it"),
    }
}

fn set_aside(disk: &Disk, slot: Slot) -> anyhow::Result<()> {
    let device = disk.partition(layout::BOOT_PARTITION)?;
    mounts::boot(&device, layout::BOOT)?;
    let control = boot_control::of(layout::BOOT.as_ref());
    let done = mounts::while_writable(layout::BOOT, || Ok(control.set_aside(slot)?));
    mounts::take_away(layout::BOOT)?;
    if done? {
        say(&format!("slot {slot} is set aside"));
    }
    Ok(())
}

fn remove_memory_disk() {
    for name in [layout::STAGE_ONE, "/lib/modules"] {
        let removed = if name == layout::STAGE_ONE {
            fs::remove_file(name)
        } else {
            fs::remove_dir_all(name)
        };
        if let Err(error) = removed {
            say(&format!("{name} stays in memory: {error}"));
        }
    }
}
