//! The boot partition: a FAT file system that UEFI, a Raspberry Pi and any computer reads, with boot loader, kernels of both slots,
//! and an example of the site file.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;
use lapwing_init::{
    boot_control::{LoaderEntries, SlotFile},
    layout::{self, Slot},
};

use crate::{
    board::BootLoader,
    build::Inputs,
    lock_file::Use,
    raspberry_pi, tool,
    u_boot_script::{self, SCRIPT},
};

/// Bytes of the partition.
pub(crate) const BYTES: u64 = 128 << 20;
/// On the partition: what the image is, and the entry of its slots, for who makes updates of it.
pub(crate) const RELEASE: &str = "lapwing/release";
pub(crate) const ENTRY: &str = "lapwing/entry";
const EXAMPLE: &str = include_str!("../site-example.toml");
const LOADER: &str = "timeout 0\neditor no\nreboot-on-error yes\n";

/// A slot's kernel and memory disk, and what belongs to its root.
pub(crate) struct SlotFiles {
    pub(crate) kernel: PathBuf,
    pub(crate) memory_disk: PathBuf,
    pub(crate) root_digest: String,
    pub(crate) root_bytes: u64,
}

/// What the boot loader is told of a slot, with `{slot}` for the slot's letter: as an update brings it.
pub(crate) fn entry(inputs: &Inputs<'_>, files: &SlotFiles) -> String {
    let options = format!(
        "{consoles}quiet loglevel=4 panic=10 gpt {word_slot}={{slot}} {word_root}={root} {word_bytes}={bytes}",
        consoles = inputs.board.consoles(),
        word_slot = layout::WORD_SLOT,
        word_root = layout::WORD_ROOT_DIGEST,
        root = files.root_digest,
        word_bytes = layout::WORD_ROOT_BYTES,
        bytes = files.root_bytes,
    );
    match inputs.board.boot_loader() {
        BootLoader::Systemd { .. } => format!(
            "title Lapwing, slot {{slot}}\nsort-key lapwing\nversion {}\nlinux /lapwing/{{slot}}/kernel\ninitrd /lapwing/{{slot}}/initrd\n\
             options {options}\n",
            inputs.seconds
        ),
        BootLoader::UBoot => format!("bootargs={options}\n"),
    }
}

/// The entry of a slot of a new image. Of two slots with the same version the loader shall take the first.
fn entry_of(entry: &str, seconds: u64, slot: Slot) -> String {
    let version = format!("version {seconds}");
    let rank = u8::from(slot == Slot::A);
    entry
        .replace("{slot}", slot.letter())
        .replace(&version, &format!("{version}.{rank}"))
}

/// Makes the file system. `work` is a folder for what goes in.
pub(crate) fn make(
    inputs: &Inputs<'_>,
    files: &SlotFiles,
    work: &Path,
    to: &Path,
) -> anyhow::Result<()> {
    let file = fs::File::create(to)?;
    file.set_len(BYTES)?;
    let serial = inputs.uuid("boot").replace('-', "");
    let serial = serial.get(..8).unwrap_or("4c415057");
    tool::run(
        tool::named("mkfs.vfat")
            .args(["-F", "32", "-n", "LAPWING", "--invariant", "-i", serial])
            .arg(to),
    )?;
    let partition = Partition {
        image: to,
        work,
        seconds: inputs.seconds,
    };
    let entry = entry(inputs, files);
    match inputs.board.boot_loader() {
        BootLoader::Systemd { file, place } => {
            let file = inputs.unpacked(Use::BootLoader)?.join(file);
            partition.put_file(&file, place)?;
            partition.put_text(LOADER, "loader/loader.conf")?;
        }
        BootLoader::UBoot => {
            for (file, place) in raspberry_pi::files(inputs)? {
                partition.put_file(&file, &place)?;
            }
            partition.put_text(raspberry_pi::CONFIG, "config.txt")?;
            partition.put_bytes(&u_boot_script::packed(SCRIPT, inputs.seconds)?, "boot.scr")?;
            partition.put_text("slot=a\n", SlotFile::FILE)?;
        }
    }
    partition.put_text(&inputs.release(), RELEASE)?;
    partition.put_text(&entry, ENTRY)?;
    for slot in Slot::BOTH {
        let folder = format!("lapwing/{slot}");
        partition.put_file(&files.kernel, &format!("{folder}/kernel"))?;
        partition.put_file(&files.memory_disk, &format!("{folder}/initrd"))?;
        let (entry, place) = match inputs.board.boot_loader() {
            BootLoader::Systemd { .. } => (
                entry_of(&entry, inputs.seconds, slot),
                format!("loader/entries/{}", LoaderEntries::file_name(slot)),
            ),
            BootLoader::UBoot => (
                entry.replace("{slot}", slot.letter()),
                format!("{folder}/{}", SlotFile::COMMAND_LINE),
            ),
        };
        partition.put_text(&entry, &place)?;
    }
    partition.put_text(&EXAMPLE.replace('\n', "\r\n"), "lapwing-site.example.toml")
}

/// A FAT file system in a file, filled one file after the other, so that its bytes depend on nothing else.
struct Partition<'a> {
    image: &'a Path,
    work: &'a Path,
    seconds: u64,
}

impl Partition<'_> {
    fn put_text(&self, text: &str, name: &str) -> anyhow::Result<()> {
        self.put_bytes(text.as_bytes(), name)
    }

    fn put_bytes(&self, bytes: &[u8], name: &str) -> anyhow::Result<()> {
        let path = self.work.join("text");
        fs::write(&path, bytes)?;
        self.put_file(&path, name)
    }

    fn put_file(&self, from: &Path, name: &str) -> anyhow::Result<()> {
        let mut folder = String::from("::");
        let parts: Vec<&str> = name.split('/').collect();
        for part in parts.iter().take(parts.len().saturating_sub(1)) {
            folder = format!("{folder}/{part}");
            // It is there already when a file before made it.
            if tool::run(self.mtool("mdir").arg(&folder)).is_err() {
                tool::run(self.mtool("mmd").arg(&folder))?;
            }
        }
        let copy = self.work.join("copied");
        fs::copy(from, &copy).with_context(|| format!("cannot read {}", from.display()))?;
        tool::run(
            Command::new("touch")
                .arg("-d")
                .arg(format!("@{}", self.seconds))
                .arg(&copy),
        )?;
        tool::run(
            self.mtool("mcopy")
                .args(["-m"])
                .arg(&copy)
                .arg(format!("::/{name}")),
        )
        .map(drop)
    }

    fn mtool(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        // Folders get the time of the build, not of the clock.
        command
            .env("SOURCE_DATE_EPOCH", self.seconds.to_string())
            .arg("-i")
            .arg(self.image);
        command
    }
}
