//! The three orders to the kernel that no safe function gives.

use std::{fs::File, io};

use rustix::ioctl::{NoArg, Opcode, Setter, ioctl};

const READ_PARTITION_TABLE: Opcode = 0x125F;
const LENGTHEN_EXT4: Opcode = 0x4008_6610;
const SET_WATCHDOG_TIMEOUT: Opcode = 0xC004_5706;

/// Lets the kernel read a disk's partition table again; refused while one of its partitions is in use.
pub(crate) fn read_partition_table(disk: &File) -> io::Result<()> {
    // SAFETY: `BLKRRPART` takes no argument and touches no memory of ours.
    #[allow(unsafe_code)]
    unsafe { ioctl(disk, NoArg::<READ_PARTITION_TABLE>::new()) }?;
    Ok(())
}

/// Lengthens a mounted ext4 file system to so many blocks. `folder` is its mount point.
pub(crate) fn lengthen_ext4(folder: &File, blocks: u64) -> io::Result<()> {
    // SAFETY: `EXT4_IOC_RESIZE_FS` reads one `u64`, which the setter holds for the call.
    #[allow(unsafe_code)]
    unsafe { ioctl(folder, Setter::<LENGTHEN_EXT4, u64>::new(blocks)) }?;
    Ok(())
}

/// Sets how long a watchdog waits.
pub(crate) fn set_watchdog_timeout(watchdog: &File, seconds: i32) -> io::Result<()> {
    // SAFETY: `WDIOC_SETTIMEOUT` reads and writes one `int`, which the setter holds for the call.
    #[allow(unsafe_code)]
    unsafe { ioctl(watchdog, Setter::<SET_WATCHDOG_TIMEOUT, i32>::new(seconds)) }?;
    Ok(())
}
