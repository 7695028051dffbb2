//! A site of its own for a test or the demonstration: settings, rules, a signed policy, the sensor and the uplink.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lapwing_outbox::Status;

use crate::cases::starter_rules;
use crate::centre::Centre;
use crate::conditions::wait_for;
use crate::processes::{Process, run};
use crate::programs::program;
use crate::set_clock::SetClock;

/// How long enrolment may take.
const ENROL_PATIENCE: Duration = Duration::from_secs(20);
/// How long one capture of the demonstration may take.
const REPLAY_PATIENCE: Duration = Duration::from_secs(60);

/// The edge's folder and the name of its sensor.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    config: PathBuf,
    state: PathBuf,
    /// What sensor and uplink take for the time.
    clock: Option<SetClock>,
    /// The name in the voucher.
    pub sensor: String,
}

impl Site {
    /// A site with rules and a policy, enrolled at a centre of its own that runs.
    ///
    /// # Errors
    /// When one of the commands fails, or the centre does not come up.
    pub fn enrolled(folder: &Path, sensor: &str) -> Result<(Self, Centre)> {
        let site = Self::prepare(folder, sensor)?;
        site.compile_rules()?;
        site.sign_policy()?;
        let mut centre = Centre::init(folder)?;
        centre.start()?;
        site.enrol(&centre.voucher(sensor)?)?;
        Ok((site, centre))
    }

    /// Writes the settings of a site, compiles the starter rules, and makes and signs a minimal policy.
    ///
    /// # Errors
    /// When one of the commands fails.
    pub fn prepare(folder: &Path, sensor: &str) -> Result<Self> {
        Self::prepare_with(folder, sensor, "", "")
    }

    /// The same with more lines at the beginning of the settings, and in their section `[uplink]`.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    pub fn prepare_with(folder: &Path, sensor: &str, begin: &str, uplink: &str) -> Result<Self> {
        let site = Self {
            folder: folder.to_owned(),
            config: folder.join("sensor.toml"),
            state: folder.join("edge"),
            clock: None,
            sensor: sensor.to_owned(),
        };
        fs::create_dir_all(&site.state)?;
        let settings = format!(
            "state = {state:?}\n\
             {begin}\
             [rules]\n\
             pack = \"starter.pack\"\n\
             [policy]\n\
             file = \"policy.signed\"\n\
             isp_key = \"isp.pub\"\n\
             ledger_key = \"ledger.pub\"\n\
             [findings]\n\
             window = \"10 s\"\n\
             heartbeat = \"5 s\"\n\
             [uplink]\n\
             send_interval = \"1 s\"\n\
             retry_max = \"2 s\"\n\
             {uplink}",
            state = site.state.display().to_string(),
        );
        fs::write(&site.config, settings).context("cannot write the site's settings")?;
        run(Self::command(&["ledger", "new-key", "--out"]).arg(folder.join("ledger.key")))?;
        Ok(site)
    }

    /// Compiles the starter rules into the pack that the settings name.
    ///
    /// # Errors
    /// When `lapwing rules compile` fails.
    pub fn compile_rules(&self) -> Result<()> {
        let mut command = Self::command(&["rules", "compile"]);
        command
            .arg("--output")
            .arg(self.folder.join("starter.pack"))
            .args(starter_rules()?);
        run(&mut command).map(drop)
    }

    /// Makes the ISP's key, and signs with it a policy that lets findings out and keeps subscribers' addresses in.
    ///
    /// # Errors
    /// When one of the commands fails.
    pub fn sign_policy(&self) -> Result<()> {
        let key = self.folder.join("isp.key");
        let policy = self.folder.join("policy.toml");
        run(Self::command(&["policy", "keygen", "--out"]).arg(&key))?;
        fs::write(&policy, run(&mut Self::command(&["policy", "template"]))?)?;
        run(Self::command(&["policy", "sign", "--key"])
            .arg(&key)
            .arg(&policy))
        .map(drop)
    }

    /// Changes the lines in the section `[uplink]` of the settings; a running uplink does not see it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_uplink(&self, lines: &str) -> Result<()> {
        let settings = fs::read_to_string(&self.config)?;
        let (before, _) = settings
            .split_once("[uplink]\n")
            .context("the settings have no [uplink]")?;
        fs::write(
            &self.config,
            format!("{before}[uplink]\nsend_interval = \"1 s\"\nretry_max = \"2 s\"\n{lines}"),
        )?;
        Ok(())
    }

    /// A command of `lapwing` on this site's settings.
    #[must_use]
    pub fn command_of(&self, words: &[&str]) -> Command {
        let mut command = Self::command(words);
        command.arg("--config").arg(&self.config);
        command
    }

    /// The folder of everything that the sensor keeps.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Gives the site a clock of its own, which sensor and uplink follow from their next start on; none where that cannot be done.
    ///
    /// # Errors
    /// When the clock cannot be made.
    pub fn give_clock(&mut self) -> Result<Option<SetClock>> {
        self.clock = SetClock::in_folder(&self.state)?;
        Ok(self.clock.clone())
    }

    /// Enrols the sensor at a centre.
    ///
    /// # Errors
    /// When it is refused or takes too long.
    pub fn enrol(&self, voucher: &str) -> Result<()> {
        let mut command = Self::command(&["enroll", "--config"]);
        command.arg(&self.config).arg(voucher);
        Process::start("enroll", &mut command, &self.folder)?.finish(ENROL_PATIENCE)
    }

    /// Starts the uplink.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_uplink(&self) -> Result<Process> {
        let mut command = self.command_of(&["uplink"]);
        self.govern(&mut command);
        Process::start("uplink", &mut command, &self.folder)
    }

    /// Starts the sensor on a capture; it ends by itself when all of it is told.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_sensor(&self, capture: &Path) -> Result<Process> {
        let mut command = self.command_of(&["sensor"]);
        command.arg("--replay").arg(capture);
        self.govern(&mut command);
        Process::start("sensor", &mut command, &self.folder)
    }

    /// Runs the sensor on a capture to its end.
    ///
    /// # Errors
    /// When it fails.
    pub fn run_sensor(&self, capture: &Path) -> Result<()> {
        self.start_sensor(capture)?.finish(REPLAY_PATIENCE)
    }

    /// What the outbox holds and what became of what it held.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn outbox(&self) -> Result<Status> {
        Ok(lapwing_outbox::status(&self.state.join("outbox"))?)
    }

    fn govern(&self, command: &mut Command) {
        if let Some(clock) = &self.clock {
            clock.govern(command);
        }
    }

    fn command(arguments: &[&str]) -> Command {
        let mut command = Command::new(program("lapwing"));
        command.args(arguments);
        command
    }
}

/// Waits until the uplink has mirrored a repository of the centre, whose newest metadata it writes last.
///
/// # Errors
/// When the uplink ends, or it takes too long.
pub fn mirrored(uplink: &mut Process, mirror: &Path, patience: Duration) -> Result<()> {
    let newest = mirror.join("metadata/timestamp.json");
    wait_for("the repository to be mirrored", patience, || {
        uplink.must_run()?;
        Ok(newest.exists().then_some(()))
    })
}
