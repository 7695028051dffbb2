//! What a Raspberry Pi reads before U-Boot: its firmware, settings for it, and a device tree for each model. None of this is in a slot: an
//! update leaves it as it is, for the firmware knows no way back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{build::Inputs, lock_file::Use};

/// Settings of the firmware.
pub(crate) const CONFIG: &str = "arm_64bit=1\r\nkernel=u-boot.bin\r\nenable_uart=1\r\n";
/// Of Debian's `u-boot-rpi`: the one for all models.
const U_BOOT: &str = "usr/lib/u-boot/rpi_arm64/u-boot.bin";
const FIRMWARE: &str = "usr/lib/raspi-firmware";
/// The small variants have what a sensor needs not: camera and video.
const FIRMWARE_FILES: [&str; 5] = [
    "bootcode.bin",
    "start.elf",
    "fixup.dat",
    "start4.elf",
    "fixup4.dat",
];
/// Beginnings of the names of device trees.
const MODELS: [&str; 4] = [
    "bcm2710-rpi-",
    "bcm2711-rpi-",
    "bcm2712-rpi-",
    "bcm2837-rpi-",
];

/// Files for the boot partition, with their names there.
pub(crate) fn files(inputs: &Inputs<'_>) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let u_boot = inputs.unpacked(Use::BootLoader)?.join(U_BOOT);
    let mut files = vec![(u_boot, "u-boot.bin".to_owned())];
    let firmware = inputs.unpacked(Use::Firmware)?.join(FIRMWARE);
    for name in FIRMWARE_FILES {
        files.push((firmware.join(name), name.to_owned()));
    }
    let mut trees = device_trees(&inputs.unpacked(Use::DeviceTrees)?.join("usr/lib/modules"))?;
    trees.sort();
    trees
        .first()
        .context("the kernel's packages have no device trees of Raspberry Pis")?;
    for path in trees {
        let name = path.file_name().context("a file has no name")?;
        files.push((path.clone(), name.to_string_lossy().into_owned()));
    }
    Ok(files)
}

/// Those of all models, below the folder of kernels.
fn device_trees(kernels: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for kernel in fs::read_dir(kernels)? {
        for tree in fs::read_dir(kernel?.path().join("dtb/broadcom"))? {
            let path = tree?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".dtb") && MODELS.iter().any(|model| name.starts_with(model)) {
                found.push(path);
            }
        }
    }
    Ok(found)
}
