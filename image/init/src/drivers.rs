//! Drivers, loaded for the devices that are there: each device names itself (`modalias`), each kernel module says with
//! patterns what it serves. The tables are those that `depmod` makes: `modules.dep`, `modules.alias`, `modules.softdep`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use rustix::{
    fd::OwnedFd,
    io::Errno,
    net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, netlink, recv, socket_with},
    system::finit_module,
};

use crate::limits::DATAGRAM_MAX_BYTES;

/// What mounting the boot partition needs beside the disk: FAT, and the character sets of its names.
pub(crate) const OF_THE_BOOT_PARTITION: [&str; 4] = ["vfat", "nls_cp437", "nls_ascii", "nls_utf8"];
/// How deep devices are nested; a USB stick behind three hubs is at about 16.
const DEPTH_MAX: usize = 40;
/// How deep a module's needs are followed.
const NEEDS_MAX: usize = 16;
/// Kernel events of devices come to this multicast group.
const EVENTS_OF_THE_KERNEL: u32 = 1;

/// Which modules there are, and which are loaded.
pub(crate) struct Drivers {
    folder: PathBuf,
    /// File and needed files of each module.
    files: BTreeMap<String, Vec<String>>,
    /// Pattern and module.
    aliases: Vec<(String, String)>,
    /// What must be there before a module although no symbol says so.
    before: BTreeMap<String, Vec<String>>,
    loaded: BTreeSet<String>,
    seen: BTreeSet<String>,
}

impl Drivers {
    /// Reads the tables of the running kernel. A kernel without modules has none.
    pub(crate) fn read() -> Self {
        let release = rustix::system::uname();
        let release = release.release().to_string_lossy().into_owned();
        Self::read_folder(&Path::new("/lib/modules").join(release))
    }

    fn read_folder(folder: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let mut drivers = Self {
            folder: folder.to_owned(),
            files: BTreeMap::new(),
            aliases: Vec::new(),
            before: BTreeMap::new(),
            loaded: BTreeSet::new(),
            seen: BTreeSet::new(),
        };
        for line in text("modules.dep").lines() {
            if let Some((file, needs)) = line.split_once(':') {
                let needs = needs.split_whitespace().chain([file]).map(str::to_owned);
                drivers.files.insert(module_name(file), needs.collect());
            }
        }
        for line in text("modules.alias").lines() {
            let mut words = line.split_whitespace().skip(1);
            if let (Some(pattern), Some(module)) = (words.next(), words.next()) {
                drivers
                    .aliases
                    .push((pattern.to_owned(), module_name(module)));
            }
        }
        for line in text("modules.softdep").lines() {
            let mut words = line.split_whitespace().skip(1);
            let Some(module) = words.next() else { continue };
            let before = words
                .skip_while(|word| *word != "pre:")
                .skip(1)
                .take_while(|word| *word != "post:");
            drivers
                .before
                .insert(module_name(module), before.map(str::to_owned).collect());
        }
        drivers
    }

    /// Loads a module by name or alias, and what it needs.
    pub(crate) fn load(&mut self, name: &str) {
        self.load_with_needs(name, NEEDS_MAX);
    }

    fn load_with_needs(&mut self, name: &str, depth: usize) {
        let module = module_name(name);
        if depth == 0 || !self.loaded.insert(module.clone()) {
            return;
        }
        let Some(files) = self.files.get(&module).cloned() else {
            for module in self.modules_for(name) {
                self.load_with_needs(&module, depth - 1);
            }
            return;
        };
        for before in self.before.get(&module).cloned().unwrap_or_default() {
            self.load_with_needs(&before, depth - 1);
        }
        for file in files {
            let needed = module_name(&file);
            if needed == module {
                self.insert(&file);
            } else {
                self.load_with_needs(&needed, depth - 1);
            }
        }
    }

    fn insert(&self, file: &str) {
        let path = self.folder.join(file);
        let inserted =
            File::open(&path).and_then(|file| finit_module(file, c"", 0).map_err(io::Error::from));
        match inserted {
            Ok(()) => {}
            // Loaded already, or its hardware is not there after all.
            Err(error)
                if matches!(
                    Errno::from_io_error(&error),
                    Some(Errno::EXIST | Errno::NODEV)
                ) => {}
            Err(error) => crate::console::say(&format!("driver {file}: {error}")),
        }
    }

    fn modules_for(&self, alias: &str) -> Vec<String> {
        let fitting = self
            .aliases
            .iter()
            .filter(|(pattern, _)| fits(pattern, alias));
        fitting.map(|(_, module)| module.clone()).collect()
    }

    /// Loads what serves a device that calls itself so.
    pub(crate) fn load_for(&mut self, alias: &str) {
        if self.seen.insert(alias.to_owned()) {
            for module in self.modules_for(alias) {
                self.load(&module);
            }
        }
    }

    /// Loads what serves any device that is there. Whether there were devices not seen before.
    pub(crate) fn load_for_all(&mut self) -> bool {
        let before = self.seen.len();
        self.walk(Path::new("/sys/devices"), DEPTH_MAX);
        self.seen.len() > before
    }

    fn walk(&mut self, folder: &Path, depth: usize) {
        if depth == 0 {
            return;
        }
        if let Ok(alias) = fs::read_to_string(folder.join("modalias")) {
            self.load_for(alias.trim());
        }
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            // Links lead back up.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.walk(&entry.path(), depth - 1);
            }
        }
    }
}

/// Tells of devices that come while the board runs.
pub(crate) struct DeviceEvents(OwnedFd);

impl DeviceEvents {
    /// Begins to listen.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(netlink::KOBJECT_UEVENT),
        )
        .context("cannot hear of new devices")?;
        bind(
            &socket,
            &netlink::SocketAddrNetlink::new(0, EVENTS_OF_THE_KERNEL),
        )?;
        Ok(Self(socket))
    }

    /// Waits for the next device that names itself.
    pub(crate) fn next_alias(&self) -> io::Result<String> {
        let mut buffer = vec![0; DATAGRAM_MAX_BYTES];
        loop {
            let length = match recv(&self.0, buffer.as_mut_slice(), RecvFlags::empty()) {
                Ok((length, _)) => length,
                // More came than was read: those devices are found by the walk.
                Err(Errno::NOBUFS | Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let event = buffer.get(..length).unwrap_or_default();
            let mut fields = event.split(|byte| *byte == 0);
            let alias = fields.find_map(|field| field.strip_prefix(b"MODALIAS="));
            if let Some(alias) = alias.filter(|_| event.starts_with(b"add@")) {
                return Ok(String::from_utf8_lossy(alias).into_owned());
            }
        }
    }
}

/// Name of a module from its file: without folder and ending, `-` as `_`.
fn module_name(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.split('.').next().unwrap_or(name);
    name.replace('-', "_")
}

/// Whether a text fits a pattern of `*`, `?` and `[…]`, as the shell means them.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    // Where to go on when the last star must take one character more.
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        let byte = text.get(place).copied().unwrap_or_default();
        let step = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
                continue;
            }
            Some(b'[') => class(pattern.get(at..).unwrap_or_default(), byte),
            Some(b'?') => Some(1),
            Some(own) if *own == byte => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(step), _) => (at, place) = (at + step, place + 1),
            (None, Some((star_at, star_place))) => {
                (at, place) = (star_at + 1, star_place + 1);
                star = Some((star_at, star_place + 1));
            }
            (None, None) => return false,
        }
    }
    pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

/// Length of the class at the start of a pattern, if it has the byte.
fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let end = pattern.iter().position(|byte| *byte == b']')?;
    let members = pattern.get(1..end)?;
    let mut at = 0;
    let mut has = false;
    while let Some(low) = members.get(at) {
        let is_range = members.get(at + 1) == Some(&b'-') && members.get(at + 2).is_some();
        let high = members.get(at + 2).filter(|_| is_range).unwrap_or(low);
        has |= (*low..=*high).contains(&byte);
        at += if is_range { 3 } else { 1 };
    }
    has.then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_the_kernel_means_them() {
        for (pattern, text, expected) in [
            (
                "pci:v00001AF4d00001000sv*sd*bc*sc*i*",
                "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00",
                true,
            ),
            ("pci:v00008086d*", "pci:v00001AF4d00001000sv00001AF4", false),
            (
                "of:N*T*Cbrcm,bcm2835-sdhost",
                "of:NmmcT(null)Cbrcm,bcm2835-sdhost",
                true,
            ),
            (
                "of:N*T*Cbrcm,bcm2835-sdhostC*",
                "of:NmmcT(null)Cbrcm,bcm2835-sdhost",
                false,
            ),
            (
                "usb:v0B95p1790d*dc*dsc*dp*icFFiscFFip00in*",
                "usb:v0B95p1790d0200dcFFdscFFdp00icFFiscFFip00in00",
                true,
            ),
            ("usb:v*p*d0[1-3]0?dc*", "usb:v1p2d0201dc9", true),
            ("usb:v*p*d0[1-3]0?dc*", "usb:v1p2d0401dc9", false),
            ("*a*b", "xxaxxab", true),
            ("*a*b", "xxaxxabc", false),
            ("", "", true),
            ("[", "[", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn tables_of_depmod_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put(
            "modules.dep",
            "kernel/fs/ext4/ext4.ko: kernel/lib/mb-cache.ko kernel/fs/jbd2.ko\nkernel/lib/mb-cache.ko:\n",
        );
        put(
            "modules.alias",
            "# Aliases\nalias fs-ext4 ext4\nalias crypto-crc32c crc32c_generic\n",
        );
        put(
            "modules.softdep",
            "# Soft\nsoftdep ext4 pre: crypto-crc32c post: other\n",
        );
        let drivers = Drivers::read_folder(folder.path());
        assert_eq!(drivers.files["ext4"].len(), 3);
        assert_eq!(drivers.files["mb_cache"], ["kernel/lib/mb-cache.ko"]);
        assert_eq!(drivers.modules_for("crypto-crc32c"), ["crc32c_generic"]);
        assert_eq!(drivers.before["ext4"], ["crypto-crc32c"]);
    }
}
