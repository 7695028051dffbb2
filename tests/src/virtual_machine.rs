//! A board in QEMU: two network cards, of which one is a wire to the test, a serial line that is written to a file, and a power
//! switch that may be pulled at any moment.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::conditions::wait_for;
use crate::processes::{Process, run};
use crate::programs::program;

/// Address of the capture card.
pub const CAPTURE_CARD: [u8; 6] = [0x52, 0x54, 0, 0, 0, 2];
/// Where the board has its page, when its site file asks for it there.
pub const PAGE_PORT: u16 = 8080;

/// What kind of computer QEMU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// A PC with UEFI.
    UefiX86_64,
    /// An ARM server with UEFI.
    UefiArm64,
    /// An ARM board with U-Boot.
    UBootArm64,
}

impl Machine {
    /// The program, and its words for the machine and its processor.
    fn qemu(self) -> (&'static str, [&'static str; 4]) {
        match self {
            Self::UefiX86_64 => ("qemu-system-x86_64", ["-M", "q35", "-cpu", "max"]),
            Self::UefiArm64 | Self::UBootArm64 => {
                ("qemu-system-aarch64", ["-M", "virt", "-cpu", "cortex-a72"])
            }
        }
    }

    /// Firmware of Debian's packages `ovmf` and `qemu-efi-aarch64`: its code, and its variables as they are at first.
    fn uefi(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::UefiX86_64 => Some((
                "/usr/share/OVMF/OVMF_CODE_4M.fd",
                "/usr/share/OVMF/OVMF_VARS_4M.fd",
            )),
            Self::UefiArm64 => Some((
                "/usr/share/AAVMF/AAVMF_CODE.fd",
                "/usr/share/AAVMF/AAVMF_VARS.fd",
            )),
            Self::UBootArm64 => None,
        }
    }
}

/// U-Boot of Debian's package `u-boot-qemu`.
const U_BOOT: &str = "/usr/lib/u-boot/qemu_arm64/u-boot.bin";
/// Where the boot partition begins on the disk, for mtools.
const BOOT_OFFSET: &str = "@@1M";

/// A disk with an image, in a folder of its own.
#[derive(Debug)]
pub struct Board {
    folder: PathBuf,
    machine: Machine,
    /// MiB of memory.
    pub memory_mib: u32,
    /// What the clock shows at the start; none for the right time.
    pub clock: Option<&'static str>,
    /// A port of this machine that leads to the page of the board, [`PAGE_PORT`].
    pub page: Option<u16>,
    /// A disk image to plug in as a USB stick.
    pub stick: Option<PathBuf>,
    boots: u32,
}

/// A board that is switched on.
#[derive(Debug)]
pub struct RunningBoard {
    process: Process,
    serial: PathBuf,
    wire: UnixDatagram,
    wire_to: PathBuf,
    page: Option<u16>,
    started: Instant,
}

impl Board {
    /// Writes an image to a card of so many bytes with our own flasher, and the site file and what it names beside it.
    ///
    /// # Errors
    /// When the flasher fails.
    pub fn flash(
        machine: Machine,
        image: &Path,
        folder: &Path,
        disk_bytes: u64,
        site: Option<&Path>,
        with: &[PathBuf],
    ) -> Result<Self> {
        let board = Self {
            folder: folder.to_owned(),
            machine,
            memory_mib: 256,
            clock: None,
            page: None,
            stick: None,
            boots: 0,
        };
        fs::File::create(board.disk())?.set_len(disk_bytes)?;
        let mut command = Command::new(program("lapwing-image"));
        command
            .arg("flash")
            .arg(image)
            .arg("--device")
            .arg(board.disk());
        if let Some(site) = site {
            command.arg("--site").arg(site);
        }
        for file in with {
            command.arg("--with").arg(file);
        }
        run(&mut command)?;
        if let Some((_, variables)) = machine.uefi() {
            fs::copy(variables, board.variables()).with_context(|| {
                format!("{variables} is missing; tools/setup image installs it")
            })?;
        }
        Ok(board)
    }

    /// The disk.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.folder.join("disk.img")
    }

    fn variables(&self) -> PathBuf {
        self.folder.join("firmware-variables.fd")
    }

    /// Writes a file to the boot partition, as a person with a card reader.
    ///
    /// # Errors
    /// When mtools fails.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        put(&self.disk(), name, bytes)
    }

    /// Reads a file of the boot partition.
    ///
    /// # Errors
    /// When it is not there.
    pub fn read(&self, name: &str) -> Result<String> {
        read(&self.disk(), name)
    }

    /// Renames a file of the boot partition.
    ///
    /// # Errors
    /// When mtools fails.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        run(mtool(&self.disk(), "mmove")
            .arg(format!("::/{from}"))
            .arg(format!("::/{to}")))
        .map(drop)
    }

    /// Names of the boot loader's entries.
    ///
    /// # Errors
    /// When mtools fails.
    pub fn entries(&self) -> Result<Vec<String>> {
        let listing = run(mtool(&self.disk(), "mdir").args(["-b", "::/loader/entries"]))?;
        let names = listing
            .lines()
            .filter_map(|line| line.trim().rsplit('/').next());
        let mut names: Vec<_> = names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        names.sort();
        Ok(names)
    }

    /// Switches it on.
    ///
    /// # Errors
    /// When QEMU cannot be started.
    pub fn switch_on(&mut self) -> Result<RunningBoard> {
        self.boots += 1;
        let path = |name: &str| self.folder.join(name).display().to_string();
        let serial = self.folder.join(format!("serial-{}.log", self.boots));
        // A path that a socket can have is short.
        let wires = tempfile::tempdir()?.keep();
        let (ours, theirs) = (wires.join("t"), wires.join("q"));
        let wire = UnixDatagram::bind(&ours)?;
        wire.set_nonblocking(true)?;
        let card = CAPTURE_CARD.map(|byte| format!("{byte:02x}")).join(":");
        let (program, words) = self.machine.qemu();
        let mut command = Command::new(program);
        command
            .args(words)
            .args(["-accel", &accelerator()])
            .args(["-smp", "2", "-nographic", "-monitor", "none"])
            .args(["-m", &self.memory_mib.to_string()])
            .arg("-serial")
            .arg(format!("file:{}", serial.display()));
        match self.machine.uefi() {
            Some((code, _)) => {
                command
                    .arg("-drive")
                    .arg(format!(
                        "if=pflash,format=raw,unit=0,readonly=on,file={code}"
                    ))
                    .arg("-drive")
                    .arg(format!(
                        "if=pflash,format=raw,unit=1,file={}",
                        path("firmware-variables.fd")
                    ));
            }
            None => {
                command.args(["-bios", U_BOOT]);
            }
        }
        command
            .arg("-drive")
            .arg(format!(
                "file={},format=raw,if=none,id=disk",
                path("disk.img")
            ))
            .args([
                "-device",
                "virtio-blk-pci,drive=disk,bootindex=0",
                "-device",
                "i6300esb",
            ])
            // Management: this machine's loopback is reached at 10.0.2.2.
            .arg("-netdev")
            .arg(match self.page {
                Some(port) => {
                    format!("user,id=management,hostfwd=tcp:127.0.0.1:{port}-:{PAGE_PORT}")
                }
                None => "user,id=management".to_owned(),
            })
            .args([
                "-device",
                "virtio-net-pci,netdev=management,romfile=,mac=52:54:00:00:00:01",
            ])
            // Capture: a wire to the test.
            .arg("-netdev")
            .arg(format!(
                "dgram,id=capture,local.type=unix,local.path={},remote.type=unix,remote.path={}",
                theirs.display(),
                ours.display()
            ))
            .arg("-device")
            .arg(format!("virtio-net-pci,netdev=capture,romfile=,mac={card}"));
        if let Some(stick) = &self.stick {
            command
                .args(["-device", "qemu-xhci"])
                .arg("-drive")
                .arg(format!(
                    "file={},format=raw,if=none,id=stick",
                    stick.display()
                ))
                .args(["-device", "usb-storage,drive=stick"]);
        }
        if let Some(clock) = self.clock {
            command.arg("-rtc").arg(format!("base={clock}"));
        }
        Ok(RunningBoard {
            process: Process::start("qemu", &mut command, &self.folder)?,
            serial,
            wire,
            wire_to: theirs,
            page: self.page,
            started: Instant::now(),
        })
    }
}

/// How long something may take that takes `idle` at most where nothing else runs: `LAPWING_IMAGE_PATIENCE` times that, once without it.
#[must_use]
pub fn limit(idle: Duration) -> Duration {
    let factor = std::env::var("LAPWING_IMAGE_PATIENCE");
    idle * factor
        .ok()
        .and_then(|factor| factor.parse().ok())
        .unwrap_or(1)
}

/// What QEMU computes with: `LAPWING_QEMU_ACCEL`, or by itself, which works everywhere.
fn accelerator() -> String {
    std::env::var("LAPWING_QEMU_ACCEL").unwrap_or_else(|_| "tcg,thread=multi".to_owned())
}

/// Writes a file to the boot partition of an image or a disk.
///
/// # Errors
/// When mtools fails.
pub fn put(disk: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = tempfile::NamedTempFile::new()?;
    fs::write(&path, bytes)?;
    run(mtool(disk, "mcopy")
        .args(["-o"])
        .arg(path.path())
        .arg(format!("::/{name}")))
    .map(drop)
}

/// Reads a file of text of the boot partition of an image or a disk.
///
/// # Errors
/// When it is not there.
pub fn read(disk: &Path, name: &str) -> Result<String> {
    run(mtool(disk, "mtype").arg(format!("::/{name}")))
}

/// Reads any file of the boot partition of an image or a disk.
///
/// # Errors
/// When it is not there.
pub fn read_bytes(disk: &Path, name: &str) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let to = folder.path().join("file");
    run(mtool(disk, "mcopy").arg(format!("::/{name}")).arg(&to))?;
    Ok(fs::read(to)?)
}

fn mtool(disk: &Path, name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .env("MTOOLS_SKIP_CHECK", "1")
        .arg("-i")
        .arg(format!("{}{BOOT_OFFSET}", disk.display()));
    command
}

impl RunningBoard {
    /// What stands on the serial line so far.
    #[must_use]
    pub fn serial(&self) -> String {
        let bytes = fs::read(&self.serial).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the board says something, within the [`limit`] of the patience; how long that took from the start.
    ///
    /// # Errors
    /// When it does not say it in time; with its last words.
    pub fn says(&mut self, text: &str, patience: Duration) -> Result<Duration> {
        self.says_times(text, 1, patience)
    }

    /// The same, for the nth time.
    ///
    /// # Errors
    /// As said.
    pub fn says_times(&mut self, text: &str, times: usize, patience: Duration) -> Result<Duration> {
        let serial = self.serial.clone();
        let found = wait_for(
            &format!("the board to say {text:?}"),
            limit(patience),
            || {
                self.process.must_run()?;
                let bytes = fs::read(&serial).unwrap_or_default();
                let said = String::from_utf8_lossy(&bytes).matches(text).count() >= times;
                Ok(said.then_some(()))
            },
        );
        if let Err(error) = found {
            let serial = self.serial();
            let lines: Vec<&str> = serial.lines().collect();
            let last = lines
                .get(lines.len().saturating_sub(25)..)
                .unwrap_or_default();
            bail!("{error}; its last lines:\n{}", last.join("\n"));
        }
        Ok(self.started.elapsed())
    }

    /// What the page of the board says now.
    ///
    /// # Errors
    /// When there is none.
    pub fn page(&self) -> Result<String> {
        let port = self.page.context("the board has no page")?;
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(limit(Duration::from_secs(10))))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: board\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Sends frames to the capture card.
    ///
    /// # Errors
    /// When QEMU does not take them.
    pub fn send(&self, frames: &[Vec<u8>]) -> Result<()> {
        for frame in frames {
            // A full socket is a full wire: the frame waits.
            wait_for(
                "room on the wire",
                limit(Duration::from_secs(20)),
                || match self.wire.send_to(frame, &self.wire_to) {
                    Ok(_) => Ok(Some(())),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
                    Err(error)
                        if error.raw_os_error()
                            == Some(rustix::io::Errno::NOBUFS.raw_os_error()) =>
                    {
                        Ok(None)
                    }
                    Err(error) => Err(error.into()),
                },
            )?;
        }
        Ok(())
    }

    /// Frames that the capture card sent so far.
    #[must_use]
    pub fn sent_by_capture_card(&self) -> usize {
        let mut frame = [0; 65_536];
        std::iter::from_fn(|| self.wire.recv(&mut frame).ok()).count()
    }

    /// A power cut.
    ///
    /// # Errors
    /// When QEMU cannot be ended.
    pub fn cut_power(mut self) -> Result<()> {
        self.process.kill()
    }
}
