//! `lapwing-image build`: from locked packages and built programs to a disk image, without root and without loop devices.
//! The same inputs give the same bytes: all times are one time, all ids come from the version.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use crate::{
    bill_of_materials, block_map,
    board::Board,
    boot_partition::{self, SlotFiles},
    disk_image, imager_list, initial_memory_disk,
    kernel_modules::KernelModules,
    lock_file::{self, Package, Use},
    packages, report, root,
};

/// A window that sees the first slot from the second.
const WINDOW_BITS: u32 = 27;

/// What to build, and from what.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Board that the image is for
    #[arg(long)]
    board: Board,
    /// The edge program, static, for the board's processor
    #[arg(long, value_name = "FILE")]
    lapwing: PathBuf,
    /// The first process, static, for the board's processor
    #[arg(long, value_name = "FILE")]
    init: PathBuf,
    /// Rules that the image brings, compiled with `lapwing rules compile`
    #[arg(long, value_name = "FILE")]
    pack: PathBuf,
    /// List of Debian packages with their hashes
    #[arg(long, value_name = "FILE", default_value = "image/packages.lock")]
    lock: PathBuf,
    /// Root of trust for updates (`metadata/1.root.json` of their repository); without it the image takes no updates
    #[arg(long, value_name = "FILE")]
    update_root: Option<PathBuf>,
    /// Root of trust for rules (`metadata/1.root.json` of their repository), for sites that name none; without both a sensor keeps the rules that the
    /// image brings
    #[arg(long, value_name = "FILE")]
    rules_root: Option<PathBuf>,
    /// Crates that the programs are made of, for the bill of materials
    #[arg(long, value_name = "FILE", default_value = "Cargo.lock")]
    cargo_lock: PathBuf,
    /// Folder where fetched packages are kept
    #[arg(long, value_name = "FOLDER", default_value = "target/image-packages")]
    cache: PathBuf,
    /// Time of the build in seconds since 1970: the image's version, and the earliest time that its clock shows
    #[arg(long, value_name = "SECONDS")]
    seconds: u64,
    /// How hard to pack, from 1 (quick) to 19 (small)
    #[arg(long, value_name = "LEVEL", default_value_t = 19, value_parser = clap::value_parser!(i32).range(1..=19))]
    level: i32,
    /// Address of the folder that the image is given away from: then the list for Raspberry Pi Imager is written too
    #[arg(long, value_name = "URL")]
    imager_address: Option<String>,
    /// Folder to write the image, its bill of materials and its digests to
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
}

/// Everything that an image is made of.
pub(crate) struct Inputs<'a> {
    pub(crate) board: Board,
    pub(crate) lapwing: &'a Path,
    pub(crate) init: &'a Path,
    pub(crate) pack: &'a Path,
    pub(crate) update_root: Option<&'a Path>,
    pub(crate) rules_root: Option<&'a Path>,
    pub(crate) packages: &'a [(Package, PathBuf)],
    pub(crate) seconds: u64,
    pub(crate) version: &'a str,
}

impl Inputs<'_> {
    /// An id that depends on the version and the name alone.
    pub(crate) fn id(&self, name: &str) -> [u8; 16] {
        let text = format!("lapwing {} {} {name}", self.board.name(), self.version);
        let digest = Sha256::digest(text.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(digest.get(..16).unwrap_or(&[0; 16]));
        id
    }

    /// The same, as text.
    pub(crate) fn uuid(&self, name: &str) -> String {
        let id = hex::encode(self.id(name));
        let part = |from: usize, to: usize| id.get(from..to).unwrap_or_default().to_owned();
        [
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32),
        ]
        .join("-")
    }

    /// What the image says of itself.
    pub(crate) fn release(&self) -> String {
        format!(
            "VERSION={}\nBUILT_SECONDS={}\nBOARD={}\n",
            self.version,
            self.seconds,
            self.board.name()
        )
    }

    pub(crate) fn time_text(&self) -> anyhow::Result<String> {
        let time = jiff::Timestamp::from_second(i64::try_from(self.seconds)?)?;
        Ok(time.to_string())
    }

    pub(crate) fn unpacked(&self, purpose: Use) -> anyhow::Result<&Path> {
        let mut packages = self.packages.iter();
        let found = packages.find(|(package, _)| package.purpose == purpose);
        let (_, folder) = found.with_context(|| {
            format!("packages.lock has no {purpose:?} for {}", self.board.name())
        })?;
        Ok(folder)
    }

    pub(crate) fn file_system_check(&self) -> anyhow::Result<PathBuf> {
        let folder = self.unpacked(Use::FileSystemCheck)?;
        let mut places = ["sbin", "usr/sbin"]
            .map(|place| folder.join(place).join("e2fsck.static"))
            .into_iter();
        places
            .find(|path| path.is_file())
            .context("the package has no e2fsck.static")
    }

    /// The kernel: newer packages have it beside the modules.
    pub(crate) fn kernel(&self) -> anyhow::Result<PathBuf> {
        let package = self.unpacked(Use::Kernel)?;
        let list = |folder: &str| fs::read_dir(package.join(folder)).into_iter().flatten();
        let mut of_boot = list("boot").filter_map(|entry| Some(entry.ok()?.path()));
        let is_kernel = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
        };
        let mut of_modules =
            list("usr/lib/modules").filter_map(|entry| Some(entry.ok()?.path().join("vmlinuz")));
        of_boot
            .find(is_kernel)
            .or_else(|| of_modules.find(|path| path.is_file()))
            .context("the kernel's package has no kernel")
    }

    fn modules(&self) -> anyhow::Result<&Path> {
        self.unpacked(Use::KernelModules)
            .or_else(|_| self.unpacked(Use::Kernel))
    }
}

/// Builds an image.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let board = arguments.board;
    fs::create_dir_all(&arguments.output)
        .with_context(|| format!("cannot make {}", arguments.output.display()))?;
    for program in [&arguments.lapwing, &arguments.init] {
        must_run_on(board, program)?;
    }
    let work = tempfile::tempdir_in(&arguments.output)?;
    let mut unpacked = Vec::new();
    for package in lock_file::read(&arguments.lock, board)? {
        report(format_args!("package {} {}", package.name, package.version))?;
        let deb = packages::fetch(&package, &arguments.cache)?;
        let folder = packages::unpack(&deb)?;
        unpacked.push((package, folder));
    }
    let version = format!("{}-{}", env!("CARGO_PKG_VERSION"), arguments.seconds);
    let inputs = Inputs {
        board,
        lapwing: &arguments.lapwing,
        init: &arguments.init,
        pack: &arguments.pack,
        update_root: arguments.update_root.as_deref(),
        rules_root: arguments.rules_root.as_deref(),
        packages: &unpacked,
        seconds: arguments.seconds,
        version: &version,
    };
    let modules = KernelModules::of(inputs.modules()?)?;
    report(format_args!("kernel {}", modules.release))?;
    let path = |name: &str| work.path().join(name);
    root::lay_out(&inputs, &modules, &path("root"))?;
    root::pack(&inputs, &path("root"), &path("root.erofs"))?;

    fs::create_dir_all(path("start/root"))?;
    fs::create_dir_all(path("start/dev"))?;
    fs::copy(&arguments.init, path("start/init"))?;
    fs::create_dir_all(path("modules"))?;
    modules.copy(&path("modules"), true)?;
    let memory_disk = initial_memory_disk::pack(&path("start"), &path("modules"))?;
    fs::write(path("initrd"), memory_disk)?;

    let files = SlotFiles {
        kernel: inputs.kernel()?,
        memory_disk: path("initrd"),
        root_digest: packages::digest(&path("root.erofs"))?,
        root_bytes: path("root.erofs").metadata()?.len(),
    };
    boot_partition::make(&inputs, &files, work.path(), &path("boot.fat"))?;
    let name = format!("lapwing-{}", board.name());
    let disk = arguments.output.join(format!("{name}.img"));
    disk_image::assemble(&inputs, &path("boot.fat"), &path("root.erofs"), &disk)?;
    let packed = arguments.output.join(format!("{name}.img.zst"));
    pack(&disk, &packed, arguments.level)?;
    block_map::write(&disk, &arguments.output.join(format!("{name}.img.bmap")))?;
    if let Some(address) = &arguments.imager_address {
        let list = arguments.output.join(format!("{name}.imager.json"));
        imager_list::write(board, address, &inputs.time_text()?, &disk, &packed, &list)?;
    }
    bill_of_materials::write(
        &inputs,
        &arguments.cargo_lock,
        &arguments.output.join(format!("{name}.spdx.json")),
    )?;
    for path in [&disk, &packed] {
        let bytes = path.metadata()?.len();
        report(format_args!(
            "{} {bytes} bytes, sha256 {}",
            path.display(),
            packages::digest(path)?
        ))?;
    }
    report(format_args!("{}: {}", board.name(), board.tried()))
}

fn pack(from: &Path, to: &Path, level: i32) -> anyhow::Result<()> {
    let mut encoder = zstd::Encoder::new(File::create(to)?, level)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(WINDOW_BITS)?;
    io::copy(&mut BufReader::new(File::open(from)?), &mut encoder)?;
    encoder.finish()?.sync_all()?;
    Ok(())
}

/// The image has no libraries: a program that needs some would not start. An ELF file without an interpreter needs none.
fn must_run_on(board: Board, program: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let number = |at: usize| {
        bytes
            .get(at..at + 2)
            .map_or(0, |two| usize::from(u16::from_le_bytes([two[0], two[1]])))
    };
    if !bytes.starts_with(b"\x7fELF\x02\x01") || number(18) != board.machine() {
        bail!(
            "{} is not a program for {}",
            program.display(),
            board.name()
        );
    }
    let table = bytes
        .get(32..40)
        .and_then(|eight| eight.first_chunk::<8>())
        .map_or(0, |eight| u64::from_le_bytes(*eight));
    let table = usize::try_from(table)?;
    let (entry_bytes, entries) = (number(54), number(56));
    for index in 0..entries {
        // Kind 3 names the interpreter.
        if number(table + index * entry_bytes) == 3 {
            bail!(
                "{} needs libraries, and the image has none: build it with tools/build-programs",
                program.display()
            );
        }
    }
    Ok(())
}
