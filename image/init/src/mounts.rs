//! Mounting, with errors that say what of.

use std::{ffi::CString, fs, io, path::Path};

use anyhow::Context;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use crate::layout;

/// What no file system that is not the root needs.
const PLAIN: MountFlags = MountFlags::NOSUID
    .union(MountFlags::NODEV)
    .union(MountFlags::NOEXEC);

/// Mounts a file system, making the folder.
pub(crate) fn put(
    source: &str,
    target: &str,
    kind: &str,
    flags: MountFlags,
    data: &str,
) -> anyhow::Result<()> {
    // On the read-only root it is there already.
    if !Path::new(target).is_dir() {
        fs::create_dir_all(target).with_context(|| format!("cannot make {target}"))?;
    }
    let data = CString::new(data)?;
    mount(source, target, kind, flags, data.as_c_str())
        .with_context(|| format!("cannot mount {source} on {target}"))
}

/// What the kernel shows of itself.
pub(crate) fn kernel_file_systems() -> anyhow::Result<()> {
    put("proc", "/proc", "proc", PLAIN, "")?;
    put("sysfs", "/sys", "sysfs", PLAIN, "")?;
    put(
        "devtmpfs",
        "/dev",
        "devtmpfs",
        MountFlags::NOSUID,
        "mode=0755",
    )
}

/// What is forgotten with the power.
pub(crate) fn memory_file_systems() -> anyhow::Result<()> {
    put("tmpfs", "/run", "tmpfs", PLAIN, "mode=0755,size=10%")?;
    put("tmpfs", "/tmp", "tmpfs", PLAIN, "mode=1777,size=10%")
}

/// The data partition.
pub(crate) fn data(device: &str, target: &str) -> anyhow::Result<()> {
    let flags = PLAIN.union(MountFlags::NOATIME);
    put(device, target, "ext4", flags, "errors=remount-ro")
}

/// The boot partition, to read.
pub(crate) fn boot(device: &str, target: &str) -> anyhow::Result<()> {
    let flags = PLAIN.union(MountFlags::RDONLY).union(MountFlags::NOATIME);
    put(
        device,
        target,
        "vfat",
        flags,
        "umask=0022,utf8,errors=remount-ro",
    )
}

/// A partition with a key, to be read by the sensor's user alone.
pub(crate) fn key(device: &str, target: &str) -> anyhow::Result<()> {
    let flags = PLAIN.union(MountFlags::RDONLY).union(MountFlags::NOATIME);
    let user = layout::LAPWING_USER;
    put(
        device,
        target,
        "vfat",
        flags,
        &format!("uid={user},gid={user},umask=0377,utf8"),
    )
}

/// Lets the boot partition be written for the time of `work`.
pub(crate) fn while_writable<T>(
    target: &str,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let flags = PLAIN.union(MountFlags::NOATIME);
    mount_remount(target, flags, c"").with_context(|| format!("cannot write to {target}"))?;
    let result = work();
    rustix::fs::sync();
    let back = mount_remount(target, flags.union(MountFlags::RDONLY), c"");
    let result = result?;
    back.with_context(|| format!("cannot close {target} again"))?;
    Ok(result)
}

/// Takes a file system away.
pub(crate) fn take_away(target: &str) -> io::Result<()> {
    unmount(target, UnmountFlags::empty())?;
    Ok(())
}
