//! Programs that run beside process 1, as the user `lapwing`: started, watched, started again after a pause that grows.
//!
//! Process 1 collects every process that ends, also those that lost their parents.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use rustix::{
    process::{Pid, Signal, WaitOptions, kill_process, wait},
    thread::{
        CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities,
        configure_capability_in_ambient_set, set_capabilities, set_capabilities_secure_bits,
    },
};

use crate::{console::say, layout, limits::LOG_MAX_BYTES};

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A program that ran this long has recovered.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);
/// Longest line of a program that is kept.
const LINE_MAX_BYTES: usize = 4096;
const LOG: &str = "/data/log/lapwing.log";
const OLDER_LOG: &str = "/data/log/lapwing.log.1";

/// A program to be kept running.
pub(crate) struct Service {
    program: &'static str,
    user: u32,
    arguments: Vec<String>,
    /// What it may do beyond a plain user.
    kept: CapabilitySet,
    running: Option<(Pid, Instant)>,
    start_at: Instant,
    pause: Duration,
}

impl Service {
    pub(crate) fn new(arguments: &[&str], kept: CapabilitySet) -> Self {
        Self {
            program: layout::LAPWING,
            user: layout::LAPWING_USER,
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            kept,
            running: None,
            start_at: Instant::now(),
            pause: PAUSE_MIN,
        }
    }

    /// This program itself as another user, for what comes over the network.
    pub(crate) fn of_init(arguments: &[&str], user: u32) -> Self {
        Self {
            program: layout::STAGE_TWO,
            user,
            ..Self::new(arguments, CapabilitySet::empty())
        }
    }

    /// Starts it if it is time.
    pub(crate) fn look(&mut self) {
        if self.running.is_some() || Instant::now() < self.start_at {
            return;
        }
        match start(self) {
            Ok(process) => {
                say(&format!("started lapwing {}", self.name()));
                self.running = Some((process, Instant::now()));
            }
            Err(error) => {
                say(&format!("cannot start lapwing {}: {error:#}", self.name()));
                self.wait_before_next();
            }
        }
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Notices that it ended; its status, if it was this one.
    pub(crate) fn ended(&mut self, process: Pid, status: i32) -> bool {
        let Some((_, started)) = self.running.take_if(|(own, _)| *own == process) else {
            return false;
        };
        say(&format!(
            "lapwing {} ended with status {status}",
            self.name()
        ));
        if started.elapsed() >= RECOVERED_AFTER {
            self.pause = PAUSE_MIN;
        }
        self.wait_before_next();
        true
    }

    /// Asks it to end. It is started again soon after it did.
    pub(crate) fn restart(&mut self) {
        self.pause = PAUSE_MIN;
        if let Some((process, _)) = self.running
            && let Err(error) = kill_process(process, Signal::TERM)
        {
            say(&format!(
                "lapwing {} cannot be stopped: {error}",
                self.name()
            ));
        }
    }

    fn wait_before_next(&mut self) {
        self.start_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    fn name(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }
}

/// Collects processes that ended.
pub(crate) fn ended() -> Vec<(Pid, i32)> {
    let mut all = Vec::new();
    while let Ok(Some((process, status))) = wait(WaitOptions::NOHANG) {
        let signal = status.terminating_signal().map(|signal| 128 + signal);
        all.push((process, status.exit_status().or(signal).unwrap_or_default()));
    }
    all
}

/// Runs the edge program to its end, with all rights, and returns what it printed: for orders to the kernel only.
pub(crate) fn run_privileged(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(layout::LAPWING)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("cannot run lapwing")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(anyhow!(text(&output.stderr)))
    }
}

/// Runs the edge program to its end as its user; what it printed, and whether it was well.
pub(crate) fn run_as_user(arguments: &[&str]) -> anyhow::Result<(String, bool)> {
    let output = Command::new(layout::LAPWING)
        .args(arguments)
        .uid(layout::LAPWING_USER)
        .gid(layout::LAPWING_USER)
        .stdin(Stdio::null())
        .output()
        .context("cannot run lapwing")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((text, output.status.success()))
}

fn start(service: &Service) -> anyhow::Result<Pid> {
    // Rights belong to a thread: this one gives up its own, and the program inherits what is left.
    let child = thread::scope(|scope| {
        let starter = scope.spawn(|| start_with(service));
        starter
            .join()
            .unwrap_or_else(|_| Err(anyhow!("the starting thread failed")))
    })?;
    let process = Pid::from_child(&child);
    if let Some(output) = child.stderr {
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || keep_log(BufReader::new(output)))?;
    }
    Ok(process)
}

fn start_with(service: &Service) -> anyhow::Result<Child> {
    let kept = service.kept;
    // A change of user takes no rights away by itself; the start of the program does, but for the ambient ones.
    set_capabilities_secure_bits(CapabilitiesSecureBits::NO_SETUID_FIXUP)?;
    let now = capabilities(None)?;
    set_capabilities(
        None,
        CapabilitySets {
            inheritable: kept,
            ..now
        },
    )?;
    for capability in kept.iter() {
        configure_capability_in_ambient_set(capability, true)?;
    }
    let folder = if service.user == layout::LAPWING_USER {
        layout::STATE
    } else {
        "/"
    };
    Ok(Command::new(service.program)
        .args(&service.arguments)
        .uid(service.user)
        .gid(service.user)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?)
}

/// Keeps what a program says, two files of bounded length; what is wrong is also told on the console.
fn keep_log(mut output: impl BufRead) {
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = std::io::Read::take(&mut output, 4 * 1024);
        match bounded.read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
        line.truncate(LINE_MAX_BYTES);
        let text = String::from_utf8_lossy(&line);
        if ["WARN", "ERROR", "lapwing:", "panicked"]
            .iter()
            .any(|mark| text.contains(mark))
        {
            say(text.trim_end());
        }
        if let Err(error) = append(&line) {
            say(&format!("cannot write the log: {error}"));
        }
    }
}

fn append(line: &[u8]) -> std::io::Result<()> {
    let mut log = File::options().create(true).append(true).open(LOG)?;
    if log.metadata()?.len() > LOG_MAX_BYTES {
        fs::rename(LOG, OLDER_LOG)?;
        log = File::options().create(true).append(true).open(LOG)?;
    }
    log.write_all(line)
}
