//! Real programs as child processes: their output goes to a file, and none outlives the test that started it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::conditions::wait_for;

/// Lines of a log that are told when a program fails.
const LOG_LINES_TOLD: usize = 12;

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; what it prints is appended to `NAME.log` in the folder.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, log_folder: &Path) -> Result<Self> {
        let log = log_folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// Ends it as a power cut would: no warning, nothing flushed.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(&mut self, patience: Duration) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            kill_process(Pid::from_child(&self.child), Signal::TERM)?;
            let what = format!("{} to end", self.name);
            wait_for(&what, patience, || Ok(self.child.try_wait()?))?;
        }
        Ok(())
    }

    /// Its status when it has ended.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Whether it has ended; fails when it did not end well, telling its last words.
    ///
    /// # Errors
    /// As said.
    pub fn has_ended_well(&mut self) -> Result<bool> {
        let Some(status) = self.ended()? else {
            return Ok(false);
        };
        anyhow::ensure!(
            status.success(),
            "{} failed ({status}): {}",
            self.name,
            self.last_words()
        );
        Ok(true)
    }

    /// Fails when it has ended, telling its last words.
    ///
    /// # Errors
    /// As said.
    pub fn must_run(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "{} ended by itself ({status}):\n{}",
                self.name,
                self.last_words()
            );
        }
        Ok(())
    }

    /// Waits until it has ended by itself, well.
    ///
    /// # Errors
    /// When it fails or takes too long.
    pub fn finish(&mut self, patience: Duration) -> Result<()> {
        let what = format!("{} to finish", self.name);
        let status = wait_for(&what, patience, || Ok(self.child.try_wait()?))?;
        if !status.success() {
            bail!("{} failed ({status}):\n{}", self.name, self.last_words());
        }
        Ok(())
    }

    /// The end of what it printed.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_TOLD)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ending what has ended fails, and there is nobody left to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// When it fails; the error holds its last words.
pub fn run(command: &mut Command) -> Result<String> {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let arguments: Vec<_> = command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        bail!(
            "{name} {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
