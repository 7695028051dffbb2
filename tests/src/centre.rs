//! A centre of its own for a test or the demonstration: made, started, killed and started again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::conditions::wait_for;
use crate::processes::{Process, run};
use crate::programs::program;
use crate::set_clock::SetClock;

/// How long a centre may take to start.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// A centre's data, and its process while it runs.
#[derive(Debug)]
pub struct Centre {
    folder: PathBuf,
    data: PathBuf,
    /// Name of the administrator.
    pub user: String,
    /// The password that `init` showed once.
    pub password: String,
    addresses: Option<Addresses>,
    /// What it takes for the time.
    clock: Option<SetClock>,
    process: Option<Process>,
}

/// What the centre writes when it is ready.
#[derive(Clone, Debug, Deserialize)]
struct Addresses {
    collector: SocketAddr,
    web: SocketAddr,
}

/// The books of one sensor at the centre, in records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Books {
    /// Given a number by the sensor, as far as the centre knows.
    pub produced: u64,
    /// Durably here.
    pub stored: u64,
    /// Told to be dropped from a full disk.
    pub evicted: u64,
    /// Neither here nor told.
    pub missing: u64,
    /// Here twice.
    pub doubled: u64,
    /// Findings among the stored records.
    pub findings: u64,
    /// Batches stored.
    pub batches: u64,
    /// Batches that came again and were recognised.
    pub batch_repeats: u64,
}

/// What became of everything that a sensor made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// `stored + suppressed + held + evicted + in_flight + gone`.
    pub produced: u64,
    /// Durably here.
    pub stored: u64,
    /// Kept back by the policy.
    pub suppressed: u64,
    /// Waiting for budget.
    pub held: u64,
    /// Dropped from a full disk, and told.
    pub evicted: u64,
    /// Waiting for the link or on its way.
    pub in_flight: u64,
    /// Acknowledged and not here.
    pub gone: u64,
    /// Here twice.
    pub doubled: u64,
    /// Facts that stayed behind.
    pub facts_held_back: u64,
    /// What the sensor told of records that it dropped.
    pub dropped: Vec<Dropped>,
    /// Sealed batches that the sensor removed for their age.
    pub batches_withdrawn: u64,
    /// Batches that are neither here nor withdrawn.
    pub batches_missing: u64,
}

/// Records that a sensor says it dropped for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dropped {
    /// The reason.
    pub reason: String,
    /// Record numbers that will not come.
    pub records: u64,
    /// Findings among them, or in whose place a number came.
    pub findings: u64,
}

/// A finding as the centre tells it, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Finding {
    /// Its name at the centre.
    pub id: String,
    /// The rule.
    pub rule: FindingRule,
    /// Where it came from.
    pub source: FindingEnd,
    /// Where it went.
    pub destination: FindingEnd,
    /// Time of the first packet.
    pub first: jiff::Timestamp,
}

/// The rule of a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct FindingRule {
    /// Its number.
    pub sid: u32,
}

/// One end of a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct FindingEnd {
    /// None when the policy withholds it.
    pub address: Option<String>,
    /// None where the protocol has no ports.
    pub port: Option<u16>,
}

#[derive(Deserialize)]
struct FindingPage {
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Summary {
    sensors: Vec<SensorBooks>,
}

#[derive(Deserialize)]
struct SensorBooks {
    sensor: String,
    #[serde(flatten)]
    books: Books,
}

impl Centre {
    /// Makes a centre in a folder that does not exist yet.
    ///
    /// # Errors
    /// When `lapwing-cirt init` fails or does not show a password.
    pub fn init(folder: &Path) -> Result<Self> {
        Self::init_with(folder, &[])
    }

    /// The same with more arguments.
    ///
    /// # Errors
    /// As [`Centre::init`].
    pub fn init_with(folder: &Path, arguments: &[&str]) -> Result<Self> {
        let data = folder.join("centre");
        let mut command = Command::new(program("lapwing-cirt"));
        command.args([
            "init",
            "--listen",
            "127.0.0.1:0",
            "--web-listen",
            "127.0.0.1:0",
            "--name",
            "demo",
            "--data",
        ]);
        let shown = run(command.arg(&data).args(arguments))?;
        let after = |label: &str| -> Result<String> {
            let line = shown.lines().find_map(|line| line.strip_prefix(label));
            let word = line.and_then(|rest| rest.split_whitespace().next());
            Ok(word
                .with_context(|| format!("init shows no {label}"))?
                .to_owned())
        };
        Ok(Self {
            user: after("administrator")?,
            password: after("password")?,
            folder: folder.to_owned(),
            data,
            addresses: None,
            clock: None,
            process: None,
        })
    }

    /// Starts it, at the same addresses as before when it ran before, and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(&mut self) -> Result<()> {
        let ready = self.folder.join("centre-ready.json");
        if ready.exists() {
            std::fs::remove_file(&ready)?;
        }
        let mut command = Command::new(program("lapwing-cirt"));
        command
            .args(["serve", "--data"])
            .arg(&self.data)
            .arg("--ready-file")
            .arg(&ready);
        if let Some(known) = &self.addresses {
            command.arg("--listen").arg(known.collector.to_string());
            command.arg("--web-listen").arg(known.web.to_string());
        }
        if let Some(clock) = &self.clock {
            clock.govern(&mut command);
        }
        let mut process = Process::start("centre", &mut command, &self.folder)?;
        let addresses = wait_for("the centre to be ready", START_PATIENCE, || {
            process.must_run()?;
            let text = std::fs::read_to_string(&ready).unwrap_or_default();
            Ok(serde_json::from_str(&text).ok())
        })?;
        self.addresses = Some(addresses);
        self.process = Some(process);
        Ok(())
    }

    /// Gives it a clock of its own, which it follows from its next start on; none where that cannot be done.
    ///
    /// # Errors
    /// When the clock cannot be made.
    pub fn give_clock(&mut self) -> Result<Option<SetClock>> {
        self.clock = SetClock::in_folder(&self.data)?;
        Ok(self.clock.clone())
    }

    /// Another centre, in a folder that does not exist yet, from a copy of all that this one has: findings, keys and
    /// name. This one must not run.
    ///
    /// # Errors
    /// When it runs, or cannot be copied.
    pub fn copied_to(&self, folder: &Path) -> Result<Self> {
        anyhow::ensure!(!self.is_running(), "a centre that runs is not copied");
        std::fs::create_dir(folder)?;
        let data = folder.join("centre");
        run(Command::new("cp").arg("-a").arg(&self.data).arg(&data))?;
        Ok(Self {
            folder: folder.to_owned(),
            data,
            user: self.user.clone(),
            password: self.password.clone(),
            addresses: None,
            clock: None,
            process: None,
        })
    }

    /// Starts a process beside this one that takes batches only, over the same database on a server.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn collector_beside(&self, name: &str) -> Result<Collector> {
        let data = self.folder.join(name);
        std::fs::create_dir_all(data.join("keys"))?;
        for entry in std::fs::read_dir(self.data.join("keys"))? {
            let entry = entry?;
            std::fs::copy(entry.path(), data.join("keys").join(entry.file_name()))?;
        }
        std::fs::copy(self.data.join("settings.toml"), data.join("settings.toml"))?;
        let mut collector = Collector {
            name: name.to_owned(),
            folder: self.folder.clone(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            process: None,
        };
        collector.start()?;
        Ok(collector)
    }

    /// Ends it without warning.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.kill())
    }

    /// Whether it was started and not killed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Where people look; empty before the first start.
    #[must_use]
    pub fn page(&self) -> String {
        self.addresses
            .as_ref()
            .map_or_else(String::new, |addresses| {
                format!("https://{}/", addresses.web)
            })
    }

    /// Where sensors connect; only after the first start.
    ///
    /// # Errors
    /// When it never started.
    pub fn collector(&self) -> Result<SocketAddr> {
        let addresses = self.addresses.as_ref();
        Ok(addresses.context("the centre never started")?.collector)
    }

    /// The books of one sensor as `sensors show` tells them.
    ///
    /// # Errors
    /// When `lapwing-cirt sensors show` fails.
    pub fn account(&self, sensor: &str) -> Result<Account> {
        let text = run(self
            .command("sensors")
            .args(["show", sensor, "--output", "json"]))?;
        serde_json::from_str(&text).context("the books are not what was agreed")
    }

    /// A voucher that lets one sensor enrol without further approval.
    ///
    /// # Errors
    /// When `lapwing-cirt voucher` fails.
    pub fn voucher(&self, sensor: &str) -> Result<String> {
        let mut command = self.command("voucher");
        Ok(
            run(command.args(["--quiet", "--pre-approved", "--name", sensor]))?
                .trim()
                .to_owned(),
        )
    }

    /// Reads the texts of rules, so that pages say what fired.
    ///
    /// # Errors
    /// When `lapwing-cirt rules import` fails.
    pub fn import_rules(&self, files: &[PathBuf]) -> Result<()> {
        run(self.command("rules").arg("import").args(files)).map(drop)
    }

    /// The books of a sensor; all zero while nothing has come.
    ///
    /// # Errors
    /// When `lapwing-cirt summary` fails.
    pub fn books(&self, sensor: &str) -> Result<Books> {
        let text = run(self.command("summary").args(["--output", "json"]))?;
        let summary: Summary =
            serde_json::from_str(&text).context("the summary is not what was agreed")?;
        Ok(summary
            .sensors
            .into_iter()
            .find(|line| line.sensor == sensor)
            .map(|line| line.books)
            .unwrap_or_default())
    }

    /// All findings, newest first.
    ///
    /// # Errors
    /// When `lapwing-cirt findings` fails.
    pub fn findings(&self) -> Result<Vec<Finding>> {
        let text = run(self
            .command("findings")
            .args(["--output", "json", "--limit", "1000000"]))?;
        let page: FindingPage =
            serde_json::from_str(&text).context("the findings are not what was agreed")?;
        Ok(page.findings)
    }

    /// A command of `lapwing-cirt` on this centre's data.
    #[must_use]
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(program("lapwing-cirt"));
        command.arg(subcommand).arg("--data").arg(&self.data);
        command
    }
}

/// A process of a centre that takes batches and does nothing else.
#[derive(Debug)]
pub struct Collector {
    name: String,
    folder: PathBuf,
    address: SocketAddr,
    process: Option<Process>,
}

/// What a collector writes when it is ready.
#[derive(Deserialize)]
struct CollectorAddress {
    collector: SocketAddr,
}

impl Collector {
    /// Where sensors connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it where it was before, and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(&mut self) -> Result<()> {
        let data = self.folder.join(&self.name);
        let ready = data.join("ready.json");
        if ready.exists() {
            std::fs::remove_file(&ready)?;
        }
        let mut command = Command::new(program("lapwing-cirt"));
        command
            .args(["serve", "--role", "collector", "--listen"])
            .arg(self.address.to_string())
            .arg("--data")
            .arg(&data)
            .arg("--ready-file")
            .arg(&ready);
        let mut process = Process::start(&self.name, &mut command, &self.folder)?;
        let known: CollectorAddress = wait_for("a collector to be ready", START_PATIENCE, || {
            process.must_run()?;
            let text = std::fs::read_to_string(&ready).unwrap_or_default();
            Ok(serde_json::from_str(&text).ok())
        })?;
        self.address = known.collector;
        self.process = Some(process);
        Ok(())
    }

    /// Ends it without warning.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.kill())
    }
}
