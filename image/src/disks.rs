//! The disks of this computer, and which of them may be written: cards and sticks, never what the system runs from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// A disk that might be a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    /// As `sdb`.
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) bytes: u64,
    /// Why it may not be written.
    pub(crate) refused: Option<String>,
}

/// Where the kernel tells of disks and of what is mounted; another folder in tests.
pub(crate) struct Computer {
    pub(crate) sys: PathBuf,
    pub(crate) proc: PathBuf,
}

impl Computer {
    pub(crate) fn this() -> Self {
        Self {
            sys: PathBuf::from("/sys"),
            proc: PathBuf::from("/proc"),
        }
    }

    /// All disks, by name.
    pub(crate) fn disks(&self) -> anyhow::Result<Vec<Disk>> {
        let folder = self.sys.join("block");
        let entries = fs::read_dir(&folder).context("this system does not tell of its disks")?;
        let mut disks: Vec<_> = entries
            .flatten()
            .filter_map(|entry| self.disk(&entry.path()))
            .collect();
        disks.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(disks)
    }

    /// The disk of a device file, if it may be written.
    pub(crate) fn writable(&self, device: &Path) -> anyhow::Result<Disk> {
        let name = device
            .strip_prefix("/dev")
            .ok()
            .and_then(Path::to_str)
            .unwrap_or_default();
        let disks = self.disks()?;
        let Some(disk) = disks.into_iter().find(|disk| disk.name == name) else {
            bail!(
                "{} is no disk; name a whole card, as /dev/sdb or /dev/mmcblk0, not a part of one",
                device.display()
            );
        };
        match &disk.refused {
            Some(reason) => bail!("{} is not written: {reason}", device.display()),
            None => Ok(disk),
        }
    }

    fn disk(&self, folder: &Path) -> Option<Disk> {
        let name = folder.file_name()?.to_str()?.to_owned();
        let text = |file: &str| {
            fs::read_to_string(folder.join(file))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let bytes = text("size").parse::<u64>().ok()? * 512;
        let is_virtual = ["loop", "ram", "zram", "dm-", "md", "sr", "fd"]
            .iter()
            .any(|kind| name.starts_with(kind));
        if bytes == 0 || is_virtual {
            return None;
        }
        let place = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let is_usb = place
            .components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with("usb"));
        let is_card = name.starts_with("mmcblk") && text("device/type") != "MMC";
        let refused = if let Some(mount) = self.mount_of(&name) {
            Some(format!(
                "{mount} is on it; take it out of use first, if it is a card at all"
            ))
        } else if text("removable") != "1" && !is_usb && !is_card {
            Some("it is built in, no card and no stick".to_owned())
        } else if text("ro") == "1" {
            Some("it is write-protected: move the switch on the card".to_owned())
        } else {
            None
        };
        Some(Disk {
            model: text("device/model"),
            name,
            bytes,
            refused,
        })
    }

    /// Something in use that lies on the disk.
    fn mount_of(&self, disk: &str) -> Option<String> {
        let is_part = |device: &str| {
            let name = device.strip_prefix("/dev/").unwrap_or_default();
            let rest = name.strip_prefix(disk);
            // sdb and sdb1, mmcblk0 and mmcblk0p1; not sda and sdaa.
            rest.is_some_and(|rest| {
                rest.trim_start_matches('p')
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
            })
        };
        for file in ["mounts", "swaps"] {
            let text = fs::read_to_string(self.proc.join(file)).unwrap_or_default();
            for line in text.lines() {
                let mut words = line.split_whitespace();
                let (Some(device), Some(place)) = (words.next(), words.next()) else {
                    continue;
                };
                if is_part(device) {
                    return Some(if file == "swaps" {
                        "swapped memory".to_owned()
                    } else {
                        place.to_owned()
                    });
                }
            }
        }
        // Encrypted or joined disks show as holders of their parts.
        let folder = self.sys.join("block").join(disk);
        let own = fs::read_dir(folder.join("holders")).into_iter().flatten();
        let parts = fs::read_dir(&folder).into_iter().flatten().flatten();
        let of_parts = parts
            .filter_map(|part| fs::read_dir(part.path().join("holders")).ok())
            .flatten();
        let mut holders = own.chain(of_parts).flatten();
        holders
            .next()
            .map(|holder| format!("the disk {}", holder.file_name().to_string_lossy()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computer(folder: &Path) -> Computer {
        let put = |path: &str, text: &str| {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (name, removable, size) in [
            ("sda", "0", "1000000"),
            ("sdb", "1", "60000000"),
            ("sdc", "1", "60000000"),
            ("mmcblk0", "0", "8000"),
            ("loop0", "0", "8"),
            ("sdd", "1", "0"),
        ] {
            put(&format!("sys/block/{name}/size"), size);
            put(&format!("sys/block/{name}/removable"), removable);
            put(&format!("sys/block/{name}/ro"), "0");
        }
        put("sys/block/mmcblk0/device/type", "SD");
        put("sys/block/sde/size", "9");
        put("sys/block/sde/removable", "1");
        put("sys/block/sde/sde2/holders/dm-0/x", "");
        put(
            "proc/mounts",
            "/dev/sda2 / ext4 rw 0 0\n/dev/sdc1 /media/card vfat rw 0 0\n",
        );
        Computer {
            sys: folder.join("sys"),
            proc: folder.join("proc"),
        }
    }

    #[test]
    fn only_cards_out_of_use_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let computer = computer(folder.path());
        for (device, part) in [
            ("/dev/sda", "/ is on it"),
            ("/dev/sdc", "/media/card is on it"),
            ("/dev/sde", "dm-0 is on it"),
            ("/dev/sdb1", "is no disk"),
            ("/dev/loop0", "is no disk"),
            ("/dev/sdd", "is no disk"),
            ("/tmp/x", "is no disk"),
        ] {
            let error = computer
                .writable(Path::new(device))
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{device}: {error}");
        }
        assert_eq!(
            computer.writable(Path::new("/dev/sdb")).unwrap().bytes,
            60_000_000 * 512
        );
        assert_eq!(
            computer.writable(Path::new("/dev/mmcblk0")).unwrap().name,
            "mmcblk0"
        );
    }
}
