//! What the builder lays down and the board finds again: partitions, paths, and words of the kernel's command line.
//!
//! ```text
//! 1 lapwing-boot    FAT    boot loader, kernels of both slots, lapwing-site.toml, lapwing-status.txt
//! 2 lapwing-root-a  erofs  programs and kernel modules of slot a
//! 3 lapwing-root-b  erofs  the same of slot b
//! 4 lapwing-data    ext4   identity, outbox, rules, policy; made by the board on its first start, to the card's end
//! ```

use std::fmt;

/// Name of the partition that any computer can read and write.
pub const BOOT_PARTITION: &str = "lapwing-boot";
/// Name of the partition of everything that is kept.
pub const DATA_PARTITION: &str = "lapwing-data";
/// Type of the data partition: a Linux file system.
pub const LINUX_DATA_TYPE: [u8; 16] = guid(0x0FC6_3DAF, 0x8483, 0x4772, 0x8E79_3D69_D847_7DE4);
/// Type of the boot partition: an EFI system partition.
pub const EFI_SYSTEM_TYPE: [u8; 16] = guid(0xC12A_7328, 0xF81F, 0x11D2, 0xBA4B_00A0_C93E_C93B);

/// Stage one, in the initial memory disk.
pub const STAGE_ONE: &str = "/init";
/// Stage two, in the root.
pub const STAGE_TWO: &str = "/sbin/init";

/// The word of the kernel's command line that names the slot: `lapwing.slot=a`.
pub const WORD_SLOT: &str = "lapwing.slot";
/// The SHA-256 of the root, in hex.
pub const WORD_ROOT_DIGEST: &str = "lapwing.root";
/// Bytes of the root.
pub const WORD_ROOT_BYTES: &str = "lapwing.root_bytes";
/// A fault to show in a test: `unhealthy` or `hang`. Who can write it could as well remove the kernel.
pub const WORD_FAULT: &str = "lapwing.fault";

/// Where stage two mounts the boot partition, read-only but for moments.
pub const BOOT: &str = "/boot";
/// Where it mounts the data partition.
pub const DATA: &str = "/data";
/// The sensor's state folder.
pub const STATE: &str = "/data/state";
/// What the site gave, copied from the boot partition: policy, key, rules.
pub const SITE: &str = "/data/site";
/// In it: the root of trust for rules, where the site gave one.
pub const SITE_RULES_ROOT: &str = "rules-root.json";
/// In it: the ISP's public ledger key.
pub const LEDGER_KEY: &str = "ledger.pub";
/// In it: the keys of pseudonyms.
pub const PSEUDONYM_KEYS: &str = "pseudonyms.keys";
/// In it: the ISP's private ledger key, for the weekly report.
pub const REPORT_KEY: &str = "ledger.key";
/// Where a partition with the key of the outbox is mounted.
pub const KEY_DISK: &str = "/run/lapwing/key";
/// Where weekly reports are written.
pub const REPORTS: &str = "/data/state/reports";
/// Settings that stage two writes for the sensor.
pub const SENSOR_SETTINGS: &str = "/run/lapwing/sensor.toml";
/// The edge program.
pub const LAPWING: &str = "/usr/bin/lapwing";
/// Rules that the image brings, compiled.
pub const STARTER_PACK: &str = "/usr/share/lapwing/starter.pack";
/// The pack that the sensor runs: the one above, until the centre gives another.
pub const PACK: &str = "/data/state/rules/rules.pack";
/// The root of trust for rules that the image brings, if it brings one.
pub const RULES_ROOT: &str = "/usr/share/lapwing/rules-root.json";
/// An empty ext4 file system, packed with Zstandard, to be unpacked into the data partition and lengthened.
pub const EMPTY_DATA: &str = "/usr/share/lapwing/empty-data.ext4.zst";
/// Repairs the data partition.
pub const FILE_SYSTEM_CHECK: &str = "/usr/sbin/e2fsck";
/// What the image is: lines `NAME=VALUE`.
pub const RELEASE: &str = "/etc/lapwing-release";

/// On the boot partition: what the site sets.
pub const SITE_FILE: &str = "lapwing-site.toml";
/// On the boot partition: how the sensor is, for a person with a card reader.
pub const STATUS_FILE: &str = "lapwing-status.txt";

/// On the boot partition or on a stick: an update as one file.
pub const UPDATE_FILE: &str = "lapwing.update";
/// Where the uplink mirrors the centre's repository of images.
pub const IMAGE_MIRROR: &str = "/data/state/image-repository";
/// The root of trust for updates; an image without it takes none.
pub const UPDATE_ROOT: &str = "/usr/share/lapwing/update-root.json";
/// What was believed of updates last.
pub const UPDATE_TRUST: &str = "/data/boot/update-trust.json";
/// What became of the last update.
pub const UPDATE_RECORD: &str = "/data/boot/update.json";
/// SHA-256 of the update file on the boot partition that was looked at last: it may stay there.
pub const UPDATE_SEEN: &str = "/data/boot/update-seen";
/// Where a stick is mounted.
pub const STICK: &str = "/run/lapwing/stick";
/// Where the sensor asks for an update.
pub const CONTROL_SOCKET: &str = "/run/lapwing/control.sock";
/// What the sensor tells the centre of the image, in a line: version, slot, last update. In a folder of its own, of which alone the
/// sensor may read.
pub const BOARD_STATUS: &str = "/run/lapwing/board/status";

/// The text of the page on the management port.
pub const STATUS_PAGE: &str = "/run/lapwing/page/text";

/// User and group that the sensor runs as.
pub const LAPWING_USER: u32 = 900;
/// User and group that the page is served by.
pub const PAGE_USER: u32 = 901;

/// One of the two places for kernel, modules and programs, which change together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// From its letter.
    #[must_use]
    pub fn of_letter(letter: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|slot| slot.letter() == letter)
    }

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Name of the partition of its root.
    #[must_use]
    pub fn root_partition(self) -> &'static str {
        match self {
            Self::A => "lapwing-root-a",
            Self::B => "lapwing-root-b",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.letter())
    }
}

/// The value of a word of the kernel's command line.
#[must_use]
pub fn word<'a>(command_line: &'a str, name: &str) -> Option<&'a str> {
    let mut words = command_line.split_ascii_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// A GUID in the byte order of a partition table.
const fn guid(first: u32, second: u16, third: u16, rest: u64) -> [u8; 16] {
    let (a, b, c) = (
        first.to_le_bytes(),
        second.to_le_bytes(),
        third.to_le_bytes(),
    );
    let d = rest.to_be_bytes();
    [
        a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6],
        d[7],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole() {
        let line = "console=ttyS0 lapwing.root_bytes=12 lapwing.root=abcd lapwing.slot=b\n";
        assert_eq!(word(line, WORD_ROOT_DIGEST), Some("abcd"));
        assert_eq!(word(line, WORD_ROOT_BYTES), Some("12"));
        assert_eq!(
            word(line, WORD_SLOT).and_then(Slot::of_letter),
            Some(Slot::B)
        );
        assert_eq!(word(line, WORD_FAULT), None);
    }
}
