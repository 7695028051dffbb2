//! Updates as process 1 sees them: where one may come from, the process that takes it, and what became of it.
//!
//! An update comes as the file `lapwing.update` on the boot partition or on a stick, or as what the uplink brought, when the sensor's side
//! asks for it. One is taken at a time, and none while the running slot has yet to prove itself: the other one is then the way back.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use rustix::{
    mount::MountFlags,
    process::{Pid, Signal, kill_process},
};

use crate::{
    boot_control::BootControl,
    console::say,
    control_socket::ControlSocket,
    layout::{self, Slot, word},
    limits::UPDATE_PATIENCE,
    mounts,
    release::Release,
    sensor_settings::RunningImage,
    update::{
        self,
        record::{Record, State},
    },
};

/// File systems that sticks have.
const STICK_KINDS: [&str; 2] = ["vfat", "exfat"];

/// What is to be taken, and what is being taken.
pub(crate) struct Updates {
    socket: Option<ControlSocket>,
    waiting: VecDeque<From>,
    running: Option<Running>,
    /// Devices that were looked at and are still there.
    known_sticks: BTreeSet<String>,
    record: Option<Record>,
    /// What the centre is told.
    told: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Boot,
    Link,
    Stick(String),
}

struct Running {
    process: Pid,
    started: Instant,
    from: From,
}

impl Updates {
    /// Notes what became of an update that was armed before this start.
    pub(crate) fn start(running: Slot, control: &dyn BootControl) -> Self {
        let path = Path::new(layout::UPDATE_RECORD);
        let mut record = Record::read(path);
        if let (Some(record), Ok(other)) = (&mut record, control.state(running.other()))
            && record.started(running, other)
        {
            keep(record);
            if record.state == State::Refused {
                forget_seen();
            }
        }
        if let Some(record) = &record {
            say(&format!("update: {}", record.line()));
        }
        let socket = ControlSocket::listen(Path::new(layout::CONTROL_SOCKET));
        Self {
            socket: socket
                .inspect_err(|error| say(&format!("control socket: {error:#}")))
                .ok(),
            waiting: VecDeque::from([From::Boot]),
            running: None,
            known_sticks: BTreeSet::new(),
            record,
            told: String::new(),
        }
    }

    /// What to tell people of the last update.
    pub(crate) fn line(&self) -> Option<String> {
        match &self.running {
            Some(_) => Some("is being written".to_owned()),
            None => Some(self.record.as_ref()?.line()),
        }
    }

    /// The image that runs, for the uplink to fetch newer ones; none where it takes no updates.
    pub(crate) fn running_image(release: &Release, command_line: &str) -> Option<RunningImage> {
        if !Path::new(layout::UPDATE_ROOT).exists() {
            return None;
        }
        let slot = word(command_line, layout::WORD_SLOT)?;
        let root = word(command_line, layout::WORD_ROOT_DIGEST)?.to_owned();
        let folder = Path::new(layout::BOOT).join("lapwing").join(slot);
        let files = ["kernel", "initrd"].into_iter();
        // One that cannot be read comes whole.
        let files = files.filter_map(|name| {
            let mut file = fs::File::open(folder.join(name)).ok()?;
            update::digest_of(&mut file).ok()
        });
        Some(RunningImage {
            board: release.board.clone(),
            version: release.built_seconds,
            parts: [root].into_iter().chain(files).collect(),
        })
    }

    /// Writes down what heartbeats tell the centre: short, for each of them has it.
    pub(crate) fn tell_centre(&mut self, release: &Release, slot: Slot) {
        let mut text = format!("image {} {slot}", release.built_seconds);
        if let Some(record) = &self.record {
            text.push_str(&format!(", update {}", record.short()));
        }
        if text != self.told {
            let path = Path::new(layout::BOARD_STATUS);
            let write = || {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                crate::whole_file::replace(path, text.as_bytes())
            };
            match write() {
                Ok(()) => self.told = text,
                Err(error) => say(&format!(
                    "what the centre is told cannot be written: {error}"
                )),
            }
        }
    }

    /// Whether one is being taken: the boot partition is then its alone.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Looks for updates, and starts the next that may be.
    pub(crate) fn look(&mut self, is_on_trial: bool) {
        if self
            .socket
            .as_ref()
            .is_some_and(ControlSocket::take_request)
            && !self.waiting.contains(&From::Link)
        {
            self.waiting.push_back(From::Link);
        }
        if let Some(running) = &self.running {
            if running.started.elapsed() > UPDATE_PATIENCE {
                say("update: it takes too long and is ended");
                let _ended = kill_process(running.process, Signal::KILL);
            }
        } else if !is_on_trial && let Some(from) = self.waiting.pop_front() {
            self.begin(from);
        }
    }

    /// Looks for sticks that were put in; dearer than [`Updates::look`].
    pub(crate) fn look_for_sticks(&mut self) {
        let there = sticks(Path::new("/sys/class/block"));
        self.known_sticks.retain(|name| there.contains(name));
        for name in there {
            if self.known_sticks.insert(name.clone()) {
                self.waiting.push_back(From::Stick(name));
            }
        }
    }

    fn begin(&mut self, from: From) {
        let path = match &from {
            From::Boot => Path::new(layout::BOOT).join(layout::UPDATE_FILE),
            From::Link => PathBuf::from(layout::IMAGE_MIRROR),
            From::Stick(name) => {
                let device = format!("/dev/{name}");
                let mut kinds = STICK_KINDS.into_iter();
                let flags = MountFlags::RDONLY
                    | MountFlags::NOSUID
                    | MountFlags::NODEV
                    | MountFlags::NOEXEC;
                // What cannot be mounted is a disk with partitions, or a stick with something else on it.
                if !kinds.any(|kind| mounts::put(&device, layout::STICK, kind, flags, "").is_ok()) {
                    return;
                }
                Path::new(layout::STICK).join(layout::UPDATE_FILE)
            }
        };
        if !path.exists() {
            put_away(&from);
            return;
        }
        say(&format!(
            "update: looking at the one {}",
            match &from {
                From::Boot => "on the card".to_owned(),
                From::Link => "of the centre".to_owned(),
                From::Stick(name) => format!("on the stick {name}"),
            }
        ));
        let started = Command::new(layout::STAGE_TWO)
            .arg(update::WORD)
            .arg(&path)
            .stdin(Stdio::null())
            .spawn();
        match started {
            Ok(child) => {
                self.running = Some(Running {
                    process: Pid::from_child(&child),
                    started: Instant::now(),
                    from,
                });
            }
            Err(error) => {
                say(&format!("update: cannot be started: {error}"));
                put_away(&from);
            }
        }
    }

    /// Notices that the process ended. Whether the board is to be started again, for what it wrote.
    pub(crate) fn ended(&mut self, process: Pid, status: i32) -> bool {
        let Some(running) = self.running.take_if(|running| running.process == process) else {
            return false;
        };
        put_away(&running.from);
        if status != 0 && status != i32::from(update::ARMED) {
            let reason = format!("the process that takes updates ended with status {status}");
            say(&format!("update: {reason}"));
            let record = Record::refused(&reason).after(self.record.as_ref());
            keep(&record);
        }
        self.record = Record::read(Path::new(layout::UPDATE_RECORD));
        status == i32::from(update::ARMED)
    }

    /// The running slot proved itself.
    pub(crate) fn confirmed(&mut self) {
        if let Some(record) = &mut self.record
            && record.confirm()
        {
            keep(record);
        }
    }

    /// The running slot gives way, and why.
    pub(crate) fn gives_way(&mut self, reason: &str) {
        if let Some(record) = &mut self.record {
            record.gives_way(reason);
            keep(record);
        }
    }
}

fn keep(record: &Record) {
    if let Err(error) = record.keep(Path::new(layout::UPDATE_RECORD)) {
        say(&format!("update: cannot be noted: {error}"));
    }
}

/// An update that the power interrupted is looked at again.
fn forget_seen() {
    if let Err(error) = fs::remove_file(layout::UPDATE_SEEN)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        say(&format!("update: {} stays: {error}", layout::UPDATE_SEEN));
    }
}

fn put_away(from: &From) {
    if matches!(from, From::Stick(_))
        && let Err(error) = mounts::take_away(layout::STICK)
    {
        say(&format!("the stick cannot be put away: {error}"));
    }
}

/// Names of devices of sticks: what hangs on USB, is no part of the disk that the board runs from, and has something in it.
fn sticks(class: &Path) -> BTreeSet<String> {
    let own = crate::disk::name_of(layout::BOOT_PARTITION);
    let entries = fs::read_dir(class).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let real = fs::canonicalize(entry.path()).ok()?;
        let is_usb = real
            .components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with("usb"));
        let is_own = own.as_deref().is_some_and(|own| {
            real.components()
                .any(|part| part.as_os_str().to_str() == Some(own))
        });
        let bytes = fs::read_to_string(real.join("size")).ok()?;
        let name = entry.file_name().into_string().ok()?;
        (is_usb && !is_own && bytes.trim() != "0").then_some(name)
    });
    names.collect()
}
